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
                    "SELECT o.row, o.topic, o.key, o.headers, o.value, o.captured_at, o.recorded_at
                     FROM deliveries d JOIN outbox o ON o.row = d.row
                     WHERE d.sent_at IS NULL AND d.row > ?1 ORDER BY d.row LIMIT ?2",
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
                let mut update = tx.prepare_cached(
                    "UPDATE deliveries SET sent_at = ?3 WHERE row BETWEEN ?1 AND ?2 AND sent_at IS NULL",
                )?;
                for (first, last) in runs(rows) {
                    update.execute(params![first, last, at.as_nanos()])?;
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
                .prepare_cached("SELECT count(*) FROM deliveries WHERE sent_at IS NULL")?
                .query_row([], |r| r.get(0))?;
            let oldest: Option<i64> = self
                .connection
                .prepare_cached("SELECT recorded_at FROM deliveries WHERE sent_at IS NULL ORDER BY row LIMIT 1")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(Backlog { depth: depth.unsigned_abs(), oldest: oldest.map(Timestamp::from_nanos) })
        };
        read().map_err(|e| sql(&e))
    }
}

/// The rows as runs of rows that follow each other, each by its first and last: a batch is few of them.
fn runs(rows: &[i64]) -> Vec<(i64, i64)> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some((_, last)) if row <= last.saturating_add(1) => *last = row,
            _ => runs.push((row, row)),
        }
    }
    runs
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_follow_each_other_are_one_run() {
        assert_eq!(runs(&[7, 3, 1, 2, 9, 8, 5, 5]), [(1, 3), (5, 5), (7, 9)]);
        assert_eq!(runs(&[i64::MAX, i64::MIN]), [(i64::MIN, i64::MIN), (i64::MAX, i64::MAX)]);
        assert!(runs(&[]).is_empty());
    }
}
