//! After a restart: what was open is ended, what was not seen is written down. Nobody must take the silence of a dead service
//! for a quiet night.

use rusqlite::{Connection, OptionalExtension};

use super::alerts::{self, Author};
use super::errors::sql;
use super::sight;
use crate::contract::AlertV1;
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{Recorded, StoreError};

/// What a restart found.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Alerts that were open and are ended now, as recorded.
    pub ended: Vec<Recorded>,
    /// When the service was last known to be alive; none in a new store.
    pub last_alive: Option<Timestamp>,
    /// Cameras that were not seen since then.
    pub blind: Vec<CameraId>,
    /// Why nothing was put in order yet: the store was full.
    pub postponed: Option<String>,
}

pub(super) fn run(
    tx: &Connection,
    author: &Author,
    now: Timestamp,
    configured: &[CameraId],
) -> Result<Recovery, StoreError> {
    let Some(last_alive) = last_alive(tx).map_err(|e| sql(&e))? else {
        return Ok(Recovery::default());
    };
    // A clock that was set back must not make time run backwards here.
    let now = now.max(last_alive);
    let mut ended = Vec::new();
    for (id, json) in open_alerts(tx).map_err(|e| sql(&e))? {
        let alert = read(id, &json)?.ended_by_restart(last_alive, now);
        ended.push(alerts::write(tx, author, id, &alert, (now, now)).map_err(|e| sql(&e))?);
    }
    for (id, json, over_at) in handled_reports(tx).map_err(|e| sql(&e))? {
        let alert = read(id, &json)?.ended_by_people(Timestamp::from_nanos(over_at), now);
        ended.push(alerts::write(tx, author, id, &alert, (now, now)).map_err(|e| sql(&e))?);
    }
    let blind = known_cameras(tx).map_err(|e| sql(&e))?;
    for camera in &blind {
        sight::lost(tx, author, camera, (last_alive, BlindCause::ServiceDown), now).map_err(|e| sql(&e))?;
        if !configured.contains(camera) {
            sight::retired(tx, author, camera, now).map_err(|e| sql(&e))?;
        }
    }
    Ok(Recovery { ended, last_alive: Some(last_alive), blind, postponed: None })
}

/// An alert as it was recorded.
pub(super) fn read(id: AlertId, json: &str) -> Result<AlertV1, StoreError> {
    serde_json::from_str(json).map_err(|e| {
        StoreError::Fatal(format!("the store is damaged: alert {id} cannot be read back: {e}; restore a backup"))
    })
}

fn last_alive(tx: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> =
        tx.query_row("SELECT value FROM meta WHERE key = 'alive_at'", [], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.parse().ok()).map(Timestamp::from_nanos))
}

/// What a person raised was not watched by the service, so its death ends nothing.
fn open_alerts(tx: &Connection) -> rusqlite::Result<Vec<(AlertId, String)>> {
    tx.prepare("SELECT a.alert_id, c.json FROM alerts a JOIN alert_changes c ON c.row = a.row WHERE a.is_open = 1 AND a.kind <> 'manual' ORDER BY a.row")?
        .query_map([], |row| {
            let id: [u8; 16] = row.get(0)?;
            Ok((AlertId::from_u128(u128::from_be_bytes(id)), row.get(1)?))
        })?
        .collect()
}

/// What a person raised, people are done with and is open all the same: in stores from before anything ended it. With it, when they were done.
fn handled_reports(tx: &Connection) -> rusqlite::Result<Vec<(AlertId, String, i64)>> {
    tx.prepare(
        "SELECT a.alert_id, c.json, (SELECT max(t.at) FROM transitions t WHERE t.alert_id = a.alert_id AND t.to_state = s.state)
         FROM alerts a JOIN alert_changes c ON c.row = a.row JOIN alert_states s ON s.alert_id = a.alert_id
         WHERE a.is_open = 1 AND a.kind = 'manual' AND s.state IN ('resolved', 'dismissed', 'closed') ORDER BY a.row",
    )?
    .query_map([], |row| {
        let id: [u8; 16] = row.get(0)?;
        Ok((AlertId::from_u128(u128::from_be_bytes(id)), row.get(1)?, row.get::<_, Option<i64>>(2)?.unwrap_or_default()))
    })?
    .collect()
}

/// Cameras that somebody meant to watch; one that was taken out is not blind but absent.
fn known_cameras(tx: &Connection) -> rusqlite::Result<Vec<CameraId>> {
    let mut statement = tx.prepare("SELECT camera FROM cameras WHERE cause IS NOT 'disabled' ORDER BY camera")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names.iter().filter_map(|name| CameraId::parse(name).ok()).collect())
}
