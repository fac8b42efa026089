//! What stood before each camera, over restarts: a small file of its own beside the outbox.
//!
//! Its commits are not synced one by one: a killed process loses none of them, a power cut the last moments. Losing the file
//! costs no alert; it only makes parked cars new again. So a damaged one is moved aside, and said, and never keeps the service
//! from watching. Bounded: the tracker's bound per camera.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::errors::{at_open, sql};
use super::lock::Lock;
use crate::domain::baseline::{Baseline, StandingThing};
use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::ids::{CameraId, RuleId, TrackId};
use crate::domain::time::Timestamp;
use crate::pipeline::ports::{BaselineStore, StoreError};

const FILE: &str = "tracks.db";
/// "LBTR".
const APPLICATION_ID: i32 = 0x4c42_5452;
const VERSION: i64 = 1;

/// Times are nanoseconds since the Unix epoch; `told` are rule ids, joined by commas (no id has one).
const TABLES: &str = "
CREATE TABLE scenes (camera TEXT PRIMARY KEY, as_of INTEGER NOT NULL, next_track INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE things (
    camera TEXT NOT NULL,
    track INTEGER NOT NULL,
    class TEXT NOT NULL,
    label TEXT,
    confidence REAL NOT NULL,
    x REAL NOT NULL, y REAL NOT NULL, w REAL NOT NULL, h REAL NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    rest_since INTEGER NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (camera, track)
) WITHOUT ROWID;
";

/// Keeps baselines.
#[derive(Debug)]
pub struct Baselines {
    connection: Connection,
    _lock: Arc<Lock>,
}

impl Baselines {
    pub(super) fn open(dir: &Path, lock: Arc<Lock>) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let connection = match connect(&path) {
            Ok(connection) => connection,
            Err(why) => {
                let aside = move_aside(&path).map_err(|e| super::errors::folder(dir, &e))?;
                tracing::error!(error = %why, path = %aside.display(), "what stood before the cameras cannot be read and is new to them; the file was moved here");
                connect(&path).or_else(|error| {
                    // A full disk is no reason not to watch.
                    tracing::error!(%error, path = %path.display(), "what stands before the cameras cannot be kept; a restart makes it new");
                    connect(Path::new(":memory:"))
                })?
            }
        };
        Ok(Self { connection, _lock: lock })
    }
}

impl BaselineStore for Baselines {
    fn save(&mut self, camera: &CameraId, baseline: &Baseline) -> Result<(), StoreError> {
        let mut write = || -> rusqlite::Result<()> {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.prepare_cached("INSERT OR REPLACE INTO scenes (camera, as_of, next_track) VALUES (?1, ?2, ?3)")?
                .execute(params![camera.as_str(), baseline.as_of.as_nanos(), signed(baseline.next_track)])?;
            tx.prepare_cached("DELETE FROM things WHERE camera = ?1")?.execute([camera.as_str()])?;
            for thing in &baseline.things {
                insert(&tx, camera, thing)?;
            }
            tx.commit()
        };
        write().map_err(|e| sql(&e))
    }

    fn load(&mut self, camera: &CameraId) -> Result<Baseline, StoreError> {
        let read = || -> rusqlite::Result<Baseline> {
            let known: Option<(i64, i64)> = self
                .connection
                .prepare_cached("SELECT as_of, next_track FROM scenes WHERE camera = ?1")?
                .query_row([camera.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((as_of, next_track)) = known else { return Ok(Baseline::default()) };
            let mut select = self.connection.prepare_cached("SELECT * FROM things WHERE camera = ?1 ORDER BY track")?;
            let things = select.query_map([camera.as_str()], thing)?.collect::<Result<Vec<_>, _>>()?;
            Ok(Baseline {
                as_of: Timestamp::from_nanos(as_of),
                next_track: next_track.unsigned_abs(),
                things: things.into_iter().flatten().collect(),
            })
        };
        read().map_err(|e| sql(&e))
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found != VERSION {
            // Another version's things are not worth a migration: they are known again within seconds.
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch("DROP TABLE IF EXISTS things; DROP TABLE IF EXISTS scenes;")?;
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", VERSION)?;
            tx.commit()?;
        }
        Ok(connection)
    };
    open().map_err(|e| at_open(path, &e))
}

/// Renames a file that cannot be read; gives its new name. What SQLite kept beside it is of no use without it.
fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = path.with_extension("db.damaged");
    std::fs::rename(path, &aside)?;
    for suffix in ["db-wal", "db-shm"] {
        match std::fs::remove_file(path.with_extension(suffix)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

fn insert(tx: &Connection, camera: &CameraId, thing: &StandingThing) -> rusqlite::Result<()> {
    let told: Vec<&str> = thing.told.iter().map(RuleId::as_str).collect();
    let b = thing.bbox;
    tx.prepare_cached("INSERT INTO things VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?
        .execute(params![
            camera.as_str(),
            signed(thing.track.0),
            thing.class.as_str(),
            thing.label.as_deref(),
            thing.confidence.get(),
            b.x,
            b.y,
            b.w,
            b.h,
            thing.first_seen.as_nanos(),
            thing.last_seen.as_nanos(),
            thing.rest_since.as_nanos(),
            told.join(","),
        ])
        .map(|_| ())
}

/// A thing of a class that this version knows.
fn thing(row: &Row<'_>) -> rusqlite::Result<Option<StandingThing>> {
    let class: String = row.get("class")?;
    let Some(class) = ObjectClass::from_name(&class) else { return Ok(None) };
    let at = |column: &str| row.get(column).map(Timestamp::from_nanos);
    let told: String = row.get("told")?;
    let label: Option<String> = row.get("label")?;
    let track: i64 = row.get("track")?;
    Ok(Some(StandingThing {
        track: TrackId(track.unsigned_abs()),
        class,
        label: label.map(Arc::from),
        confidence: Confidence::clamped(row.get("confidence")?),
        bbox: BBox::new(row.get("x")?, row.get("y")?, row.get("w")?, row.get("h")?),
        first_seen: at("first_seen")?,
        last_seen: at("last_seen")?,
        rest_since: at("rest_since")?,
        told: told.split(',').filter_map(|rule| RuleId::parse(rule).ok()).collect(),
    }))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, Store};

    fn camera() -> CameraId {
        CameraId::parse("gate").unwrap()
    }

    fn parked() -> Baseline {
        let at = Timestamp::from_millis;
        let thing = StandingThing {
            track: TrackId(41),
            class: ObjectClass::Car,
            label: Some(Arc::from("taxi")),
            confidence: Confidence::clamped(0.75),
            bbox: BBox::new(0.1, 0.2, 0.3, 0.25),
            first_seen: at(1_000),
            last_seen: at(90_000),
            rest_since: at(3_000),
            told: vec![RuleId::parse("no-parking").unwrap(), RuleId::parse("lane").unwrap()],
        };
        Baseline { as_of: at(90_000), next_track: 77, things: vec![thing] }
    }

    #[test]
    fn what_stood_is_read_back_after_the_process_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        {
            let store = Store::open(dir.path(), Options::default()).unwrap();
            let mut baselines = store.baselines().unwrap();
            assert_eq!(baselines.load(&camera()).unwrap(), Baseline::default());
            baselines.save(&camera(), &Baseline { next_track: 5, ..Baseline::default() }).unwrap();
            baselines.save(&camera(), &parked()).unwrap();
            // No goodbye: what a kill leaves is what was committed.
            std::mem::forget(baselines);
        }
        let copy = tempfile::tempdir().unwrap();
        for name in [FILE, "tracks.db-wal"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        let store = Store::open(copy.path(), Options::default()).unwrap();
        assert_eq!(store.baselines().unwrap().load(&camera()).unwrap(), parked());
    }

    #[test]
    fn a_damaged_file_is_moved_aside_and_keeps_nobody_from_watching() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "this is no database, however long it is looked at").unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        assert_eq!(store.baselines().unwrap().load(&camera()).unwrap(), Baseline::default());
        assert!(dir.path().join("tracks.db.damaged").exists());
    }
}
