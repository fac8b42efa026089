//! The states of alerts in the store: what was done is appended and never changed; each change, its record and its outbox row are
//! one transaction.

mod rows;
mod publish;
mod incidents;
mod answers;

pub use answers::StoredAnswers;
pub(super) use incidents::begin;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::alerts::{self, Author, key};
use super::errors::sql;
use super::lock::Lock;
use crate::contract::AlertV1;
use crate::contract::alert_state_v1::Change;
use crate::domain::alert::AlertKind;
use crate::domain::ids::AlertId;
use crate::domain::lifecycle::{Action, Due, Entry, Fate, Request, Role, State};
use crate::domain::time::Timestamp;
use crate::pipeline::lifecycle::{Incident, LifecycleStore, Noticed, Outcome, Standing, StateChange};
use crate::pipeline::ports::{Decided, Recorded, StoreError};

/// The states of a store's alerts.
#[derive(Debug)]
pub struct StoredLifecycles {
    connection: Mutex<Connection>,
    author: Author,
    _lock: Arc<Lock>,
}

impl StoredLifecycles {
    pub(super) const fn new(connection: Connection, author: Author, lock: Arc<Lock>) -> Self {
        Self { connection: Mutex::new(connection), author, _lock: lock }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Each call is one transaction: a panic leaves nothing half done.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs in one transaction; what it gives is promised when this returns.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let run = || -> rusqlite::Result<T> {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        run().map_err(|e| sql(&e))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&self.connection()).map_err(|e| sql(&e))
    }
}

/// Does something with an alert, within a transaction.
fn apply(
    tx: &Connection,
    author: &Author,
    alert: AlertId,
    request: Request,
    now: Timestamp,
) -> rusqlite::Result<Outcome> {
    let Some(mut standing) = rows::load(tx, alert)? else { return Ok(Outcome::Unknown) };
    match standing.life.apply(request, now, author.policy.undo_within) {
        Err(refused) => Ok(Outcome::Refused(refused, Box::new(standing))),
        Ok((entry, Fate::Repeated)) => Ok(Outcome::Done(Box::new(entry), Fate::Repeated, Box::new(standing), None)),
        Ok((entry, fate)) => {
            rows::append(tx, alert, &entry)?;
            publish::publish(tx, author, &mut standing, Change::transition(&entry), now)?;
            let ended = if fate == Fate::Applied { end(tx, author, &mut standing, &entry, now)? } else { None };
            Ok(Outcome::Done(Box::new(entry), fate, Box::new(standing), ended))
        }
    }
}

/// Ends an alert that a person raised and that people are done with: no camera watches for its end, and it would be open for
/// good. Once it has ended it stays so, also where it is reopened.
fn end(
    tx: &Connection,
    author: &Author,
    standing: &mut Standing,
    entry: &Entry,
    now: Timestamp,
) -> rusqlite::Result<Option<Recorded>> {
    let over = matches!(entry.to, State::Resolved | State::Dismissed | State::Closed);
    if !over || standing.kind != AlertKind::Manual.as_str() {
        return Ok(None);
    }
    let Some(alert) = alerts::open(tx, standing.alert)? else { return Ok(None) };
    let alert = alert.ended_by_people(entry.request.at, now);
    standing.alert_revision = alert.revision;
    alerts::write(tx, author, standing.alert, &alert, (now, now)).map(Some)
}

impl LifecycleStore for StoredLifecycles {
    fn standing(&self, alert: AlertId) -> Result<Option<Standing>, StoreError> {
        self.read(|connection| rows::load(connection, alert))
    }

    fn apply(
        &self,
        alert: AlertId,
        request: Request,
        expected: Option<(u32, u32)>,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        self.write(|tx| {
            if let Some(expected) = expected
                && let Some(standing) = rows::load(tx, alert)?
            {
                // Told again after its answer was lost: the alert has moved on by that very request.
                let before = standing.life.entries().iter().any(|entry| entry.request.id == request.id);
                if !before && (standing.alert_revision, standing.state_revision) != expected {
                    return Ok(Outcome::Stale(Box::new(standing)));
                }
            }
            apply(tx, &self.author, alert, request, now)
        })
    }

    fn report(&self, request: &str, decided: &Decided, now: Timestamp) -> Result<Recorded, StoreError> {
        self.write(|tx| {
            let before: Option<[u8; 16]> = tx
                .prepare_cached("SELECT alert_id FROM reports WHERE request_id = ?1")?
                .query_row([request], |row| row.get(0))
                .optional()?;
            if let Some(before) = before
                && let Some(recorded) = alerts::recorded(tx, rows::alert_id(before), 1)?
            {
                return Ok(recorded);
            }
            let change = &decided.change;
            tx.execute("INSERT INTO reports (request_id, alert_id) VALUES (?1, ?2)", params![request, key(change.id)])?;
            let alert = AlertV1::new(decided, &self.author.site, now);
            alerts::write(tx, &self.author, change.id, &alert, (change.captured_at, now))
        })
    }

    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Noticed>, StoreError> {
        // Most of the time nothing is due; that is found out without keeping the record stage from writing.
        if self.read(|connection| rows::due(connection, now, 1))?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|tx| {
            let mut noticed = Vec::new();
            for alert in rows::due(tx, now, limit)? {
                noticed.extend(notice(tx, &self.author, alert, now)?);
            }
            Ok(noticed)
        })
    }

    fn changes_after(&self, row: i64, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.read(|connection| publish::after(connection, row, limit))
    }

    fn last_change(&self) -> Result<i64, StoreError> {
        self.read(publish::last)
    }

    fn states(&self, alerts: &[AlertId]) -> Result<Vec<StateChange>, StoreError> {
        self.read(|connection| {
            alerts.iter().filter_map(|&alert| publish::newest(connection, alert).transpose()).collect()
        })
    }

    fn incidents(&self, before: Option<AlertId>, limit: usize) -> Result<Vec<Incident>, StoreError> {
        self.read(|connection| incidents::list(connection, before, limit))
    }

    fn incident(&self, id: AlertId) -> Result<Option<Incident>, StoreError> {
        self.read(|connection| incidents::one(connection, id))
    }
}

/// Does what is due with one alert.
fn notice(tx: &Connection, author: &Author, alert: AlertId, now: Timestamp) -> rusqlite::Result<Option<Noticed>> {
    let Some(mut standing) = rows::load(tx, alert)? else { return Ok(None) };
    let due = standing.life.next_due(standing.priority, &author.policy.deadlines, standing.expires_at);
    match due {
        Some(Due::Escalate { timer, after, at }) if at <= now => {
            let raised = standing.life.escalate(timer, after, at, now);
            rows::escalated(tx, alert, &raised)?;
            publish::publish(tx, author, &mut standing, Change::escalation(&raised), now)?;
            Ok(Some(Noticed::Overdue(alert, timer)))
        }
        Some(Due::Expire { at }) if at <= now => {
            let request = Request {
                id: "expire".to_owned(),
                action: Action::Expire,
                actor: author.site.node.to_string(),
                role: Role::System,
                at: now,
                reason: None,
                disposition: None,
                recipient: None,
            };
            let done = apply(tx, author, alert, request, now)?;
            Ok(matches!(done, Outcome::Done(..)).then_some(Noticed::Expired(alert)))
        }
        // Deadlines were configured anew since this was written down.
        other => rows::look_again(tx, alert, other.map(Due::at)).map(|()| None),
    }
}

#[cfg(test)]
mod tests;
