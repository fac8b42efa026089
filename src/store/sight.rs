//! The ledger of blind time: when which camera was not seen, and why; and the word of it to the outside.

use rusqlite::{Connection, OptionalExtension, params};

use super::alerts::{Author, Outgoing, next_sequence, put};
use crate::contract::{CameraHealthV1, Stamp, cloudevents};
use crate::domain::ids::CameraId;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;

/// Sight of a camera was lost. The same cause again changes nothing; another cause ends the interval and begins a new one.
pub(super) fn lost(
    connection: &Connection,
    author: &Author,
    camera: &CameraId,
    loss: (Timestamp, BlindCause),
    recorded_at: Timestamp,
) -> rusqlite::Result<()> {
    let (from, cause) = loss;
    let open: Option<(i64, String)> = connection
        .prepare_cached("SELECT from_at, cause FROM blind_intervals WHERE camera = ?1 AND to_at IS NULL")?
        .query_row([camera.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut begins = from.as_nanos();
    if let Some((open_from, open_cause)) = open {
        if open_cause == cause.as_str() {
            return Ok(());
        }
        begins = begins.max(open_from);
        close(connection, camera, Timestamp::from_nanos(begins))?;
    }
    connection
        .prepare_cached("INSERT INTO blind_intervals (camera, from_at, cause) VALUES (?1, ?2, ?3)")?
        .execute(params![camera.as_str(), begins, cause.as_str()])?;
    say(connection, author, camera, (Timestamp::from_nanos(begins), Some(cause)), recorded_at)
}

/// Sight of a camera came back (or was there from the first moment).
pub(super) fn regained(
    connection: &Connection,
    author: &Author,
    camera: &CameraId,
    at: Timestamp,
    recorded_at: Timestamp,
) -> rusqlite::Result<()> {
    close(connection, camera, at)?;
    say(connection, author, camera, (at, None), recorded_at)
}

/// A camera is no longer in the configuration: its blind time ends, since nobody means to see with it.
pub(super) fn retired(
    connection: &Connection,
    author: &Author,
    camera: &CameraId,
    at: Timestamp,
) -> rusqlite::Result<()> {
    close(connection, camera, at)?;
    say(connection, author, camera, (at, Some(BlindCause::Disabled)), at)
}

/// Ends the open interval, if there is one; never before it began.
fn close(connection: &Connection, camera: &CameraId, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE blind_intervals SET to_at = max(?2, from_at) WHERE camera = ?1 AND to_at IS NULL")?
        .execute(params![camera.as_str(), at.as_nanos()])
        .map(|_| ())
}

/// Publishes a camera's health where it differs from what was said last.
fn say(
    connection: &Connection,
    author: &Author,
    camera: &CameraId,
    health: (Timestamp, Option<BlindCause>),
    recorded_at: Timestamp,
) -> rusqlite::Result<()> {
    let (since, cause) = health;
    let word = cause.map(BlindCause::as_str);
    let said: Option<Option<String>> = connection
        .prepare_cached("SELECT cause FROM cameras WHERE camera = ?1")?
        .query_row([camera.as_str()], |row| row.get(0))
        .optional()?;
    if said.is_some_and(|said| said.as_deref() == word) {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO cameras (camera, cause, since) VALUES (?1, ?2, ?3)")?
        .execute(params![camera.as_str(), word, since.as_nanos()])?;
    let body = CameraHealthV1::new(camera, cause, since, recorded_at);
    // Counted apart from alerts: a consumer of alerts must see no gap where a camera's health was said.
    let counter = format!("health:{camera}");
    let stamp = Stamp { sequence: next_sequence(connection, &counter, &author.epoch)?, epoch: &author.epoch };
    let headers = cloudevents::camera_health_headers(&body, &author.site, stamp);
    let (topic, value) = (author.site.camera_health_topic(), body.to_json());
    put(
        connection,
        &Outgoing {
            topic: &topic,
            key: camera.as_str(),
            headers: &headers,
            value: value.as_bytes(),
            // No frame caused it; latency is counted from here.
            captured_at: recorded_at,
            recorded_at,
        },
    )
    .map(|_row| ())
}
