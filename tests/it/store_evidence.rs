//! Evidence in the store: it takes revisions of its own, and what is decided meanwhile goes on behind them.

use std::path::Path;
use std::time::Duration;

use lightbar::domain::time::Timestamp;
use lightbar::pipeline::evidence::{Piece, PieceKind, PieceRole, Sealed};
use lightbar::pipeline::ports::{Fact, FactStore, Outbox, Recorded};
use lightbar::store::{Options, Store, Writer};
use serde_json::Value;

use crate::support::facts::{EIGHT, alert_id, ended, opened, site};
use crate::support::schemas::{complaints, validator};

fn at(seconds: u64) -> Timestamp {
    EIGHT.plus(Duration::from_secs(seconds))
}

fn open(dir: &Path) -> (Store, Writer) {
    let store = Store::open(dir, Options::default()).unwrap();
    let writer = store.writer(site()).unwrap();
    (store, writer)
}

fn evidence(n: u64, kind: PieceKind) -> Fact {
    let name = if kind == PieceKind::Clip { "clip.mp4" } else { "snapshot.jpg" };
    let piece = Piece {
        name: name.to_owned(),
        kind,
        role: PieceRole::Trigger,
        captured_at: at(n),
        sample_times_ms: if kind == PieceKind::Clip { vec![0, 40, 12_340] } else { Vec::new() },
        cut: false,
        masked: false,
    };
    let path = format!("gate-north/00000001-{}/{name}", alert_id(n));
    Fact::Evidence { alert: alert_id(n), sealed: vec![Sealed { piece, path, size_bytes: 7, sha256: "a1".repeat(32) }] }
}

fn said(recorded: &Recorded) -> (u64, String, Vec<String>) {
    let json: Value = serde_json::from_str(&recorded.json).unwrap();
    let pieces = json["evidence"].as_array().cloned().unwrap_or_default();
    let ids = pieces.iter().map(|piece| piece["id"].as_str().unwrap().to_owned()).collect();
    (json["revision"].as_u64().unwrap(), json["phase"].as_str().unwrap().to_owned(), ids)
}

#[test]
fn evidence_is_an_update_and_what_is_decided_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let end = Fact::Alert(Box::new(ended("gate-north", 1, Duration::from_secs(9))));
    let facts = [opened("gate-north", 1), evidence(1, PieceKind::Snapshot), end.clone(), evidence(1, PieceKind::Clip)];
    let recorded: Vec<Recorded> = facts
        .iter()
        .enumerate()
        .flat_map(|(i, fact)| writer.record(std::slice::from_ref(fact), at(20 + i as u64)).unwrap())
        .collect();
    let told: Vec<_> = recorded.iter().map(said).collect();
    let (snapshot, clip) = ("snapshot.jpg".to_owned(), "clip.mp4".to_owned());
    assert_eq!(told[0], (1, "opened".to_owned(), vec![]));
    assert_eq!(told[1], (2, "updated".to_owned(), vec![snapshot.clone()]));
    assert_eq!(told[2], (3, "ended".to_owned(), vec![snapshot.clone()]), "decided as 2, and knows its evidence");
    assert_eq!(told[3], (4, "updated".to_owned(), vec![snapshot, clip]));
    // It is over, whatever came later.
    let reader = store.reader().unwrap();
    assert!(!reader.alert(alert_id(1)).unwrap().unwrap().is_open);
    let piece = reader.evidence(alert_id(1), "clip.mp4").unwrap().unwrap();
    assert_eq!((&*piece.media_type, piece.path.ends_with("/clip.mp4")), ("video/mp4", true));
    assert_eq!(reader.evidence(alert_id(1), "../x").unwrap(), None);
    // Each is a record of its own, in order.
    let unsent = store.outbox().unwrap().unsent(0, 10).unwrap();
    let mut ids: Vec<_> =
        unsent.iter().map(|r| r.headers.iter().find(|(n, _)| n == "ce_id").unwrap().1.clone()).collect();
    ids.dedup();
    assert_eq!((unsent.len(), ids.len()), (4, 4));
    let strict = validator("alert");
    for (record, row) in unsent.iter().zip(&recorded) {
        assert_eq!(record.value, row.json.as_bytes());
        let value: Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(complaints(&strict, &value), [""; 0]);
    }
}

#[test]
fn a_commit_whose_answer_was_lost_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let end = Fact::Alert(Box::new(ended("gate-north", 1, Duration::from_secs(9))));
    let facts = [opened("gate-north", 1), evidence(1, PieceKind::Snapshot), end, evidence(1, PieceKind::Clip)];
    for _ in 0..2 {
        for fact in &facts {
            writer.record(std::slice::from_ref(fact), at(30)).unwrap();
        }
    }
    assert_eq!(store.outbox().unwrap().unsent(0, 10).unwrap().len(), 4);
}

#[test]
fn an_alert_that_a_restart_ends_keeps_its_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    writer.record(&[opened("gate-north", 1), evidence(1, PieceKind::Snapshot)], at(2)).unwrap();
    drop((writer, store));
    let (store, mut writer) = open(dir.path());
    let recovery = writer.recover(at(60), &[]).unwrap();
    assert_eq!(said(&recovery.ended[0]), (3, "ended".to_owned(), vec!["snapshot.jpg".to_owned()]));
    // What the crash left of its clip is sealed later.
    let late = writer.record(&[evidence(1, PieceKind::Clip)], at(61)).unwrap();
    assert_eq!(said(&late[0]).0, 4);
    assert!(!store.reader().unwrap().alert(alert_id(1)).unwrap().unwrap().is_open);
}

#[test]
fn evidence_of_an_alert_that_is_gone_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer) = open(dir.path());
    assert!(writer.record(&[evidence(7, PieceKind::Clip)], at(1)).unwrap().is_empty());
}
