//! Hours and what becomes of alerts, as a user writes them, rightly and wrongly.

use super::{GOOD, errors_after, load_text};
use crate::domain::rules::{Deliver, Mode};

const NIGHT: &str = r#"
[[hours]]
id = "night"
timezone = "Europe/Berlin"
weekly = [{ days = ["mon-fri"], windows = ["18:00..06:00"] }]
special_days = [{ date = "12-24", until = "12-26", windows = [] }]
[[camera]]
id = "gate"
"#;

fn with_night(rule: &str) -> String {
    GOOD.replacen("[[camera]]\nid = \"gate\"\n", NIGHT, 1).replacen(
        "dwell_s = 8.5\n",
        &format!("dwell_s = 8.5\n{rule}\n"),
        1,
    )
}

fn errors_with(rule: &str) -> String {
    load_text(&with_night(rule)).expect_err(rule).to_string()
}

#[test]
fn a_rule_says_when_it_holds_and_who_is_told() {
    let text = with_night("hours = \"night\"\nmode = \"shadow\"\nmax_per_hour = 5\nexpires_after_s = 90");
    let settings = load_text(&text).unwrap_or_else(|e| panic!("{e}"));
    let rules = &settings.cameras[0].scene.rules;
    let stay = &rules[1].conduct;
    assert_eq!(stay.hours.as_ref().map(|hours| hours.name()), Some("night"));
    assert_eq!((stay.mode, stay.max_per_hour), (Mode::Shadow, Some(5)));
    assert_eq!(stay.expires_after.map(|after| after.as_secs()), Some(90));
    assert_eq!(
        (rules[0].conduct.deliver, rules[0].conduct.mode),
        (Deliver::Alert, Mode::Live),
        "where nothing is said"
    );
    let again = load_text(&text.replace("\"18:00..06:00\"", "\"18:00..06:00\" ")).expect("good");
    assert_eq!(again.cameras[0].scene, settings.cameras[0].scene, "the same hours are the same, however written");
    let other = load_text(&text.replace("18:00", "18:30")).expect("good");
    assert_ne!(other.cameras[0].scene, settings.cameras[0].scene);
}

#[test]
fn a_removed_thing_is_recorded_unless_something_else_is_said() {
    let removed = |more: &str| {
        let rule = format!("[[camera.rule]]\nid = \"gone\"\nkind = \"object_removed\"\n{more}");
        let text = with_night(&rule);
        load_text(&text).unwrap_or_else(|e| panic!("{e}")).cameras[0].scene.rules[2].conduct.clone()
    };
    assert_eq!(removed("").deliver, Deliver::Record);
    assert_eq!(removed("deliver = \"alert\"").deliver, Deliver::Alert);
    assert!(removed("armed = \"night\"").armed.is_some());
}

#[test]
fn wrong_hours_are_told_where_they_are() {
    for (rule, says) in [
        ("hours = \"nigth\"", "did you mean \"night\"?"),
        ("armed = \"night\"\ndeliver = \"alert\"", "means nothing beside armed"),
        ("max_per_hour = 0", "a whole number from 1 to 3600"),
        ("mode = \"test\"", "wants one of live, shadow"),
    ] {
        let errors = errors_with(rule);
        assert!(errors.contains(says), "{rule}: {errors}");
    }
    for (from, to, says) in [
        ("Europe/Berlin", "Europe/Berlni", "did you mean \"Europe/Berlin\"?"),
        ("Europe/Berlin", "Berlin", "did you mean \"Europe/Berlin\"?"),
        ("18:00..06:00", "18:00-06:00", "wants from and to"),
        ("18:00..06:00", "18:00..18:00", "wants different edges"),
        ("mon-fri", "monday", "wants one of mon"),
        ("windows = [] }]", "windows = [] }, { date = \"12-26\", windows = [] }]", "which share a day"),
        ("[\"18:00..06:00\"]", "[]", "never hold"),
        ("18:00..06:00", "18:00..18:01", "holds for 60 s at most, wants longer than dwell_s = 8.5"),
        ("18:00..06:00", "sunset..sunrise", "wants the camera's position"),
    ] {
        let text = with_night("hours = \"night\"");
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        let text = if says.contains("60 s") { text.replace("dwell_s = 8.5", "dwell_s = 600") } else { text };
        let says = says.replace("8.5", "600");
        let errors = load_text(&text).expect_err(to).to_string();
        assert!(errors.contains(&says), "{to}: {errors}");
    }
    assert!(
        errors_after("[defaults]", "[[hours]]\nid = \"x\"\n[defaults]").iter().any(|e| e.contains("timezone: missing"))
    );
}
