//! Looks over evidence where it is kept.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::chain::{self, Link, Links};
use super::disk::{Content, digest, names, said};
use super::form::{MANIFEST, SIGNATURE, read_folder_name};
use super::head::{HEAD, Head};
use super::key::{Keys, PublicKey, by_id};
use super::report::Report;
use super::vault::DRAFT;
use crate::domain::ids::CameraId;
use crate::pipeline::evidence::VaultError;

/// Verifies a camera's folder, or all of `<data_dir>/evidence`. The service may run. `keys` are all that may have signed.
pub fn verify_folder(root: &Path, keys: &[PublicKey]) -> Result<Report, VaultError> {
    let root = root.canonicalize().map_err(|e| said("cannot open", root, &e))?;
    let (mut report, known) = (Report::default(), by_id(keys));
    let there = names(&root)?;
    let of_camera = |name: &String| name == HEAD || name.starts_with(DRAFT) || read_folder_name(name).is_some();
    if there.iter().any(of_camera) {
        camera(&root, &known, &mut report)?;
    } else {
        for name in there {
            let folder = root.join(&name);
            if CameraId::parse(&name).is_ok() && is_folder(&folder) {
                camera(&folder, &known, &mut report)?;
            } else {
                report.found(name, "is no camera's folder");
            }
        }
    }
    report.trust_only(keys, &known);
    Ok(report)
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn camera(folder: &Path, keys: &Keys, report: &mut Report) -> Result<(), VaultError> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Read before the evidence: what a running service seals meanwhile is more than the note says, never less.
    let note = match fs::read(folder.join(HEAD)) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(said("cannot read", &folder.join(HEAD), &e)),
    };
    let mut links = Links::new();
    for entry in names(folder)? {
        let path = folder.join(&entry);
        if entry.starts_with(DRAFT) {
            report.drafts += 1;
        } else if read_folder_name(&entry).is_some() && is_folder(&path) {
            links.insert(entry.clone(), link(&path, &format!("{name}/{entry}"), report)?);
        } else if ![HEAD, ".chain.json.new"].contains(&entry.as_str()) {
            report.found(format!("{name}/{entry}"), "is no evidence");
        }
    }
    let chain = chain::check((&name, &name), &links, keys, true, report);
    reaches(&name, note.as_deref(), &chain, keys, report);
    Ok(())
}

fn link(folder: &Path, place: &str, report: &mut Report) -> Result<Link, VaultError> {
    let mut link = Link { whole: true, ..Link::default() };
    for name in names(folder)? {
        let path = folder.join(&name);
        if !fs::symlink_metadata(&path).map_err(|e| said("cannot read", &path, &e))?.is_file() {
            report.found(format!("{place}/{name}"), "is no file");
            continue;
        }
        let mut text = Vec::new();
        let is_told = [MANIFEST, SIGNATURE].contains(&name.as_str());
        let content: Content = File::open(&path)
            .and_then(|file| {
                digest(file, |part| {
                    if is_told {
                        text.extend_from_slice(part);
                    }
                    Ok(())
                })
            })
            .map_err(|e| said("cannot read", &path, &e))?;
        match name.as_str() {
            MANIFEST => link.manifest = Some(text),
            SIGNATURE => link.signature = Some(text),
            _ => {}
        }
        link.files.insert(name, content);
        report.files += 1;
    }
    Ok(link)
}

/// Whether the chain goes as far as the note beside it says.
fn reaches(camera: &str, note: Option<&[u8]>, chain: &[Head], keys: &Keys, report: &mut Report) {
    let place = format!("{camera}/{HEAD}");
    let last = chain.last().map_or(0, |head| head.number);
    let Some(note) = note else {
        // After the very first a crash may have come before the note.
        if last > 1 {
            report.found(place, "is missing, so whether the end of the chain is there cannot be told");
        }
        return;
    };
    let Some((noted, signer)) = report.held(&place, Head::parse(note, camera, keys)) else { return };
    report.signers.insert(signer);
    match chain.iter().find(|head| head.number == noted.number) {
        None if noted.number > last => report
            .found(camera, format!("ends with number {last}, wants {}: what was sealed last is missing", noted.number)),
        Some(head) if head.sha256 != noted.sha256 => report.found(
            place,
            format!("number {} has a manifest with digest {}, wants {}", noted.number, head.sha256, noted.sha256),
        ),
        _ => {}
    }
}
