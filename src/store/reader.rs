//! Reading what was recorded: for the feed, the pages and the command line. Never writes, never blocks the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::alerts::{channel, key};
use super::errors::{at_open, sql};
use super::schema;
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{Channel, EvidenceFile, Recorded, StoreError};

/// An alert as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAlert {
    /// Its id.
    pub id: AlertId,
    /// The row of its last change.
    pub row: i64,
    /// Whether it goes on.
    pub is_open: bool,
    /// Who is told of it.
    pub channel: Channel,
    /// The JSON of its last revision.
    pub json: Arc<str>,
}

/// A time in which a camera was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindInterval {
    /// Which camera.
    pub camera: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; none while it lasts.
    pub to: Option<Timestamp>,
    /// Why.
    pub cause: String,
}

/// Which blind intervals; none of a field means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlindQuery {
    /// Only of this camera.
    pub camera: Option<CameraId>,
    /// Only those that last beyond this moment.
    pub from: Option<Timestamp>,
    /// Only those that begin before this moment.
    pub to: Option<Timestamp>,
}

/// The last word on a camera's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraState {
    /// Which camera.
    pub camera: String,
    /// Why it is not seen; none: it is.
    pub cause: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// Reads a store; also one that a running service has open.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the store of a data folder for reading only.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::at(&there(dir)?)
    }

    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let connection = read_only(path)?;
        let found = schema::version(&connection, path)?;
        if found < schema::VERSION {
            return Err(StoreError::Fatal(format!(
                "{} is of store version {found}, this lightbar reads {}; start the service once, it will be brought up to date",
                path.display(),
                schema::VERSION
            )));
        }
        Ok(Self { connection })
    }

    /// Alert changes after a row, in the order of recording: what a feed sends to who comes back.
    pub fn changes_after(&self, row: i64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.all(
            "SELECT row, alert_id, json, channel FROM alert_changes WHERE row > ?1 ORDER BY row LIMIT ?2",
            params![row, count(limit)],
            recorded,
        )
    }

    /// Alert changes that were captured in a span of time, after a row, in the order of recording.
    pub fn changes_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        row: i64,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.all(
            "SELECT row, alert_id, json, channel FROM alert_changes
             WHERE row > ?3 AND captured_at >= ?1 AND captured_at < ?2 ORDER BY row LIMIT ?4",
            params![from.as_nanos(), to.as_nanos(), row, count(limit)],
            recorded,
        )
    }

    /// The last `limit` alert changes, in the order of recording.
    pub fn last_changes(&self, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        let mut newest_first = self.all(
            "SELECT row, alert_id, json, channel FROM alert_changes ORDER BY row DESC LIMIT ?1",
            params![count(limit)],
            recorded,
        )?;
        newest_first.reverse();
        Ok(newest_first)
    }

    /// The row of the last alert change; 0 where there is none.
    pub fn last_row(&self) -> Result<i64, StoreError> {
        // Not the largest row there is: that one may have been deleted when its time was up.
        self.connection
            .query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'alert_changes'", [], |row| {
                row.get(0)
            })
            .map_err(|e| sql(&e))
    }

    /// The row of the last alert change captured before a moment; 0 where there is none.
    pub fn last_row_before(&self, at: Timestamp) -> Result<i64, StoreError> {
        self.connection
            .query_row(
                "SELECT coalesce(max(row), 0) FROM alert_changes WHERE captured_at < ?1",
                [at.as_nanos()],
                |row| row.get(0),
            )
            .map_err(|e| sql(&e))
    }

    /// Alerts as they are now, of one channel or of all, the one opened last first; after a page, go on with `before` its last id.
    pub fn alerts(
        &self,
        before: Option<AlertId>,
        limit: usize,
        only: Option<Channel>,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        // No UUID of version 7 is above this.
        let before = key(before.unwrap_or(AlertId::from_u128(u128::MAX)));
        self.all(
            "SELECT a.alert_id, a.row, a.is_open, c.json, a.channel FROM alerts a JOIN alert_changes c ON c.row = a.row
             WHERE a.alert_id < ?1 AND (?3 IS NULL OR a.channel = ?3) ORDER BY a.alert_id DESC LIMIT ?2",
            params![before, count(limit), only.map(Channel::as_str)],
            stored,
        )
    }

    /// One alert as it is now.
    pub fn alert(&self, id: AlertId) -> Result<Option<StoredAlert>, StoreError> {
        self.connection
            .query_row(
                "SELECT a.alert_id, a.row, a.is_open, c.json, a.channel FROM alerts a JOIN alert_changes c ON c.row = a.row
                 WHERE a.alert_id = ?1",
                params![key(id)],
                stored,
            )
            .optional()
            .map_err(|e| sql(&e))
    }

    /// Why an alert was raised, as JSON.
    pub fn explanation(&self, id: AlertId) -> Result<Option<Arc<str>>, StoreError> {
        self.connection
            .query_row("SELECT json FROM explanations WHERE alert_id = ?1", params![key(id)], |row| {
                row.get::<_, String>(0)
            })
            .optional()
            .map(|json| json.map(Arc::from))
            .map_err(|e| sql(&e))
    }

    /// A piece of an alert's evidence.
    pub fn evidence(&self, id: AlertId, name: &str) -> Result<Option<EvidenceFile>, StoreError> {
        self.connection
            .query_row(
                "SELECT path, media_type, sha256 FROM evidence WHERE alert_id = ?1 AND name = ?2",
                params![key(id), name],
                |row| Ok(EvidenceFile { path: row.get(0)?, media_type: row.get(1)?, sha256: row.get(2)? }),
            )
            .optional()
            .map_err(|e| sql(&e))
    }

    /// All revisions of an alert, in order.
    pub fn revisions(&self, id: AlertId) -> Result<Vec<Recorded>, StoreError> {
        self.all(
            "SELECT row, alert_id, json, channel FROM alert_changes WHERE alert_id = ?1 ORDER BY revision",
            params![key(id)],
            recorded,
        )
    }

    /// Blind intervals that touch the time asked for, in order of their beginning.
    pub fn blind_intervals(&self, query: &BlindQuery) -> Result<Vec<BlindInterval>, StoreError> {
        self.all(
            "SELECT camera, from_at, to_at, cause FROM blind_intervals
             WHERE (?1 IS NULL OR camera = ?1) AND (?2 IS NULL OR to_at IS NULL OR to_at > ?2) AND (?3 IS NULL OR from_at < ?3)
             ORDER BY from_at, camera, id",
            params![
                query.camera.as_ref().map(CameraId::as_str),
                query.from.map(Timestamp::as_nanos),
                query.to.map(Timestamp::as_nanos)
            ],
            |row| {
                Ok(BlindInterval {
                    camera: row.get(0)?,
                    from: Timestamp::from_nanos(row.get(1)?),
                    to: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_nanos),
                    cause: row.get(3)?,
                })
            },
        )
    }

    /// The last word on each camera's health.
    pub fn camera_states(&self) -> Result<Vec<CameraState>, StoreError> {
        self.all("SELECT camera, cause, since FROM cameras ORDER BY camera", [], |row| {
            Ok(CameraState { camera: row.get(0)?, cause: row.get(1)?, since: Timestamp::from_nanos(row.get(2)?) })
        })
    }

    fn all<T>(
        &self,
        select: &str,
        values: impl rusqlite::Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let read = || -> rusqlite::Result<Vec<T>> {
            self.connection.prepare_cached(select)?.query_map(values, map)?.collect()
        };
        read().map_err(|e| sql(&e))
    }
}

/// A connection that reads the store of a data folder, of whatever version, and where that is.
pub(super) fn connect(dir: &Path) -> Result<(Connection, PathBuf), StoreError> {
    let path = there(dir)?;
    Ok((read_only(&path)?, path))
}

fn there(dir: &Path) -> Result<PathBuf, StoreError> {
    let path = dir.join(super::FILE);
    if path.exists() {
        return Ok(path);
    }
    Err(StoreError::Fatal(format!(
        "there is no store in {} (no {}); name the data folder of a lightbar that has run",
        dir.display(),
        super::FILE
    )))
}

fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| at_open(path, &e))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(|e| sql(&e))?;
    Ok(connection)
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn alert_id(bytes: [u8; 16]) -> AlertId {
    AlertId::from_u128(u128::from_be_bytes(bytes))
}

fn recorded(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    Ok(Recorded {
        row: row.get(0)?,
        alert: alert_id(row.get(1)?),
        channel: channel(&row.get::<_, String>(3)?),
        json: row.get::<_, String>(2)?.into(),
    })
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredAlert> {
    Ok(StoredAlert {
        id: alert_id(row.get(0)?),
        row: row.get(1)?,
        is_open: row.get(2)?,
        json: row.get::<_, String>(3)?.into(),
        channel: channel(&row.get::<_, String>(4)?),
    })
}
