//! Whether a store is sound: SQLite's own check of the file, and what must hold of what is in it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::errors::{damaged, sql};
use super::reader::connect;
use super::schema;
use crate::domain::ids::AlertId;
use crate::pipeline::ports::StoreError;

/// Findings of one kind that are named; the rest are counted.
const NAMED: usize = 20;
/// How long the look over the file at the start may take; a large store is looked over in part.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// Looks at one thing; a line for each fault.
type Check<'a> = &'a dyn Fn(&Connection) -> rusqlite::Result<Vec<String>>;

/// All that is wrong with the store of a data folder, a line each; nothing where it is sound. It may be in use meanwhile.
pub fn check(dir: &Path) -> Result<Vec<String>, StoreError> {
    let (connection, path) = connect(dir)?;
    // All of it as it is at one moment.
    connection.execute_batch("BEGIN").map_err(|e| sql(&e))?;
    let version = schema::version(&connection, &path)?;
    let mut found = Vec::new();
    let checks: [(&str, Check<'_>); 6] = [
        ("the file", &file),
        ("the alerts", &alerts),
        ("the unsent records", &|connection| unsent(connection, version)),
        ("the notes of what was sent", &|connection| deliveries(connection, version)),
        ("the sequences", &sequences),
        ("the epoch", &epoch),
    ];
    for (what, check) in checks {
        match check(&connection) {
            Ok(lines) => {
                let left = lines.len().saturating_sub(NAMED);
                found.extend(lines.into_iter().take(NAMED));
                if left > 0 {
                    found.push(format!("{what}: {left} more of the kind"));
                }
            }
            Err(error) => found.push(format!("{what} cannot be read to the end: {error}")),
        }
    }
    Ok(found)
}

/// A look over the file when it is opened to be written; a damaged one is refused with the way out.
pub(super) fn look_over(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let interrupt = connection.get_interrupt_handle();
    let (done, looked) = channel::<()>();
    let found = std::thread::scope(|scope| {
        scope.spawn(move || {
            if looked.recv_timeout(LOOK_FOR) == Err(RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let found = lines(connection, "PRAGMA quick_check(3)");
        drop(done);
        found
    });
    match found {
        Ok(lines) if lines == ["ok"] => Ok(()),
        Ok(lines) => Err(damaged(path, &lines.join("; "))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            tracing::info!(path = %path.display(), "the store is too large to be looked over at the start; `lightbar store check` does it");
            Ok(())
        }
        Err(error) => Err(super::errors::at_open(path, &error)),
    }
}

fn lines(connection: &Connection, select: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(select)?.query_map([], |row| row.get(0))?.collect()
}

fn file(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = lines(connection, "PRAGMA integrity_check(100)")?;
    found.retain(|line| line != "ok");
    Ok(found.into_iter().map(|line| format!("the file: {line}")).collect())
}

fn alerts(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    lines(
        connection,
        "SELECT 'row ' || row || ' of alert_changes is no JSON' FROM alert_changes WHERE NOT json_valid(json)
         UNION ALL
         SELECT 'alert ' || lower(hex(a.alert_id)) || ' has no change ' || a.revision FROM alerts a
             LEFT JOIN alert_changes c ON c.row = a.row AND c.alert_id = a.alert_id AND c.revision = a.revision
             WHERE c.row IS NULL
         UNION ALL
         SELECT 'row ' || c.row || ' of alert_changes is of no alert' FROM alert_changes c
             LEFT JOIN alerts a ON a.alert_id = c.alert_id WHERE a.alert_id IS NULL
         UNION ALL
         SELECT 'an explanation is of no alert: ' || lower(hex(e.alert_id)) FROM explanations e
             LEFT JOIN alerts a ON a.alert_id = e.alert_id WHERE a.alert_id IS NULL",
    )
}

/// Every unsent record of an alert has its alert.
fn unsent(connection: &Connection, version: usize) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut select = connection.prepare(&format!(
        "SELECT row, headers FROM outbox WHERE row IN (SELECT row FROM {} WHERE sent_at IS NULL) ORDER BY row",
        schema::deliveries(version)
    ))?;
    let mut known = connection.prepare("SELECT 1 FROM alert_changes WHERE alert_id = ?1 AND revision = ?2")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (number, headers): (i64, String) = (row.get(0)?, row.get(1)?);
        let Some(headers) = Headers::parse(&headers) else {
            found.push(format!("the headers of unsent record {number} cannot be read"));
            continue;
        };
        if let Some((alert, revision)) = headers.alert_revision()
            && !known.exists(rusqlite::params![super::alerts::key(alert), revision])?
        {
            found.push(format!("unsent record {number} is of alert {alert}, revision {revision}, which is not there"));
        }
    }
    Ok(found)
}

/// Of every record it is known whether it was sent; a record of which it is not would never be sent, and never deleted.
fn deliveries(connection: &Connection, version: usize) -> rusqlite::Result<Vec<String>> {
    let table = schema::deliveries(version);
    lines(
        connection,
        &format!(
            "SELECT 'of record ' || row || ' it is not known whether it was sent' FROM outbox WHERE row NOT IN (SELECT row FROM {table})
             UNION ALL
             SELECT 'record ' || row || ' is ' || iif(sent_at IS NULL, 'unsent', 'sent') || ' and is not there' FROM {table}
                 WHERE row NOT IN (SELECT row FROM outbox)"
        ),
    )
}

/// Within an epoch, each source counts up in the order of the records.
fn sequences(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut last: HashMap<(String, String), u64> = HashMap::new();
    let mut select = connection.prepare("SELECT row, headers FROM outbox ORDER BY row")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (number, headers): (i64, String) = (row.get(0)?, row.get(1)?);
        let Some(headers) = Headers::parse(&headers) else { continue };
        let (Some(source), Some(epoch), Some(sequence)) = (
            headers.get("ce_source"),
            headers.get("ce_epoch"),
            headers.get("ce_sequence").and_then(|n| n.parse().ok()),
        ) else {
            continue;
        };
        let before = last.insert((source.to_owned(), epoch.to_owned()), sequence);
        if before.is_some_and(|before| before >= sequence) {
            found
                .push(format!("record {number} of {source} has the sequence {sequence} after {}", before.unwrap_or(0)));
        }
    }
    let mut noted = connection.prepare("SELECT last FROM sequences WHERE source = ?1 AND epoch = ?2")?;
    for ((source, epoch), used) in last {
        use rusqlite::OptionalExtension as _;
        let counter: Option<i64> = noted.query_row([&source, &epoch], |row| row.get(0)).optional()?;
        if counter.is_some_and(|counter| counter.unsigned_abs() < used) {
            found.push(format!("{source} has used the sequence {used}, and would use it again"));
        }
    }
    Ok(found)
}

fn epoch(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let there = connection.prepare("SELECT 1 FROM meta WHERE key = 'epoch'")?.exists([])?;
    Ok(if there { Vec::new() } else { vec!["there is no epoch: the next start makes one".to_owned()] })
}

/// A record's headers as stored.
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(super) fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Of which alert and revision a record is, where it is of one.
    pub(super) fn alert_revision(&self) -> Option<(AlertId, u32)> {
        self.get("ce_type").filter(|kind| kind.contains(".alert."))?;
        let (alert, revision) = self.get("ce_id")?.rsplit_once('.')?;
        Some((AlertId::parse(alert)?, revision.parse().ok()?))
    }
}
