//! A clean run of records, and one for each way of breaking a promise.

use super::*;
use crate::conformance::trial;
use crate::domain::time::Timestamp;

fn records() -> Vec<Record> {
    trial::records(Timestamp::from_millis(1_772_352_000_000), 7).into_iter().map(|trial| trial.record).collect()
}

fn judged(records: &[Record]) -> Report {
    let mut checker = Checker::new(true);
    for record in records {
        checker.see(record);
    }
    checker.report().clone()
}

fn set(record: &mut Record, name: &str, value: &str) {
    record.headers.iter_mut().filter(|(known, _)| known == name).for_each(|(_, was)| value.clone_into(was));
}

#[test]
fn the_trial_breaks_one_promise_on_purpose_and_no_other() {
    // The kinds of the future have no schema version of their own before; the missing record is the trial's point.
    let report = judged(&records());
    assert_eq!(report.count(Promise::Sequence), 1, "{report}");
    assert_eq!((report.records, report.repeats), (10, 1));
    for promise in Promise::ALL.into_iter().filter(|promise| *promise != Promise::Sequence) {
        assert_eq!(report.count(promise), 0, "{report}");
    }
    assert!(report.first(Promise::Sequence)[0].message.contains("4 follows 2: 1 missing"), "{report}");
    assert!(report.notes.keys().any(|note| note.contains("weather.changed")), "{report}");
    assert!(report.notes.keys().any(|note| note.contains("alert:1.7 is newer")), "{report}");
}

#[test]
fn every_broken_promise_is_found() {
    type Spoil = fn(&mut Vec<Record>);
    let broken: [(Promise, &str, Spoil); 14] = [
        (Promise::Headers, "required", |r| drop(r[0].headers.remove(2))),
        (Promise::Headers, "twice", |r| {
            let again = r[0].headers[3].clone();
            r[0].headers.push(again);
        }),
        (Promise::Headers, "ce_sequence", |r| set(&mut r[0], "ce_sequence", "1")),
        (Promise::Data, "no JSON", |r| r[0].value = b"{".to_vec()),
        (Promise::Data, "severity", |r| {
            r[0].value = replaced(&r[0].value, "\"severity\":\"Minor\"", "\"severity\":\"bad\"");
        }),
        (Promise::Id, "ce_id is", |r| set(&mut r[0], "ce_id", "019ca869-5000-7000-8000-000000000000.9")),
        (Promise::Key, "the key is \"gate\"", |r| r[0].key = "gate".to_owned()),
        (Promise::Agreement, "ce_time is", |r| set(&mut r[0], "ce_time", "2026-03-01T08:00:01.000Z")),
        (Promise::Agreement, "expires before", |r| set(&mut r[0], "ce_expirytime", "2026-03-01T07:00:01.000Z")),
        (Promise::Agreement, "ce_type says", |r| set(&mut r[0], "ce_type", "lightbar.alert.ended.v1")),
        (Promise::SameBytes, "other bytes", |r| r[1].value.push(b' ')),
        (Promise::Sequence, "comes after", |r| r.swap(3, 4)),
        (Promise::Revisions, "revision 3 follows 1", |r| drop(r.remove(2))),
        (Promise::Revisions, "\"opened\" follows", |r| {
            let mut again = r[8].clone();
            let id = format!("{}.5", again.header("ce_subject").unwrap_or_default());
            set(&mut again, "ce_id", &id);
            again.value =
                replaced(&again.value, "\"revision\":4,\"phase\":\"ended\"", "\"revision\":5,\"phase\":\"opened\"");
            r.push(again);
        }),
    ];
    for (promise, says, spoil) in broken {
        let mut records = records();
        let before = judged(&records).count(promise);
        spoil(&mut records);
        let report = judged(&records);
        assert!(report.count(promise) > before, "{says}: {report}");
        assert!(report.first(promise).iter().any(|violation| violation.message.contains(says)), "{says}: {report}");
        assert!(!report.is_clean() && report.to_json()["ok"] == false);
    }
}

fn replaced(value: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to).into_bytes()
}

#[test]
fn who_joins_in_the_middle_is_not_told_of_gaps_before() {
    let records = records();
    let mut checker = Checker::new(false);
    for n in [4, 3, 5] {
        checker.see(&records[n]);
    }
    assert!(checker.report().is_clean(), "{}", checker.report());
    assert!(checker.report().notes.keys().any(|note| note.contains("sent again")), "{}", checker.report());
}

#[test]
fn a_record_resent_on_request_is_a_repeat() {
    let records = records();
    let mut again = records[0].clone();
    again.headers.push(("lightbar-resent".to_owned(), "2026-03-02T00:00:00.000Z".to_owned()));
    let report = judged(&[records[0].clone(), again]);
    assert!(report.is_clean() && report.repeats == 1, "{report}");
}
