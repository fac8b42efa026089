//! Writing one revision of one alert: the change, the alert as it is now, and its outbox row.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

use super::lifecycle;
use crate::contract::{AlertV1, Site, Stamp, cloudevents};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::lifecycle::Policy;
use crate::pipeline::ports::{Channel, Recorded};

/// What every event of this store says.
#[derive(Debug)]
pub(super) struct Author {
    pub(super) site: Arc<Site>,
    pub(super) epoch: String,
    /// How alerts are handled here.
    pub(super) policy: Arc<Policy>,
}

/// One record for the outbox.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) key: &'a str,
    pub(super) headers: &'a cloudevents::Headers,
    pub(super) value: &'a [u8],
    pub(super) captured_at: Timestamp,
    pub(super) recorded_at: Timestamp,
}

/// The revision as it was decided, if it is recorded already. A commit whose answer was lost is tried again; it must not count twice.
pub(super) fn recorded(connection: &Connection, id: AlertId, revision: u32) -> rusqlite::Result<Option<Recorded>> {
    connection
        .prepare_cached(
            "SELECT row, json, channel FROM alert_changes WHERE alert_id = ?1 AND coalesce(decided, revision) = ?2",
        )?
        .query_row(params![key(id), revision], |row| {
            let channel = channel(&row.get::<_, String>(2)?);
            Ok(Recorded { row: row.get(0)?, alert: id, channel, json: row.get::<_, String>(1)?.into() })
        })
        .optional()
}

/// The newest revision of an alert that is open.
pub(super) fn open(connection: &Connection, id: AlertId) -> rusqlite::Result<Option<AlertV1>> {
    connection
        .prepare_cached(
            "SELECT c.json FROM alerts a JOIN alert_changes c ON c.row = a.row WHERE a.alert_id = ?1 AND a.is_open = 1",
        )?
        .query_row([key(id)], |row| {
            let json: String = row.get(0)?;
            // Only a hand's work on the file makes it something else; nothing is guessed from it.
            serde_json::from_str(&json).map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, e.into()))
        })
        .optional()
}

/// Writes a revision that is not recorded yet, and its record.
pub(super) fn write(
    connection: &Connection,
    author: &Author,
    id: AlertId,
    alert: &AlertV1,
    times: (Timestamp, Timestamp),
) -> rusqlite::Result<Recorded> {
    write_decided(connection, author, id, alert, times, None)
}

/// The same; `decided` is the revision as it was decided, where it is another.
pub(super) fn write_decided(
    connection: &Connection,
    author: &Author,
    id: AlertId,
    alert: &AlertV1,
    times: (Timestamp, Timestamp),
    decided: Option<u32>,
) -> rusqlite::Result<Recorded> {
    let recorded = write_change(connection, id, alert, times.0, decided)?;
    if author.site.publishes(recorded.channel) {
        publish(connection, author, alert, &recorded.json, times)?;
    }
    begin(connection, author, id, alert, times.1)?;
    Ok(recorded)
}

/// With its opening, an alert that people are told of begins its life with them.
pub(super) fn begin(
    connection: &Connection,
    author: &Author,
    id: AlertId,
    alert: &AlertV1,
    recorded_at: Timestamp,
) -> rusqlite::Result<()> {
    if alert.channel() == Channel::Alert && alert.phase == "opened" {
        lifecycle::begin(connection, author, id, alert, recorded_at)?;
    }
    Ok(())
}

/// Writes a revision that is not recorded yet, without its record.
pub(super) fn write_change(
    connection: &Connection,
    id: AlertId,
    alert: &AlertV1,
    captured_at: Timestamp,
    decided: Option<u32>,
) -> rusqlite::Result<Recorded> {
    let json = alert.to_json();
    let channel = alert.channel();
    connection
        .prepare_cached(
            "INSERT INTO alert_changes (alert_id, revision, captured_at, json, channel, decided) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![key(id), alert.revision, captured_at.as_nanos(), json, channel.as_str(), decided])?;
    let row = connection.last_insert_rowid();
    let camera = alert.camera.as_ref().map(|camera| &camera.id);
    // An update may follow the end (evidence that became ready later); it does not open the alert again.
    connection
        .prepare_cached(
            "INSERT INTO alerts (alert_id, camera, kind, revision, is_open, row, channel)
             VALUES (?1, ?2, ?3, ?4, ?5 <> 'ended', ?6, ?7)
             ON CONFLICT (alert_id) DO UPDATE SET revision = excluded.revision, row = excluded.row,
                 is_open = CASE ?5 WHEN 'updated' THEN is_open ELSE excluded.is_open END",
        )?
        .execute(params![key(id), camera, alert.kind, alert.revision, alert.phase, row, channel.as_str()])?;
    Ok(Recorded { row, alert: id, channel, json: json.into() })
}

/// Puts a revision into the outbox, as the next of its source; gives its row there.
pub(super) fn publish(
    connection: &Connection,
    author: &Author,
    alert: &AlertV1,
    json: &str,
    (captured_at, recorded_at): (Timestamp, Timestamp),
) -> rusqlite::Result<i64> {
    let source = cloudevents::alert_source(alert, &author.site);
    let channel = alert.channel();
    // Each topic has an epoch of its own: who reads one of them must not see gaps for what is on another.
    let epoch = match channel {
        Channel::Alert => author.epoch.clone(),
        other => format!("{}-{}", author.epoch, other.as_str()),
    };
    let stamp = Stamp { sequence: next_sequence(connection, &source, &epoch)?, epoch: &epoch };
    let headers = cloudevents::alert_headers(alert, &author.site, stamp);
    let topic = author.site.topic(channel);
    put(
        connection,
        &Outgoing {
            topic: &topic,
            key: alert.key(),
            headers: &headers,
            value: json.as_bytes(),
            captured_at,
            recorded_at,
        },
    )
}

/// A channel as stored. A word that only a newer program knows cannot be there: it would be a newer store.
pub(super) fn channel(word: &str) -> Channel {
    Channel::from_word(word).unwrap_or_default()
}

/// Keeps why an alert was raised; a later word replaces an earlier one.
pub(super) fn explain(connection: &Connection, id: AlertId, json: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO explanations (alert_id, json) VALUES (?1, ?2)")?
        .execute(params![key(id), json])
        .map(|_| ())
}

/// Puts a record into the outbox, as unsent; gives its row.
pub(super) fn put(connection: &Connection, record: &Outgoing<'_>) -> rusqlite::Result<i64> {
    let headers = serde_json::to_string(record.headers).expect("pairs of texts are always JSON");
    connection
        .prepare_cached(
            "INSERT INTO outbox (topic, key, headers, value, captured_at, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            record.topic,
            record.key,
            headers,
            record.value,
            record.captured_at.as_nanos(),
            record.recorded_at.as_nanos()
        ])?;
    let row = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO deliveries (row, recorded_at) VALUES (?1, ?2)")?
        .execute(params![row, record.recorded_at.as_nanos()])?;
    Ok(row)
}

/// Counts an event of a source within an epoch, from 1.
pub(super) fn next_sequence(connection: &Connection, source: &str, epoch: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "INSERT INTO sequences (source, epoch, last) VALUES (?1, ?2, 1)
             ON CONFLICT (source, epoch) DO UPDATE SET last = last + 1 RETURNING last",
        )?
        .query_row(params![source, epoch], |row| row.get(0))
        .map(i64::unsigned_abs)
}

/// An alert's id as stored.
pub(super) fn key(id: AlertId) -> [u8; 16] {
    id.as_u128().to_be_bytes()
}
