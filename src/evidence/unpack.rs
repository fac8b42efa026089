//! Verifies a bundle, with nothing but the bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::bundle::{CUSTODY, CUSTODY_SIGNATURE, Custody, PAGE};
use super::canonical;
use super::chain::{self, Links};
use super::disk::said;
use super::form::{MANIFEST, SHA256, SIGNATURE};
use super::key::{self, Keys, PublicKey, SignatureForm, SignerForm};
use super::report::Report;
use super::stored::{self, Item};
use crate::domain::ids::CameraId;
use crate::pipeline::evidence::VaultError;

/// Verifies a bundle. Where keys are given, only they may have signed; without, the bundle's own are taken, which shows that all of it
/// fits together and not who made it.
pub fn verify_bundle(path: &Path, given: &[PublicKey]) -> Result<Report, VaultError> {
    let file = File::open(path).map_err(|e| said("cannot open", path, &e))?;
    verify(file, given).map_err(|e| said("cannot read", path, &e))
}

pub(super) fn verify(bundle: impl Read + Seek, given: &[PublicKey]) -> io::Result<Report> {
    let mut report = Report::default();
    let items = stored::read(bundle, &mut report)?;
    report.files = items.len() as u64;
    if items.is_empty() {
        report.keys_given = !given.is_empty();
        if report.is_clean() {
            report.found("the bundle", "is empty");
        }
        return Ok(report);
    }
    let own = carried(&items, &mut report);
    let mut keys = own.clone();
    // Its signature is tried with the very key that was given, whatever the bundle says under that id.
    keys.extend(given.iter().map(|key| (key.key_id().to_owned(), key.clone())));
    let custody = custody(&items, &keys, &mut report);
    if let Some(custody) = &custody {
        listed(custody, &items, &mut report);
    }
    for (camera, links) in cameras(&items, custody.as_ref(), &mut report) {
        chain::check((&format!("evidence/{camera}"), &camera), &links, &keys, false, &mut report);
    }
    report.trust_only(given, &own);
    Ok(report)
}

/// The keys in the bundle.
fn carried(items: &[Item], report: &mut Report) -> Keys {
    let mut keys = Keys::new();
    for item in items.iter().filter(|item| item.name.starts_with("keys/")) {
        let read = PublicKey::parse(item.text.as_deref().unwrap_or_default());
        let Some(key) = report.held(&item.name, read) else { continue };
        if item.name == format!("keys/{}.json", key.key_id()) {
            keys.insert(key.key_id().to_owned(), key);
        } else {
            report.found(&item.name, format!("holds key {}", key.key_id()));
        }
    }
    keys
}

fn text<'a>(items: &'a [Item], name: &str, report: &mut Report) -> Option<&'a [u8]> {
    let text = items.iter().find(|item| item.name == name).and_then(|item| item.text.as_deref());
    report.held(name, text.ok_or_else(|| "is missing".to_owned()))
}

/// The signed list of what is in the bundle.
fn custody(items: &[Item], keys: &Keys, report: &mut Report) -> Option<Custody> {
    let written = text(items, CUSTODY, report);
    let signature = text(items, CUSTODY_SIGNATURE, report)?;
    let form: SignatureForm = report.held(CUSTODY_SIGNATURE, canonical::read(signature))?;
    if canonical::bytes(&form).ok().as_deref() != Some(signature) {
        report.found(CUSTODY_SIGNATURE, "says more than a signature does");
    }
    let written = written?;
    if let Some(signer) = report.held(CUSTODY, key::check(written, &form, keys)) {
        report.signers.insert(signer);
    }
    let custody: Custody = report.held(CUSTODY, canonical::read(written))?;
    if !custody.version.starts_with("1.") {
        report.found(CUSTODY, format!("has version {:?}; this program knows 1", custody.version));
    }
    if custody.signer != (SignerForm { algorithm: form.algorithm, key_id: form.key_id }) {
        report.found(CUSTODY, format!("names key {} as its signer, and another signed", custody.signer.key_id));
    }
    Some(custody)
}

/// Whether the files are those of the list, in its order.
fn listed(custody: &Custody, items: &[Item], report: &mut Report) {
    let found: BTreeMap<&str, &Item> = items.iter().map(|item| (item.name.as_str(), item)).collect();
    for file in &custody.files {
        let Some(item) = found.get(file.name.as_str()) else {
            report.found(&file.name, format!("is missing; {CUSTODY} lists it"));
            continue;
        };
        if file.digest.algorithm != SHA256 {
            report
                .found(&file.name, format!("has a digest by {:?}; this version knows {SHA256}", file.digest.algorithm));
        } else if item.content.sha256 != file.digest.value || item.content.size != file.size_bytes {
            let (got, wants) = (&item.content, &file.digest.value);
            report.found(
                &file.name,
                format!("has SHA-256 {} and {} bytes, wants {wants} and {}", got.sha256, got.size, file.size_bytes),
            );
        }
    }
    let wanted: Vec<&str> =
        custody.files.iter().map(|file| file.name.as_str()).chain([CUSTODY, CUSTODY_SIGNATURE]).collect();
    let known: BTreeSet<&str> = wanted.iter().copied().collect();
    for item in items.iter().filter(|item| !known.contains(item.name.as_str())) {
        report.found(&item.name, format!("is in the bundle, and {CUSTODY} does not list it"));
    }
    let mut seen = BTreeSet::new();
    for item in items.iter().filter(|item| !seen.insert(item.name.as_str())) {
        report.found(&item.name, "is in the bundle more than once");
    }
    // Where one is missing, all behind it stand elsewhere: the first says it.
    let told = if items.len() == wanted.len() { wanted.len() } else { 1 };
    let places = items.iter().map(|item| item.name.as_str()).zip(wanted.iter().copied()).enumerate();
    for (n, (name, wants)) in places.filter(|(_, (name, wants))| name != wants).take(told) {
        report.found(name, format!("is file {} of the bundle, wants {wants} there", n + 1));
    }
    if items.len() != wanted.len() {
        report.found("the bundle", format!("has {} files, wants {}", items.len(), wanted.len()));
    }
}

/// The links of each camera.
fn cameras(items: &[Item], custody: Option<&Custody>, report: &mut Report) -> BTreeMap<String, Links> {
    let mut cameras: BTreeMap<String, Links> = BTreeMap::new();
    for item in items {
        let parts: Vec<&str> = item.name.split('/').collect();
        match parts[..] {
            [PAGE | CUSTODY | CUSTODY_SIGNATURE] | ["keys", _] => {}
            ["evidence", camera, folder, name] if CameraId::parse(camera).is_ok() => {
                let link = cameras.entry(camera.to_owned()).or_default().entry(folder.to_owned()).or_default();
                match name {
                    MANIFEST => link.manifest.clone_from(&item.text),
                    SIGNATURE => link.signature.clone_from(&item.text),
                    _ => link.whole = true,
                }
                link.files.insert(name.to_owned(), item.content.clone());
            }
            _ => report.found(&item.name, "belongs to no bundle"),
        }
    }
    let Some(custody) = custody else { return cameras };
    let mut told = BTreeSet::new();
    for of in &custody.evidence {
        told.insert((of.camera.as_str(), of.folder.as_str()));
        match cameras.get_mut(&of.camera).and_then(|links| links.get_mut(&of.folder)) {
            Some(link) => link.whole = of.whole,
            None => {
                report
                    .found(format!("evidence/{}/{}", of.camera, of.folder), format!("is missing; {CUSTODY} lists it"));
            }
        }
    }
    for (camera, folder) in cameras.iter().flat_map(|(camera, links)| links.keys().map(move |folder| (camera, folder)))
    {
        if !told.contains(&(camera.as_str(), folder.as_str())) {
            report.found(format!("evidence/{camera}/{folder}"), format!("is here, and {CUSTODY} does not list it"));
        }
    }
    cameras
}
