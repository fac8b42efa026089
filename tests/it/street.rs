//! The demo street as a service meets it: its own process, real RTSP, the true time of each picture.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lightbar::camera::{Credentials, RtspSettings, RtspSource};
use lightbar::clock::SystemClock;
use lightbar::demo::child::{self, StreetServer};
use lightbar::demo::encode;
use lightbar::demo::server::{ServeOptions, USER};
use lightbar::demo::settings;
use lightbar::domain::scene::BlindCause;
use lightbar::pipeline::packet::{CaptureClock, Codec, Packet};
use lightbar::street::cameras::{self, FPS, Stream, StreamCodec};

use crate::support::stage::packets;

const PASSWORD: &str = "lantern-quay-7";

/// Encoded once per checkout; the demo uses the same folder.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/demo/street")
}

fn spawn() -> StreetServer {
    let options = ServeOptions { port: 0, cache: cache(), password: PASSWORD.to_owned() };
    child::spawn(Path::new(env!("CARGO_BIN_EXE_lightbar")), &options, |_, _| {}).unwrap()
}

fn source(url: &str, password: Option<&str>) -> RtspSource {
    let credentials = password.map(|password| Credentials::new(USER, password));
    let mut settings = RtspSettings::new(url, credentials);
    settings.answer_timeout = Duration::from_secs(20); // a test machine may be busy
    RtspSource::new(settings, Arc::new(SystemClock))
}

fn url<'a>(street: &'a StreetServer, id: &str) -> &'a str {
    &street.ready.cameras.iter().find(|c| c.id == id).unwrap().url
}

/// Which picture of the loop a packet is, and how far its capture time is from that picture's, in milliseconds.
fn place(street: &StreetServer, packet: &Packet) -> (i64, f64) {
    let since = packet.captured_at.seconds_from(street.ready.started_at());
    let frame = (since * f64::from(FPS)).round();
    (frame as i64, (since - frame / f64::from(FPS)) * 1000.0)
}

#[test]
fn a_stream_is_encoded_whole_and_begins_with_a_key_picture() {
    let corridor = cameras::all().into_iter().find(|c| c.id == "corridor").unwrap();
    for codec in [StreamCodec::H264, StreamCodec::H265] {
        let stream = Stream { codec, width: 160, height: 90, kbps: 100, ..corridor.streams[0] };
        let clip = encode::encode(&corridor, &stream, &|_| {}).unwrap();
        let mut shown: Vec<u32> = clip.units.iter().map(|u| u.frame).collect();
        assert_eq!(
            shown.windows(2).any(|w| w[1] < w[0]),
            stream.b_frames > 0,
            "later pictures come first only where some refer to them"
        );
        shown.sort_unstable();
        assert_eq!(shown, (0..encode::frame_count()).collect::<Vec<_>>());
        assert!(clip.units[0].key && clip.units.iter().filter(|u| u.key).count() >= 30);
    }
}

#[tokio::test]
async fn pictures_come_with_the_time_at_which_they_are_shown() {
    let street = tokio::task::spawn_blocking(spawn).await.unwrap();
    for (id, codec) in [("street-east", Codec::H264), ("yard", Codec::H265), ("corridor", Codec::H264)] {
        // The first sender report comes within a few seconds.
        let got = packets(&source(url(&street, id), None), 80).await.unwrap();
        assert!(got.iter().all(|p| p.codec == codec), "{id}");
        let timed: Vec<&Packet> = got.iter().filter(|p| p.clock.source == CaptureClock::RtcpNtp).collect();
        assert!(timed.len() > 10, "{id}: only {} of 80 pictures have the camera's time", timed.len());
        for packet in timed.iter().rev().take(10) {
            let (frame, off_ms) = place(&street, packet);
            assert!(!packet.key || frame % i64::from(2 * FPS) == 0, "{id}: key picture at {frame}, off by {off_ms} ms");
        }
    }
}

#[tokio::test]
async fn the_guarded_camera_wants_its_password() {
    let street = tokio::task::spawn_blocking(spawn).await.unwrap();
    let gate = url(&street, "gate");
    assert_eq!(packets(&source(gate, None), 1).await.unwrap_err().cause, BlindCause::Unauthorized);
    assert_eq!(packets(&source(gate, Some("wrong")), 1).await.unwrap_err().cause, BlindCause::Unauthorized);
    assert_eq!(packets(&source(gate, Some(PASSWORD)), 5).await.unwrap().len(), 5);
    let sub = street.ready.cameras.iter().find_map(|c| c.sub_url.clone()).unwrap();
    assert_eq!(packets(&source(&sub, Some(PASSWORD)), 5).await.unwrap().len(), 5);
}

#[tokio::test]
async fn the_configuration_of_the_street_is_one() {
    let street = tokio::task::spawn_blocking(spawn).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("street.toml");
    let model = folder.path().join("model.toml");
    std::fs::write(&model, "").unwrap();
    let text = format!(
        "[service]\nsite = \"demo\"\n[kafka]\nenabled = false\n[inference]\nmodel = {:?}\n{}",
        model,
        settings::config_toml(&street.ready)
    );
    std::fs::write(&file, &text).unwrap();
    let environment = |name: &str| (name == lightbar::demo::server::PASSWORD_ENV).then(|| PASSWORD.to_owned());
    let settings = lightbar::config::load_with(&file, &environment).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let ids: Vec<&str> = settings.cameras.iter().map(|c| c.id().as_str()).collect();
    assert_eq!(ids, cameras::all().iter().map(|c| c.id).collect::<Vec<_>>());
    assert!(settings.cameras.iter().all(|c| !c.scene.rules.is_empty()));
}
