//! The main job, end to end: real RTSP in, the real binary, real Apache Kafka out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use lightbar::contract::Site;
use lightbar::domain::ids::NodeId;
use lightbar::kafka::consumer::{Received, TopicReader};
use lightbar::store::Reader;
use serde_json::Value;

use super::support::broker::Broker;
use super::support::footage::footage;
use super::support::rtsp::{Login, PASSWORD, RtspServer, Serving, USER};
use super::support::schemas::{complaints, validator};
use super::support::service::{Head, Service};

const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn h264(video: &Path) -> String {
    format!(
        "filesrc location={} ! qtdemux ! h264parse ! rtph264pay config-interval=-1 name=pay0 pt=96",
        video.display()
    )
}

fn h265(video: &Path) -> String {
    format!(
        "filesrc location={} ! qtdemux ! h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96",
        video.display()
    )
}

/// A picture that moves for ever, and costs little.
const BALL: &str = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! \
                    x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay config-interval=-1 name=pay0 pt=96";

fn site() -> Site {
    Site::new("test", NodeId::parse("test-1").unwrap())
}

fn topics(broker: &Broker) {
    tokio::runtime::Runtime::new().unwrap().block_on(broker.create_topics(&site()));
}

fn alerts_in(broker: &Broker) -> Vec<Received> {
    TopicReader::open(&broker.settings(), &site().alerts_topic()).unwrap().read_to_end().unwrap()
}

fn seconds(alert: &Value, at: &str) -> f64 {
    let time: jiff::Timestamp = alert["timing"][at].as_str().unwrap().parse().unwrap();
    time.as_millisecond() as f64 / 1000.0
}

/// What the truth says of a video: kind, when it began, tolerance.
fn truth(video: &str, kinds: &[&str]) -> Vec<(String, f64, f64)> {
    let text = std::fs::read_to_string(footage("events/truth.jsonl").unwrap()).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["video"] == video && kinds.contains(&event["kind"].as_str().unwrap()))
        .map(|e| {
            (e["kind"].as_str().unwrap().to_owned(), e["start_s"].as_f64().unwrap(), e["tolerance_s"].as_f64().unwrap())
        })
        .collect()
}

/// Matches what was opened with the truth, one to one and in order; the stream began at an unknown moment, the same for all.
fn assert_matches(truth: &[(String, f64, f64)], opened: &[(String, f64)]) {
    let mut offsets: Vec<f64> = truth.iter().zip(opened).map(|(wanted, got)| got.1 - wanted.1).collect();
    offsets.sort_by(f64::total_cmp);
    let offset = offsets[offsets.len() / 2];
    let mut left = opened.to_vec();
    for (kind, at, tolerance) in truth {
        let found = left.iter().position(|(k, t)| k == kind && (t - offset - at).abs() <= *tolerance);
        assert!(
            found.is_some(),
            "no {kind} at {at} s; opened, from the start of the video: {:?}",
            opened.iter().map(|(k, t)| (k, t - offset)).collect::<Vec<_>>()
        );
        left.remove(found.unwrap());
    }
    assert!(left.is_empty(), "not in the truth: {:?}", left.iter().map(|(k, t)| (k, t - offset)).collect::<Vec<_>>());
}

pub(crate) const ROOM: &str = r#"
[[camera.line]]
id = "door"
points = [[0.7812, 1.0], [0.7812, 0.0]]
[[camera.zone]]
id = "table"
points = [[0.4297, 0.1389], [0.7292, 0.1389], [0.7292, 0.9722], [0.4297, 0.9722]]
[[camera.rule]]
id = "leave"
kind = "line_cross"
line = "door"
direction = "left_to_right"
anchor = "centre"
classes = ["person"]
[[camera.rule]]
id = "stay"
kind = "loitering"
zone = "table"
dwell_s = 15
classes = ["person"]
"#;

const BOTTLES: &str = r#"
[[camera.rule]]
id = "gone"
kind = "object_removed"
labels = ["bottle"]
classes = ["other"]
min_confidence = 0.3
settle_s = 2
gone_s = 1
deliver = "alert"
"#;

pub(crate) fn camera(id: &str, url: &str, rest: &str) -> String {
    format!("[[camera]]\nid = \"{id}\"\nname = \"{id}\"\nurl = \"{url}\"\nfps = 5\nvideo_loss_after_s = 2\n{rest}\n")
}

/// Three cameras over RTSP, one of them H.265 with B-frames and sound beside: what happened in the footage is in Kafka, as the
/// schema says, and nothing else is.
#[test]
fn footage_over_rtsp_becomes_the_alerts_of_the_truth_in_kafka() {
    let (Some(model), Some(room), Some(table), Some(till)) = (
        footage("models/yolox_nano_416.onnx"),
        footage("videos/one-by-one-person-detection.mp4"),
        footage("videos/bottle-detection.mp4"),
        footage("videos/Retail02_short.mp4"),
    ) else {
        return;
    };
    let Some(broker) = Broker::start(false) else { return };
    topics(&broker);
    let servers = [h264(&room), h264(&table), h265(&till)].map(|launch| RtspServer::serve(Serving::new(launch)));
    let mut service = Service::new(&Head { model: &model, kafka: Some(&broker.address()) });
    service.configure(
        &[
            camera("room", &servers[0].url(), ROOM),
            camera("table", &servers[1].url(), BOTTLES),
            camera("till", &servers[2].url(), ""),
        ]
        .concat(),
    );
    service.start();
    let wanted = truth("videos/one-by-one-person-detection.mp4", &["line_cross", "loitering"]);
    let kinds: Vec<&str> = wanted.iter().map(|(kind, ..)| kind.as_str()).collect();
    let opened = |service: &Service, camera: &str| -> Vec<Value> {
        let page = service.json("/api/v1/alerts?limit=200").unwrap();
        let alerts = page["alerts"].as_array().unwrap().clone();
        alerts
            .into_iter()
            .map(|entry| entry.get("alert").cloned().unwrap_or(entry))
            .filter(|a| a["camera"]["id"] == camera)
            .collect()
    };
    service.until("the room's story is told", 4 * MINUTE, |service| {
        opened(service, "room").iter().filter(|a| kinds.contains(&a["kind"].as_str().unwrap())).count() >= wanted.len()
    });
    let cameras = service.json("/api/v1/cameras").unwrap().to_string();
    assert!(cameras.contains("till"), "{cameras}");
    let metrics = service.get("/metrics").unwrap();
    let looked =
        metrics.lines().find(|l| l.starts_with("lightbar_analyze_observations_total{camera=\"till\"}")).unwrap();
    assert!(looked.rsplit(' ').next().unwrap().parse::<f64>().unwrap() > 50.0, "{looked}");
    assert!(service.stop().success(), "{}", service.log());

    let strict = validator("alert");
    let received = alerts_in(&broker);
    let mut first: BTreeMap<&str, Vec<(String, f64)>> = BTreeMap::new();
    for record in &received {
        let alert: Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(complaints(&strict, &alert), Vec::<String>::new(), "{alert}");
        assert_eq!(
            record.header("ce_id").unwrap(),
            format!("{}.{}", alert["alert_id"].as_str().unwrap(), alert["revision"])
        );
        assert_eq!(record.key, alert["camera"]["id"].as_str().unwrap());
        let kind = alert["kind"].as_str().unwrap();
        if alert["phase"] == "opened" && kind != "video_loss" {
            let camera = if record.key == "room" { "room" } else { "table" };
            first.entry(camera).or_default().push((kind.to_owned(), seconds(&alert, "started_at")));
        }
    }
    let in_order = |mut events: Vec<(String, f64)>| {
        events.sort_by(|a, b| a.1.total_cmp(&b.1));
        events
    };
    assert_matches(&wanted, &in_order(first.remove("room").unwrap()));
    // The clip of the table is over before the room's, and begins again: its first round is judged.
    let removed = truth("videos/bottle-detection.mp4", &["object_removed"]);
    let mut rounds = in_order(first.remove("table").unwrap());
    rounds.truncate(removed.len());
    assert_matches(&removed, &rounds);
}

/// What was decided is in Kafka, once, in order, though the broker was gone and the service was killed with alerts on the way.
#[test]
fn nothing_is_lost_when_the_broker_is_gone_and_the_service_is_killed() {
    let (Some(model), Some(till)) = (footage("models/yolox_nano_416.onnx"), footage("videos/Retail02_short.mp4"))
    else {
        return;
    };
    let Some(mut broker) = Broker::start(false) else { return };
    topics(&broker);
    let server = RtspServer::serve(Serving::new(h265(&till)));
    let busy = r#"
[[camera.line]]
id = "middle"
points = [[0.5, 1.0], [0.5, 0.0]]
[[camera.zone]]
id = "half"
points = [[0.0, 0.0], [0.45, 0.0], [0.45, 1.0], [0.0, 1.0]]
[[camera.rule]]
id = "cross"
kind = "line_cross"
line = "middle"
direction = "any"
[[camera.rule]]
id = "in"
kind = "zone_enter"
zone = "half"
[[camera.rule]]
id = "stay"
kind = "loitering"
zone = "half"
dwell_s = 1
"#;
    let mut service = Service::new(&Head { model: &model, kafka: Some(&broker.address()) });
    service.set("LIGHTBAR_LOG", "info,lightbar::pipeline=debug");
    service.configure(&camera("till", &server.url(), busy));
    service.start();
    let depth = |service: &Service| {
        let status = service.json("/api/v1/status").unwrap();
        status["outbox"]["depth"].as_u64().unwrap_or_else(|| panic!("no depth in {status}"))
    };
    service.until("an alert got through", 2 * MINUTE, |_| !alerts_in(&broker).is_empty());
    broker.kill();
    service.until("alerts wait for the broker", 2 * MINUTE, |service| depth(service) >= 3);
    service.kill();
    service.start();
    broker.restart();
    service.until("the outbox is empty", 2 * MINUTE, |service| depth(service) == 0);
    assert!(service.stop().success(), "{}", service.log());

    let decided: BTreeSet<String> = Reader::open(&service.data())
        .unwrap()
        .changes_after(0, 100_000)
        .unwrap()
        .iter()
        .map(|change| {
            let alert: Value = serde_json::from_str(&change.json).unwrap();
            format!("{}.{}", alert["alert_id"].as_str().unwrap(), alert["revision"])
        })
        .collect();
    let received = alerts_in(&broker);
    let arrived: BTreeSet<String> = received.iter().map(|record| record.header("ce_id").unwrap().to_owned()).collect();
    assert_eq!(decided, arrived);
    let mut bytes: BTreeMap<&str, &[u8]> = BTreeMap::new();
    let mut last: BTreeMap<&str, String> = BTreeMap::new();
    for record in &received {
        let again = bytes.insert(record.header("ce_id").unwrap(), &record.value);
        assert!(again.is_none_or(|before| before == record.value), "the same id with other bytes");
        if again.is_none() {
            let place = format!("{} {}", record.header("ce_epoch").unwrap(), record.header("ce_sequence").unwrap());
            let before = last.insert(record.header("ce_source").unwrap(), place.clone());
            assert!(before.as_ref().is_none_or(|before| *before < place), "{before:?} before {place}");
        }
    }
    // One trace leads from the frame to the acknowledged record.
    let opened = received.iter().find(|record| record.header("ce_type").unwrap().contains(".opened.")).unwrap();
    let trace = opened.header("traceparent").unwrap().split('-').nth(1).unwrap();
    let log = service.log();
    for step in ["decided", "recorded", "acknowledged"] {
        let told = log.lines().find(|line| line.contains(trace) && line.contains(step));
        let told = told.unwrap_or_else(|| panic!("the log does not say when {trace} was {step}"));
        assert!(step != "decided" || told.contains("frame="), "{told}");
    }
    let blind = service.command(&["blind", "--data-dir", service.data().to_str().unwrap()]);
    assert!(blind.0 == 0 && blind.1.contains("service_down"), "{}", blind.1);
}

/// A camera that dies raises `video_loss` and is blind until it is back; its password is nowhere.
#[test]
fn a_dead_camera_is_told_and_its_password_is_not() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let serving = |port| Serving { login: Login::Digest, port, ..Serving::new(BALL) };
    let server = RtspServer::serve(serving(0));
    let (port, url) = (server.port(), server.url());
    let mut service = Service::new(&Head { model: &model, kafka: None });
    service.set("GATE_PW", PASSWORD);
    service.set("LIGHTBAR_LOG", "debug");
    let account = format!("username = \"{USER}\"\npassword_env = \"GATE_PW\"\n");
    service.configure(&camera("gate", &url, &account));
    service.start();
    let watching = |service: &Service| service.json("/api/v1/cameras").unwrap().to_string().contains("\"online\":true");
    let alerts = |service: &Service| service.get("/api/v1/alerts?limit=50").unwrap();
    service.until("the camera is seen", MINUTE, watching);
    server.stop();
    service.until("its loss is an alert", MINUTE, |service| alerts(service).contains("video_loss"));
    assert!(!watching(&service));
    let server = RtspServer::serve(serving(port));
    service.until("the camera is seen again", 2 * MINUTE, watching);
    service.until("the alert has ended", MINUTE, |service| alerts(service).contains("\"ended\""));
    let metrics = service.get("/metrics").unwrap();
    assert!(service.stop().success(), "{}", service.log());
    server.stop();

    let (status, blind) = service.command(&["blind", "--data-dir", service.data().to_str().unwrap()]);
    assert!(status == 0 && blind.contains("unreachable"), "{blind}");
    for (place, text) in
        [("what was written", service.everything_written()), ("the metrics", metrics), ("the ledger", blind)]
    {
        assert!(!text.contains(PASSWORD), "the password is in {place}");
    }
}

/// Reloading changes what was changed and touches nothing else; a bad file changes nothing and says why.
#[test]
fn a_reload_touches_only_what_changed() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let server = RtspServer::serve(Serving::new(BALL));
    let other = RtspServer::serve(Serving::new(BALL));
    let mut service = Service::new(&Head { model: &model, kafka: None });
    let zone = "[[camera.zone]]\nid = \"all\"\npoints = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]\n";
    let rule = "[[camera.rule]]\nid = \"in\"\nkind = \"zone_enter\"\nzone = \"all\"\n";
    service.configure(&camera("one", &server.url(), zone));
    service.start();
    let seen = |service: &Service, id: &str| {
        let metrics = service.get("/metrics").unwrap();
        metrics.lines().any(|l| {
            l.starts_with(&format!("lightbar_analyze_observations_total{{camera=\"{id}\"}}")) && !l.ends_with(" 0")
        })
    };
    service.until("the first camera is seen", MINUTE, |service| seen(service, "one"));
    let connections = server.connections.load(std::sync::atomic::Ordering::Relaxed);

    service.configure(&(camera("one", &server.url(), &format!("{zone}{rule}")) + &camera("two", &other.url(), "")));
    let config = service.config();
    let reload = ["reload", "--config", config.to_str().unwrap()];
    let (status, said) = service.command(&reload);
    assert!(status == 0 && said.contains("camera two: added") && said.contains("camera one"), "{said}");
    service.until("the second camera is seen", MINUTE, |service| seen(service, "two"));
    assert_eq!(
        server.connections.load(std::sync::atomic::Ordering::Relaxed),
        connections,
        "the first camera was connected anew"
    );

    service.configure(&camera(
        "one",
        &server.url(),
        "[[camera.rule]]\nid = \"in\"\nkind = \"zone_enter\"\nzone = \"nowhere\"\n",
    ));
    let (status, said) = service.command(&reload);
    assert!(status == 2 && said.contains("nowhere"), "{status} {said}");
    service.signal("HUP");
    service.until("the service says no", MINUTE, |service| service.log().contains("nothing has changed"));
    assert!(service.json("/api/v1/cameras").unwrap().to_string().contains("\"two\""));
    assert!(service.stop().success(), "{}", service.log());
}

/// Two replays of one file give the same bytes.
#[test]
fn a_replay_repeats_itself() {
    let (Some(model), Some(table)) = (footage("models/yolox_nano_416.onnx"), footage("videos/bottle-detection.mp4"))
    else {
        return;
    };
    let service = Service::new(&Head { model: &model, kafka: None });
    service.configure(&camera("table", "rtsp://127.0.0.1/none", BOTTLES));
    let outputs = ["a.jsonl", "b.jsonl"].map(|name| {
        let out = service.config().with_file_name(name);
        let config = service.config();
        let (status, said) = service.command(&[
            "replay",
            "--config",
            config.to_str().unwrap(),
            "--video",
            table.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ]);
        assert_eq!(status, 0, "{said}");
        std::fs::read_to_string(out).unwrap()
    });
    assert_eq!(outputs[0], outputs[1]);
    let opened: Vec<(String, f64)> = outputs[0]
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|alert| alert["phase"] == "opened")
        .map(|alert| (alert["kind"].as_str().unwrap().to_owned(), seconds(&alert, "started_at")))
        .collect();
    assert_matches(&truth("videos/bottle-detection.mp4", &["object_removed"]), &opened);
}
