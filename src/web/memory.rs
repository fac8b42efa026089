//! Recorded changes in memory instead of in the store: for tests, and for looking at the page without a line behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{BlindInterval, BlindQuery, Channel, EvidenceFile, FeedReader, Recorded, StoreError};

/// A reader of what was put in.
#[derive(Debug, Default)]
pub struct MemoryFeed {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    changes: Vec<(Recorded, Timestamp)>,
    blind: Vec<BlindInterval>,
    explanations: BTreeMap<AlertId, Arc<str>>,
    broken: Option<String>,
}

impl MemoryFeed {
    /// Adds a change as the next row; gives what a record stage would broadcast.
    pub fn push(&self, alert: AlertId, json: &str, recorded_at: Timestamp) -> Recorded {
        self.push_on(Channel::Alert, alert, json, recorded_at)
    }

    /// As [`MemoryFeed::push`], on another channel than that of people.
    pub fn push_on(&self, channel: Channel, alert: AlertId, json: &str, recorded_at: Timestamp) -> Recorded {
        let mut inner = self.lock();
        let row = inner.changes.last().map_or(1, |(last, _)| last.row + 1);
        let recorded = Recorded { row, alert, channel, json: json.into() };
        inner.changes.push((recorded.clone(), recorded_at));
        recorded
    }

    /// Adds a blind interval.
    pub fn push_blind(&self, interval: BlindInterval) {
        self.lock().blind.push(interval);
    }

    /// Says why an alert was raised.
    pub fn explain(&self, alert: AlertId, json: &str) {
        self.lock().explanations.insert(alert, json.into());
    }

    /// Makes every later read fail with this message, or work again.
    pub fn set_broken(&self, message: Option<&str>) {
        self.lock().broken = message.map(str::to_owned);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.lock();
        match &inner.broken {
            Some(message) => Err(StoreError::Transient(message.clone())),
            None => Ok(inner),
        }
    }
}

impl FeedReader for MemoryFeed {
    fn changes_after(&self, row: i64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        let inner = self.whole()?;
        Ok(inner
            .changes
            .iter()
            .map(|(change, _)| change)
            .filter(|change| change.row > row)
            .take(limit)
            .cloned()
            .collect())
    }

    fn last_row(&self) -> Result<i64, StoreError> {
        Ok(self.whole()?.changes.last().map_or(0, |(last, _)| last.row))
    }

    fn last_row_before(&self, at: Timestamp) -> Result<i64, StoreError> {
        Ok(self.whole()?.changes.iter().rfind(|(_, recorded)| *recorded < at).map_or(0, |(change, _)| change.row))
    }

    fn latest_alerts(
        &self,
        before: Option<AlertId>,
        limit: usize,
        only: Option<Channel>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let inner = self.whole()?;
        let newest: BTreeMap<AlertId, &Recorded> =
            inner.changes.iter().map(|(change, _)| (change.alert, change)).collect();
        let wanted = |id: &AlertId, change: &Recorded| {
            before.is_none_or(|before| *id < before) && only.is_none_or(|only| change.channel == only)
        };
        let older = newest.into_iter().rev().filter(|(id, change)| wanted(id, change));
        Ok(older.take(limit).map(|(_, change)| change.clone()).collect())
    }

    fn alert(&self, id: AlertId) -> Result<Option<Recorded>, StoreError> {
        Ok(self.whole()?.changes.iter().rev().map(|(change, _)| change).find(|change| change.alert == id).cloned())
    }

    fn explanation(&self, id: AlertId) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.whole()?.explanations.get(&id).cloned())
    }

    fn evidence(&self, _: AlertId, _: &str) -> Result<Option<EvidenceFile>, StoreError> {
        Ok(None)
    }

    fn blind(&self, query: &BlindQuery) -> Result<Vec<BlindInterval>, StoreError> {
        let inner = self.whole()?;
        let wanted = |interval: &&BlindInterval| {
            query.camera.as_ref().is_none_or(|camera| camera.as_str() == interval.camera)
                && query.to.is_none_or(|to| interval.from <= to)
                && query.from.is_none_or(|from| interval.to.is_none_or(|ended| ended >= from))
        };
        let mut found: Vec<BlindInterval> = inner.blind.iter().filter(wanted).cloned().collect();
        found.sort_by_key(|interval| interval.from);
        found.truncate(query.limit);
        Ok(found)
    }
}
