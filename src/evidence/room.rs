//! How much evidence may take, and whether there is room for more. The disk is never filled with it: what has no room is refused before a
//! byte of it is written.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::pipeline::evidence::VaultError;

/// What a clip may take while it is written, beyond what is counted.
const MARGIN: u64 = 64 << 20;

/// How much evidence may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All of it together.
    pub quota_bytes: u64,
    /// What stays free on its disk.
    pub min_free_bytes: u64,
}

impl Limits {
    /// None.
    pub(super) const NONE: Self = Self { quota_bytes: u64::MAX, min_free_bytes: 0 };
}

/// The room that there is.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) limits: Limits,
    used: AtomicU64,
}

impl Room {
    /// Counts what is there.
    pub(super) fn of(root: &Path, limits: Limits) -> Self {
        Self { limits, used: AtomicU64::new(size(root)) }
    }

    /// What was sealed takes so much more.
    pub(super) fn taken(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether another clip may be begun.
    pub(super) fn check(&self, root: &Path) -> Result<(), VaultError> {
        let used = self.used.load(Ordering::Relaxed);
        if used.saturating_add(MARGIN.min(self.limits.quota_bytes / 4)) > self.limits.quota_bytes {
            return Err(VaultError(format!(
                "evidence takes {} MiB of the {} MiB that it may take (evidence.quota_mb)",
                used >> 20,
                self.limits.quota_bytes >> 20
            )));
        }
        if self.limits.min_free_bytes == 0 {
            return Ok(());
        }
        let disk = rustix::fs::statvfs(root)
            .map_err(|error| VaultError(format!("cannot ask how much is free at {}: {error}", root.display())))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < self.limits.min_free_bytes {
            return Err(VaultError(format!(
                "{} MiB are free at {}, and {} MiB are to stay free (evidence.min_free_mb)",
                free >> 20,
                root.display(),
                self.limits.min_free_bytes >> 20
            )));
        }
        Ok(())
    }
}

/// The bytes of all files below a folder; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    bytes.sum()
}
