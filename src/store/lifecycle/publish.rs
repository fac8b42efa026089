//! Publishing a change of a state: the record, the state as it is now, the outbox row.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::alerts::{self, Author, Outgoing, key};
use super::rows::alert_id;
use crate::contract::alert_state_v1::{About, Change};
use crate::contract::{AlertStateV1, cloudevents};
use crate::domain::ids::AlertId;
use crate::domain::lifecycle::Due;
use crate::domain::time::Timestamp;
use crate::pipeline::lifecycle::{Standing, StateChange};

/// Writes down how an alert stands after a change, for everybody.
pub(super) fn publish(
    tx: &Connection,
    author: &Author,
    standing: &mut Standing,
    change: Change,
    now: Timestamp,
) -> rusqlite::Result<()> {
    standing.state_revision += 1;
    let about = About {
        alert: standing.alert,
        kind: &standing.kind,
        camera: standing.camera.as_deref(),
        priority: standing.priority,
        expires_at: standing.expires_at,
        incident: standing.incident,
    };
    let state = AlertStateV1::new(&about, &standing.life, standing.state_revision, change);
    let json = state.to_json();
    tx.prepare_cached("INSERT INTO alert_state_changes (alert_id, revision, json) VALUES (?1, ?2, ?3)")?
        .execute(params![key(standing.alert), standing.state_revision, json])?;
    let row = tx.last_insert_rowid();
    let due = standing.life.next_due(standing.priority, &author.policy.deadlines, standing.expires_at);
    tx.prepare_cached(
        "UPDATE alert_states SET state = ?2, revision = ?3, due_at = ?4, incident = ?5, row = ?6 WHERE alert_id = ?1",
    )?
    .execute(params![
        key(standing.alert),
        standing.life.state().as_str(),
        standing.state_revision,
        due.map(|due: Due| due.at().as_nanos()),
        standing.incident.map(key),
        row
    ])?;
    let topic = author.site.alert_state_topic();
    let headers = cloudevents::alert_state_headers(&state, &author.site);
    let outgoing = Outgoing {
        topic: &topic,
        key: &state.alert_id,
        headers: &headers,
        value: json.as_bytes(),
        captured_at: now,
        recorded_at: now,
    };
    alerts::put(tx, &outgoing).map(|_row| ())
}

fn change(row: &Row<'_>) -> rusqlite::Result<StateChange> {
    Ok(StateChange { row: row.get(0)?, alert: alert_id(row.get(1)?), json: row.get::<_, String>(2)?.into() })
}

/// Changes after a row, in order.
pub(super) fn after(connection: &Connection, row: i64, limit: usize) -> rusqlite::Result<Vec<StateChange>> {
    connection
        .prepare_cached("SELECT row, alert_id, json FROM alert_state_changes WHERE row > ?1 ORDER BY row LIMIT ?2")?
        .query_map(params![row, i64::try_from(limit).unwrap_or(i64::MAX)], change)?
        .collect()
}

/// The last row; 0 where there is none.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(row), 0) FROM alert_state_changes", [], |row| row.get(0))
}

/// The last word on an alert.
pub(super) fn newest(connection: &Connection, alert: AlertId) -> rusqlite::Result<Option<StateChange>> {
    connection
        .prepare_cached(
            "SELECT c.row, c.alert_id, c.json FROM alert_states s JOIN alert_state_changes c ON c.row = s.row WHERE s.alert_id = ?1",
        )?
        .query_row(params![key(alert)], change)
        .optional()
}
