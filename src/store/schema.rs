//! The tables, and how an older store becomes a newer one: forward only, each step in one transaction with its number.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::errors::at_open;
use crate::pipeline::ports::StoreError;

/// Written into the file's header, so that a foreign SQLite file is not taken for a store ("LBST").
const APPLICATION_ID: i32 = 0x4c42_5354;

/// Step `n` brings a store from version `n` to `n + 1`. A step that was released is never changed.
const STEPS: [&str; 6] = [STEP_1, STEP_2, STEP_3, STEP_4, STEP_5, STEP_6];

/// Times are nanoseconds since the Unix epoch. Alert ids are 16 bytes, big end first, so they sort by time of opening.
const STEP_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Every revision of every alert, in the order of recording: `row` is the feed's event id.
CREATE TABLE alert_changes (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (alert_id, revision)
);

-- Each alert as it is now.
CREATE TABLE alerts (
    alert_id BLOB PRIMARY KEY,
    camera TEXT,
    kind TEXT NOT NULL,
    revision INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    row INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alerts_open ON alerts (alert_id) WHERE is_open = 1;

-- What must reach Kafka. A row without `sent_at` is a promise and is never deleted.
CREATE TABLE outbox (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    headers TEXT NOT NULL,
    value BLOB NOT NULL,
    captured_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    sent_at INTEGER
);
CREATE INDEX outbox_unsent ON outbox (row) WHERE sent_at IS NULL;

-- How many events each source has had within the epoch.
CREATE TABLE sequences (
    source TEXT NOT NULL,
    epoch TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (source, epoch)
) WITHOUT ROWID;

-- When which camera was not seen, and why. At most one interval of a camera is open.
CREATE TABLE blind_intervals (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER,
    cause TEXT NOT NULL
);
CREATE INDEX blind_by_camera ON blind_intervals (camera, from_at);
CREATE UNIQUE INDEX blind_open ON blind_intervals (camera) WHERE to_at IS NULL;

-- The last word on each camera's health; no cause: it is seen.
CREATE TABLE cameras (
    camera TEXT PRIMARY KEY,
    cause TEXT,
    since INTEGER NOT NULL
) WITHOUT ROWID;
";

/// Why each alert was raised: the last word, beside the alert and apart from what is published.
const STEP_2: &str = "
CREATE TABLE explanations (
    alert_id BLOB PRIMARY KEY,
    json TEXT NOT NULL
) WITHOUT ROWID;
";

/// Who is told of an alert, and what people have ordered. Orders are never changed but for their end, so that they are their own
/// log.
const STEP_3: &str = "
ALTER TABLE alert_changes ADD COLUMN channel TEXT NOT NULL DEFAULT 'alert';
ALTER TABLE alerts ADD COLUMN channel TEXT NOT NULL DEFAULT 'alert';
CREATE INDEX alerts_by_channel ON alerts (channel, alert_id);

-- That rules are armed or disarmed: of a camera or of all, one rule or all.
CREATE TABLE arming_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT,
    rule TEXT,
    state TEXT NOT NULL,
    until_at INTEGER,
    given_at INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    -- When another order took its place.
    ended_at INTEGER
);

-- That a standing thing is watched.
CREATE TABLE watch_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT NOT NULL,
    class TEXT NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    w REAL NOT NULL,
    h REAL NOT NULL,
    given_at INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    ended_at INTEGER,
    -- Who took it back; or the alert that it was good for.
    ended_by TEXT,
    alert_id BLOB
);
CREATE INDEX watch_orders_open ON watch_orders (camera) WHERE ended_at IS NULL;
";

/// What people do with alerts. What was done is never changed.
const STEP_4: &str = "
-- How each alert of which people are told stands with them: a summary of its history, and what the service has to do when.
CREATE TABLE alert_states (
    alert_id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    camera TEXT,
    zone TEXT,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- Records published about it; 0: none, it is new.
    revision INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When the service must look at it: a deadline, or its expiry.
    due_at INTEGER,
    incident BLOB,
    -- Its last row in alert_state_changes.
    row INTEGER
) WITHOUT ROWID;
CREATE INDEX alert_states_due ON alert_states (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alert_states_near ON alert_states (kind, captured_at);
CREATE INDEX alert_states_incident ON alert_states (incident) WHERE incident IS NOT NULL;
-- Alerts from before there were states: they can be handled, and nothing is due with them.
INSERT INTO alert_states (alert_id, kind, camera, priority, state, revision, opened_at, captured_at, expires_at)
    SELECT a.alert_id, a.kind, a.camera, coalesce(json_extract(c.json, '$.priority'), 4), 'new', 0, c.captured_at, c.captured_at,
        c.captured_at
    FROM alerts a JOIN alert_changes c ON c.row = a.row WHERE a.channel = 'alert';

CREATE TABLE transitions (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT,
    disposition TEXT,
    recipient TEXT,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    late INTEGER NOT NULL,
    UNIQUE (alert_id, number),
    UNIQUE (alert_id, request_id)
);
CREATE TRIGGER transitions_stay BEFORE UPDATE ON transitions BEGIN SELECT RAISE(ABORT, 'what was done is never changed'); END;

-- Deadlines that passed; `after` is the transition with which one began to run, 0 the opening.
CREATE TABLE escalations (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    timer TEXT NOT NULL,
    after INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    UNIQUE (alert_id, timer, after)
);

-- Every record about a state, in the order of recording: `row` is the feed's number for it.
CREATE TABLE alert_state_changes (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (alert_id, revision)
);

-- One thing that several cameras saw; its id is that of the first alert about it.
CREATE TABLE incidents (
    incident_id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Alerts that people raised, by the id of their request.
CREATE TABLE reports (
    request_id TEXT PRIMARY KEY,
    alert_id BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX reports_by_alert ON reports (alert_id);

-- What was read from Kafka: the offset after the last record whose effect is in here.
CREATE TABLE consumed_offsets (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
";

/// What has become of each record, apart from the record: a note that it was sent must not write its payload once more.
const STEP_5: &str = "
CREATE TABLE deliveries (
    -- Its row in the outbox.
    row INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    -- A record without it is a promise and is never deleted. The outbox's own column of the name speaks only of what was sent before
    -- version 5: taking it out would write all that is in the outbox anew, on a disk that may be full.
    sent_at INTEGER
);
INSERT INTO deliveries (row, recorded_at, sent_at) SELECT row, recorded_at, sent_at FROM outbox ORDER BY row;
DROP INDEX outbox_unsent;
CREATE INDEX deliveries_unsent ON deliveries (row) WHERE sent_at IS NULL;
";

/// Evidence of alerts. It becomes ready when it likes, so that revisions of an alert are no longer those that were decided.
const STEP_6: &str = "
-- The revision as it was decided; none: the same. 0: none was, evidence became ready.
ALTER TABLE alert_changes ADD COLUMN decided INTEGER;
-- How many of its revisions evidence has added.
ALTER TABLE alerts ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
CREATE TABLE evidence (
    alert_id BLOB NOT NULL,
    name TEXT NOT NULL,
    -- Where it lies, from the folder of the evidence.
    path TEXT NOT NULL,
    media_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (alert_id, name)
) WITHOUT ROWID;
";

/// The version this program writes.
pub(super) const VERSION: usize = STEPS.len();

/// Brings the database to [`VERSION`].
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(|e| at_open(path, &e))?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(|e| at_open(path, &e))?;
    for (from, step) in STEPS.iter().enumerate().skip(found) {
        let mut apply = || -> rusqlite::Result<()> {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(step)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", i64::try_from(from + 1).unwrap_or(i64::MAX))?;
            tx.commit()
        };
        apply().map_err(|e| at_open(path, &e))?;
    }
    Ok(())
}

/// The table that says of each record, by `row`, when it was recorded and when it was sent, in a store of this version.
pub(super) const fn deliveries(version: usize) -> &'static str {
    if version < 5 { "outbox" } else { "deliveries" }
}

/// An empty store in memory: what the tables should be.
pub(super) fn empty() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    STEPS.iter().try_for_each(|step| connection.execute_batch(step))?;
    Ok(connection)
}

/// The version of a store that this program can read; 0 for an empty file.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let ask =
        |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(|e| at_open(path, &e));
    let found = ask("PRAGMA user_version")?;
    let tables = ask("SELECT count(*) FROM sqlite_master")?;
    if tables > 0 && ask("PRAGMA application_id")? != i64::from(APPLICATION_ID) {
        return Err(StoreError::Fatal(format!(
            "{} is a database of another program; move it away, or name another data folder",
            path.display()
        )));
    }
    match usize::try_from(found) {
        Ok(found) if found <= VERSION => Ok(found),
        _ => Err(StoreError::Fatal(format!(
            "{} was written by a newer lightbar (store version {found}, this one knows up to {VERSION}); run the newer lightbar, \
             or name another data folder",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store as version 1 wrote it, with an alert and an unsent row.
    #[test]
    fn a_store_of_version_1_is_brought_forward_with_all_that_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lightbar.db");
        let mut connection = Connection::open(&path).unwrap();
        connection.execute_batch(STEP_1).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection
            .execute_batch(
                "INSERT INTO alert_changes (alert_id, revision, captured_at, json) VALUES (x'00000000000000000000000000000001', 1, 5, '{}');
                 INSERT INTO alerts VALUES (x'00000000000000000000000000000001', 'gate', 'line_cross', 1, 1, 1);
                 INSERT INTO outbox (topic, key, headers, value, captured_at, recorded_at) VALUES ('t', 'k', '[]', x'7b7d', 5, 6);",
            )
            .unwrap();
        migrate(&mut connection, &path).unwrap();
        assert_eq!(version(&connection, &path).unwrap(), VERSION);
        let count = |what: &str| connection.query_row(what, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM alerts WHERE channel = 'alert' AND is_open = 1"), 1);
        assert_eq!(count("SELECT count(*) FROM alert_changes WHERE channel = 'alert'"), 1);
        assert_eq!(count("SELECT count(*) FROM deliveries WHERE sent_at IS NULL AND recorded_at = 6"), 1);
        assert_eq!(
            count("SELECT count(*) FROM alert_states WHERE state = 'new' AND priority = 4 AND due_at IS NULL"),
            1
        );
        assert_eq!(count("SELECT count(*) FROM arming_orders") + count("SELECT count(*) FROM watch_orders"), 0);
        migrate(&mut connection, &path).unwrap();
    }
}
