//! What a store is and how much is in it.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::errors::sql;
use super::reader::connect;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::StoreError;

/// A store in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The version of its tables.
    pub version: usize,
    /// Its epoch; none before its first start.
    pub epoch: Option<String>,
    /// Bytes of the database file.
    pub file_bytes: u64,
    /// Of these, bytes that are in use.
    pub used_bytes: u64,
    /// Alerts, and those of them that are open.
    pub alerts: (u64, u64),
    /// Changes of alerts.
    pub changes: u64,
    /// Records in the outbox, and those of them that are unsent.
    pub records: (u64, u64),
    /// When the oldest unsent record was recorded.
    pub oldest_unsent: Option<Timestamp>,
    /// Blind intervals.
    pub blind: u64,
    /// When the service was last known to be alive.
    pub alive_at: Option<Timestamp>,
}

/// Counts what is in the store of a data folder. It may be in use.
pub fn info(dir: &Path) -> Result<Info, StoreError> {
    let (connection, path) = connect(dir)?;
    let version = super::schema::version(&connection, &path)?;
    let deliveries = super::schema::deliveries(version);
    let read = || -> rusqlite::Result<Info> {
        let pages = number(&connection, "PRAGMA page_count")?;
        let (size, free) = (number(&connection, "PRAGMA page_size")?, number(&connection, "PRAGMA freelist_count")?);
        let oldest = connection
            .query_row(
                &format!("SELECT recorded_at FROM {deliveries} WHERE sent_at IS NULL ORDER BY row LIMIT 1"),
                [],
                |row| row.get(0),
            )
            .optional()?;
        Ok(Info {
            version,
            epoch: meta(&connection, "epoch")?,
            file_bytes: pages * size,
            used_bytes: pages.saturating_sub(free) * size,
            alerts: (
                number(&connection, "SELECT count(*) FROM alerts")?,
                number(&connection, "SELECT count(*) FROM alerts WHERE is_open = 1")?,
            ),
            changes: number(&connection, "SELECT count(*) FROM alert_changes")?,
            records: (
                number(&connection, "SELECT count(*) FROM outbox")?,
                number(&connection, &format!("SELECT count(*) FROM {deliveries} WHERE sent_at IS NULL"))?,
            ),
            oldest_unsent: oldest.map(Timestamp::from_nanos),
            blind: number(&connection, "SELECT count(*) FROM blind_intervals")?,
            alive_at: meta(&connection, "alive_at")?.and_then(|text| text.parse().ok()).map(Timestamp::from_nanos),
        })
    };
    read().map_err(|e| sql(&e))
}

fn number(connection: &Connection, select: &str) -> rusqlite::Result<u64> {
    connection.query_row(select, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}
