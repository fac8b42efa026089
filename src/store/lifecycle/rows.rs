//! Rows to histories and back.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::alerts::key;
use crate::domain::ids::AlertId;
use crate::domain::lifecycle::{Action, Disposition, Entry, Escalation, Lifecycle, Request, Role, State, Timer};
use crate::domain::time::Timestamp;
use crate::pipeline::lifecycle::Standing;

pub(super) fn alert_id(bytes: [u8; 16]) -> AlertId {
    AlertId::from_u128(u128::from_be_bytes(bytes))
}

fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_nanos)
}

/// A word of ours; another one is a hand's work on the file, and nothing is guessed from it.
fn word<T>(row: &Row<'_>, column: usize, known: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    known(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            Type::Text,
            format!("{text:?} is no word of the contract").into(),
        )
    })
}

/// An alert as it stands; none where people were not told of it.
pub(super) fn load(connection: &Connection, alert: AlertId) -> rusqlite::Result<Option<Standing>> {
    let found = connection
        .prepare_cached(
            "SELECT s.kind, s.camera, s.priority, s.expires_at, s.incident, s.opened_at, s.revision, coalesce(a.revision, 0)
             FROM alert_states s LEFT JOIN alerts a ON a.alert_id = s.alert_id WHERE s.alert_id = ?1",
        )?
        .query_row(params![key(alert)], |row| {
            Ok(Standing {
                alert,
                kind: row.get(0)?,
                camera: row.get(1)?,
                priority: row.get(2)?,
                expires_at: at(row, 3)?,
                incident: row.get::<_, Option<[u8; 16]>>(4)?.map(alert_id),
                life: Lifecycle::new(at(row, 5)?),
                state_revision: row.get(6)?,
                alert_revision: row.get(7)?,
            })
        })
        .optional()?;
    let Some(mut standing) = found else { return Ok(None) };
    let entries = connection
        .prepare_cached(
            "SELECT number, request_id, action, actor, role, at, reason, disposition, recipient, from_state, to_state, recorded_at, late
             FROM transitions WHERE alert_id = ?1 ORDER BY number",
        )?
        .query_map(params![key(alert)], entry)?
        .collect::<Result<Vec<_>, _>>()?;
    let escalations = connection
        .prepare_cached("SELECT timer, after, due_at, raised_at FROM escalations WHERE alert_id = ?1 ORDER BY row")?
        .query_map(params![key(alert)], |row| {
            Ok(Escalation {
                timer: word(row, 0, Timer::from_word)?,
                after: row.get(1)?,
                due_at: at(row, 2)?,
                raised_at: at(row, 3)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    standing.life = Lifecycle::restored(standing.life.opened_at(), entries, escalations);
    Ok(Some(standing))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let disposition = match row.get_ref(7)?.data_type() {
        Type::Null => None,
        _ => Some(word(row, 7, Disposition::from_word)?),
    };
    Ok(Entry {
        number: row.get(0)?,
        request: Request {
            id: row.get(1)?,
            action: word(row, 2, Action::from_word)?,
            actor: row.get(3)?,
            role: word(row, 4, Role::from_word)?,
            at: at(row, 5)?,
            reason: row.get(6)?,
            disposition,
            recipient: row.get(8)?,
        },
        from: word(row, 9, State::from_word)?,
        to: word(row, 10, State::from_word)?,
        recorded_at: at(row, 11)?,
        late: row.get(12)?,
    })
}

/// Adds what was done.
pub(super) fn append(connection: &Connection, alert: AlertId, entry: &Entry) -> rusqlite::Result<()> {
    let request = &entry.request;
    connection
        .prepare_cached(
            "INSERT INTO transitions (alert_id, number, request_id, action, actor, role, at, reason, disposition, recipient,
                 from_state, to_state, recorded_at, late) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            key(alert),
            entry.number,
            request.id,
            request.action.as_str(),
            request.actor,
            request.role.as_str(),
            request.at.as_nanos(),
            request.reason,
            request.disposition.map(Disposition::as_str),
            request.recipient,
            entry.from.as_str(),
            entry.to.as_str(),
            entry.recorded_at.as_nanos(),
            entry.late
        ])
        .map(|_| ())
}

/// Adds that a deadline has passed.
pub(super) fn escalated(connection: &Connection, alert: AlertId, raised: &Escalation) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO escalations (alert_id, timer, after, due_at, raised_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            key(alert),
            raised.timer.as_str(),
            raised.after,
            raised.due_at.as_nanos(),
            raised.raised_at.as_nanos()
        ])
        .map(|_| ())
}

/// Alerts with which the service has to do something by now.
pub(super) fn due(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<AlertId>> {
    connection
        .prepare_cached("SELECT alert_id FROM alert_states WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2")?
        .query_map(params![now.as_nanos(), i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0).map(alert_id))?
        .collect()
}

/// When the service has to look at an alert next.
pub(super) fn look_again(connection: &Connection, alert: AlertId, at: Option<Timestamp>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE alert_states SET due_at = ?2 WHERE alert_id = ?1")?
        .execute(params![key(alert), at.map(Timestamp::as_nanos)])
        .map(|_| ())
}
