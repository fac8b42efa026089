//! What the configuration accepts, refuses and says, as a user meets it.

mod documents;
mod hours;
mod tokens;

use std::path::Path;

use super::*;
use crate::domain::rules::RuleSpec;

const GOOD: &str = r#"
[service]
site = "county-01"
data_dir = "data"
[kafka]
brokers = ["127.0.0.1:9092"]
[inference]
model = "m/model.toml"
[defaults]
fps = 4
[[camera]]
id = "gate"
url = "rtsp://10.0.0.5/s1"
username = "lightbar"
password_env = "GATE_PW"
[[camera.zone]]
id = "yard"
points = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0, 1]]
[[camera.line]]
id = "door"
points = [[0.1, 0.5], [0.9, 0.5]]
[[camera.rule]]
id = "in"
kind = "line_cross"
line = "door"
direction = "left_to_right"
classes = ["person"]
[[camera.rule]]
id = "stay"
kind = "loitering"
zone = "yard"
dwell_s = 8.5
[[camera]]
id = "hall"
url = "rtsps://10.0.0.6/s1"
fps = 2.5
"#;

fn environment(variable: &str) -> Option<String> {
    (variable == "GATE_PW").then(|| "hunter2".to_owned())
}

fn load_texts(files: &[(&str, &str)]) -> Result<Settings, ConfigErrors> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("writable");
    }
    load_with(folder.path(), &environment)
}

fn load_text(text: &str) -> Result<Settings, ConfigErrors> {
    load_texts(&[("a.toml", text)])
}

/// Replaces once in the good text and gives the errors, without folder names.
fn errors_after(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from:?} is not in the text");
    messages(&load_text(&GOOD.replacen(from, to, 1)).expect_err("the text is wrong"))
}

fn messages(errors: &ConfigErrors) -> Vec<String> {
    errors
        .0
        .iter()
        .map(|e| e.to_string().split_once(".toml").map_or(String::new(), |(_, rest)| rest.to_owned()))
        .collect()
}

#[test]
fn a_good_file_becomes_settings() {
    let settings = load_text(GOOD).expect("good");
    assert_eq!(settings.service.site, "county-01");
    assert!(settings.service.data_dir.is_absolute() && settings.service.data_dir.ends_with("data"));
    let [gate, hall] = &settings.cameras[..] else { panic!("{:?}", settings.cameras) };
    assert_eq!(gate.stream.credentials.as_ref().map(|c| c.password.expose()), Some("hunter2"));
    assert_eq!((gate.stream.fps, hall.stream.fps), (4.0, 2.5));
    assert_eq!((gate.stream.transport, hall.stream.transport), (Transport::Tcp, Transport::Tls));
    assert_eq!(gate.scene.rules.len(), 2);
    assert!(matches!(&gate.scene.rules[1].spec, RuleSpec::Loitering(loitering) if loitering.dwell.as_millis() == 8500));
    assert!(hall.stream.credentials.is_none() && hall.scene.rules.is_empty());
}

#[test]
fn each_error_names_key_what_it_got_and_what_it_wants() {
    for (from, to, wants) in [
        ("fps = 4", "fsp = 4", r#":10: defaults.fsp: unknown key "fsp", did you mean "fps"?"#),
        ("fps = 4", "fps = 400", ":10: defaults.fps: got 400, wants a number from 0.1 to 60"),
        ("fps = 4", "fps = nan", ":10: defaults.fps: got nan, wants a number from 0.1 to 60"),
        ("fps = 4", "transport = \"tcpp\"", ":10: defaults.transport: got \"tcpp\", wants one of tcp, udp, tls"),
        ("[kafka]", "[kafak]", ":5: kafak: unknown key \"kafak\", did you mean \"kafka\"?"),
        (
            "zone = \"yard\"",
            "zone = \"yrd\"",
            ":31: camera[gate].rule[stay].zone: unknown zone \"yrd\", did you mean \"yard\"?",
        ),
        (
            "dwell_s = 8.5",
            "line = \"door\"\ndwell_s = 1",
            ":32: camera[gate].rule[stay].line: means nothing to a rule of kind loitering; remove it",
        ),
        (
            "dwell_s = 8.5",
            "",
            ":28: camera[gate].rule[stay].dwell_s: missing, wants how many seconds are too long, from 1 to 86400",
        ),
        ("id = \"hall\"", "id = \"gate\"", "two cameras have this id; the first is in "),
        (
            "[0, 1]]",
            "[0.5, 0.0]]",
            ":18: camera[gate].zone[yard].points: polygon crosses itself: the edge after point 1 meets the edge after point 3",
        ),
        ("[0, 1]]", "[0, 1.5]]", "point 4 is outside the picture: (0, 1.5); coordinates are 0..1 of width and height"),
        ("[0, 1]]", "[0]]", "got a list of 1 as point 4, wants a list of points [x, y]"),
        (
            "classes = [\"person\"]",
            "classes = [\"preson\"]",
            ":27: camera[gate].rule[in].classes[1]: unknown class \"preson\", did you mean \"person\"?",
        ),
        (
            "GATE_PW",
            "OTHER",
            ":15: camera[gate].password_env: the environment variable OTHER is not set, wants the password in it",
        ),
        ("password_env = \"GATE_PW\"", "", ":11: camera[gate].password_env: missing"),
        ("fps = 2.5", "dispatch = true", "camera[hall].address: missing, wants an address or a position"),
        ("fps = 2.5", "transport = \"udp\"", "camera[hall].url: got an rtsps:// address with another transport"),
        (
            "brokers = [\"127.0.0.1:9092\"]",
            "brokers = [\"nohost\"]",
            ":6: kafka.brokers[1]: got \"nohost\", wants host:port",
        ),
        ("brokers = [\"127.0.0.1:9092\"]", "", ":5: kafka.brokers: missing"),
        ("site = \"county-01\"", "site = \"County 01\"", ":3: service.site: an id is"),
        ("model = \"m/model.toml\"", "model = 7", ":8: inference.model: got 7, wants a text"),
        ("id = \"gate\"", "id = \"gate\"\ngb_id = \"123\"", "camera[gate].gb_id: got \"123\", wants 20 digits"),
    ] {
        let errors = errors_after(from, to);
        assert!(errors.iter().any(|e| e.contains(wants)), "{from:?} -> {to:?} gave {errors:#?}");
    }
}

#[test]
fn zones_lines_and_ground_say_what_is_wrong_with_them() {
    for (from, to, wants) in [
        (
            "[0, 1]]",
            "[0, 1]]\npolygons = [[[0.1, 0.1]]]",
            "zone[yard].polygons: got polygons beside points, wants one of them",
        ),
        (
            "[0, 1]]",
            "[0, 1]]\nholes = [[[0.2, 0.2], [0.3, 0.2], [0.3, 0.3]], [[0.95, 0.1], [1, 0.1], [1, 0.2]]]",
            ":19: camera[gate].zone[yard].holes: hole 2 lies outside the zone: it takes nothing away",
        ),
        (
            "[0, 1]]",
            "[0, 1]]\nholes = [[[0.2, 0.2], [0.3]]]",
            "zone[yard].holes[1]: got a list of 1 as point 2, wants a list of polygons",
        ),
        ("[0, 1]]", "[0, 1]]\nholes = [0.5]", "zone[yard].holes[1]: got 0.5, wants a list of polygons"),
        (
            "points = [[0.1, 0.5], [0.9, 0.5]]",
            "points = [[0.1, 0.5]]",
            "line[door].points: a line wants at least 2 points, got 1",
        ),
        (
            "points = [[0.1, 0.5], [0.9, 0.5]]",
            "points = []",
            "line[door].points: a line wants at least 2 points, got 0",
        ),
        (
            "points = [[0.1, 0.5], [0.9, 0.5]]",
            "points = [[0.1, 0.5], [0.1, 0.5]]",
            "line[door].points: points 1 and 2 are the same",
        ),
        (
            "points = [[0.1, 0.5], [0.9, 0.5]]",
            "points = [[100, 500], [900, 500]]",
            "line[door].points: point 1 is outside the picture: (100, 500); coordinates are 0..1 of width and height (pixels?",
        ),
        (
            "points = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0, 1]]",
            "points = [[1.1, 0.1], [1.9, 0.1], [1.9, 0.9]]",
            "zone[yard].points: it lies wholly outside the picture, beginning with point 1: (1.1, 0.1)",
        ),
        (
            "fps = 2.5",
            "[camera.ground]\npoints = [[0, 0, 1]]",
            "camera[hall].ground.points: got a list of 3 as point 1, wants at least 4 points",
        ),
        (
            "fps = 2.5",
            "[camera.ground]\npoints = [[0.1, 0.9, 0, 0]]",
            "camera[hall].ground.points: a ground plane wants at least 4 points [x, y, X, Y], got 1",
        ),
        (
            "fps = 2.5",
            "[camera.ground]\npoints = [[0.1, 0.9, 0, 0], [0.5, 0.9, 2, 0], [0.9, 0.9, 4, 0], [0.5, 0.5, 2, 6]]",
            "camera[hall].ground.points: the points say too little: three of any four must not lie on a line",
        ),
    ] {
        let errors = errors_after(from, to);
        assert!(errors.iter().any(|e| e.contains(wants)), "{from:?} -> {to:?} gave {errors:#?}");
        assert_eq!(errors.len(), 1, "{from:?} -> {to:?} gave {errors:#?}");
    }
}

#[test]
fn each_kind_of_rule_says_what_it_wants() {
    let rule = "kind = \"loitering\"\nzone = \"yard\"\ndwell_s = 8.5\n";
    for (to, wants) in [
        (
            "kind = \"zone_presense\"",
            "rule[stay].kind: got \"zone_presense\", wants one of line_cross, zone_enter, zone_exit, zone_presence,",
        ),
        ("kind = \"zone_presence\"", "rule[stay].zone: missing, wants the id of one of the camera's zones"),
        ("kind = \"crowd\"\ncount = 1", "rule[stay].count: got 1, wants a whole number from 2 to 1000"),
        ("kind = \"crowd\"", "rule[stay].count: missing, wants how many are a crowd"),
        ("kind = \"crowd\"\ncount = 3\nslack = 3", "rule[stay].slack: got 3 with count 3, wants it below"),
        ("kind = \"vehicle_stopped\"", "rule[stay].dwell_s: missing, wants after how many seconds"),
        ("kind = \"vehicle_stopped\"\ndwell_s = 5\ninclude_parked = 1", "include_parked: got 1, wants true or false"),
        (
            "kind = \"fast_move\"\nmin_speed_mps = 3",
            "min_speed_mps: got metres, but the ground before this camera is not known",
        ),
        ("kind = \"object_present\"\nmin_s = -1", "rule[stay].min_s: got -1, wants a number from 0 to 3600"),
        ("kind = \"fast_move\"", "rule[stay].min_speed: missing, wants object heights per second"),
        (
            "kind = \"fast_move\"\nmin_speed = 2\nmin_speed_frame = 1",
            "min_speed_frame: got more than one speed, wants one of",
        ),
        (
            "kind = \"wrong_way\"\ndirection = \"any\"\nline = \"door\"",
            "direction: got \"any\", wants one of left_to_right, right_to_left",
        ),
        ("kind = \"wrong_way\"\nline = \"door\"", "direction: missing, wants the direction that is forbidden"),
        ("kind = \"wrong_way\"\nline = \"door\"\nzone = \"yard\"", "zone: got a zone beside a line, wants one of them"),
        ("kind = \"wrong_way\"\nzone = \"yard\"", "allowed_heading: missing, wants two different points"),
        (
            "kind = \"wrong_way\"\nzone = \"yard\"\nallowed_heading = [[0.5, 1]]",
            "allowed_heading: got a list of 1, wants two different points",
        ),
        (
            "kind = \"wrong_way\"\nzone = \"yard\"\nallowed_heading = [[0.5, 1], [0.5, 1]]",
            "allowed_heading: got the same point twice",
        ),
        (
            "kind = \"wrong_way\"\nzone = \"yard\"\nallowed_heading = [[0.5, 1], [0.5, 0]]\ndirection = \"left_to_right\"",
            "direction: means nothing to a wrong_way rule of a zone, which has an allowed_heading; remove it",
        ),
        (
            "kind = \"zone_presence\"\nzone = \"yard\"\ncount = 3",
            "count: means nothing to a rule of kind zone_presence; remove it",
        ),
    ] {
        let errors = errors_after(rule, &format!("{to}\n"));
        assert!(errors.iter().any(|e| e.contains(wants)), "{to:?} gave {errors:#?}");
        assert_eq!(errors.len(), 1, "{to:?} gave {errors:#?}");
    }
}

#[test]
fn every_key_of_a_kind_is_a_key_of_rules() {
    for key in super::rule_kind::own_keys() {
        assert!(super::rule::KEYS.contains(&key), "{key} is read but not among the keys of [[camera.rule]]");
    }
}

#[test]
fn one_mistake_gives_one_error() {
    for (from, to) in [
        ("fps = 4", "fps = 400"),
        ("[0, 1]]", "[0.5, 0.0]]"),
        ("id = \"yard\"", "id = \"yard\"\nnmae = \"Yard\""),
        ("username = \"lightbar\"", "username = 7"),
        ("kind = \"loitering\"", "kind = \"loiter\""),
    ] {
        let errors = errors_after(from, to);
        assert_eq!(errors.len(), 1, "{from:?} -> {to:?} gave {errors:#?}");
    }
}

#[test]
fn all_errors_come_at_once_in_the_order_of_lines() {
    let text = GOOD
        .replace("fps = 4", "fps = 0")
        .replace("zone = \"yard\"", "zone = \"x\"")
        .replace("site = \"county-01\"", "");
    let errors = load_text(&text).expect_err("wrong");
    let lines: Vec<usize> = errors.0.iter().filter_map(|e| e.place.as_ref()).map(|place| place.line).collect();
    assert_eq!(lines, [2, 10, 31]);
}

#[test]
fn a_password_is_in_no_error_and_no_debug_output() {
    for (from, to) in [
        ("rtsp://10.0.0.5/s1", "rtsp://admin:hunter2@10.0.0.5/s1"),
        ("rtsp://10.0.0.5/s1", "rtsp://admin:hun/ter2@10.0.0.5/s1"),
        ("rtsp://10.0.0.5/s1", "http://admin:hunter2@10.0.0.5/s1"),
        ("password_env = \"GATE_PW\"", "password = \"hunter2\""),
        ("password_env = \"GATE_PW\"", "password = \"hunter2"),
        ("rtsp://10.0.0.5/s1", "admin:hunter2@10.0.0.5/s1"),
        ("rtsp://10.0.0.5/s1", "rtsp://admin:hunter2,ter2@10.0.0.5/s1"),
        ("GATE_PW", "hunter2"),
        ("fps = 4", "url = \"rtsp://admin:hunter2@10.0.0.5/s1\""),
    ] {
        let errors = load_text(&GOOD.replacen(from, to, 1)).expect_err(to);
        let told = format!("{errors} {errors:?} {}", errors.with_snippets());
        assert!(!told.contains("hunter2") && !told.contains("ter2"), "{told}");
    }
    let settings = load_text(GOOD).expect("good");
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_folder_is_read_as_one_and_duplicates_name_both_files() {
    let (head, cameras) = GOOD.split_at(GOOD.find("[[camera]]").expect("there are cameras"));
    let apart = load_texts(&[("10-head.toml", head), ("20-cameras.toml", cameras), ("notes.txt", "=")]).expect("good");
    let whole = load_text(GOOD).expect("good");
    assert_eq!(apart.cameras, whole.cameras);
    assert_eq!(apart.hash, whole.hash, "the division into files does not matter");

    let errors =
        load_texts(&[("a.toml", GOOD), ("b.toml", "[http]\n[kafka]\nenabled = false\n")]).expect_err("two [kafka]");
    let [error] = &errors.0[..] else { panic!("{errors}") };
    assert!(error.file.ends_with("b.toml") && error.message.contains("a.toml:5"), "{error}");
}

#[test]
fn the_hash_is_of_the_content_alone() {
    let hash = |text: &str| load_text(text).expect("good").hash;
    assert_eq!(hash(GOOD), hash(&GOOD.replace("fps = 4", "fps=4 # frames")));
    assert_ne!(hash(GOOD), hash(&GOOD.replace("fps = 4", "fps = 3")));
    assert_eq!(hash(GOOD).len(), 64);
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let errors = load_text("[service]\nsite = \n").expect_err("not TOML");
    assert!(errors.to_string().contains("a.toml:2: not TOML"), "{errors}");
    let errors = load(Path::new("/nonexistent/x.toml")).expect_err("no file");
    assert!(errors.to_string().contains("there is no such file or folder"), "{errors}");
}

#[test]
fn a_snippet_marks_the_value() {
    let errors = load_text(&GOOD.replace("fps = 4", "fps = 400")).expect_err("wrong");
    let snippet = errors.with_snippets();
    assert!(snippet.contains("   |\n  10 | fps = 400\n     |       ^^^"), "{snippet}");
}

#[test]
fn the_plan_touches_only_what_changed() {
    // Relative paths would differ, since each load here has a folder of its own.
    let good = GOOD.replace("\"data\"", "\"/d\"").replace("m/model", "/m/model");
    let old = load_text(&good).expect("good");
    assert!(diff(&old, &load_text(&good).expect("good")).is_empty());

    let new = load_text(&good.replace("dwell_s = 8.5", "dwell_s = 9").replace("id = \"hall\"", "id = \"hall-2\""))
        .expect("good");
    let plan = diff(&old, &new);
    assert_eq!(plan.added.iter().map(|c| c.id().as_str()).collect::<Vec<_>>(), ["hall-2"]);
    assert_eq!(plan.removed.iter().map(CameraId::as_str).collect::<Vec<_>>(), ["hall"]);
    let [gate] = &plan.changed[..] else { panic!("{plan:?}") };
    assert!(gate.rescene && !gate.reconnect);
    assert!(plan.restart.is_empty());
    assert_eq!(plan.lines(), ["camera hall-2: added", "camera hall: removed", "camera gate: rules changed"]);

    let plan = diff(&old, &load_text(&good.replace("s1\"\nusername", "s2\"\nusername")).expect("good"));
    assert!(matches!(&plan.changed[..], [gate] if gate.reconnect && !gate.rescene));
    let other_kafka = load_text(&good.replace("9092", "9093")).expect("good");
    assert_eq!(diff(&old, &other_kafka).restart, ["kafka"]);
}

#[test]
fn authorities_for_cameras_are_read_and_make_sense() {
    let pem = "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n";
    let with = |from: &str, to: &str| {
        load_texts(&[("a.toml", &GOOD.replacen(from, to, 1)), ("ca.pem", pem), ("empty.pem", "")])
    };
    let shared = with("fps = 4", "ca_file = \"ca.pem\"").expect("good");
    assert!(shared.cameras.iter().all(|c| c.stream.ca_file.as_ref().is_some_and(|path| path.ends_with("ca.pem"))));
    let own = with("fps = 2.5", "ca_file = \"ca.pem\"").expect("good");
    assert!(own.cameras[0].stream.ca_file.is_none() && own.cameras[1].stream.ca_file.is_some());
    for (from, to, wants) in [
        ("fps = 4", "ca_file = \"empty.pem\"", "empty.pem has no certificate, wants some in PEM"),
        ("fps = 4", "ca_file = \"gone.pem\"", "gone.pem: No such file"),
        (
            "fps = 4",
            "ca_file = \"ca.pem\"\nverify_tls = false",
            "ca_file: got authorities to trust and verify_tls = false",
        ),
        (
            "id = \"gate\"",
            "id = \"gate\"\nca_file = \"ca.pem\"",
            "camera[gate].ca_file: got an authority for a camera without TLS",
        ),
    ] {
        let errors = with(from, to).expect_err(to).to_string();
        assert!(errors.contains(wants), "{to}: {errors}");
    }
}
