//! A store that is really damaged: found, exported, repaired; and copies of a store that is in use.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use lightbar::domain::alert::AlertKind;
use lightbar::pipeline::backup::StoreBackups as _;
use lightbar::pipeline::ports::{Fact, FactStore as _, Outbox as _, OutboxRecord, StoreError};
use lightbar::store::{self, Options, Store};
use serde_json::Value;

use crate::support::facts::{EIGHT, decided, ended, opened, site};

const PAGE: usize = 4096;

/// A store as a service leaves it after `alerts` alerts of two cameras, every third over, the first hundred records sent.
fn lived_in(dir: &Path, alerts: u64) {
    let store = Store::open(dir, Options::default()).unwrap();
    let mut writer = store.writer(site()).unwrap();
    for n in 0..alerts {
        let camera = if n % 2 == 0 { "gate-north" } else { "gate-south" };
        let mut facts = vec![Fact::Alert(Box::new(decided(AlertKind::Loitering, camera, n)))];
        if n % 3 == 0 {
            facts.push(Fact::Alert(Box::new(ended(camera, n, std::time::Duration::from_secs(9)))));
        }
        writer.record(&facts, EIGHT.plus(std::time::Duration::from_secs(n))).unwrap();
    }
    let mut outbox = store.outbox().unwrap();
    let first: Vec<i64> = outbox.unsent(0, 100).unwrap().iter().map(|record| record.row).collect();
    outbox.mark_sent(&first, EIGHT).unwrap();
}

/// Overwrites the middle of every `nth` page from the twentieth on, and of each third of these the header as well.
fn damage(dir: &Path, nth: usize) {
    let path = dir.join("lightbar.db");
    let mut bytes = fs::read(&path).unwrap();
    let pages = bytes.len() / PAGE;
    let log = fs::metadata(dir.join("lightbar.db-wal")).map_or(0, |file| file.len());
    assert!(pages > 100 && log == 0, "{pages} pages, {log} bytes beside them");
    for (n, page) in (20..pages).step_by(nth).enumerate() {
        let at = page * PAGE;
        bytes[at + 1500..at + 1800].fill(0xa5);
        if n % 3 == 0 {
            bytes[at..at + 64].fill(0xa5);
        }
    }
    fs::write(&path, bytes).unwrap();
}

fn lightbar(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lightbar")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

fn header<'a>(record: &'a OutboxRecord, name: &str) -> &'a str {
    record.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn unsent(store: &Store) -> Vec<OutboxRecord> {
    store.outbox().unwrap().unsent(0, 100_000).unwrap()
}

#[test]
fn a_sound_store_is_sound_and_says_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    lived_in(dir.path(), 120);
    let data = dir.path().to_str().unwrap();
    assert_eq!(store::check(dir.path()).unwrap(), Vec::<String>::new());
    let (good, said) = lightbar(&["store", "check", "--data-dir", data]);
    assert!(good && said.contains("sound"), "{said}");
    let (good, said) = lightbar(&["store", "info", "--json", "--data-dir", data]);
    let info: Value = serde_json::from_str(&said).unwrap();
    assert!(good && info["alerts"] == 120 && info["alert_changes"] == 160, "{said}");
    assert_eq!((&info["open_alerts"], &info["unsent_records"]), (&Value::from(80), &Value::from(60)));
    let (good, said) = lightbar(&["store", "export", "--data-dir", data, "--out", "-"]);
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(good && lines.iter().filter(|line| line["table"] == "alert_changes").count() == 160, "{said}");
    let records: Vec<&Value> = lines.iter().filter(|line| line["table"] == "outbox").collect();
    assert!(records.len() == 60 && records[0]["value"]["schema_version"] == "1.0", "{:?}", records[0]);
}

#[test]
fn what_does_not_fit_together_is_found() {
    let dir = tempfile::tempdir().unwrap();
    lived_in(dir.path(), 90);
    let connection = rusqlite::Connection::open(dir.path().join("lightbar.db")).unwrap();
    connection
        .execute_batch(
            "DELETE FROM alert_changes WHERE row = 110;
             UPDATE outbox SET headers = replace(headers, '00000000000000000050', '00000000000000000009') WHERE row > 100;
             UPDATE sequences SET last = 3;
             DELETE FROM deliveries WHERE row = 60;
             DELETE FROM outbox WHERE row IN (61, 115);
             UPDATE alert_changes SET json = '{\"' WHERE row = 7;",
        )
        .unwrap();
    drop(connection);
    let found = store::check(dir.path()).unwrap().join("\n");
    for wanted in [
        "which is not there",
        "row 7 of alert_changes is no JSON",
        "would use it again",
        "has the sequence 9 after",
        "of record 60 it is not known whether it was sent",
        "record 61 is sent and is not there",
        "record 115 is unsent and is not there",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
}

#[test]
fn a_damaged_store_is_found_exported_and_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    lived_in(&data, 600);
    let (before, epoch) = {
        let store = Store::open(&data, Options::default()).unwrap();
        (unsent(&store), store::info(&data).unwrap().epoch)
    };
    damage(&data, 19);
    let Err(StoreError::Fatal(said)) = Store::open(&data, Options::default()) else { panic!("it was opened") };
    assert!(said.contains("lightbar store repair") && said.contains("lightbar.db is damaged"), "{said}");
    let at = data.to_str().unwrap();
    let (good, said) = lightbar(&["store", "check", "--data-dir", at]);
    assert!(!good && said.contains("not sound") && said.contains("store repair"), "{said}");
    let out = dir.path().join("alerts.jsonl");
    let (whole, said) = lightbar(&["store", "export", "--data-dir", at, "--out", out.to_str().unwrap()]);
    assert!(!whole && said.contains("could not be read"), "{said}");
    let exported = fs::read_to_string(&out).unwrap();
    assert!(exported.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let alerts = exported.lines().filter(|line| line.contains("\"table\":\"alert_changes\"")).count();
    assert!(alerts > 400 && alerts < 800, "{alerts}");

    let config = dir.path().join("lightbar.toml");
    let text =
        "[service]\nsite = \"county\"\ndata_dir = \"data\"\n[kafka]\nenabled = false\n[inference]\nmodel = \"none\"\n";
    fs::write(&config, text).unwrap();
    let (good, said) = lightbar(&["store", "repair", "--config", config.to_str().unwrap()]);
    assert!(good && said.contains("lightbar.db.damaged-"), "{said}");
    let kept = fs::read_dir(&data).unwrap().filter_map(Result::ok);
    assert!(
        kept.map(|file| file.file_name().into_string().unwrap()).any(|name| name.starts_with("lightbar.db.damaged-"))
    );
    assert_eq!(store::check(&data).unwrap(), Vec::<String>::new());

    let store = Store::open(&data, Options::default()).unwrap();
    let mut writer = store.writer(site()).unwrap();
    assert_ne!(store::info(&data).unwrap().epoch, epoch, "another row of sequences");
    assert_repaired(&before, &unsent(&store));
    let alive = writer.recover(EIGHT.plus(std::time::Duration::from_hours(1)), &[]).unwrap();
    assert!(!alive.ended.is_empty(), "what was open is known to be");
    writer.record(&[opened("gate-north", 5000)], EIGHT.plus(std::time::Duration::from_hours(2))).unwrap();
    assert_eq!(store::check(&data).unwrap(), Vec::<String>::new());
}

/// What could be read is there byte for byte; all is in the order of before; and no alert that is known is without a record.
fn assert_repaired(before: &[OutboxRecord], after: &[OutboxRecord]) {
    let old: BTreeMap<&str, (usize, &OutboxRecord)> =
        before.iter().enumerate().map(|(n, record)| (header(record, "ce_id"), (n, record))).collect();
    let epoch = header(&before[0], "ce_epoch");
    let (mut last, mut same, mut again) = (0, 0, 0);
    let mut ids = HashSet::new();
    for record in after {
        assert!(ids.insert(header(record, "ce_id")), "{} is there twice", header(record, "ce_id"));
        // What was sent before the damage may be sent again where nobody knows any more that it was.
        let Some(&(n, was)) = old.get(header(record, "ce_id")) else { continue };
        assert!(n >= last, "{} has overtaken", header(record, "ce_id"));
        last = n;
        assert_eq!((&record.value, &record.key, &record.topic), (&was.value, &was.key, &was.topic));
        if header(record, "ce_epoch") == epoch {
            assert_eq!(record, was);
            same += 1;
        } else {
            again += 1;
        }
    }
    // One page that points to others takes all of theirs with it, so a few damaged pages are many records; none is lost for that.
    assert!(same > before.len() / 5 && again > 0, "{same} as they were and {again} anew of {}", before.len());
}

#[test]
fn a_copy_is_made_while_alerts_are_recorded_and_a_restored_one_has_another_epoch() {
    let dir = tempfile::tempdir().unwrap();
    lived_in(dir.path(), 50);
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let mut writer = store.writer(site()).unwrap();
    let mut backups = store.backups(2);
    assert_eq!(backups.newest(), None);
    let mut copies = Vec::new();
    std::thread::scope(|scope| {
        let recording = scope.spawn(|| {
            for n in 1000..1200 {
                writer.record(&[opened("gate-north", n)], EIGHT).unwrap();
            }
        });
        for n in 0..4 {
            copies.push(backups.make(EIGHT.plus(std::time::Duration::from_secs(n))).unwrap());
        }
        recording.join().unwrap();
    });
    assert!(backups.newest().is_some());
    let there: Vec<bool> = copies.iter().map(|copy| copy.exists()).collect();
    assert_eq!(there, [false, false, true, true], "the oldest go");

    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(&copies[3], elsewhere.path().join("lightbar.db")).unwrap();
    let found = store::check(elsewhere.path()).unwrap();
    assert!(found.len() == 1 && found[0].contains("epoch"), "{found:?}");
    let restored = Store::open(elsewhere.path(), Options::default()).unwrap();
    drop(restored.writer(site()).unwrap());
    let (old, new) = (store::info(dir.path()).unwrap(), store::info(elsewhere.path()).unwrap());
    assert!(new.epoch.is_some() && old.epoch != new.epoch);
    assert!(new.changes >= 67 && new.changes <= old.changes, "{new:?}");
    let refused = store::back_up(dir.path(), &copies[3]);
    assert!(matches!(&refused, Err(StoreError::Fatal(why)) if why.contains("is there already")), "{refused:?}");
    let by_hand = dir.path().join("by-hand.db");
    let (good, said) =
        lightbar(&["store", "backup", "--data-dir", dir.path().to_str().unwrap(), "--out", by_hand.to_str().unwrap()]);
    assert!(good && by_hand.exists(), "{said}");
}
