//! Evidence of alerts: what the vault sealed, told with a revision of its own.

use rusqlite::{Connection, OptionalExtension, params};

use super::alerts::{self, Author};
use super::recovery::read;
use crate::contract::AlertV1;
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::Sealed;
use crate::pipeline::ports::{Recorded, StoreError};

use super::errors::sql;

/// Notes what was sealed, and publishes the alert anew with it. None: the alert is not here any more. A commit whose answer was lost is
/// tried again; it must not count twice.
pub(super) fn add(
    tx: &Connection,
    author: &Author,
    id: AlertId,
    sealed: &[Sealed],
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let Some((newest, json)) = newest(tx, id).map_err(|e| sql(&e))? else {
        tracing::warn!(alert = %id, "evidence is ready of an alert that was deleted");
        return Ok(None);
    };
    let fresh = sealed.iter().map(|piece| note(tx, id, piece)).sum::<rusqlite::Result<usize>>().map_err(|e| sql(&e))?;
    if fresh == 0 {
        return Ok(Some(newest));
    }
    let alert = read(id, &json)?.with_evidence(sealed, now);
    let write = || -> rusqlite::Result<Recorded> {
        let recorded = alerts::write_decided(tx, author, id, &alert, (now, now), Some(0))?;
        tx.prepare_cached("UPDATE alerts SET added = added + 1 WHERE alert_id = ?1")?.execute([alerts::key(id)])?;
        Ok(recorded)
    };
    write().map(Some).map_err(|e| sql(&e))
}

/// A decided change as it is recorded: behind what evidence has added to the alert, and with that evidence. With it, the revision as
/// decided where it is another.
pub(super) fn behind(tx: &Connection, id: AlertId, mut alert: AlertV1) -> rusqlite::Result<(AlertV1, Option<u32>)> {
    let added: Option<u32> = tx
        .prepare_cached("SELECT added FROM alerts WHERE alert_id = ?1 AND added > 0")?
        .query_row([alerts::key(id)], |row| row.get(0))
        .optional()?;
    let Some(added) = added else { return Ok((alert, None)) };
    let decided = alert.revision;
    alert.revision += added;
    if let Some((_, json)) = newest(tx, id)? {
        alert.evidence = serde_json::from_str::<AlertV1>(&json).ok().and_then(|known| known.evidence);
    }
    Ok((alert, Some(decided)))
}

/// The newest revision.
fn newest(tx: &Connection, id: AlertId) -> rusqlite::Result<Option<(Recorded, String)>> {
    tx.prepare_cached(
        "SELECT c.row, c.json, c.channel FROM alerts a JOIN alert_changes c ON c.row = a.row WHERE a.alert_id = ?1",
    )?
    .query_row([alerts::key(id)], |row| {
        let (json, channel): (String, String) = (row.get(1)?, row.get(2)?);
        let channel = alerts::channel(&channel);
        Ok((Recorded { row: row.get(0)?, alert: id, channel, json: json.as_str().into() }, json))
    })
    .optional()
}

/// 1 where it is new or another.
fn note(tx: &Connection, id: AlertId, sealed: &Sealed) -> rusqlite::Result<usize> {
    let Sealed { piece, path, size_bytes, sha256 } = sealed;
    tx.prepare_cached(
        "INSERT INTO evidence (alert_id, name, path, media_type, sha256, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (alert_id, name) DO UPDATE SET path = excluded.path, sha256 = excluded.sha256, size_bytes = excluded.size_bytes
             WHERE sha256 <> excluded.sha256",
    )?
    .execute(params![
        alerts::key(id),
        piece.name,
        path,
        piece.kind.media_type(),
        sha256,
        i64::try_from(*size_bytes).unwrap_or(i64::MAX)
    ])
}
