//! The store as the feed reads it: one reader behind a lock, since SQLite's connections are for one thread at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reader::{self, Reader, StoredAlert};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{BlindInterval, BlindQuery, Channel, EvidenceFile, FeedReader, Recorded, StoreError};

/// A reader that many may ask, one after the other.
#[derive(Debug)]
pub struct SharedReader(Mutex<Reader>);

impl SharedReader {
    /// Shares a reader.
    pub fn new(reader: Reader) -> Self {
        Self(Mutex::new(reader))
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        // A reader changes nothing, so there is nothing that a panic could have left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FeedReader for SharedReader {
    fn changes_after(&self, row: i64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.reader().changes_after(row, limit)
    }

    fn last_row(&self) -> Result<i64, StoreError> {
        self.reader().last_row()
    }

    fn last_row_before(&self, at: Timestamp) -> Result<i64, StoreError> {
        self.reader().last_row_before(at)
    }

    fn latest_alerts(
        &self,
        before: Option<AlertId>,
        limit: usize,
        only: Option<Channel>,
    ) -> Result<Vec<Recorded>, StoreError> {
        Ok(self.reader().alerts(before, limit, only)?.into_iter().map(recorded).collect())
    }

    fn alert(&self, id: AlertId) -> Result<Option<Recorded>, StoreError> {
        Ok(self.reader().alert(id)?.map(recorded))
    }

    fn explanation(&self, id: AlertId) -> Result<Option<Arc<str>>, StoreError> {
        self.reader().explanation(id)
    }

    fn evidence(&self, id: AlertId, name: &str) -> Result<Option<EvidenceFile>, StoreError> {
        self.reader().evidence(id, name)
    }

    fn blind(&self, query: &BlindQuery) -> Result<Vec<BlindInterval>, StoreError> {
        let asked = reader::BlindQuery { camera: query.camera.clone(), from: query.from, to: query.to };
        let found = self.reader().blind_intervals(&asked)?;
        Ok(found.into_iter().take(query.limit).map(interval).collect())
    }
}

fn recorded(alert: StoredAlert) -> Recorded {
    Recorded { row: alert.row, alert: alert.id, channel: alert.channel, json: alert.json }
}

fn interval(row: reader::BlindInterval) -> BlindInterval {
    BlindInterval { camera: row.camera, from: row.from, to: row.to, cause: row.cause }
}
