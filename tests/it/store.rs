//! The store's promises, with real SQLite on a real disk, and real kills.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lightbar::contract::AlertV1;
use lightbar::domain::alert::AlertKind;
use lightbar::domain::ids::CameraId;
use lightbar::domain::scene::BlindCause;
use lightbar::domain::time::Timestamp;
use lightbar::domain::trace::Explanation;
use lightbar::pipeline::ports::{Fact, FactStore, Outbox, OutboxRecord, StoreError};
use lightbar::pipeline::upkeep::StoreUpkeep as _;
use lightbar::store::{BlindQuery, Options, Reader, Store, Writer};

use crate::support::facts::{EIGHT, alert_id, camera, decided, ended, opened, site};

fn at(seconds: u64) -> Timestamp {
    EIGHT.plus(Duration::from_secs(seconds))
}

fn open(dir: &Path) -> (Store, Writer) {
    let store = Store::open(dir, Options::default()).unwrap();
    let writer = store.writer(site()).unwrap();
    (store, writer)
}

fn fatal(dir: &Path) -> String {
    match Store::open(dir, Options::default()) {
        Err(StoreError::Fatal(message)) => message,
        other => panic!("opened: {other:?}"),
    }
}

fn header<'a>(record: &'a OutboxRecord, name: &str) -> &'a str {
    &record.headers.iter().find(|(known, _)| known == name).unwrap().1
}

fn alerts(records: Vec<OutboxRecord>) -> Vec<OutboxRecord> {
    records.into_iter().filter(|record| record.topic == "lightbar.alerts.v1").collect()
}

#[test]
fn an_alert_and_its_outbox_row_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let recorded =
        writer.record(&[opened("gate-north", 1), opened("gate-south", 2), opened("gate-north", 3)], at(1)).unwrap();
    assert_eq!(recorded.iter().map(|r| r.row).collect::<Vec<_>>(), [1, 2, 3]);
    let unsent = store.outbox().unwrap().unsent(0, 10).unwrap();
    assert_eq!(unsent.len(), 3);
    for (record, row) in unsent.iter().zip(&recorded) {
        assert_eq!(record.value, row.json.as_bytes());
        assert_eq!(header(record, "ce_subject"), row.alert.to_string());
    }
    let north: Vec<_> =
        unsent.iter().filter(|record| record.key == "gate-north").map(|r| header(r, "ce_sequence")).collect();
    assert_eq!(north, ["00000000000000000001", "00000000000000000002"], "no gap per source");
    assert_eq!(header(&unsent[0], "ce_source"), "urn:lightbar:county:camera:gate-north");
    assert_eq!(header(&unsent[0], "ce_expirytime"), "2026-03-01T08:10:01.000Z");
}

#[test]
fn recording_again_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let first = writer.record(&[opened("gate-north", 1)], at(1)).unwrap();
    let again = writer.record(&[opened("gate-north", 1)], at(9)).unwrap();
    assert_eq!((first[0].row, &first[0].json), (again[0].row, &again[0].json));
    assert_eq!(store.outbox().unwrap().backlog().unwrap().depth, 1);
}

#[test]
fn what_is_sent_leaves_the_outbox_and_what_is_not_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { keep_sent: Duration::from_secs(10), ..Options::default() }).unwrap();
    let mut writer = store.writer(site()).unwrap();
    let mut upkeep = store.upkeep().unwrap();
    let facts: Vec<Fact> = (0..5).map(|n| opened("gate-north", n)).collect();
    writer.record(&facts, at(0)).unwrap();
    let mut outbox = store.outbox().unwrap();
    outbox.mark_sent(&[1, 2, 3], at(1)).unwrap();
    let backlog = outbox.backlog().unwrap();
    assert_eq!((backlog.depth, backlog.oldest), (2, Some(at(0))));
    assert_eq!(upkeep.prune(at(5), false).unwrap().sent, 0, "kept for looking back");
    assert_eq!(upkeep.prune(at(1000), false).unwrap().sent, 3);
    assert_eq!(outbox.unsent(0, 10).unwrap().iter().map(|r| r.row).collect::<Vec<_>>(), [4, 5]);
    writer.record(&[opened("gate-north", 9)], at(1001)).unwrap();
    assert_eq!(outbox.unsent(5, 10).unwrap()[0].row, 6, "rows are never used again");
}

#[test]
fn a_full_store_waits_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { quota_bytes: Some(400_000), keep_sent: Duration::ZERO, ..Options::default() };
    let store = Store::open(dir.path(), options).unwrap();
    let mut writer = store.writer(site()).unwrap();
    let mut written = 0;
    let refused = loop {
        match writer.record(&[opened("gate-north", written)], at(0)) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 10_000, "the quota does not hold");
    };
    assert!(matches!(&refused, StoreError::Full(m) if m.contains("full")), "{refused}");
    let mut outbox = store.outbox().unwrap();
    assert_eq!(outbox.backlog().unwrap().depth, written, "all that was promised is there");
    let rows: Vec<i64> = outbox.unsent(0, 10_000).unwrap().iter().map(|record| record.row).collect();
    outbox.mark_sent(&rows, at(1)).unwrap();
    assert!(store.upkeep().unwrap().prune(at(2), false).unwrap().sent > 0);
    writer.record(&[opened("gate-north", written)], at(3)).expect("there is room again");
}

#[test]
fn a_newer_store_is_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    set_pragma(dir.path(), 60, 99);
    let message = fatal(dir.path());
    assert!(message.contains("newer lightbar (store version 99, this one knows up to "), "{message}");
    let Err(error) = Reader::open(dir.path()) else { panic!("read") };
    assert!(error.to_string().contains("newer lightbar"), "{error}");
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    set_pragma(dir.path(), 68, 7);
    assert!(fatal(dir.path()).contains("another program"));
}

/// Writes a number of the file header (big end first): the version is at 60, the application's id at 68.
fn set_pragma(dir: &Path, offset: usize, value: u32) {
    let path = dir.join("lightbar.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset..offset + 4].copy_from_slice(&value.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_damaged_store_is_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lightbar.db"), "this is no database, it only looks like a file".repeat(200))
        .unwrap();
    let message = fatal(dir.path());
    assert!(message.contains("lightbar.db is damaged") && message.contains("move it"), "{message}");
}

#[test]
fn a_folder_that_is_a_file_or_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(fatal(&file).contains("name a folder"), "{}", fatal(&file));
    let held = open(dir.path());
    let message = fatal(dir.path());
    assert!(message.contains(&format!("in use by process {}", std::process::id())), "{message}");
    drop(held);
    drop(open(dir.path()));
}

#[test]
fn alerts_are_read_newest_first_and_changes_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let facts: Vec<Fact> = (0..7)
        .map(|n| Fact::Alert(Box::new(decided(AlertKind::Loitering, "gate-north", n))))
        .chain([Fact::Alert(Box::new(ended("gate-north", 2, Duration::from_secs(9))))])
        .collect();
    writer.record(&facts, at(0)).unwrap();
    let reader = store.reader().unwrap();
    let first = reader.alerts(None, 4, None).unwrap();
    assert_eq!(first.iter().map(|a| a.id).collect::<Vec<_>>(), [6, 5, 4, 3].map(alert_id));
    let second = reader.alerts(Some(first[3].id), 10, None).unwrap();
    assert_eq!(
        second.iter().map(|a| (a.id, a.is_open)).collect::<Vec<_>>(),
        [(alert_id(2), false), (alert_id(1), true), (alert_id(0), true)]
    );
    assert_eq!(reader.changes_after(6, 10).unwrap().iter().map(|c| c.row).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(reader.last_changes(2).unwrap().iter().map(|c| c.row).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(reader.last_row().unwrap(), 8);
    assert_eq!(reader.revisions(alert_id(2)).unwrap().len(), 2);
    assert!(reader.alert(alert_id(2)).unwrap().unwrap().json.contains("\"ended\""));
    assert_eq!(reader.alert(alert_id(99)).unwrap(), None);
}

#[test]
fn a_restart_ends_what_was_open_and_knows_the_blind_time() {
    let dir = tempfile::tempdir().unwrap();
    let (north, south, gone) = (camera("gate-north"), camera("gate-south"), camera("gate-old"));
    {
        let (_store, mut writer) = open(dir.path());
        assert!(
            writer.recover(at(0), std::slice::from_ref(&north)).unwrap().last_alive.is_none(),
            "a new store has no past"
        );
        let sighted = |camera: &CameraId| Fact::SightedSince { camera: camera.clone(), at: at(0) };
        let loitering = Fact::Alert(Box::new(decided(AlertKind::Loitering, "gate-north", 1)));
        let over = Fact::Alert(Box::new(decided(AlertKind::Loitering, "gate-north", 2)));
        let end = Fact::Alert(Box::new(ended("gate-north", 2, Duration::from_secs(5))));
        writer.record(&[sighted(&north), sighted(&south), sighted(&gone), loitering, over, end], at(2)).unwrap();
        let unreachable = Fact::BlindSince { camera: south.clone(), from: at(3), cause: BlindCause::Unreachable };
        writer.record(&[unreachable], at(4)).unwrap();
        writer.heartbeat(at(60)).unwrap();
    }
    let (store, mut writer) = open(dir.path());
    let found = writer.recover(at(300), &[north.clone(), south.clone()]).unwrap();
    assert_eq!(found.last_alive, Some(at(60)));
    assert_eq!(found.ended.iter().map(|r| r.alert).collect::<Vec<_>>(), [alert_id(1)]);
    let alert: AlertV1 = serde_json::from_str(&found.ended[0].json).unwrap();
    assert_eq!((alert.revision, &*alert.phase, alert.end_reason.as_deref()), (2, "ended", Some("restart")));
    assert_eq!(alert.timing.ended_at.as_deref(), Some("2026-03-01T08:01:00.000Z"));
    assert_eq!(alert.timing.captured_at, "2026-03-01T08:05:00.000Z");
    let sent = alerts(store.outbox().unwrap().unsent(0, 100).unwrap());
    assert_eq!(header(sent.last().unwrap(), "ce_id"), format!("{}.2", alert_id(1)), "the end goes out as well");

    writer.record(&[Fact::SightedSince { camera: north, at: at(302) }], at(303)).unwrap();
    let reader = store.reader().unwrap();
    let ledger: Vec<_> = reader
        .blind_intervals(&BlindQuery::default())
        .unwrap()
        .into_iter()
        .map(|i| (i.camera, i.from, i.to, i.cause))
        .collect();
    let (n, s, o) = ("gate-north".to_owned(), "gate-south".to_owned(), "gate-old".to_owned());
    let down = || "service_down".to_owned();
    assert_eq!(
        ledger,
        [
            (s.clone(), at(3), Some(at(60)), "unreachable".to_owned()),
            (n, at(60), Some(at(302)), down()),
            (o, at(60), Some(at(300)), down()),
            (s, at(60), None, down()),
        ]
    );
    assert_listed(dir.path());
    let only_now = BlindQuery { from: Some(at(301)), ..BlindQuery::default() };
    assert_eq!(reader.blind_intervals(&only_now).unwrap().len(), 2);
    let only_south = BlindQuery { camera: Some(south), to: Some(at(60)), ..BlindQuery::default() };
    assert_eq!(reader.blind_intervals(&only_south).unwrap().len(), 1);
    assert!(writer.recover(at(400), &[]).unwrap().ended.is_empty(), "once ended, ended");
}

/// `lightbar blind` lists the same, also while the service has the store open.
fn assert_listed(dir: &Path) {
    let listed =
        Command::new(env!("CARGO_BIN_EXE_lightbar")).args(["blind", "--json", "--data-dir"]).arg(dir).output().unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(listed.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "{}", String::from_utf8_lossy(&listed.stderr));
    assert_eq!(
        lines[0],
        serde_json::json!({
            "camera": "gate-south",
            "from": "2026-03-01T08:00:03.000Z",
            "to": "2026-03-01T08:01:00.000Z",
            "cause": "unreachable",
        })
    );
    assert_eq!(lines[3]["to"], serde_json::Value::Null);
    let elsewhere =
        Command::new(env!("CARGO_BIN_EXE_lightbar")).args(["blind", "--data-dir", "/nowhere"]).output().unwrap();
    assert!(!elsewhere.status.success());
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("there is no store in /nowhere"));
}

#[test]
fn an_alert_is_explained_in_words_and_what_nobody_explained_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let mut loitering = decided(AlertKind::Loitering, "gate-north", 1);
    loitering.explanation = Some(Box::new(Explanation { alert: loitering.change.clone(), trails: Vec::new() }));
    writer.record(&[Fact::Alert(Box::new(loitering)), opened("gate-north", 2)], at(1)).unwrap();
    let reader = store.reader().unwrap();
    assert!(reader.explanation(alert_id(1)).unwrap().unwrap().contains("\"kind\":\"loitering\""));
    assert_eq!(reader.explanation(alert_id(2)).unwrap(), None);
    let explain = |n: u64, language: &str| {
        let id = alert_id(n).to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightbar"));
        let told = command.args(["explain", &id, "--lang", language, "--data-dir"]).arg(dir.path()).output().unwrap();
        (told.status.success(), String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned())
    };
    let (told, words) = explain(1, "zh-CN");
    assert!(
        told && words.contains("规则 rule-1，第 2 版，区域 车棚") && words.contains("条件已成立 31.0 秒"),
        "{words}"
    );
    let (told, words) = explain(1, "en");
    assert!(told && words.contains("the threshold is 30 s, the condition had held for 31.0 s"), "{words}");
    let (told, words) = explain(2, "en");
    assert!(!told && words.contains("nothing that explains it"), "{words}");
    let (told, words) = explain(9, "en");
    assert!(!told && words.contains("no alert"), "{words}");
}

#[test]
fn the_ledger_and_the_camera_s_health_agree() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(dir.path());
    let blind = |seconds, cause| Fact::BlindSince { camera: camera("gate-north"), from: at(seconds), cause };
    let sighted = |seconds| Fact::SightedSince { camera: camera("gate-north"), at: at(seconds) };
    for fact in [
        blind(0, BlindCause::Starting),
        sighted(2),
        sighted(3),
        blind(10, BlindCause::Stalled),
        blind(11, BlindCause::Stalled),
        blind(15, BlindCause::Unreachable),
        sighted(20),
    ] {
        writer.record(&[fact], at(30)).unwrap();
    }
    let spans: Vec<_> = store
        .reader()
        .unwrap()
        .blind_intervals(&BlindQuery::default())
        .unwrap()
        .into_iter()
        .map(|i| (i.from, i.to, i.cause))
        .collect();
    assert_eq!(
        spans,
        [
            (at(0), Some(at(2)), "starting".to_owned()),
            (at(10), Some(at(15)), "stalled".to_owned()),
            (at(15), Some(at(20)), "unreachable".to_owned()),
        ]
    );
    let said: Vec<String> = store
        .outbox()
        .unwrap()
        .unsent(0, 100)
        .unwrap()
        .iter()
        .map(|record| {
            assert_eq!((record.topic.as_str(), record.key.as_str()), ("lightbar.camera-health.v1", "gate-north"));
            let value: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
            format!("{} {}", value["state"].as_str().unwrap(), value["cause"].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(said, ["blind starting", "online -", "offline stalled", "offline unreachable", "online -"]);
}

/// The child's side of a kill: commits batch after batch, and says what was committed only after `record` has returned.
fn record_for_ever(dir: &Path, says: &mut dyn Write) -> ! {
    let (_store, mut writer) = open(dir);
    for n in 0.. {
        let facts = [opened("gate-north", 3 * n), opened("gate-south", 3 * n + 1), opened("gate-east", 3 * n + 2)];
        for recorded in writer.record(&facts, at(n)).unwrap() {
            writeln!(says, "committed {}.1", recorded.alert).unwrap();
        }
        says.flush().unwrap();
    }
    unreachable!("the parent kills")
}

/// Runs one test of this binary as a child, kills it with SIGKILL once it has said `lines` commits; gives what it said.
pub(crate) fn killed_after(test: &str, lines: usize, env: &[(&str, &str)]) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .envs(env.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 {
        // The harness's own words may stand before ours on the first line.
        said.extend(line.trim_end().split_once("committed ").map(|(_, id)| id.to_owned()));
        line.clear();
        if said.len() == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(said.len() >= lines, "the child ended by itself after {} commits", said.len());
    // A line that the kill cut in half says nothing.
    said.retain(|id| id.len() == "00000000-0000-7000-8000-000000000000.1".len());
    said
}

#[test]
fn a_sigkill_loses_nothing_that_was_promised() {
    if let Some(dir) = std::env::var_os("LIGHTBAR_TEST_STORE") {
        record_for_ever(Path::new(&dir), &mut std::io::stdout());
    }
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let said = killed_after(
            "store::a_sigkill_loses_nothing_that_was_promised",
            90,
            &[("LIGHTBAR_TEST_STORE", dir.path().to_str().unwrap())],
        );
        let (store, _writer) = open(dir.path());
        let there: std::collections::HashSet<String> = store
            .outbox()
            .unwrap()
            .unsent(0, usize::MAX >> 1)
            .unwrap()
            .iter()
            .map(|record| header(record, "ce_id").to_owned())
            .collect();
        for id in &said {
            assert!(there.contains(id), "round {round}: {id} was promised and is not there");
        }
        assert_eq!(there.len() % 3, 0, "half a batch is in the store");
        assert_eq!(store.reader().unwrap().last_row().unwrap(), i64::try_from(there.len()).unwrap());
    }
}
