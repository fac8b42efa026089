//! What was found, for people and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::Record;
use super::promise::Promise;

/// Of each promise so many violations are told; the rest are counted.
const TOLD: usize = 10;

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's `ce_id`, as far as it has one.
    pub id: String,
    /// What is wrong.
    pub message: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records looked at.
    pub records: u64,
    /// Records that repeat an earlier one, byte for byte: allowed, and removed by consumers.
    pub repeats: u64,
    /// Records by `ce_type`.
    pub types: BTreeMap<String, u64>,
    /// Sources that spoke.
    pub sources: BTreeSet<String>,
    /// What is worth knowing and no violation, with how often.
    pub notes: BTreeMap<String, u64>,
    broken: BTreeMap<Promise, Broken>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Broken {
    count: u64,
    first: Vec<Violation>,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.broken.is_empty()
    }

    /// How often a promise was broken.
    pub fn count(&self, promise: Promise) -> u64 {
        self.broken.get(&promise).map_or(0, |broken| broken.count)
    }

    /// The first violations of a promise.
    pub fn first(&self, promise: Promise) -> &[Violation] {
        self.broken.get(&promise).map_or(&[], |broken| &broken.first)
    }

    pub(super) fn broken(&mut self, promise: Promise, record: &Record, message: String) {
        let broken = self.broken.entry(promise).or_default();
        broken.count += 1;
        if broken.first.len() < TOLD {
            let id = record.header("ce_id").unwrap_or_default().to_owned();
            broken.first.push(Violation { partition: record.partition, offset: record.offset, id, message });
        }
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        *self.notes.entry(text.into()).or_default() += 1;
    }

    /// As JSON; its names stay.
    pub fn to_json(&self) -> Value {
        let promises = Promise::ALL.into_iter().map(|promise| {
            let first = self
                .first(promise)
                .iter()
                .map(|v| json!({"partition": v.partition, "offset": v.offset, "id": v.id, "message": v.message}));
            let of = json!({"violations": self.count(promise), "first": first.collect::<Vec<_>>()});
            (promise.as_str().to_owned(), of)
        });
        json!({
            "ok": self.is_clean(),
            "records": self.records,
            "repeats": self.repeats,
            "types": self.types,
            "sources": self.sources,
            "notes": self.notes,
            "promises": promises.collect::<serde_json::Map<_, _>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} records of {} sources, {} of them repeats", self.records, self.sources.len(), self.repeats)?;
        for (kind, count) in &self.types {
            writeln!(f, "  {count:>8}  {kind}")?;
        }
        f.write_char('\n')?;
        for promise in Promise::ALL {
            let (count, first) = (self.count(promise), self.first(promise));
            if count == 0 {
                writeln!(f, "kept      {}", promise.says())?;
                continue;
            }
            writeln!(f, "BROKEN    {} ({count} times)", promise.says())?;
            for violation in first {
                let Violation { partition, offset, id, message } = violation;
                writeln!(f, "            partition {partition}, offset {offset}, id {id:?}: {message}")?;
            }
            if count > first.len() as u64 {
                writeln!(f, "            and {} more", count - first.len() as u64)?;
            }
        }
        if !self.notes.is_empty() {
            f.write_char('\n')?;
        }
        for (note, count) in &self.notes {
            writeln!(f, "note      {note} ({count} times)")?;
        }
        Ok(())
    }
}
