//! One process writes. The lock is the kernel's (it goes with the process, also after a SIGKILL); the file is only its place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::errors::folder;
use crate::pipeline::ports::StoreError;

/// The lock on a data folder; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lightbar.lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|e| folder(dir, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is a courtesy; that it is held is what counts.
                let holder = match file.read_to_string(&mut holder) {
                    Ok(n) if n > 0 => format!("process {}", holder.trim()),
                    _ => "another process".to_owned(),
                };
                return Err(StoreError::Fatal(format!(
                    "the data folder {} is in use by {holder}; stop it, or name another folder",
                    dir.display()
                )));
            }
            Err(TryLockError::Error(e)) => return Err(folder(dir, &e)),
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        // A full disk may refuse this line; the lock holds all the same, and recording will say so in its own words.
        if let Err(e) = written {
            tracing::warn!(path = %path.display(), error = %e, "the lock file could not be written");
        }
        Ok(Self { _file: file })
    }
}
