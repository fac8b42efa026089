//! The relay's side of the store: what is unsent, oldest first, and the note that it was sent.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::errors::sql;
use super::lock::Lock;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{Backlog, Outbox, OutboxRecord, StoreError};

/// The outbox as the relay sees it.
#[derive(Debug)]
pub struct SentOutbox {
    connection: Connection,
    _lock: Arc<Lock>,
}

impl SentOutbox {
    pub(super) fn new(connection: Connection, lock: Arc<Lock>) -> Self {
        Self { connection, _lock: lock }
    }
}

impl Outbox for SentOutbox {
    fn unsent(&mut self, after: i64, limit: usize) -> Result<Vec<OutboxRecord>, StoreError> {
        let read = || -> rusqlite::Result<Vec<OutboxRecord>> {
            self.connection
                .prepare_cached(
                    "SELECT row, topic, key, headers, value, captured_at, recorded_at FROM outbox
                     WHERE sent_at IS NULL AND row > ?1 ORDER BY row LIMIT ?2",
                )?
                .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], record)?
                .collect()
        };
        read().map_err(|e| sql(&e))
    }

    fn mark_sent(&mut self, rows: &[i64], at: Timestamp) -> Result<(), StoreError> {
        let mut mark = || -> rusqlite::Result<()> {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut update =
                    tx.prepare_cached("UPDATE outbox SET sent_at = ?2 WHERE row = ?1 AND sent_at IS NULL")?;
                for row in rows {
                    update.execute(params![row, at.as_nanos()])?;
                }
            }
            tx.commit()
        };
        mark().map_err(|e| sql(&e))
    }

    fn backlog(&mut self) -> Result<Backlog, StoreError> {
        let read = || -> rusqlite::Result<Backlog> {
            let depth: i64 = self
                .connection
                .prepare_cached("SELECT count(*) FROM outbox WHERE sent_at IS NULL")?
                .query_row([], |r| r.get(0))?;
            let oldest: Option<i64> = self
                .connection
                .prepare_cached("SELECT recorded_at FROM outbox WHERE sent_at IS NULL ORDER BY row LIMIT 1")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(Backlog { depth: depth.unsigned_abs(), oldest: oldest.map(Timestamp::from_nanos) })
        };
        read().map_err(|e| sql(&e))
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<OutboxRecord> {
    let headers: String = row.get(3)?;
    let headers = serde_json::from_str(&headers)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(e)))?;
    Ok(OutboxRecord {
        row: row.get(0)?,
        topic: row.get(1)?,
        key: row.get(2)?,
        headers,
        value: row.get(4)?,
        captured_at: Timestamp::from_nanos(row.get(5)?),
        recorded_at: Timestamp::from_nanos(row.get(6)?),
    })
}
