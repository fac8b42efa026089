//! The store: where a decision becomes a promise. One SQLite file holds alerts, their outbox rows and the ledger of blind time;
//! another what stands before the cameras.
//!
//! An alert and its outbox row are one transaction, synced to disk before `record` returns; what is unsent is never deleted.
//! One process writes (a lock file sees to it), others may read. Knows nothing of Kafka or HTTP; retrying is the stages'.

mod errors;
mod lock;
mod space;
mod schema;
mod alerts;
mod sight;
mod evidence;
mod writer;
mod keep;
mod recovery;
mod outbox;
mod upkeep;
mod reader;
mod feed;
mod desk;
mod lifecycle;
mod backup;
mod info;
mod check;
mod salvage;
mod export;
mod repair;
mod baselines;

pub use backup::{Backups, back_up};
pub use baselines::Baselines;
pub use check::check;
pub use desk::StoredDesk;
pub use export::export;
pub use feed::SharedReader;
pub use info::{Info, info};
pub use lifecycle::{StoredAnswers, StoredLifecycles};
pub use outbox::SentOutbox;
pub use reader::{BlindInterval, BlindQuery, CameraState, Reader, StoredAlert};
pub use recovery::Recovery;
pub use repair::{Repaired, repair};
pub use salvage::Salvaged;
pub use upkeep::Upkeep;
pub use writer::Writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::contract::Site;
use crate::pipeline::lifecycle::Policy;
use crate::pipeline::ports::StoreError;
use alerts::Author;
use errors::{at_open, sql};
use lock::Lock;
use space::Space;

/// The database's name within the data folder.
const FILE: &str = "lightbar.db";

/// What SQLite and the service need beside the database to begin with.
const BESIDE_BYTES: u64 = 256 << 10;

/// What the connection that records keeps of the file in memory, at most: a full batch of changes with all that it touches. With SQLite's
/// own 2 MiB the batches of a storm would be written to the log twice, once because they did not fit.
const WRITER_CACHE_KIB: i64 = 16 << 10;

/// How the store is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The database may grow to this size, the reserve within it. None: the disk's size.
    pub quota_bytes: Option<u64>,
    /// What is taken beforehand, and given back when nothing else is left.
    pub reserve_bytes: u64,
    /// How long a sent row stays in the outbox, for looking back.
    pub keep_sent: Duration,
    /// How long alerts that ended, and blind intervals, are kept.
    pub retention: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quota_bytes: None,
            reserve_bytes: 0,
            keep_sent: Duration::from_hours(24),
            retention: Duration::from_hours(90 * 24),
        }
    }
}

/// An open store. Keeps others from opening it as long as it, or anything made from it, lives.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    options: Options,
    space: Arc<Space>,
    lock: Arc<Lock>,
}

impl Store {
    /// Opens the store in a folder: makes it where there is none, brings an older one to this version, refuses a newer one.
    ///
    /// Every error is fatal and says the way out.
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|e| errors::folder(dir, &e))?;
        let lock = Arc::new(Lock::take(dir)?);
        let path = dir.join(FILE);
        let space = Arc::new(Space::open(dir, &options));
        if space.disk_free_bytes().is_ok_and(|free| free < BESIDE_BYTES) {
            // Opening needs some room for the files beside the database; without any it would be a start that fails for ever.
            space.give_way();
        }
        let mut connection = Connection::open(&path).map_err(|e| at_open(&path, &e))?;
        check::look_over(&connection, &path)?;
        schema::migrate(&mut connection, &path)?;
        Ok(Self { path, options, space, lock })
    }

    /// The connection that records; its commits are on disk when they return.
    pub fn writer(&self, site: Arc<Site>) -> Result<Writer, StoreError> {
        let connection = self.connect("FULL")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(|e| sql(&e))?;
        Writer::new(connection, site, Arc::clone(&self.space), Arc::clone(&self.lock))
    }

    /// The connection of the relay. Its commits are not synced one by one: what a power cut forgets of them is sent again
    /// under the same `ce_id`.
    pub fn outbox(&self) -> Result<SentOutbox, StoreError> {
        Ok(SentOutbox::new(self.connect("NORMAL")?, Arc::clone(&self.lock)))
    }

    /// What looks after the store's room. Its commits need no sync of their own: what is deleted again is deleted.
    pub fn upkeep(&self) -> Result<Upkeep, StoreError> {
        let keep = (self.options.keep_sent, self.options.retention);
        Ok(Upkeep::new(self.connect("NORMAL")?, Arc::clone(&self.space), keep, Arc::clone(&self.lock)))
    }

    /// What copies the database into the data folder, and keeps so many copies.
    pub fn backups(&self, keep: usize) -> Backups {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        Backups::new(dir.to_owned(), keep, Arc::clone(&self.space))
    }

    /// Where people's orders are kept; each is on disk when its call returns.
    pub fn desk(&self) -> Result<StoredDesk, StoreError> {
        Ok(StoredDesk::new(self.connect("FULL")?, Arc::clone(&self.lock)))
    }

    /// What people do with alerts; each change is on disk when its call returns.
    pub fn lifecycles(&self, site: Arc<Site>, policy: Arc<Policy>) -> Result<StoredLifecycles, StoreError> {
        let mut connection = self.connect("FULL")?;
        let author = Author { site, epoch: writer::epoch(&mut connection).map_err(|e| sql(&e))?, policy };
        Ok(StoredLifecycles::new(connection, author, Arc::clone(&self.lock)))
    }

    /// Where answers of dispatch systems are taken in.
    pub fn answers(&self, site: Arc<Site>, policy: Arc<Policy>) -> Result<StoredAnswers, StoreError> {
        let mut connection = self.connect("FULL")?;
        let author = Author { site, epoch: writer::epoch(&mut connection).map_err(|e| sql(&e))?, policy };
        Ok(StoredAnswers::new(connection, author, Arc::clone(&self.lock)))
    }

    /// What stood before the cameras, in a file of its own.
    pub fn baselines(&self) -> Result<Baselines, StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        Baselines::open(dir, Arc::clone(&self.lock))
    }

    /// A connection that reads; any number.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::at(&self.path)
    }

    fn connect(&self, synchronous: &str) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(|e| at_open(&self.path, &e))?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(|e| sql(&e))?;
        connection.pragma_update(None, "synchronous", synchronous).map_err(|e| sql(&e))?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    }
}
