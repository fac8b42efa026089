//! A real file system of a few megabytes, mounted for a test, that can be filled.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::skipped::skipped;

/// A small file system in memory; taken down when dropped.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts one there. Only root may: for anybody else the test is skipped, loudly.
    pub(crate) fn mount(folder: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder: folder.to_owned() }),
            Ok(output) => {
                skipped(&format!(
                    "mount says {}; run as root to have a full disk",
                    String::from_utf8_lossy(&output.stderr).trim()
                ));
                None
            }
            Err(error) => {
                skipped(&format!("mount does not run: {error}"));
                None
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Writes until nothing more fits.
    pub(crate) fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.filler()).unwrap();
        for piece in [64 << 10, 4 << 10, 1] {
            while filler.write_all(&vec![b'x'; piece]).is_ok() {}
        }
    }

    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the service may still be going.
        let gone = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(gone.is_ok_and(|status| status.success()) || std::thread::panicking(), "the disk stays mounted");
    }
}
