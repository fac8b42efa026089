//! Evidence of a running service: clips and pictures over HTTP and in the vault, what a kill leaves, and what tampering is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::line::{ROOM, camera, h264};
use crate::support::footage::footage;
use crate::support::rtsp::{RtspServer, Serving};
use crate::support::service::{Head, Service};

const MINUTE: Duration = Duration::from_mins(1);
const EVIDENCE: &str = "[evidence]\nenabled = true\npre_roll_s = 2\npost_roll_s = 1\nlongest_s = 12\n";

fn lightbar(arguments: &[&str]) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_lightbar")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), said)
}

/// The room's footage over RTSP; None where it is not there.
fn room() -> Option<(RtspServer, PathBuf)> {
    let (model, room) = (footage("models/yolox_nano_416.onnx")?, footage("videos/one-by-one-person-detection.mp4")?);
    Some((RtspServer::serve(Serving::new(h264(&room))), model))
}

fn alerts(service: &Service) -> Vec<Value> {
    let page = service.json("/api/v1/alerts?limit=200").unwrap();
    page["alerts"].as_array().unwrap().iter().map(|entry| entry["alert"].clone()).collect()
}

fn piece<'a>(alert: &'a Value, kind: &str) -> Option<&'a Value> {
    alert["evidence"].as_array()?.iter().find(|piece| piece["kind"] == kind)
}

/// How often a box of this type stands in an MP4 file's top level.
fn boxes(file: &[u8], wanted: &[u8]) -> usize {
    let (mut at, mut found) = (0, 0);
    while at + 8 <= file.len() {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        found += usize::from(&file[at + 4..at + 8] == wanted);
        at += size.max(8);
    }
    found
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn get(service: &Service, path: &str, range: Option<&str>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(service.url(path));
    let request = range.into_iter().fold(request, |request, range| request.header("range", range));
    let answer = request.call().unwrap();
    let (parts, mut body) = answer.into_parts();
    let body = body.with_config().limit(1 << 30).read_to_vec().unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

fn vault(service: &Service) -> PathBuf {
    service.data().join("evidence")
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect();
    found.sort();
    found
}

#[test]
fn an_alert_has_a_picture_and_a_clip_that_anyone_can_check() {
    let Some((server, model)) = room() else { return };
    let mut service = Service::new(&Head { model: &model, kafka: None });
    service.configure(&[EVIDENCE, &camera("room", &server.url(), ROOM)].concat());
    service.start();
    service.until("an alert has a clip", 2 * MINUTE, |service| {
        alerts(service).iter().any(|alert| piece(alert, "clip").is_some())
    });
    let alert = alerts(&service).into_iter().find(|alert| piece(alert, "clip").is_some()).unwrap();
    let (picture, clip) = (piece(&alert, "snapshot").unwrap(), piece(&alert, "clip").unwrap());
    for (piece, begins) in [(picture, &b"\xff\xd8\xff"[..]), (clip, &b"\0\0\0"[..])] {
        let answer = get(&service, piece["uri"].as_str().unwrap(), None);
        assert_eq!((answer.status, answer.header("content-type")), (200, piece["media_type"].as_str()));
        assert!(answer.body.starts_with(begins));
        assert_eq!(sha256(&answer.body), piece["sha256"].as_str().unwrap());
        assert_eq!(Some(answer.body.len() as u64), piece["size_bytes"].as_u64());
    }
    // It begins before what happened, and a player may ask for a part.
    assert!(clip["captured_at"].as_str().unwrap() < alert["timing"]["started_at"].as_str().unwrap());
    let uri = clip["uri"].as_str().unwrap();
    let whole = get(&service, uri, None).body;
    assert!(boxes(&whole, b"moov") == 1 && boxes(&whole, b"moof") >= 1);
    let part = get(&service, uri, Some("bytes=4-7"));
    assert_eq!((part.status, &*part.body), (206, &b"ftyp"[..]));
    assert_eq!(part.header("content-range"), Some(&*format!("bytes 4-7/{}", whole.len())));
    let beyond = get(&service, uri, Some("bytes=999999999-"));
    assert_eq!(beyond.status, 416);
    let elsewhere = uri.replace("clip.mp4", "..%2Fkeys%2Fevidence.ed25519");
    assert_eq!(get(&service, &elsewhere, None).status, 404);
    assert!(service.stop().success(), "{}", service.log());

    let vault = vault(&service);
    let (fine, said) = lightbar(&["evidence", "verify", vault.to_str().unwrap()]);
    assert!(fine, "{said}");
    let target = files(&vault).into_iter().find(|path| path.ends_with("clip.mp4")).unwrap();
    let mut bytes = fs::read(&target).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&target, bytes).unwrap();
    let (fine, said) = lightbar(&["evidence", "verify", vault.to_str().unwrap()]);
    assert!(!fine && said.contains("clip.mp4"), "{said}");
}

#[test]
fn what_a_kill_leaves_of_a_clip_is_kept_and_says_that_it_is_cut() {
    let Some((server, model)) = room() else { return };
    let mut service = Service::new(&Head { model: &model, kafka: None });
    service.configure(&[EVIDENCE, &camera("room", &server.url(), ROOM)].concat());
    service.start();
    let drafts = |service: &Service| {
        let all = files(&vault(service)).into_iter();
        all.filter(|path| path.ends_with("clip.mp4") && path.to_string_lossy().contains(".draft-")).collect::<Vec<_>>()
    };
    service.until("a clip is being written", 2 * MINUTE, |service| {
        drafts(service).iter().any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 200_000))
    });
    service.kill();
    assert!(!drafts(&service).is_empty());
    service.start();
    service.until("it is told", MINUTE, |service| {
        alerts(service).iter().any(|alert| {
            alert["phase"] == "updated" && piece(alert, "clip").is_some() && alert["end_reason"] == "restart"
        })
    });
    assert!(service.stop().success(), "{}", service.log());
    assert!(drafts(&service).is_empty());
    let (fine, said) = lightbar(&["evidence", "verify", vault(&service).to_str().unwrap()]);
    assert!(fine, "{said}");
    let cut = files(&vault(&service)).into_iter().filter(|path| path.ends_with("manifest.json")).any(|path| {
        let manifest: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        manifest["pieces"].as_array().unwrap().iter().any(|piece| piece["name"] == "clip.mp4" && piece["cut"] == true)
    });
    assert!(cut);
}
