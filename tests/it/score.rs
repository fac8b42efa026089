//! `lightbar score` as a script meets it: figures, bars, comparison, and files that are wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn lightbar(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightbar"));
    command.current_dir(dir).args(arguments).args(["--lang", "en"]).env("NO_COLOR", "1").output().unwrap()
}

fn write(dir: &Path, name: &str, lines: &[Value]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()).unwrap();
    path
}

fn event(start_s: f64) -> Value {
    json!({ "camera": "gate", "kind": "line_cross", "start_s": start_s, "due_s": start_s, "tolerance_s": 0.5, "direction": "left_to_right" })
}

fn alert(id: &str, second: u32) -> Value {
    let at = format!("2000-01-01T00:00:{second:02}.200Z");
    json!({
        "alert_id": id, "phase": "opened", "status": "Actual", "kind": "line_cross", "camera": { "id": "gate" },
        "crossing": { "line": "kerb", "direction": "left_to_right" }, "objects": [{ "class": "person" }],
        "timing": { "started_at": at, "captured_at": at },
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_score_has_its_figures_in_a_table_in_json_and_in_a_picture() {
    let dir = tempfile::tempdir().unwrap();
    let watched = json!({ "camera": "gate", "watched": [0, 3600] });
    write(dir.path(), "truth.jsonl", &[event(10.0), event(20.0), watched]);
    write(dir.path(), "alerts.jsonl", &[alert("a", 10), alert("b", 40)]);
    let given = ["score", "--truth", "truth.jsonl", "--alerts", "alerts.jsonl"];
    let plain = lightbar(dir.path(), &[&given[..], &["--json", "score.json", "--picture", "score.svg"]].concat());
    assert!(plain.status.success(), "{}", text(&plain.stderr));
    let table = text(&plain.stdout);
    assert!(table.contains("missed (1)\n  2000-01-01T00:00:20.000Z gate line_cross left_to_right"), "{table}");
    assert!(table.contains("false (1)\n  2000-01-01T00:00:40.200Z gate line_cross"), "{table}");
    let score: Value = serde_json::from_slice(&std::fs::read(dir.path().join("score.json")).unwrap()).unwrap();
    let total = &score["total"];
    assert_eq!((&total["matched"], &total["missed"], &total["false"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!((&total["f1"], &total["false_per_camera_hour"]), (&json!(0.5), &json!(1.0)));
    assert_eq!(total["delay_s"]["p50"], json!(0.2));
    assert_eq!(score["matched"][0]["alert"]["alert_id"], "a");
    assert!(std::fs::read_to_string(dir.path().join("score.svg")).unwrap().starts_with("<svg"));

    for (bar, passes) in [("0.5", true), ("0.6", false)] {
        let barred = lightbar(dir.path(), &[&given[..], &["--min-f1", bar]].concat());
        assert_eq!(barred.status.code(), Some(i32::from(!passes)), "{}", text(&barred.stderr));
    }
    assert_eq!(lightbar(dir.path(), &[&given[..], &["--fail-on-missed"]].concat()).status.code(), Some(1));
}

#[test]
fn a_change_is_shown_alert_by_alert() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "truth.jsonl", &[event(10.0), event(20.0)]);
    write(dir.path(), "a.jsonl", &[alert("a1", 10), alert("a2", 40)]);
    write(dir.path(), "b.jsonl", &[alert("b1", 10), alert("b2", 20)]);
    let compared = lightbar(dir.path(), &["score", "--compare", "a.jsonl", "b.jsonl", "--truth", "truth.jsonl"]);
    let shown = text(&compared.stdout);
    assert!(shown.contains("better: events that only B told (1)") && shown.ends_with("B is better\n"), "{shown}");
    let back = ["score", "--compare", "b.jsonl", "a.jsonl", "--truth", "truth.jsonl", "--fail-on-missed"];
    assert_eq!(lightbar(dir.path(), &back).status.code(), Some(1));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_line_and_field() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "truth.jsonl",
        &[event(1.0), json!({ "camera": "gate", "kind": "line_crosss", "start_s": "six" })],
    );
    write(dir.path(), "alerts.jsonl", &[json!({ "alert_id": "x", "phase": "opened" })]);
    let wrong = lightbar(dir.path(), &["score", "--truth", "truth.jsonl", "--alerts", "alerts.jsonl"]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = text(&wrong.stderr);
    for expected in [
        "5 errors:",
        "truth.jsonl:2: kind: got \"line_crosss\", wants one of line_cross",
        "truth.jsonl:2: start_s: got \"six\", wants seconds",
        "alerts.jsonl:1: camera.id: got nothing, wants the camera's id",
        "alerts.jsonl:1: kind: got nothing",
        "alerts.jsonl:1: timing.captured_at: got nothing, wants a time",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
}
