//! What the analyzer makes of frames that come late and of sight that ends.

use std::sync::Mutex;

use super::*;
use crate::domain::baseline::Baseline;
use crate::domain::camera::{Privacy, Purpose};
use crate::domain::ids::{CameraId, IdSeed};
use crate::domain::scene::SightConfig;
use crate::metrics::Metrics;

struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + (seconds * 1000.0) as i64)
}

fn analyzer(clock: &Arc<HandClock>) -> (Analyzer, mpsc::Receiver<Fact>) {
    let camera = CameraId::parse("gate").unwrap();
    let privacy = Privacy { purpose: Purpose::SystemTest, basis: None, mask_rev: 0, retention_days: 1 };
    let card = CameraCard {
        id: camera.clone(),
        name: None,
        address: None,
        position: None,
        gb_id: None,
        place_code: None,
        org_code: None,
        grid_code: None,
        site_id: None,
        playback_url: None,
        privacy,
    };
    let sight = SightConfig { video_loss_after: Duration::from_secs(2), ..SightConfig::default() };
    let config = SceneConfig { sight, ..SceneConfig::new(camera.clone()) };
    let (facts, handed_on) = mpsc::channel(64);
    let board = Arc::new(StatusBoard::new(at(0.0), &[]));
    board.add_camera(&camera, None, at(0.0));
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let around = Surroundings {
        facts,
        clock,
        metrics: Arc::clone(&Metrics::new().unwrap().analyze),
        board,
        desk: watch::Sender::new(Arc::default()),
    };
    let scene = Scene::new(config, IdSeed::from_texts(&["test"]), Baseline::default());
    (Analyzer::new(scene, Arc::new(card), around), handed_on)
}

fn frame(taken: Timestamp) -> DetectedFrame {
    let card = ModelCard { name: String::new(), version: String::new(), sha256: String::new(), runtime: String::new() };
    DetectedFrame {
        captured_at: taken,
        clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
        received_at: taken,
        decoded_at: taken,
        detected_at: taken,
        pts: Duration::ZERO,
        number: 0,
        width: 640,
        height: 360,
        detections: Vec::new(),
        luma: None,
        model: Arc::new(card),
    }
}

fn kinds(facts: &mut mpsc::Receiver<Fact>) -> Vec<(AlertKind, Phase)> {
    let mut told = Vec::new();
    while let Ok(fact) = facts.try_recv() {
        if let Fact::Alert(decided) = fact {
            told.push((decided.change.kind, decided.change.phase));
        }
    }
    told
}

#[tokio::test]
async fn a_frame_that_comes_out_of_the_detector_after_the_break_is_not_sight() {
    let clock = Arc::new(HandClock(Mutex::new(at(0.0))));
    let (mut analyzer, mut facts) = analyzer(&clock);
    analyzer.event(CaptureEvent::Sighted { at: at(0.0) }).await.unwrap();
    analyzer.frame(frame(at(0.0))).await.unwrap();
    let message = "the camera ended the stream".to_owned();
    analyzer.event(CaptureEvent::Blind { at: at(0.2), cause: BlindCause::Unreachable, message }).await.unwrap();
    analyzer.frame(frame(at(0.2))).await.unwrap();
    let sight = analyzer.board.cameras(at(0.3)).remove(0).sight;
    assert!(matches!(sight, crate::pipeline::status::SightState::Blind { .. }), "{sight:?}");
    for half_seconds in 1..20 {
        *clock.0.lock().unwrap() = at(f64::from(half_seconds) / 2.0);
        analyzer.pass_time().await.unwrap();
    }
    assert_eq!(kinds(&mut facts), [(AlertKind::VideoLoss, Phase::Opened)]);
    analyzer.event(CaptureEvent::Sighted { at: at(20.0) }).await.unwrap();
    analyzer.frame(frame(at(20.0))).await.unwrap();
    assert_eq!(kinds(&mut facts), [(AlertKind::VideoLoss, Phase::Ended)]);
}
