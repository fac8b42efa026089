//! Whether the links of one camera's chain are what was sealed: in a vault's folder and in a bundle alike.

use std::collections::BTreeMap;

use super::canonical;
use super::disk::Content;
use super::form::{MANIFEST, Manifest, SHA256, SIGNATURE, read_folder_name};
use super::head::Head;
use super::key::{self, Keys, SignatureForm, SignerForm};
use super::report::Report;
use super::vault::is_plain;

/// One folder of evidence, as it was found.
#[derive(Default)]
pub(super) struct Link {
    pub(super) manifest: Option<Vec<u8>>,
    pub(super) signature: Option<Vec<u8>>,
    /// All its files.
    pub(super) files: BTreeMap<String, Content>,
    /// Whether the pieces must be there; else none may.
    pub(super) whole: bool,
}

/// Links by the names of their folders.
pub(super) type Links = BTreeMap<String, Link>;

/// Checks them in the order of their numbers. `root` stands before places: `evidence/gate-north`. A vault's chain begins at 1, a bundle's
/// anywhere. Gives each manifest's place in the chain.
pub(super) fn check(
    (root, camera): (&str, &str),
    links: &Links,
    keys: &Keys,
    begins_at_one: bool,
    report: &mut Report,
) -> Vec<Head> {
    let mut chain: Vec<Head> = Vec::new();
    for (name, link) in links {
        let folder = format!("{root}/{name}");
        let Some((number, _)) = read_folder_name(name) else {
            report.found(folder, "is no folder of evidence: wants <number, 8 digits>-<alert id>");
            continue;
        };
        let expected = chain.last().map_or_else(|| if begins_at_one { 1 } else { number }, |last| last.number + 1);
        if number > expected {
            report.found(&folder, format!("follows number {}: what is between is missing", expected - 1));
        } else if number < expected {
            report.found(&folder, format!("has a number that is there already; wants {expected}"));
        }
        let place = format!("{folder}/{MANIFEST}");
        let Some(text) = &link.manifest else {
            report.found(place, "is missing");
            continue;
        };
        signed(&folder, text, link, keys, report);
        if let Some(manifest) = report.held(&place, canonical::read::<Manifest>(text)) {
            named(&place, &manifest, (camera, name), report);
            let before = chain.last().filter(|last| last.number + 1 == number);
            follows(&place, &manifest, before, report);
            pieces(&folder, &manifest, link, report);
        }
        chain.push(Head { number, sha256: canonical::sha256(text) });
    }
    chain
}

fn signed(folder: &str, text: &[u8], link: &Link, keys: &Keys, report: &mut Report) {
    let place = format!("{folder}/{SIGNATURE}");
    let Some(signature) = &link.signature else {
        report.found(place, "is missing");
        return;
    };
    let Some(form) = report.held(&place, canonical::read::<SignatureForm>(signature)) else { return };
    if canonical::bytes(&form).ok().as_ref() != Some(signature) {
        report.found(&place, "says more than a signature does");
    }
    let place = format!("{folder}/{MANIFEST}");
    if let Some(signer) = report.held(&place, key::check(text, &form, keys)) {
        report.signers.insert(signer);
    }
    let told = canonical::read::<Manifest>(text).ok().map(|manifest| manifest.signer);
    let signs = SignerForm { algorithm: form.algorithm, key_id: form.key_id };
    if let Some(told) = told.filter(|told| *told != signs) {
        report.found(place, format!("names key {} as its signer, and {} signed", told.key_id, signs.key_id));
    }
}

/// A manifest says where it belongs, so that it cannot stand elsewhere.
fn named(place: &str, manifest: &Manifest, (camera, name): (&str, &str), report: &mut Report) {
    if !manifest.version.starts_with("1.") {
        report.found(place, format!("has version {:?}; this program knows 1", manifest.version));
    }
    if manifest.told.camera != camera {
        report.found(place, format!("is about camera {}, and lies in that of {camera}", manifest.told.camera));
    }
    if manifest.folder() != name {
        report.found(place, format!("belongs into {}, and lies in {name}", manifest.folder()));
    }
}

fn follows(place: &str, manifest: &Manifest, before: Option<&Head>, report: &mut Report) {
    let told = manifest.previous.as_ref().map(|previous| &previous.digest);
    if let Some(digest) = told.filter(|digest| digest.algorithm != SHA256) {
        report.found(place, format!("names its previous by {:?}; this version knows {SHA256}", digest.algorithm));
    }
    match (told, before) {
        (Some(digest), Some(before)) if digest.value != before.sha256 => report.found(
            place,
            format!(
                "follows a manifest with digest {}, and number {} has {}",
                digest.value, before.number, before.sha256
            ),
        ),
        (Some(_), _) if manifest.number == 1 => report.found(place, "is the camera's first, and names one before it"),
        (None, _) if manifest.number != 1 => report.found(place, "names none before it, and is not the camera's first"),
        _ => {}
    }
}

fn pieces(folder: &str, manifest: &Manifest, link: &Link, report: &mut Report) {
    let mut named: Vec<&str> = vec![MANIFEST, SIGNATURE];
    for sealed in &manifest.pieces {
        let name = sealed.piece.name.as_str();
        let place = format!("{folder}/{name}");
        if !is_plain(name) || named.contains(&name) {
            report.found(&place, "is no name for a piece, or that of two");
        }
        named.push(name);
        match link.files.get(name) {
            None if link.whole => report.found(place, "is missing"),
            Some(_) if !link.whole => report.found(place, "is here, and only its manifest should be"),
            Some(_) if sealed.digest.algorithm != SHA256 => {
                report.found(
                    place,
                    format!("has a digest by {:?}; this version knows {SHA256}", sealed.digest.algorithm),
                );
            }
            Some(content) if content.sha256 != sealed.digest.value || content.size != sealed.size_bytes => report
                .found(
                    place,
                    format!(
                        "has SHA-256 {} and {} bytes, wants {} and {}",
                        content.sha256, content.size, sealed.digest.value, sealed.size_bytes
                    ),
                ),
            None | Some(_) => {}
        }
    }
    for name in link.files.keys().filter(|name| !named.contains(&name.as_str())) {
        report.found(format!("{folder}/{name}"), "is named by no manifest");
    }
    if link.whole { report.whole += 1 } else { report.manifests_only += 1 }
}
