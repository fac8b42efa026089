//! Looks at records in the order in which a consumer gets them and notes what is promised and not kept.
//!
//! What it remembers grows with the records: 32 bytes per event, a number per source and per alert. A live topic of a year's
//! alerts fits into a laptop.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::promise::Promise;
use super::schemas::{EventType, Schemas, minor};
use super::{Record, Report};
use crate::contract::cloudevents::trace_id;
use crate::contract::codes;
use crate::contract::schema::MINOR;

/// Headers that a record which is sent again on request has and the first one had not; its bytes are judged without them.
const OF_RESENDING: &str = "lightbar-resent";

/// Judges records, one after the other.
#[derive(Debug)]
pub struct Checker {
    schemas: Schemas,
    /// Whether it was given the topic from its beginning.
    from_beginning: bool,
    seen: HashMap<(String, String), [u8; 32]>,
    sequences: HashMap<(String, String), Counted>,
    alerts: HashMap<String, (u64, bool)>,
    report: Report,
}

/// Sequences seen of one source and epoch.
#[derive(Clone, Copy, Debug)]
struct Counted {
    first: u64,
    last: u64,
}

impl Checker {
    /// Judges a topic from its beginning, or from somewhere in its middle.
    pub fn new(from_beginning: bool) -> Self {
        Self {
            schemas: Schemas::new(),
            from_beginning,
            seen: HashMap::new(),
            sequences: HashMap::new(),
            alerts: HashMap::new(),
            report: Report::default(),
        }
    }

    /// What was found so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Looks at the next record.
    pub fn see(&mut self, record: &Record) {
        self.report.records += 1;
        let text = |name: &str| record.header(name).unwrap_or_default().to_owned();
        let (source, id, kind) = (text("ce_source"), text("ce_id"), text("ce_type"));
        *self.report.types.entry(kind.clone()).or_default() += 1;
        self.report.sources.insert(source.clone());
        if record.header("dead_reason").is_some() {
            // Its other headers and its value are those of a record that could not be used.
            return self.headers(record, "dead-letter", false);
        }
        if source.is_empty() || id.is_empty() {
            let message = "without ce_source and ce_id a repeat cannot be told from an event".to_owned();
            self.report.broken(Promise::Headers, record, message);
        } else if self.repeats(record, (source.clone(), id)) {
            return;
        }
        let Some(EventType { family, word }) = EventType::parse(&kind).filter(|kind| self.schemas.knows(kind.family))
        else {
            self.report.note(format!("ce_type {kind:?} is not known to this version: only repeats were looked at"));
            return;
        };
        let newer = minor(&text("ce_dataschema")).is_some_and(|minor| minor > MINOR);
        if newer {
            self.report
                .note(format!("ce_dataschema {} is newer than this version: open schema", text("ce_dataschema")));
        }
        self.headers(record, family, newer);
        let data = match serde_json::from_slice::<Value>(&record.value) {
            Ok(data) => data,
            Err(error) => return self.report.broken(Promise::Data, record, format!("the value is no JSON: {error}")),
        };
        for complaint in self.schemas.complaints(family, newer, &data) {
            self.report.broken(Promise::Data, record, complaint);
        }
        self.sequence(record, &source);
        match family {
            "alert" => self.alert(record, word, &data),
            "camera-health" => self.camera_health(record, &data),
            _ => {}
        }
    }

    /// Whether the event was seen before; then it must be the same.
    fn repeats(&mut self, record: &Record, event: (String, String)) -> bool {
        let digest = digest(record);
        match self.seen.get(&event) {
            Some(first) if *first == digest => self.report.repeats += 1,
            Some(_) => {
                let message = "seen before with other bytes, in headers or value".to_owned();
                self.report.broken(Promise::SameBytes, record, message);
            }
            None => {
                self.seen.insert(event, digest);
                return false;
            }
        }
        true
    }

    fn headers(&mut self, record: &Record, family: &str, newer: bool) {
        let mut headers = Map::new();
        for (name, value) in record.headers.iter().filter(|(name, _)| !name.starts_with(OF_RESENDING)) {
            if headers.insert(name.clone(), value.clone().into()).is_some() {
                self.report.broken(Promise::Headers, record, format!("{name} is there twice"));
            }
        }
        for complaint in self.schemas.complaints(&format!("{family}-headers"), newer, &headers.into()) {
            self.report.broken(Promise::Headers, record, complaint);
        }
    }

    fn sequence(&mut self, record: &Record, source: &str) {
        let number = record.header("ce_sequence").and_then(|text| text.parse::<u64>().ok());
        let (Some(number), Some(epoch)) = (number, record.header("ce_epoch")) else { return };
        let key = (source.to_owned(), epoch.to_owned());
        let Some(counted) = self.sequences.get_mut(&key) else {
            if self.from_beginning && number > 1 {
                self.report
                    .note("a source's first record is not its number 1: older ones were deleted, or are missing");
            }
            self.sequences.insert(key, Counted { first: number, last: number });
            return;
        };
        let wanted = counted.last + 1;
        if number < counted.first && !self.from_beginning {
            self.report.note("a record from before the first one that was looked at: sent again");
            return;
        }
        counted.last = counted.last.max(number);
        if number > wanted {
            let missing = number - wanted;
            self.report.broken(
                Promise::Sequence,
                record,
                format!("{number} follows {}: {missing} missing", wanted - 1),
            );
        } else if number < wanted {
            self.report.broken(Promise::Sequence, record, format!("{number} comes after {}", wanted - 1));
        }
    }

    fn alert(&mut self, record: &Record, word: &str, data: &Value) {
        let alert_id = text(data, "/alert_id");
        let revision = data.get("revision").and_then(Value::as_u64).unwrap_or_default();
        self.same(record, Promise::Id, "ce_id", &format!("{alert_id}.{revision}"));
        let about = if data.get("camera").is_some() { "camera" } else { "node" };
        let speaker = text(data, &format!("/{about}/id"));
        self.key(record, about, speaker);
        self.same(record, Promise::Agreement, "ce_subject", alert_id);
        self.same(record, Promise::Agreement, "ce_time", text(data, "/timing/captured_at"));
        self.same(record, Promise::Agreement, "ce_recordedtime", text(data, "/timing/recorded_at"));
        let (severity, number) = codes::ce_severity(text(data, "/severity"));
        self.same(record, Promise::Agreement, "ce_severitytext", severity);
        self.same(record, Promise::Agreement, "ce_severitynumber", &number.to_string());
        let phase = text(data, "/phase");
        if word != phase {
            self.report.broken(Promise::Agreement, record, format!("ce_type says {word:?}, the data {phase:?}"));
        }
        let trace = record.header("traceparent").and_then(|parent| parent.split('-').nth(1));
        if trace.is_some_and(|trace| trace != trace_id(alert_id)) {
            self.report.broken(Promise::Agreement, record, "traceparent is not the alert's trace".to_owned());
        }
        if record.header("ce_expirytime") < record.header("ce_recordedtime") {
            self.report.broken(Promise::Agreement, record, "it expires before it was recorded".to_owned());
        }
        self.revision(record, (alert_id, revision), phase);
    }

    fn revision(&mut self, record: &Record, (alert, revision): (&str, u64), phase: &str) {
        let broken = match self.alerts.get(alert) {
            None if revision > 1 => {
                self.report.note("an alert's first record is not its revision 1: it began before what was looked at");
                None
            }
            Some((last, _)) if revision != last + 1 => Some(format!("revision {revision} follows {last}")),
            Some((_, true)) if phase != "updated" => Some(format!("{phase:?} follows the end")),
            _ if (phase == "opened") != (revision == 1) => Some(format!("revision {revision} is {phase:?}")),
            _ => None,
        };
        if let Some(broken) = broken {
            self.report.broken(Promise::Revisions, record, broken);
        }
        let known = self.alerts.entry(alert.to_owned()).or_default();
        *known = (known.0.max(revision), known.1 || phase == "ended");
    }

    fn camera_health(&mut self, record: &Record, data: &Value) {
        let camera = text(data, "/camera/id");
        self.key(record, "camera", camera);
        self.same(record, Promise::Agreement, "ce_subject", camera);
        self.same(record, Promise::Agreement, "ce_time", text(data, "/since"));
        self.same(record, Promise::Agreement, "ce_recordedtime", text(data, "/recorded_at"));
    }

    /// Key, partition key and source speak of the same camera or node.
    fn key(&mut self, record: &Record, about: &str, speaker: &str) {
        self.same(record, Promise::Key, "ce_partitionkey", speaker);
        if record.key != speaker {
            self.report.broken(Promise::Key, record, format!("the key is {:?}, the {about} {speaker:?}", record.key));
        }
        let source = record.header("ce_source").unwrap_or_default();
        if !source.ends_with(&format!(":{about}:{speaker}")) {
            self.report.broken(Promise::Agreement, record, format!("ce_source is {source:?}, the {about} {speaker:?}"));
        }
    }

    /// A header has the value that follows from the data. That it is there at all is the headers' schema's business.
    fn same(&mut self, record: &Record, promise: Promise, name: &str, wanted: &str) {
        if let Some(got) = record.header(name).filter(|got| *got != wanted) {
            self.report.broken(promise, record, format!("{name} is {got:?}, by the data it is {wanted:?}"));
        }
    }
}

fn text<'a>(data: &'a Value, pointer: &str) -> &'a str {
    data.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn digest(record: &Record) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut take = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    take(record.key.as_bytes());
    for (name, value) in record.headers.iter().filter(|(name, _)| !name.starts_with(OF_RESENDING)) {
        take(name.as_bytes());
        take(value.as_bytes());
    }
    take(&record.value);
    hasher.finalize().into()
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;
