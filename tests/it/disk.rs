//! The whole service on a disk that is full, and on one that cannot be written: real file systems, mounted for the test.

use std::fs;
use std::time::Duration;

use lightbar::store::Reader;
use serde_json::Value;

use super::support::disk::Disk;
use super::support::footage::footage;
use super::support::rtsp::{RtspServer, Serving};
use super::support::service::{Head, Service};

const MINUTE: Duration = Duration::from_mins(1);

/// A picture that moves for ever, and costs little.
const BALL: &str = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! \
                    x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay config-interval=-1 name=pay0 pt=96";

fn camera(id: &str, url: &str) -> String {
    format!("[[camera]]\nid = \"{id}\"\nurl = \"{url}\"\nfps = 5\nvideo_loss_after_s = 1\n")
}

fn online(service: &Service, id: &str) -> bool {
    let cameras = service.json("/api/v1/cameras").unwrap();
    // A service that has just started may know of no camera yet.
    cameras["cameras"].as_array().unwrap().iter().any(|camera| camera["id"] == id && camera["online"] == true)
}

/// What the store has of alerts, of a kind or all.
fn changes(service: &Service, kind: &str) -> Vec<Value> {
    let reader = Reader::open(&service.data()).unwrap();
    let all = reader.changes_after(0, 1000).unwrap();
    all.iter().map(|change| serde_json::from_str(&change.json).unwrap()).filter(|a: &Value| a["kind"] == kind).collect()
}

fn phases(changes: &[Value]) -> Vec<&str> {
    changes.iter().map(|alert| alert["phase"].as_str().unwrap()).collect()
}

/// That room is short is told in time, the last alerts are recorded in the reserve, and that there is room again is told as well.
#[test]
fn a_disk_that_fills_up_is_told_and_takes_the_last_words() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let mut service = Service::new(&Head { model: &model, kafka: None });
    let Some(disk) = Disk::mount(&service.data(), "size=16m") else { return };
    let server = RtspServer::serve(Serving::new(BALL));
    service.configure(&format!("[store]\nreserve_mb = 2\n{}", camera("gate", &server.url())));
    service.start();
    service.until("the camera is seen", MINUTE, |service| online(service, "gate"));

    disk.fill();
    service.until("it says that it is not ready", MINUTE, |service| service.get("/readyz").is_none());
    server.stop();
    service.until("both alerts are recorded", MINUTE, |service| {
        ["store", "video_loss"].iter().all(|kind| phases(&changes(service, kind)) == ["opened"])
    });
    assert!(service.metric("lightbar_store_nearly_full") > 0.0, "{}", service.log());
    let opened = &changes(&service, "store")[0];
    assert_eq!((&opened["status"], &opened["node"]["id"]), (&Value::from("System"), &Value::from("test-1")));
    assert_eq!(opened["camera"], Value::Null, "it concerns no camera");

    disk.free();
    service.until("it is ready again", MINUTE, |service| service.get("/readyz").is_some());
    service.until("the alert has ended", MINUTE, |service| phases(&changes(service, "store")) == ["opened", "ended"]);
    assert_eq!(fs::metadata(service.data().join("lightbar.reserve")).unwrap().len(), 2 << 20, "taken again");
    assert!(service.stop().success(), "{}", service.log());
}

/// A service whose last run ended on a full disk starts on it, watches, and puts that run in order when there is room.
#[test]
fn a_full_disk_is_no_reason_not_to_start() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let mut service = Service::new(&Head { model: &model, kafka: None });
    let Some(disk) = Disk::mount(&service.data(), "size=8m") else { return };
    let server = RtspServer::serve(Serving::new(BALL));
    service.configure(&format!("[store]\nreserve_mb = 1\n{}", camera("gate", &server.url())));
    service.start();
    service.until("the camera is seen", MINUTE, |service| online(service, "gate"));
    service.kill();
    fs::remove_file(service.data().join("lightbar.reserve")).unwrap();
    disk.fill();

    service.spawn();
    service.until("the camera is seen all the same", MINUTE, |service| {
        service.get("/livez").is_some() && online(service, "gate")
    });
    assert!(service.get("/readyz").is_none(), "there is no room");
    let blind = |service: &Service| service.command(&["blind", "--data-dir", service.data().to_str().unwrap()]).1;

    disk.free();
    service.until("it is ready", MINUTE, |service| service.get("/readyz").is_some());
    service.until("the time between is known", MINUTE, |service| blind(service).contains("service_down"));
    assert!(service.stop().success(), "{}", service.log());
}

/// On a disk without any room, not even a reserve, cameras are watched and alerts are decided as before, the service says that it is
/// not ready and why, and once there is space again, what was decided meanwhile is there, whole and in order.
#[test]
fn a_full_disk_stops_no_camera_and_loses_no_alert() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let mut service = Service::new(&Head { model: &model, kafka: None });
    let Some(disk) = Disk::mount(&service.data(), "size=8m") else { return };
    let (first, second) = (RtspServer::serve(Serving::new(BALL)), RtspServer::serve(Serving::new(BALL)));
    let (port, url) = (first.port(), first.url());
    let cameras = camera("gate", &url) + &camera("yard", &second.url());
    service.configure(&format!("[store]\nreserve_mb = 1\n{cameras}"));
    service.start();
    service.until("both cameras are seen", MINUTE, |service| online(service, "gate") && online(service, "yard"));
    let recorded = Reader::open(&service.data()).unwrap().changes_after(0, 1000).unwrap().len();
    let decided = service.metric("lightbar_analyze_alert_changes_total");

    fs::remove_file(service.data().join("lightbar.reserve")).unwrap();
    disk.fill();
    first.stop();
    service.until("it says that it is not ready", MINUTE, |service| service.get("/readyz").is_none());
    assert!(service.get("/livez").is_some(), "a restart would not help");
    assert!(service.log().contains("full"), "{}", service.log());
    // Only now may it come back: a camera that is away for less than `video_loss_after_s` raises no alert.
    service.until("its alert has begun", MINUTE, |service| {
        service.metric("lightbar_analyze_alert_changes_total") >= decided + 1.0
    });
    let first = RtspServer::serve(Serving { port, ..Serving::new(BALL) });
    service.until("the camera is seen again, disk or no disk", 2 * MINUTE, |service| online(service, "gate"));
    service.until("its alert has ended", MINUTE, |service| {
        service.metric("lightbar_analyze_alert_changes_total") >= decided + 2.0
    });
    let looks = service.metric("lightbar_analyze_observations_total");
    service.until("cameras are looked at", MINUTE, |service| {
        service.metric("lightbar_analyze_observations_total") >= looks + 20.0
    });
    assert!(service.get("/readyz").is_none(), "nothing was freed");
    assert_eq!(Reader::open(&service.data()).unwrap().changes_after(0, 1000).unwrap().len(), recorded);

    disk.free();
    service.until("it is ready again", MINUTE, |service| service.get("/readyz").is_some());
    service.until("what was decided is recorded", MINUTE, |service| changes(service, "video_loss").len() >= 2);
    let told = changes(&service, "video_loss");
    assert_eq!(phases(&told), ["opened", "ended"]);
    assert!(told[0]["alert_id"] == told[1]["alert_id"]);
    assert!(told[0]["revision"].as_u64() < told[1]["revision"].as_u64());
    assert!(service.stop().success(), "{}", service.log());
    first.stop();
    second.stop();
    let (status, blind) = service.command(&["blind", "--data-dir", service.data().to_str().unwrap()]);
    assert!(status == 0 && blind.contains("gate") && blind.contains("unreachable"), "{blind}");
}

/// A folder that cannot be written is told at the start, with the way out, not found out at the first alert.
#[test]
fn a_read_only_data_folder_is_refused_at_the_start() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let service = Service::new(&Head { model: &model, kafka: None });
    let Some(_disk) = Disk::mount(&service.data(), "ro,size=1m") else { return };
    service.configure("");
    let (status, said) = service.command(&["run", "--config", service.config().to_str().unwrap()]);
    assert!(status != 0 && said.contains("make it writable"), "{status} {said}");
    assert!(said.contains(service.data().to_str().unwrap()), "{said}");
}
