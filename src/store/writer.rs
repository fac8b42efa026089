//! The connection that records facts. A batch is one transaction and one sync of the disk, so a storm costs little more than
//! a single alert.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::alerts::{self, Author};
use super::desk;
use super::errors::sql;
use super::lock::Lock;
use super::recovery::{self, Recovery};
use super::sight;
use crate::contract::{AlertV1, ExplanationV1, Site};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{Fact, FactStore, Recorded, StoreError};

/// Records facts. There is one per store.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    author: Author,
    _lock: Arc<Lock>,
}

impl Writer {
    pub(super) fn new(mut connection: Connection, site: Arc<Site>, lock: Arc<Lock>) -> Result<Self, StoreError> {
        let epoch = epoch(&mut connection).map_err(|e| sql(&e))?;
        Ok(Self { connection, author: Author { site, epoch }, _lock: lock })
    }

    /// Puts in order what the last run left: alerts that were open end with `restart`, and the time in which nobody looked is
    /// written down as blind for every camera known so far. For `cameras` (those configured now) it lasts until they are
    /// seen; for others until `now`. Call once, before anything is recorded.
    pub fn recover(&mut self, now: Timestamp, cameras: &[CameraId]) -> Result<Recovery, StoreError> {
        let tx = begin(&mut self.connection)?;
        let done = recovery::run(&tx, &self.author, now, cameras)?;
        alive(&tx, now).map_err(|e| sql(&e))?;
        tx.commit().map_err(|e| sql(&e))?;
        Ok(done)
    }
}

impl FactStore for Writer {
    fn record(&mut self, facts: &[Fact], recorded_at: Timestamp) -> Result<Vec<Recorded>, StoreError> {
        let tx = begin(&mut self.connection)?;
        let recorded = write_all(&tx, &self.author, facts, recorded_at).map_err(|e| sql(&e))?;
        tx.commit().map_err(|e| sql(&e))?;
        Ok(recorded)
    }

    fn heartbeat(&mut self, at: Timestamp) -> Result<(), StoreError> {
        alive(&self.connection, at).map_err(|e| sql(&e))
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
) -> rusqlite::Result<Vec<Recorded>> {
    let mut recorded = Vec::with_capacity(facts.len());
    for fact in facts {
        match fact {
            Fact::Alert(decided) => {
                let change = &decided.change;
                let before = alerts::recorded(tx, change.id, change.revision)?;
                recorded.push(if let Some(before) = before {
                    before
                } else {
                    let alert = AlertV1::new(decided, &author.site, recorded_at);
                    if let Some(order) = change.watched {
                        desk::spend(tx, order, alerts::key(change.id), recorded_at)?;
                    }
                    if let Some(explanation) = &decided.explanation {
                        alerts::explain(tx, change.id, &ExplanationV1::from(explanation.as_ref()).to_json())?;
                    }
                    alerts::write(tx, author, change.id, &alert, (change.captured_at, recorded_at))?
                });
            }
            Fact::BlindSince { camera, from, cause } => sight::lost(tx, author, camera, (*from, *cause), recorded_at)?,
            Fact::SightedSince { camera, at } => sight::regained(tx, author, camera, *at, recorded_at)?,
        }
    }
    alive(tx, recorded_at)?;
    Ok(recorded)
}

/// Notes that the service was alive, so that after a crash the time from here on is known to be blind.
fn alive(connection: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('alive_at', ?1)")?
        .execute([at.as_nanos().to_string()])
        .map(|_| ())
}

/// The store's epoch: made once with the store, random.
fn epoch(connection: &mut Connection) -> rusqlite::Result<String> {
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
