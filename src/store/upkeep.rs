//! The store's side of its upkeep: how much room there is, and the deleting of what may go, in steps so small that a commit hardly
//! waits for one.
//!
//! An alert goes when its own `privacy.retention_until` is over, or when the store's retention is, whichever comes first: the first is
//! what we promise everybody who keeps a copy. A record that was not sent, an alert that is open, and one of whose changes a record is unsent are never deleted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::alerts::key;
use super::errors::sql;
use super::lock::Lock;
use super::space::Space;
use crate::contract::time::rfc3339;
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::StoreError;
use crate::pipeline::upkeep::{Pruned, Room, StoreUpkeep};

/// Outbox rows looked at in one step.
const RECORDS: usize = 500;
/// Alerts looked at in one step.
const ALERTS: usize = 100;
/// Alerts whose own retention is looked at in one step. It stands in their JSON, so all that are older than [`SHORTEST`] are gone
/// through, in steps of some milliseconds that keep nobody from writing.
const OWN_RETENTION: usize = 1000;
/// No alert's own retention is shorter (`retention_days` is 1 or more).
const SHORTEST: Duration = Duration::from_hours(24);
/// Blind intervals deleted in one step.
const INTERVALS: usize = 500;
/// With more unsent records than this, no alert is deleted: which of them wait is then too much to remember, and can wait too.
const UNSENT_MAX: usize = 10_000;

/// Keeps a store.
#[derive(Debug)]
pub struct Upkeep {
    connection: Connection,
    space: Arc<Space>,
    keep_sent: Duration,
    retention: Duration,
    /// How far the sweeps have come: the last outbox row and the last alert looked at.
    after_row: i64,
    after_alert: AlertId,
    /// The same for the sweep through alerts' own retention.
    after_own: AlertId,
    _lock: Arc<Lock>,
}

impl Upkeep {
    pub(super) fn new(
        connection: Connection,
        space: Arc<Space>,
        (keep_sent, retention): (Duration, Duration),
        lock: Arc<Lock>,
    ) -> Self {
        let none = AlertId::from_u128(0);
        Self { connection, space, keep_sent, retention, after_row: 0, after_alert: none, after_own: none, _lock: lock }
    }

    /// Deletes records that Kafka has had for long enough; says how many, and whether this sweep has more to look at.
    fn prune_sent(&mut self, now: Timestamp, keep: Duration) -> rusqlite::Result<(usize, bool)> {
        let before = now.minus(keep).as_nanos();
        let rows: Vec<(i64, Option<i64>, i64)> = self
            .connection
            .prepare_cached("SELECT row, sent_at, recorded_at FROM deliveries WHERE row > ?1 ORDER BY row LIMIT ?2")?
            .query_map(params![self.after_row, count(RECORDS)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let over: Vec<i64> =
            rows.iter().filter(|(_, sent, _)| sent.is_some_and(|at| at < before)).map(|(row, ..)| *row).collect();
        // What was recorded after `before` cannot have been sent before it, and what follows neither.
        let more = rows.len() == RECORDS && rows.last().is_some_and(|(_, _, recorded)| *recorded < before);
        self.after_row = if more { rows.last().map_or(0, |(row, ..)| *row) } else { 0 };
        if over.is_empty() {
            return Ok((0, more));
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut forget = tx.prepare_cached("DELETE FROM deliveries WHERE row = ?1 AND sent_at IS NOT NULL")?;
            let mut delete = tx.prepare_cached("DELETE FROM outbox WHERE row = ?1")?;
            for row in &over {
                if forget.execute([row])? > 0 {
                    delete.execute([row])?;
                }
            }
        }
        tx.commit()?;
        Ok((over.len(), more))
    }

    /// Deletes alerts that ended and were last heard of before the retention began.
    fn prune_alerts(&mut self, now: Timestamp) -> rusqlite::Result<(usize, bool)> {
        let before = now.minus(self.retention);
        // Ids begin with the time of opening, so what was opened later need not be looked at.
        let opened_before = AlertId::new(before, 0);
        let candidates: Vec<([u8; 16], bool, i64)> = self
            .connection
            .prepare_cached(
                "SELECT a.alert_id, a.is_open, c.captured_at FROM alerts a JOIN alert_changes c ON c.row = a.row
                 WHERE a.alert_id > ?1 AND a.alert_id < ?2 ORDER BY a.alert_id LIMIT ?3",
            )?
            .query_map(params![key(self.after_alert), key(opened_before), count(ALERTS)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let more = candidates.len() == ALERTS;
        let last = candidates.last().map(|(id, ..)| AlertId::from_u128(u128::from_be_bytes(*id)));
        self.after_alert = last.filter(|_| more).unwrap_or(AlertId::from_u128(0));
        let over: Vec<[u8; 16]> = candidates
            .into_iter()
            .filter(|(_, is_open, last_heard)| !is_open && *last_heard < before.as_nanos())
            .map(|(id, ..)| id)
            .collect();
        Ok(self.delete_alerts(over)?.map_or((0, false), |gone| (gone, more)))
    }

    /// Deletes alerts that ended and whose own retention is over, as their last revision says; at most as many as in one step of
    /// the other sweep.
    fn prune_by_own_retention(&mut self, now: Timestamp) -> rusqlite::Result<(usize, bool)> {
        let opened_before = AlertId::new(now.minus(SHORTEST), 0);
        // This form of time sorts as text. What is no JSON is a hand's work, and is left to `store check`.
        let candidates: Vec<([u8; 16], bool)> = self
            .connection
            .prepare_cached(
                "SELECT a.alert_id, a.is_open = 0 AND CASE json_valid(c.json)
                     WHEN 1 THEN coalesce(json_extract(c.json, '$.privacy.retention_until') < ?3, 0) ELSE 0 END
                 FROM alerts a JOIN alert_changes c ON c.row = a.row
                 WHERE a.alert_id > ?1 AND a.alert_id < ?2 ORDER BY a.alert_id LIMIT ?4",
            )?
            .query_map(params![key(self.after_own), key(opened_before), rfc3339(now), count(OWN_RETENTION)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        let over: Vec<[u8; 16]> = candidates.iter().filter(|(_, over)| *over).map(|(id, _)| *id).take(ALERTS).collect();
        // Many at once go in several steps, each from where the one before it stopped.
        let crowded = over.len() == ALERTS;
        let last = if crowded { over.last().copied() } else { candidates.last().map(|(id, _)| *id) };
        let whole = !crowded && candidates.len() < OWN_RETENTION;
        let next = last.filter(|_| !whole).map_or(0, u128::from_be_bytes);
        self.after_own = AlertId::from_u128(next);
        Ok(self.delete_alerts(over)?.map_or((0, false), |gone| (gone, crowded)))
    }

    /// Deletes those of these alerts of which nothing is unsent, with all that hangs on them; none where too much is unsent to tell.
    fn delete_alerts(&mut self, mut over: Vec<[u8; 16]>) -> rusqlite::Result<Option<usize>> {
        if over.is_empty() {
            return Ok(Some(0));
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(unsent) = unsent_alerts(&tx)? else { return Ok(None) };
        over.retain(|id| !unsent.contains(&AlertId::from_u128(u128::from_be_bytes(*id)).to_string()));
        for id in &over {
            for delete in [
                "DELETE FROM explanations WHERE alert_id = ?1",
                "DELETE FROM evidence WHERE alert_id = ?1",
                "DELETE FROM alert_changes WHERE alert_id = ?1",
                "DELETE FROM transitions WHERE alert_id = ?1",
                "DELETE FROM escalations WHERE alert_id = ?1",
                "DELETE FROM alert_state_changes WHERE alert_id = ?1",
                "DELETE FROM alert_states WHERE alert_id = ?1",
                "DELETE FROM reports WHERE alert_id = ?1",
                "DELETE FROM incidents WHERE incident_id = ?1",
                "DELETE FROM alerts WHERE alert_id = ?1 AND is_open = 0",
            ] {
                tx.prepare_cached(delete)?.execute([id])?;
            }
        }
        tx.commit()?;
        Ok(Some(over.len()))
    }

    fn prune_blind(&self, now: Timestamp) -> rusqlite::Result<usize> {
        let before = now.minus(self.retention).as_nanos();
        self.connection
            .prepare_cached(
                "DELETE FROM blind_intervals WHERE id IN
                     (SELECT id FROM blind_intervals WHERE to_at < ?1 ORDER BY id LIMIT ?2)",
            )?
            .execute(params![before, count(INTERVALS)])
    }
}

impl StoreUpkeep for Upkeep {
    fn room(&mut self) -> Result<Room, StoreError> {
        let ask = |pragma: &str| self.connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(|e| sql(&e));
        let (pages, free) = (ask("PRAGMA page_count")?, ask("PRAGMA freelist_count")?);
        let used_bytes = (pages - free).max(0).unsigned_abs() * ask("PRAGMA page_size")?.unsigned_abs();
        self.space.refill(used_bytes);
        let disk_free_bytes = self
            .space
            .disk_free_bytes()
            .map_err(|e| StoreError::Transient(format!("the store's disk cannot be asked for its room: {e}")))?;
        Ok(Room {
            quota_bytes: self.space.quota_bytes(),
            used_bytes,
            reserve_bytes: self.space.reserve_bytes(),
            held_bytes: self.space.held_bytes(),
            disk_free_bytes,
        })
    }

    fn prune(&mut self, now: Timestamp, pressed: bool) -> Result<Pruned, StoreError> {
        let keep_sent = if pressed { Duration::ZERO } else { self.keep_sent };
        let mut step = || -> rusqlite::Result<Pruned> {
            let (sent, more_sent) = self.prune_sent(now, keep_sent)?;
            let (alerts, more_alerts) = self.prune_alerts(now)?;
            let (by_own, more_own) = self.prune_by_own_retention(now)?;
            let blind = self.prune_blind(now)?;
            let more = more_sent || more_alerts || more_own || blind == INTERVALS;
            Ok(Pruned { sent, alerts: alerts + by_own, blind, more })
        };
        step().map_err(|e| sql(&e))
    }
}

/// The alerts of which a record is unsent; none where there are too many records to tell.
fn unsent_alerts(connection: &Connection) -> rusqlite::Result<Option<HashSet<String>>> {
    let mut select = connection.prepare_cached(
        "SELECT o.headers FROM deliveries d JOIN outbox o ON o.row = d.row WHERE d.sent_at IS NULL ORDER BY d.row LIMIT ?1",
    )?;
    let headers: Vec<String> =
        select.query_map([count(UNSENT_MAX + 1)], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if headers.len() > UNSENT_MAX {
        return Ok(None);
    }
    let subject = |headers: String| {
        let pairs: Vec<(String, String)> = serde_json::from_str(&headers).ok()?;
        // What strangers sent is of no alert of ours.
        if pairs.iter().any(|(name, _)| name == "dead_reason") {
            return Some(String::new());
        }
        pairs.into_iter().find(|(name, _)| name == "ce_subject").map(|(_, subject)| subject)
    };
    // Headers that cannot be read may be of any alert.
    Ok(headers.into_iter().map(subject).collect())
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
