//! A new store of what can be read of a damaged one, which is kept beside it.
//!
//! Records that were unsent keep their bytes and their order. Of alerts whose record cannot be read it is not known whether Kafka has
//! it: they are put into the outbox again, in their place, since twice is better than never. The new store has an epoch of its own.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::alerts::{self, Author};
use super::check::Headers;
use super::errors::{at_open, folder, sql};
use super::lock::Lock;
use super::reader::connect;
use super::salvage::{self, Salvaged, Table};
use super::{FILE, backup, schema, writer};
use crate::contract::time::{parse_rfc3339, rfc3339};
use crate::contract::{AlertV1, Site};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::StoreError;

/// What became of a damaged store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// How much of each table could be read.
    pub tables: Vec<(String, Salvaged)>,
    /// Changes whose record could not be read and is sent (again).
    pub sent_again: u64,
    /// Where the damaged store is now.
    pub damaged: PathBuf,
}

/// Puts a new store into the place of a damaged one; no service may run on it.
pub fn repair(dir: &Path, site: Arc<Site>, now: Timestamp) -> Result<Repaired, StoreError> {
    let _lock = Lock::take(dir)?;
    let (damaged, path) = connect(dir)?;
    let fresh_path = dir.join("lightbar.db.repaired");
    for left in ["", "-wal", "-shm", "-journal"] {
        remove(&beside(&fresh_path, left)).map_err(|e| folder(dir, &e))?;
    }
    let mut fresh = Connection::open(&fresh_path).map_err(|e| at_open(&fresh_path, &e))?;
    schema::migrate(&mut fresh, &fresh_path)?;
    let (tables, sent_again) = fill(&damaged, &mut fresh, site).map_err(|e| sql(&e))?;
    // One file, whole: nothing of it must lie in a log beside it when it is renamed.
    fresh.pragma_update(None, "journal_mode", "DELETE").map_err(|e| sql(&e))?;
    drop(fresh);
    drop(damaged);
    let name: String = rfc3339(now).chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let aside = dir.join(format!("lightbar.db.damaged-{name}"));
    let exchange = || -> std::io::Result<()> {
        for part in ["-wal", "-shm", ""] {
            match fs::rename(beside(&path, part), beside(&aside, part)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::File::open(&fresh_path)?.sync_all()?;
        fs::rename(&fresh_path, dir.join(FILE))?;
        fs::File::open(dir)?.sync_all()
    };
    exchange().map_err(|e| folder(dir, &e))?;
    drop(backup::openable(&dir.join(FILE))?);
    Ok(Repaired { tables, sent_again, damaged: aside })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn fill(
    damaged: &Connection,
    fresh: &mut Connection,
    site: Arc<Site>,
) -> rusqlite::Result<(Vec<(String, Salvaged)>, u64)> {
    let known = salvage::tables(fresh)?;
    let tx = fresh.transaction()?;
    let mut read = Vec::new();
    for table in &known {
        let done = match table.shared_with(damaged) {
            Ok(shared) => copy(damaged, &tx, &shared)?,
            Err(_damaged) => Salvaged { rows: 0, lost: 1 },
        };
        read.push((table.name.clone(), done));
    }
    tx.commit()?;
    let author = Author { site, epoch: writer::epoch(fresh)?, policy: Arc::default() };
    let tx = fresh.transaction()?;
    restore_deliveries(&tx)?;
    restore_changes(&tx)?;
    rebuild_alerts(&tx)?;
    let outbox_is_whole = read.iter().any(|(name, done)| name == "outbox" && done.lost == 0);
    let sent_again = if outbox_is_whole { 0 } else { send_again(&tx, &author)? };
    tx.commit()?;
    Ok((read, sent_again))
}

fn copy(damaged: &Connection, tx: &Connection, table: &Table) -> rusqlite::Result<Salvaged> {
    // A damaged store that is older has no such table.
    if table.columns.is_empty() {
        return Ok(Salvaged::default());
    }
    let places = vec!["?"; table.columns.len()].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {} ({}) VALUES ({places})", table.name, table.columns.join(", "));
    let mut insert = tx.prepare(&insert)?;
    let (mut rows, mut bad) = (0, 0);
    let mut done = table.read(damaged, |row| {
        if is_epoch(table, row) {
            return Ok(());
        }
        // What breaks a rule of the new store was overwritten with something else.
        match is_whole(table, row).then(|| insert.execute(params_from_iter(row))) {
            Some(Ok(inserted)) => rows += inserted as u64,
            Some(Err(error)) if error.sqlite_error_code() != Some(rusqlite::ErrorCode::ConstraintViolation) => {
                return Err(error);
            }
            _ => bad += 1,
        }
        Ok(())
    })?;
    done.rows = rows;
    done.lost += bad;
    Ok(done)
}

/// The epoch of the damaged store: its sequences may have got further than what can be read of them.
fn is_epoch(table: &Table, row: &[Value]) -> bool {
    table.name == "meta" && row.first() == Some(&Value::Text("epoch".to_owned()))
}

/// Whether what must be JSON is.
fn is_whole(table: &Table, row: &[Value]) -> bool {
    table.columns.iter().zip(row).all(|(column, value)| match (table.name.as_str(), column.as_str(), value) {
        ("alert_changes" | "explanations", "json", Value::Text(text)) => is_json(text.as_bytes()),
        ("outbox", "headers", Value::Text(text)) => Headers::parse(text).is_some(),
        ("outbox", "value", Value::Blob(bytes)) => is_json(bytes),
        (_, "alert_id", Value::Blob(bytes)) => bytes.len() == 16,
        _ => true,
    })
}

fn is_json(bytes: &[u8]) -> bool {
    // As text first: what is skipped is not looked at, and a text that was overwritten within its quotes would pass.
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// A record of which it cannot be read what has become of it is sent (again), but for what an older version noted in the record itself.
fn restore_deliveries(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch(
        "DELETE FROM deliveries WHERE row NOT IN (SELECT row FROM outbox);
         INSERT OR IGNORE INTO deliveries (row, recorded_at, sent_at) SELECT row, recorded_at, sent_at FROM outbox;",
    )
}

/// Puts back the changes that cannot be read but whose record can, since a record carries all of it; each about where it was.
fn restore_changes(tx: &Connection) -> rusqlite::Result<()> {
    let mut there = HashMap::new();
    let mut select = tx.prepare("SELECT alert_id, revision, row FROM alert_changes")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        there.insert((AlertId::from_u128(u128::from_be_bytes(id)), row.get::<_, u32>(1)?), row.get::<_, i64>(2)?);
    }
    let mut taken: HashSet<i64> = there.values().copied().collect();
    let mut insert = tx.prepare(
        "INSERT INTO alert_changes (row, alert_id, revision, captured_at, json, channel) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut select = tx.prepare("SELECT headers, value, captured_at FROM outbox ORDER BY row")?;
    let mut rows = select.query([])?;
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let (headers, value): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let Some((id, revision)) = Headers::parse(&headers).and_then(|headers| headers.alert_revision()) else {
            continue;
        };
        if let Some(&found) = there.get(&(id, revision)) {
            last = found;
            continue;
        }
        let (Ok(alert), Ok(json)) = (serde_json::from_slice::<AlertV1>(&value), String::from_utf8(value)) else {
            continue;
        };
        last = free_after(last, &mut taken);
        let captured_at: i64 = row.get(2)?;
        insert.execute(params![last, alerts::key(id), revision, captured_at, json, alert.channel().as_str()])?;
    }
    Ok(())
}

/// The next row that is free: where rows were lost, one of theirs.
fn free_after(last: i64, taken: &mut HashSet<i64>) -> i64 {
    let mut row = last + 1;
    while !taken.insert(row) {
        row += 1;
    }
    row
}

/// Each alert as its newest change that could be read says it is.
fn rebuild_alerts(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch(
        "DELETE FROM alerts WHERE NOT EXISTS
             (SELECT 1 FROM alert_changes c WHERE c.row = alerts.row AND c.alert_id = alerts.alert_id AND c.revision = alerts.revision);
         INSERT OR REPLACE INTO alerts (alert_id, camera, kind, revision, is_open, row, channel)
             SELECT c.alert_id, json_extract(c.json, '$.camera.id'), json_extract(c.json, '$.kind'), c.revision,
                 NOT EXISTS (SELECT 1 FROM alert_changes e
                     WHERE e.alert_id = c.alert_id AND json_extract(e.json, '$.phase') = 'ended'),
                 c.row, c.channel
             FROM alert_changes c
             WHERE c.revision = (SELECT max(m.revision) FROM alert_changes m WHERE m.alert_id = c.alert_id)
                 AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.alert_id = c.alert_id);
         DELETE FROM explanations WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.alert_id = explanations.alert_id);",
    )
}

/// Puts the changes whose record is missing into the outbox, each where its record was.
fn send_again(tx: &Connection, author: &Author) -> rusqlite::Result<u64> {
    let mut records: Vec<(i64, i64, String)> = tx
        .prepare("SELECT row, recorded_at, headers FROM outbox ORDER BY row")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    // What was recorded before the oldest record that is left was sent, and its record deleted when its time was up.
    let oldest = records.first().map(|(_, recorded_at, _)| Timestamp::from_nanos(*recorded_at));
    let mut taken: HashSet<i64> = records.iter().map(|(row, ..)| *row).collect();
    let there: HashMap<(AlertId, u32), i64> = records
        .drain(..)
        .filter_map(|(row, _, headers)| Some((Headers::parse(&headers)?.alert_revision()?, row)))
        .collect();
    let mut changes = tx.prepare("SELECT alert_id, revision, captured_at, json FROM alert_changes ORDER BY row")?;
    let mut rows = changes.query([])?;
    let (mut last, mut sent_again) = (0, 0);
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        let (id, revision) = (AlertId::from_u128(u128::from_be_bytes(id)), row.get(1)?);
        if let Some(&found) = there.get(&(id, revision)) {
            last = found;
            continue;
        }
        let json: String = row.get(3)?;
        let Ok(alert) = serde_json::from_str::<AlertV1>(&json) else { continue };
        let Some(recorded_at) = parse_rfc3339(&alert.timing.recorded_at) else { continue };
        // Text has milliseconds, rounded down.
        if oldest.is_some_and(|oldest| recorded_at.as_millis() < oldest.as_millis())
            || !author.site.publishes(alert.channel())
        {
            continue;
        }
        last = free_after(last, &mut taken);
        let captured_at = Timestamp::from_nanos(row.get(2)?);
        let put = alerts::publish(tx, author, &alert, &json, (captured_at, recorded_at))?;
        for table in ["outbox", "deliveries"] {
            tx.execute(&format!("UPDATE {table} SET row = ?1 WHERE row = ?2"), params![last, put])?;
        }
        sent_again += 1;
    }
    Ok(sent_again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_overwritten_within_a_text_is_no_json() {
        assert!(is_json("{\"text\":\"北门\"}".as_bytes()));
        assert!(!is_json(b"{\"text\":\"\xa5\xa5\"}"));
        assert!(!is_json(b"{\"text\":"));
    }
}
