//! Copies of the database, made while it is in use: all of it as it was at one moment, without holes.
//!
//! A copy has no epoch: a store that was restored from one begins a new one, since its sequences would begin at numbers that were used.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags};

use super::errors::{at_open, folder, sql};
use super::reader::connect;
use super::space::Space;
use crate::contract::time::rfc3339;
use crate::domain::time::Timestamp;
use crate::pipeline::backup::StoreBackups;
use crate::pipeline::ports::StoreError;

/// Where the service's own copies are, within the data folder.
pub(super) const FOLDER: &str = "backups";

/// Copies the store of a data folder into a file that is not there yet. It may be in use.
pub fn back_up(dir: &Path, to: &Path) -> Result<(), StoreError> {
    let (connection, _) = connect(dir)?;
    if to.exists() {
        return Err(StoreError::Fatal(format!("{} is there already; name a new file", to.display())));
    }
    let partial = to.with_extension("partial");
    let made = copy(&connection, &partial).map_err(|e| sql(&e)).and_then(|()| {
        File::open(&partial).and_then(|file| file.sync_all()).map_err(|e| folder(dir, &e))?;
        fs::rename(&partial, to).map_err(|e| folder(dir, &e))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(|e| folder(dir, &e))
    });
    if made.is_err() {
        remove(&partial);
    }
    made
}

fn copy(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    remove(to);
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    copy.execute("DELETE FROM meta WHERE key = 'epoch'", [])?;
    Ok(())
}

fn remove(partial: &Path) {
    match fs::remove_file(partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %partial.display(), %error, "what is left of a copy cannot be removed");
        }
        _ => {}
    }
}

/// The service's own copies.
#[derive(Debug)]
pub struct Backups {
    dir: PathBuf,
    keep: usize,
    space: Arc<Space>,
}

impl Backups {
    pub(super) const fn new(dir: PathBuf, keep: usize, space: Arc<Space>) -> Self {
        Self { dir, keep, space }
    }

    /// The copies there are, the oldest first.
    fn there(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.dir.join(FOLDER)) else { return Vec::new() };
        let is_copy = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("lightbar-") && path.extension().is_some_and(|extension| extension == "db")
        };
        let mut copies: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_copy).collect();
        // Their names are their times.
        copies.sort();
        copies
    }
}

impl StoreBackups for Backups {
    fn newest(&mut self) -> Option<Timestamp> {
        let made = fs::metadata(self.there().last()?).and_then(|file| file.modified()).ok()?;
        let since = made.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_nanos(i64::try_from(since.as_nanos()).ok()?))
    }

    fn make(&mut self, now: Timestamp) -> Result<PathBuf, StoreError> {
        let database = self.dir.join(super::FILE);
        let size = fs::metadata(&database).map_err(|e| folder(&self.dir, &e))?.len();
        let free = self.space.disk_free_bytes().map_err(|e| folder(&self.dir, &e))?;
        if free < size.saturating_add(2 * self.space.reserve_bytes()) {
            return Err(StoreError::Full(format!(
                "there is no room for a copy of the database: it takes {} MiB, {} MiB are free",
                size >> 20,
                free >> 20
            )));
        }
        let copies = self.dir.join(FOLDER);
        fs::create_dir_all(&copies).map_err(|e| folder(&copies, &e))?;
        let name: String = rfc3339(now).chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let to = copies.join(format!("lightbar-{name}.db"));
        back_up(&self.dir, &to)?;
        let there = self.there();
        for old in there.iter().take(there.len().saturating_sub(self.keep)) {
            fs::remove_file(old).map_err(|e| folder(&copies, &e))?;
        }
        Ok(to)
    }
}

/// What a copy, or any store, is refused for; used where one is put in another's place.
pub(super) fn openable(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|e| at_open(path, &e))
}
