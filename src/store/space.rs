//! The room that the store has: its quota, the disk it lies on, and the reserve.
//!
//! The reserve is a file that takes its place beforehand. When a commit finds no room, slices of it are given back to the disk (and
//! to the quota) until the commit fits, so that a disk which others have filled still takes the store's last words. It is given back
//! in slices, since whatever filled the disk would else take all of it at once.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::Options;

/// The reserve's name within the data folder.
const RESERVE: &str = "lightbar.reserve";
/// The reserve is given back in about so many slices, none smaller than [`SLICE_MIN`].
const SLICES: u64 = 16;
const SLICE_MIN: u64 = 256 << 10;

/// What all connections of a store share of its room.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    quota_bytes: Option<u64>,
    reserve_bytes: u64,
    held: AtomicU64,
}

impl Space {
    /// Looks at the folder; takes the reserve where there is room for it.
    pub(super) fn open(folder: &Path, options: &Options) -> Self {
        let held = std::fs::metadata(folder.join(RESERVE)).map_or(0, |file| file.len());
        let space = Self {
            folder: folder.to_owned(),
            quota_bytes: options.quota_bytes,
            reserve_bytes: options.reserve_bytes,
            held: AtomicU64::new(held),
        };
        if held > options.reserve_bytes {
            space.shrink_to(options.reserve_bytes);
        }
        space
    }

    pub(super) const fn quota_bytes(&self) -> Option<u64> {
        self.quota_bytes
    }

    pub(super) const fn reserve_bytes(&self) -> u64 {
        self.reserve_bytes
    }

    /// How much of the reserve is still there.
    pub(super) fn held_bytes(&self) -> u64 {
        self.held.load(Ordering::Acquire)
    }

    /// How large the database may be now: the quota without what the reserve holds of it.
    pub(super) fn limit_bytes(&self) -> Option<u64> {
        self.quota_bytes.map(|quota| quota.saturating_sub(self.held_bytes()))
    }

    /// What is free on the disk, for a process without privileges.
    pub(super) fn disk_free_bytes(&self) -> io::Result<u64> {
        let disk = statvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Gives a slice of the reserve back; false when there is none left.
    pub(super) fn give_way(&self) -> bool {
        let held = self.held_bytes();
        if held == 0 {
            return false;
        }
        let slice = (self.reserve_bytes / SLICES).max(SLICE_MIN);
        self.shrink_to(held.saturating_sub(slice))
    }

    /// Takes the whole reserve (again) where disk and quota have twice the room that it needs. Says whether it is whole.
    pub(super) fn refill(&self, used_bytes: u64) -> bool {
        let missing = self.reserve_bytes.saturating_sub(self.held_bytes());
        if missing == 0 {
            return true;
        }
        let in_quota = self.quota_bytes.is_none_or(|quota| used_bytes + 2 * self.reserve_bytes <= quota);
        let on_disk = self.disk_free_bytes().is_ok_and(|free| free >= missing + self.reserve_bytes);
        if !(in_quota && on_disk) {
            return false;
        }
        match self.take() {
            Ok(()) => {
                self.held.store(self.reserve_bytes, Ordering::Release);
                true
            }
            Err(error) => {
                // Somebody was faster; what was taken of it is given back.
                tracing::debug!(%error, "the store's reserve cannot be taken now");
                self.shrink_to(self.held_bytes());
                false
            }
        }
    }

    fn take(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(self.path())?;
        match fallocate(&file, FallocateFlags::empty(), 0, self.reserve_bytes) {
            Ok(()) => {}
            // A file system that cannot be asked for room is given zeros.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                let zeros = vec![0; 64 << 10];
                let mut left = self.reserve_bytes;
                while left > 0 {
                    let piece = left.min(zeros.len() as u64) as usize;
                    file.write_all(&zeros[..piece])?;
                    left -= piece as u64;
                }
            }
            Err(errno) => return Err(errno.into()),
        }
        file.sync_all()
    }

    fn shrink_to(&self, bytes: u64) -> bool {
        let path = self.path();
        let done = if bytes == 0 {
            std::fs::remove_file(&path)
        } else {
            File::options().write(true).open(&path).and_then(|file| file.set_len(bytes))
        };
        match done {
            Ok(()) => self.held.store(bytes, Ordering::Release),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.held.store(0, Ordering::Release),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the store's reserve cannot be given back");
                self.held.store(0, Ordering::Release);
                return false;
            }
        }
        true
    }

    fn path(&self) -> PathBuf {
        self.folder.join(RESERVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn space(dir: &Path, quota_bytes: Option<u64>, reserve_bytes: u64) -> Space {
        Space::open(dir, &Options { quota_bytes, reserve_bytes, ..Options::default() })
    }

    #[test]
    fn the_reserve_is_really_there_and_gives_way_in_slices() {
        let dir = tempfile::tempdir().unwrap();
        let space = space(dir.path(), Some(64 * MIB), 4 * MIB);
        assert!(space.refill(0));
        let blocks = || std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(dir.path().join(RESERVE)).unwrap());
        assert!(blocks() * 512 >= 4 * MIB, "{} blocks", blocks());
        assert_eq!(space.limit_bytes(), Some(60 * MIB));
        assert!(space.give_way());
        assert_eq!(space.held_bytes(), 4 * MIB - SLICE_MIN);
        let slices = 1 + std::iter::from_fn(|| space.give_way().then_some(())).count();
        assert_eq!((slices, space.held_bytes(), space.limit_bytes()), (16, 0, Some(64 * MIB)));
        assert!(!dir.path().join(RESERVE).exists());
        assert!(space.refill(0) && space.held_bytes() == 4 * MIB);
    }

    #[test]
    fn what_is_left_of_it_is_known_after_a_restart_and_another_size_holds() {
        let dir = tempfile::tempdir().unwrap();
        let first = space(dir.path(), None, 4 * MIB);
        assert!(first.refill(0) && first.give_way());
        let again = space(dir.path(), None, 4 * MIB);
        assert_eq!(again.held_bytes(), 4 * MIB - SLICE_MIN);
        assert_eq!(space(dir.path(), None, MIB).held_bytes(), MIB);
        assert_eq!(space(dir.path(), None, 0).held_bytes(), 0);
    }

    #[test]
    fn a_quota_that_is_nearly_used_up_keeps_it_from_being_taken() {
        let dir = tempfile::tempdir().unwrap();
        let space = space(dir.path(), Some(64 * MIB), 4 * MIB);
        assert!(!space.refill(57 * MIB));
        assert!(space.refill(56 * MIB));
    }
}
