//! The whole service on a disk that is full, and on one that cannot be written: real file systems, mounted for the test.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lightbar::store::Reader;
use serde_json::Value;

use super::support::footage::footage;
use super::support::rtsp::{RtspServer, Serving};
use super::support::service::{Head, Service};
use super::support::skipped::skipped;

const MINUTE: Duration = Duration::from_mins(1);

/// A picture that moves for ever, and costs little.
const BALL: &str = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! \
                    x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay config-interval=-1 name=pay0 pt=96";

/// A small file system in memory; taken down when dropped.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts one there. Only root may: for anybody else the test is skipped, loudly.
    fn mount(folder: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder: folder.to_owned() }),
            Ok(output) => {
                skipped(&format!(
                    "mount says {}; run as root to have a full disk",
                    String::from_utf8_lossy(&output.stderr).trim()
                ));
                None
            }
            Err(error) => {
                skipped(&format!("mount does not run: {error}"));
                None
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        for piece in [64 << 10, 4 << 10, 1] {
            while filler.write_all(&vec![b'x'; piece]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the service may still be going.
        let gone = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(gone.is_ok_and(|status| status.success()) || std::thread::panicking(), "the disk stays mounted");
    }
}

fn camera(id: &str, url: &str) -> String {
    format!("[[camera]]\nid = \"{id}\"\nurl = \"{url}\"\nfps = 5\nvideo_loss_after_s = 1\n")
}

fn online(service: &Service, id: &str) -> bool {
    let cameras = service.json("/api/v1/cameras").unwrap();
    let camera = cameras["cameras"].as_array().unwrap().iter().find(|camera| camera["id"] == id).cloned();
    camera.unwrap_or_else(|| panic!("no camera {id} in {cameras}"))["online"] == true
}

/// A metric's sum over its labels.
fn metric(service: &Service, name: &str) -> f64 {
    let text = service.get("/metrics").unwrap();
    let rows = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    rows.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// On a full disk cameras are watched and alerts are decided as before, the service says that it is not ready and why, and once
/// there is space again, what was decided meanwhile is there, whole and in order.
#[test]
fn a_full_disk_stops_no_camera_and_loses_no_alert() {
    let Some(model) = footage("models/yolox_nano_416.onnx") else { return };
    let mut service = Service::new(&Head { model: &model, kafka: None });
    let Some(disk) = Disk::mount(&service.data(), "size=8m") else { return };
    let (first, second) = (RtspServer::serve(Serving::new(BALL)), RtspServer::serve(Serving::new(BALL)));
    let (port, url) = (first.port(), first.url());
    service.configure(&(camera("gate", &url) + &camera("yard", &second.url())));
    service.start();
    service.until("both cameras are seen", MINUTE, |service| online(service, "gate") && online(service, "yard"));
    let recorded = Reader::open(&service.data()).unwrap().changes_after(0, 1000).unwrap().len();
    let decided = metric(&service, "lightbar_analyze_alert_changes_total");

    disk.fill();
    first.stop();
    service.until("it says that it is not ready", MINUTE, |service| service.get("/readyz").is_none());
    assert!(service.get("/livez").is_some(), "a restart would not help");
    assert!(service.log().contains("full"), "{}", service.log());
    // Only now may it come back: a camera that is away for less than `video_loss_after_s` raises no alert.
    service.until("its alert has begun", MINUTE, |service| {
        metric(service, "lightbar_analyze_alert_changes_total") >= decided + 1.0
    });
    let first = RtspServer::serve(Serving { port, ..Serving::new(BALL) });
    service.until("the camera is seen again, disk or no disk", 2 * MINUTE, |service| online(service, "gate"));
    service.until("its alert has ended", MINUTE, |service| {
        metric(service, "lightbar_analyze_alert_changes_total") >= decided + 2.0
    });
    let looks = metric(&service, "lightbar_analyze_observations_total");
    service.until("cameras are looked at", MINUTE, |service| {
        metric(service, "lightbar_analyze_observations_total") >= looks + 20.0
    });
    assert!(service.get("/readyz").is_none(), "nothing was freed");
    assert_eq!(Reader::open(&service.data()).unwrap().changes_after(0, 1000).unwrap().len(), recorded);

    disk.free();
    service.until("it is ready again", MINUTE, |service| service.get("/readyz").is_some());
    let changes = |service: &Service| -> Vec<Value> {
        let reader = Reader::open(&service.data()).unwrap();
        let changes = reader.changes_after(0, 1000).unwrap();
        changes[recorded..].iter().map(|change| serde_json::from_str(&change.json).unwrap()).collect()
    };
    service.until("what was decided is recorded", MINUTE, |service| changes(service).len() >= 2);
    let changes = changes(&service);
    let told: Vec<_> = changes.iter().map(|a| (a["kind"].as_str().unwrap(), a["phase"].as_str().unwrap())).collect();
    assert_eq!(told, [("video_loss", "opened"), ("video_loss", "ended")]);
    assert!(changes[0]["alert_id"] == changes[1]["alert_id"]);
    assert!(changes[0]["revision"].as_u64() < changes[1]["revision"].as_u64());
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
