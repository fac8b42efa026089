//! The connection that records facts. A batch is one transaction and one sync of the disk, so a storm costs little more than
//! a single alert.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::alerts::{self, Author};
use super::errors::sql;
use super::keep::{self, MemoryStamps};
use super::lock::Lock;
use super::recovery::{self, Recovery};
use super::sight;
use super::space::Space;
use super::{desk, evidence};
use crate::contract::{AlertV1, ExplanationV1, Site};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;
use crate::pipeline::lifecycle::Policy;
use crate::pipeline::memory::Kept;
use crate::pipeline::ports::{Decided, Fact, FactStore, Recorded, StoreError};

/// Records facts. There is one per store.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    author: Author,
    space: Arc<Space>,
    /// The size that the database is held to now.
    fitted: Option<u64>,
    stamps: MemoryStamps,
    /// What the last run left, where there was no room to put it in order at the start.
    left: Option<(Timestamp, Vec<CameraId>)>,
    _lock: Arc<Lock>,
}

impl Writer {
    pub(super) fn new(
        mut connection: Connection,
        site: Arc<Site>,
        space: Arc<Space>,
        lock: Arc<Lock>,
    ) -> Result<Self, StoreError> {
        let epoch = epoch(&mut connection).map_err(|e| sql(&e))?;
        let author = Author { site, epoch, policy: Arc::default() };
        let mut writer =
            Self { connection, author, space, fitted: None, stamps: MemoryStamps::default(), left: None, _lock: lock };
        writer.fit()?;
        Ok(writer)
    }

    /// How alerts are handled here.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<Policy>) -> Self {
        self.author.policy = policy;
        self
    }

    /// Puts in order what the last run left: alerts that were open end with `restart`, and the time in which nobody looked is
    /// written down as blind for every camera known so far. For `cameras` (those configured now) it lasts until they are
    /// seen; for others until `now`. Call once, before anything is recorded. Where there is no room for it, it is done
    /// before the next fact is recorded.
    pub fn recover(&mut self, now: Timestamp, cameras: &[CameraId]) -> Result<Recovery, StoreError> {
        self.left = Some((now, cameras.to_vec()));
        match self.making_room(|writer| {
            let tx = begin(&mut writer.connection)?;
            let done = recovery::run(&tx, &writer.author, now, cameras)?;
            alive(&tx, now).map_err(|e| sql(&e))?;
            tx.commit().map_err(|e| sql(&e))?;
            Ok(done)
        }) {
            Ok(done) => {
                self.left = None;
                Ok(done)
            }
            Err(StoreError::Full(why)) => Ok(Recovery { postponed: Some(why), ..Recovery::default() }),
            Err(other) => Err(other),
        }
    }

    /// Tries until it fits: while there is a reserve, it gives way.
    fn making_room<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        loop {
            self.fit()?;
            match work(self) {
                Err(StoreError::Full(why)) => {
                    if !self.space.give_way() {
                        return Err(StoreError::Full(why));
                    }
                }
                other => return other,
            }
        }
    }

    /// Holds the database to what quota and reserve let it have now.
    fn fit(&mut self) -> Result<(), StoreError> {
        let limit = self.space.limit_bytes();
        if limit == self.fitted {
            return Ok(());
        }
        let fit = |limit: u64| {
            let page: u32 = self.connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let pages = (limit / u64::from(page)).max(1);
            self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        };
        limit.map_or(Ok(()), fit).map_err(|e: rusqlite::Error| sql(&e))?;
        self.fitted = limit;
        Ok(())
    }
}

impl FactStore for Writer {
    fn record(&mut self, facts: &[Fact], recorded_at: Timestamp) -> Result<Vec<Recorded>, StoreError> {
        self.making_room(|writer| {
            let tx = begin(&mut writer.connection)?;
            let mut recorded = Vec::new();
            if let Some((now, cameras)) = &writer.left {
                recorded = recovery::run(&tx, &writer.author, *now, cameras)?.ended;
            }
            recorded.extend(write_all(&tx, &writer.author, facts, recorded_at)?);
            tx.commit().map_err(|e| sql(&e))?;
            writer.left = None;
            Ok(recorded)
        })
    }

    fn keep(&mut self, facts: &[Fact], recorded_at: Timestamp) -> Vec<Kept> {
        let (connection, author, stamps) = (&self.connection, &self.author, &mut self.stamps);
        facts.iter().map(|fact| keep::keep(connection, author, stamps, fact, recorded_at)).collect()
    }

    fn record_kept(&mut self, kept: &[Kept], at: Timestamp) -> Result<Vec<Recorded>, StoreError> {
        // What the last run left comes first, also here.
        if self.left.is_some() {
            self.record(&[], at)?;
        }
        self.making_room(|writer| {
            let tx = begin(&mut writer.connection)?;
            let write = || -> rusqlite::Result<Vec<Recorded>> {
                let recorded: Vec<Option<Recorded>> =
                    kept.iter().map(|kept| keep::record(&tx, &writer.author, kept)).collect::<Result<_, _>>()?;
                alive(&tx, at)?;
                Ok(recorded.into_iter().flatten().collect())
            };
            let recorded = write().map_err(|e| sql(&e))?;
            tx.commit().map_err(|e| sql(&e))?;
            Ok(recorded)
        })
    }

    fn heartbeat(&mut self, at: Timestamp) -> Result<(), StoreError> {
        // While what the last run left is not in order, its last sign of life must be known.
        if self.left.is_some() {
            return self.record(&[], at).map(|_| ());
        }
        match alive(&self.connection, at).map_err(|e| sql(&e)) {
            // The reserve is for facts: as long as there is some, they can be recorded.
            Err(StoreError::Full(_)) if self.space.held_bytes() > 0 => Ok(()),
            other => other,
        }
    }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| sql(&e))
}

fn write_all(
    tx: &Connection,
    author: &Author,
    facts: &[Fact],
    recorded_at: Timestamp,
) -> Result<Vec<Recorded>, StoreError> {
    let mut recorded = Vec::with_capacity(facts.len());
    for fact in facts {
        match fact {
            Fact::Alert(decided) => {
                recorded.push(write_alert(tx, author, decided, recorded_at).map_err(|e| sql(&e))?);
            }
            Fact::BlindSince { camera, from, cause } => {
                sight::lost(tx, author, camera, (*from, *cause), recorded_at).map_err(|e| sql(&e))?;
            }
            Fact::SightedSince { camera, at } => {
                sight::regained(tx, author, camera, *at, recorded_at).map_err(|e| sql(&e))?;
            }
            Fact::Evidence { alert, sealed } => {
                recorded.extend(evidence::add(tx, author, *alert, sealed, recorded_at)?);
            }
        }
    }
    alive(tx, recorded_at).map_err(|e| sql(&e))?;
    Ok(recorded)
}

fn write_alert(
    tx: &Connection,
    author: &Author,
    decided: &Decided,
    recorded_at: Timestamp,
) -> rusqlite::Result<Recorded> {
    let change = &decided.change;
    if let Some(before) = alerts::recorded(tx, change.id, change.revision)? {
        return Ok(before);
    }
    if let Some(order) = change.watched {
        desk::spend(tx, order, alerts::key(change.id), recorded_at)?;
    }
    if let Some(explanation) = &decided.explanation {
        alerts::explain(tx, change.id, &ExplanationV1::from(explanation.as_ref()).to_json())?;
    }
    let alert = AlertV1::new(decided, &author.site, recorded_at);
    let (alert, as_decided) = evidence::behind(tx, change.id, alert)?;
    alerts::write_decided(tx, author, change.id, &alert, (change.captured_at, recorded_at), as_decided)
}

/// Notes that the service was alive, so that after a crash the time from here on is known to be blind.
fn alive(connection: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('alive_at', ?1)")?
        .execute([at.as_nanos().to_string()])
        .map(|_| ())
}

/// The store's epoch: made once with the store, random.
pub(super) fn epoch(connection: &mut Connection) -> rusqlite::Result<String> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = tx.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0)).optional()?;
    let epoch = if let Some(epoch) = found {
        epoch
    } else {
        // 16 random bytes from SQLite's own generator, which the operating system seeds.
        let fresh: String = tx.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?;
        tx.execute("INSERT INTO meta (key, value) VALUES ('epoch', ?1)", params![fresh])?;
        fresh
    };
    tx.commit()?;
    Ok(epoch)
}
