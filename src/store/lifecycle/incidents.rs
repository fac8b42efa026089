//! The beginning of an alert's life with people, and the incident that it may belong to.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::alerts::{Author, key};
use super::{publish, rows};
use crate::contract::alert_state_v1::Change;
use crate::contract::time::parse_rfc3339;
use crate::contract::{AlertV1, cloudevents, words};
use crate::domain::ids::{AlertId, CameraId, ZoneId};
use crate::domain::lifecycle::{Due, Lifecycle, Place, Sighting};
use crate::domain::time::Timestamp;
use crate::pipeline::lifecycle::Incident;

/// Notes that an alert of which people are told is new, and looks whether another camera saw the same.
pub(in super::super) fn begin(
    tx: &Connection,
    author: &Author,
    id: AlertId,
    alert: &AlertV1,
    recorded_at: Timestamp,
) -> rusqlite::Result<()> {
    let expires_at = cloudevents::expires_at(alert, &author.site);
    let due: Option<Due> = Lifecycle::new(recorded_at).next_due(alert.priority, &author.policy.deadlines, expires_at);
    let captured_at = parse_rfc3339(&alert.timing.captured_at).unwrap_or(recorded_at);
    let (camera, zone) = (alert.camera.as_ref().map(|c| &c.id), alert.zone.as_ref().map(|z| &z.id));
    tx.prepare_cached(
        "INSERT OR IGNORE INTO alert_states
             (alert_id, kind, camera, zone, priority, state, revision, opened_at, captured_at, expires_at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'new', 0, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        key(id),
        alert.kind,
        camera,
        zone,
        alert.priority,
        recorded_at.as_nanos(),
        captured_at.as_nanos(),
        expires_at.as_nanos(),
        due.map(|due| due.at().as_nanos())
    ])?;
    let seen = camera.zip(words::kind_named(&alert.kind)).and_then(|(camera, kind)| {
        let place = Place { camera: CameraId::parse(camera).ok()?, zone: zone.and_then(|id| ZoneId::parse(id).ok()) };
        Some(Sighting { alert: id, place, kind, at: captured_at })
    });
    match seen {
        Some(seen) if !author.policy.adjacency.0.is_empty() => join(tx, author, &seen, recorded_at),
        _ => Ok(()),
    }
}

/// Puts a sighting into the incident of an earlier one of the same thing, if there is one.
fn join(tx: &Connection, author: &Author, seen: &Sighting, now: Timestamp) -> rusqlite::Result<()> {
    let longest = author.policy.adjacency.longest();
    let near = tx
        .prepare_cached(
            "SELECT alert_id, camera, zone, captured_at FROM alert_states
             WHERE kind = ?1 AND captured_at BETWEEN ?2 AND ?3 AND alert_id <> ?4 AND camera IS NOT NULL ORDER BY captured_at",
        )?
        .query_map(
            params![
                seen.kind.as_str(),
                seen.at.minus(longest).as_nanos(),
                seen.at.plus(longest).as_nanos(),
                key(seen.alert)
            ],
            |row| earlier(row, seen),
        )?
        .collect::<Result<Vec<_>, _>>()?;
    let near: Vec<Sighting> = near.into_iter().flatten().collect();
    let Some(first) = author.policy.adjacency.same_as(seen, &near) else { return Ok(()) };
    let Some(mut other) = rows::load(tx, first.alert)? else { return Ok(()) };
    let incident = other.incident.unwrap_or(other.alert);
    let (from, to) = (first.at.min(seen.at).as_nanos(), first.at.max(seen.at).as_nanos());
    tx.prepare_cached(
        "INSERT INTO incidents (incident_id, kind, began_at, last_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (incident_id) DO UPDATE SET began_at = min(began_at, excluded.began_at), last_at = max(last_at, excluded.last_at)",
    )?
    .execute(params![key(incident), seen.kind.as_str(), from, to])?;
    if other.incident.is_none() {
        other.incident = Some(incident);
        publish::publish(tx, author, &mut other, Change::incident(now), now)?;
    }
    if let Some(mut own) = rows::load(tx, seen.alert)? {
        own.incident = Some(incident);
        publish::publish(tx, author, &mut own, Change::incident(now), now)?;
    }
    Ok(())
}

fn earlier(row: &Row<'_>, seen: &Sighting) -> rusqlite::Result<Option<Sighting>> {
    let (camera, zone): (String, Option<String>) = (row.get(1)?, row.get(2)?);
    let (alert, at) = (rows::alert_id(row.get(0)?), Timestamp::from_nanos(row.get(3)?));
    let zone = zone.and_then(|id| ZoneId::parse(&id).ok());
    Ok(CameraId::parse(&camera).ok().map(|camera| Sighting {
        alert,
        place: Place { camera, zone },
        kind: seen.kind,
        at,
    }))
}

/// Incidents, the newest first.
pub(super) fn list(connection: &Connection, before: Option<AlertId>, limit: usize) -> rusqlite::Result<Vec<Incident>> {
    let before = key(before.unwrap_or(AlertId::from_u128(u128::MAX)));
    let ids = connection
        .prepare_cached("SELECT incident_id FROM incidents WHERE incident_id < ?1 ORDER BY incident_id DESC LIMIT ?2")?
        .query_map(params![before, i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0).map(rows::alert_id))?
        .collect::<Result<Vec<_>, _>>()?;
    ids.into_iter().filter_map(|id| one(connection, id).transpose()).collect()
}

/// One incident with its alerts.
pub(super) fn one(connection: &Connection, id: AlertId) -> rusqlite::Result<Option<Incident>> {
    let found = connection
        .prepare_cached("SELECT kind, began_at, last_at FROM incidents WHERE incident_id = ?1")?
        .query_row(params![key(id)], |row| {
            let (began_at, last_at) = (Timestamp::from_nanos(row.get(1)?), Timestamp::from_nanos(row.get(2)?));
            Ok(Incident { id, kind: row.get(0)?, began_at, last_at, sightings: Vec::new() })
        })
        .optional()?;
    let Some(mut incident) = found else { return Ok(None) };
    let alerts = connection
        .prepare_cached("SELECT alert_id FROM alert_states WHERE incident = ?1 ORDER BY captured_at, alert_id")?
        .query_map(params![key(id)], |row| row.get(0).map(rows::alert_id))?
        .collect::<Result<Vec<_>, _>>()?;
    for alert in alerts {
        incident.sightings.extend(rows::load(connection, alert)?);
    }
    Ok(Some(incident))
}
