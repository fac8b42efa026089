//! People's orders from the command line to a running service, and what a service knows again after it was killed: a real camera
//! that shows a parked bus, the real binary, SIGKILL.

use std::path::Path;
use std::time::Duration;

use lightbar::store::Reader;
use serde_json::Value;

use super::support::footage::footage;
use super::support::rtsp::{RtspServer, Serving};
use super::support::service::{Head, Service};

const PATIENCE: Duration = Duration::from_mins(2);

const CAMERA: &str = r#"
fps = 5
[[camera.rule]]
id = "parked"
kind = "vehicle_stopped"
dwell_s = 2
include_parked = true
cooldown_s = 0
[[camera.rule]]
id = "taken"
kind = "object_removed"
classes = ["bus"]
"#;

/// A photograph, for ever.
fn still(picture: &Path) -> String {
    format!(
        "filesrc location={} ! jpegdec ! imagefreeze is-live=true ! videoconvert ! videoscale ! \
         video/x-raw,format=I420,width=640,height=426,framerate=10/1 ! \
         x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay config-interval=-1 name=pay0 pt=96",
        picture.display()
    )
}

/// The bus, once it stands.
fn bus(service: &Service) -> Option<Value> {
    let found = service.json("/api/v1/watched")?;
    found["standing"].as_array()?.iter().find(|thing| thing["class"] == "bus").cloned()
}

/// The alerts of a rule as (revision, phase) in the order of recording.
fn told(service: &Service, rule: &str) -> Vec<(u64, String)> {
    let changes = Reader::open(&service.data()).unwrap().changes_after(0, 1000).unwrap();
    let alerts = changes.iter().map(|change| serde_json::from_str::<Value>(&change.json).unwrap());
    let of_rule = alerts.filter(|alert| alert["rule"]["id"] == rule);
    of_rule.map(|alert| (alert["revision"].as_u64().unwrap(), alert["phase"].as_str().unwrap().to_owned())).collect()
}

/// Whether what is kept of the bus says that the rule has spoken of it.
fn knows_as_told(service: &Service, rule: &str) -> bool {
    let kept = rusqlite::Connection::open(service.data().join("tracks.db")).unwrap();
    let count = "SELECT count(*) FROM things WHERE class = 'bus' AND instr(told, ?1) > 0";
    kept.query_row(count, [rule], |row| row.get::<_, i64>(0)).is_ok_and(|count| count == 1)
}

#[test]
fn orders_are_given_from_the_command_line_and_outlive_a_sigkill_as_does_what_stands() {
    let (Some(model), Some(picture)) =
        (footage("models/yolox_nano_416.onnx"), footage("images/coco/images/000000568290.jpg"))
    else {
        return;
    };
    let camera = RtspServer::serve(Serving::new(still(&picture)));
    let mut service = Service::new(&Head { model: &model, kafka: None });
    service.configure(&format!("[[camera]]\nid = \"stop\"\nurl = \"{}\"\n{CAMERA}", camera.url()));
    service.start();
    let url = service.url("");
    let order =
        |service: &Service, words: &[&str]| service.command(&[words, &["--url", &url, "--by", "anna"]].concat());
    service.until("the bus stands there", PATIENCE, |service| bus(service).is_some());
    service.until("its standing is told", PATIENCE, |service| !told(service, "parked").is_empty());
    let track = bus(&service).unwrap()["track"].as_str().unwrap().to_owned();

    let (status, said) = order(&service, &["watch", "--camera", "stop", "--track", "no-such-track"]);
    assert!(status != 0 && said.contains("nothing stands there"), "{status} {said}");
    let (status, said) = order(&service, &["watch", "--camera", "stop", "--track", &track]);
    assert!(status == 0 && said.contains("order 1") && said.contains("bus"), "{status} {said}");
    let (status, said) = order(&service, &["disarm", "--camera", "stop", "--rule", "parked", "--for", "2h"]);
    assert!(status == 0 && said.contains("stop/parked: disarmed until") && said.contains("anna"), "{status} {said}");
    let (status, said) = order(&service, &["disarm", "--camera", "nowhere"]);
    assert!(status != 0 && said.contains("nowhere"), "{status} {said}");

    // What stands is kept every few seconds; a kill right after an alert may repeat it, which is not what is asked here.
    service.until("it is known that its standing was told", PATIENCE, |service| knows_as_told(service, "parked"));
    service.kill();
    service.start();
    service.until("the bus stands there again", PATIENCE, |service| bus(service).is_some());
    assert_eq!(bus(&service).unwrap()["track"].as_str(), Some(track.as_str()), "the same bus");
    let (status, said) = order(&service, &["arm", "--list"]);
    assert!(status == 0 && said.contains("stop/parked: disarmed until") && said.contains("anna"), "{status} {said}");
    let (status, said) = order(&service, &["watch", "--list"]);
    assert!(status == 0 && said.contains("order 1  stop watches a bus") && said.contains("by anna"), "{status} {said}");

    // Long after the dwell: it is not told anew.
    let looks = |service: &Service| service.metric("lightbar_analyze_observations_total");
    let before = looks(&service);
    service.until("it was looked at for thrice the dwell", PATIENCE, |service| looks(service) >= before + 30.0);
    let phases: Vec<_> = told(&service, "parked").into_iter().map(|(_, phase)| phase).collect();
    assert_eq!(phases.iter().filter(|phase| *phase == "opened").count(), 1, "{phases:?}");

    let (status, said) = order(&service, &["unwatch", "1"]);
    assert!(status == 0 && said.contains("order 1 is taken back"), "{status} {said}");
    let (status, said) = order(&service, &["unwatch", "1"]);
    assert!(status != 0 && said.contains("no order 1"), "{status} {said}");
    let (status, said) = order(&service, &["arm", "--camera", "stop", "--rule", "parked"]);
    assert!(status == 0 && said.contains("stop/parked: armed until somebody says otherwise"), "{status} {said}");
    assert!(service.stop().success(), "{}", service.log());
    let (status, said) = order(&service, &["arm", "--list"]);
    assert!(status != 0 && said.contains("is the service running"), "{status} {said}");
}
