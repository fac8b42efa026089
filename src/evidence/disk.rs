//! Files that are on the disk when it is said that they are.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::canonical::hex;
use crate::pipeline::evidence::VaultError;

/// What was tried, with what, and what went wrong.
pub(super) fn said(tried: &str, path: &Path, error: &io::Error) -> VaultError {
    VaultError(format!("{tried} {}: {error}", path.display()))
}

/// Writes a file and waits until it is on the disk.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| said("cannot write", path, &e))
}

/// Writes a file that is there whole or not at all, whenever the machine stops.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(VaultError(format!("{} names no file", path.display())));
    };
    let draft = folder.join(format!(".{}.new", name.to_string_lossy()));
    write_synced(&draft, bytes)?;
    fs::rename(&draft, path).map_err(|e| said("cannot put in place", path, &e))?;
    sync_folder(folder)
}

/// Waits until what was made, renamed or removed in a folder is on the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), VaultError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|e| said("cannot sync the folder", folder, &e))
}

/// The names in a folder, sorted; none where it is absent. A name that is no text is shown as well as it can be.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, VaultError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(said("cannot read the folder", folder, &e)),
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> =
        names.collect::<io::Result<_>>().map_err(|e| said("cannot read the folder", folder, &e))?;
    names.sort();
    Ok(names)
}

/// What a file holds, told shortly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// Reads a file to its end; memory does not grow with it. `each` sees every part.
pub(super) fn digest(mut from: impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Content> {
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 128 * 1024]);
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(Content { size, sha256: hex(&hash.finalize()) }),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(&buffer[..n]);
        each(&buffer[..n])?;
        size += n as u64;
    }
}
