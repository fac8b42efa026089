//! What is in a store as lines of JSON, as far as it can be read: alerts, what is unsent, explanations, blind time.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::{Map, Value as Json, json};

use super::errors::{folder, sql};
use super::reader::connect;
use super::salvage::{self, Salvaged, Table};
use super::schema;
use crate::contract::time::rfc3339;
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::StoreError;

/// What is written, in this order.
const TABLES: [&str; 5] = ["alert_changes", "outbox", "explanations", "evidence", "blind_intervals"];

/// Writes a store as lines of JSON; says how much of each table could be read. The store is not changed, and may be in use.
pub fn export(dir: &Path, out: &mut dyn Write) -> Result<Vec<(String, Salvaged)>, StoreError> {
    let (damaged, _) = connect(dir)?;
    let sound = schema::empty().map_err(|e| sql(&e))?;
    let tables = salvage::tables(&sound).map_err(|e| sql(&e))?;
    let sent = sent_rows(&damaged, &tables).map_err(|e| sql(&e))?;
    let mut read = Vec::new();
    for name in TABLES {
        let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
        let done = one(&damaged, (table, &sent), out).map_err(|error| match error {
            Failure::Sql(error) => sql(&error),
            Failure::Io(error) => folder(dir, &error),
        })?;
        read.push((name.to_owned(), done));
    }
    Ok(read)
}

enum Failure {
    Sql(rusqlite::Error),
    Io(std::io::Error),
}

/// The records that were sent, as far as that can be read; an older store says it in the record itself.
fn sent_rows(damaged: &Connection, tables: &[Table]) -> rusqlite::Result<HashSet<i64>> {
    let mut sent = HashSet::new();
    let Some(table) = tables.iter().find(|table| table.name == "deliveries") else { return Ok(sent) };
    let Ok(table) = table.shared_with(damaged) else { return Ok(sent) };
    table.read(damaged, |row| {
        if let Some(Value::Integer(number)) = field(&table, row, "row")
            && matches!(field(&table, row, "sent_at"), Some(Value::Integer(_)))
        {
            sent.insert(*number);
        }
        Ok(())
    })?;
    Ok(sent)
}

fn field<'a>(table: &Table, row: &'a [Value], name: &str) -> Option<&'a Value> {
    table.columns.iter().position(|column| column == name).and_then(|at| row.get(at))
}

fn one(damaged: &Connection, (table, sent): (&Table, &HashSet<i64>), out: &mut dyn Write) -> Result<Salvaged, Failure> {
    let Ok(table) = table.shared_with(damaged) else { return Ok(Salvaged { rows: 0, lost: 1 }) };
    let mut failed = None;
    let mut skipped = 0;
    let done = table
        .read(damaged, |row| {
            if failed.is_none() {
                let was_sent = table.name == "outbox"
                    && matches!(field(&table, row, "row"), Some(Value::Integer(number)) if sent.contains(number));
                match line(&table, row).filter(|_| !was_sent) {
                    Some(line) => failed = writeln!(out, "{line}").err(),
                    None => skipped += 1,
                }
            }
            Ok(())
        })
        .map_err(Failure::Sql)?;
    match failed {
        Some(error) => Err(Failure::Io(error)),
        None => Ok(Salvaged { rows: done.rows - skipped, lost: done.lost }),
    }
}

/// A row; none for a record that notes itself that it was sent.
fn line(table: &Table, row: &[Value]) -> Option<Json> {
    let mut fields = Map::new();
    fields.insert("table".to_owned(), json!(table.name));
    for (column, value) in table.columns.iter().zip(row) {
        if column == "sent_at" && *value != Value::Null {
            return None;
        }
        fields.insert(column.clone(), shown(column, value));
    }
    fields.remove("sent_at");
    Some(Json::Object(fields))
}

fn shown(column: &str, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(nanos) if column.ends_with("_at") => json!(rfc3339(Timestamp::from_nanos(*nanos))),
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) if matches!(column, "json" | "headers") => {
            serde_json::from_str(text).unwrap_or_else(|_not_json| json!(text))
        }
        Value::Text(text) => json!(text),
        Value::Blob(bytes) if column == "alert_id" => match <[u8; 16]>::try_from(bytes.as_slice()) {
            Ok(id) => json!(AlertId::from_u128(u128::from_be_bytes(id)).to_string()),
            Err(_damaged) => Json::Null,
        },
        Value::Blob(bytes) => {
            serde_json::from_slice(bytes).unwrap_or_else(|_not_json| json!(String::from_utf8_lossy(bytes)))
        }
    }
}
