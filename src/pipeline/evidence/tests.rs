//! The stage with a scripted camera, writer and vault: what is made, when it is told, and what becomes of it when things die.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::metrics::Metrics;
use crate::pipeline::packet::CaptureClock;
use crate::pipeline::ports::{Clock, Fact};
use crate::pipeline::ring::{PacketRing, RingBounds, SharedRing};

/// Writes into a list what it is given; fails after so many packets, where that is asked for.
#[derive(Clone, Default)]
struct Camcorder {
    fails_after: Option<usize>,
}

struct Tape(Vec<Timestamp>, Option<usize>);

impl Media for Camcorder {
    fn clip(&self, _: Codec, _: &Path) -> Result<Box<dyn ClipWriter>, MediaError> {
        Ok(Box::new(Tape(Vec::new(), self.fails_after)))
    }

    fn still(&self, packets: &[Packet], at: Timestamp) -> Result<Still, MediaError> {
        let shown = packets.iter().rev().find(|packet| packet.captured_at <= at).unwrap();
        Ok(Still { jpeg: vec![0xff, 0xd8], captured_at: shown.captured_at, width: 2, height: 2 })
    }
}

impl ClipWriter for Tape {
    fn push(&mut self, packet: &Packet) -> Result<(), MediaError> {
        assert!(!self.0.is_empty() || packet.key, "a clip begins with a key packet");
        if self.1.is_some_and(|most| self.0.len() >= most) {
            return Err(MediaError("no space left".to_owned()));
        }
        self.0.push(packet.captured_at);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), MediaError> {
        Ok(())
    }
}

/// Keeps stories in memory; its folder is real.
struct Shelf {
    folder: tempfile::TempDir,
    begun: Mutex<BTreeMap<AlertId, Story>>,
    left: Vec<Story>,
    full: bool,
}

impl Shelf {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), begun: Mutex::default(), left: Vec::new(), full: false }
    }
}

impl Vault for Shelf {
    fn begin(&self, story: &Story) -> Result<PathBuf, VaultError> {
        if self.full {
            return Err(VaultError("there is no room".to_owned()));
        }
        self.begun.lock().unwrap().insert(story.alert, story.clone());
        Ok(self.folder.path().to_owned())
    }

    fn seal(&self, story: &Story) -> Result<Vec<Sealed>, VaultError> {
        self.begun.lock().unwrap().remove(&story.alert);
        let sealed = |piece: &Piece| Sealed {
            piece: piece.clone(),
            path: piece.name.clone(),
            size_bytes: 2,
            sha256: "0".repeat(64),
        };
        Ok(story.pieces.iter().map(sealed).collect())
    }

    fn discard(&self, story: &Story) -> Result<(), VaultError> {
        self.begun.lock().unwrap().remove(&story.alert);
        Ok(())
    }

    fn left_behind(&self) -> Result<Vec<Story>, VaultError> {
        Ok(self.left.clone())
    }
}

/// Time stands still unless it is set.
#[derive(Default)]
struct Watch(Mutex<Timestamp>);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Scene {
    ring: SharedRing,
    clock: Arc<Watch>,
    wishes: mpsc::Sender<Wish>,
    facts: mpsc::Receiver<Fact>,
    stop: watch::Sender<bool>,
    stage: tokio::task::JoinHandle<()>,
    metrics: Metrics,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn camera() -> CameraId {
    CameraId::parse("gate").unwrap()
}

fn alert(n: u128) -> AlertId {
    AlertId::new(at(1), n)
}

fn scene(media: Camcorder, vault: Shelf) -> Scene {
    let bounds = RingBounds { seconds: Duration::from_secs(10), bytes: 1 << 20 };
    let (ring, rings, clock) = (PacketRing::shared(bounds), Rings::default(), Arc::new(Watch::default()));
    rings.put(&camera(), Arc::clone(&ring));
    let metrics = Metrics::new().unwrap();
    let (facts_in, facts) = mpsc::channel(64);
    let (wishes, wishes_in) = mpsc::channel(64);
    let (stop, stopped) = watch::channel(false);
    let secs = Duration::from_secs;
    let stage = EvidenceStage {
        settings: EvidenceSettings { pre_roll: secs(2), post_roll: secs(1), longest: secs(8) },
        rings,
        media: Arc::new(media),
        vault: Arc::new(vault),
        facts: facts_in,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        metrics: Arc::clone(&metrics.evidence),
        configuration: "c".repeat(64),
    };
    let stage = tokio::spawn(stage.run(wishes_in, stopped));
    Scene { ring, clock, wishes, facts, stop, stage, metrics }
}

impl Scene {
    /// Ten pictures a second, each tenth a key.
    fn film(&self, from: i64, to: i64) {
        for n in from / 100..to / 100 {
            let taken = at(n * 100);
            self.ring.lock().unwrap().push(Packet {
                codec: Codec::H264,
                captured_at: taken,
                clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
                received_at: taken,
                pts: Duration::from_millis(n.unsigned_abs() * 100),
                key: n % 10 == 0,
                data: Bytes::from_static(b"picture"),
            });
        }
        *self.clock.0.lock().unwrap() = at(to);
    }

    async fn wish(&self, n: u128, kind: &'static str, started: i64, captured: i64, ended: Option<i64>) {
        let clock = ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None };
        let wish = Wish {
            alert: alert(n),
            camera: camera(),
            kind,
            rule: None,
            model: None,
            clock,
            started_at: at(started),
            captured_at: at(captured),
            ended_at: ended.map(at),
            opens: ended.is_none(),
        };
        self.wishes.send(wish).await.unwrap();
    }

    async fn told(&mut self) -> Vec<Piece> {
        match self.facts.recv().await {
            Some(Fact::Evidence { sealed, .. }) => sealed.into_iter().map(|sealed| sealed.piece).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn last(piece: &Piece) -> i64 {
    piece.captured_at.as_millis() + i64::try_from(*piece.sample_times_ms.last().unwrap()).unwrap()
}

#[tokio::test]
async fn a_picture_is_told_at_once_and_a_clip_with_its_rolls_when_the_alert_is_over() {
    let mut scene = scene(Camcorder::default(), Shelf::new());
    scene.film(0, 6_000);
    scene.wish(1, "loitering", 5_200, 5_500, None).await;
    let pictures = scene.told().await;
    assert_eq!((pictures.len(), &*pictures[0].name, pictures[0].captured_at), (1, "snapshot.jpg", at(5_500)));
    scene.wish(1, "loitering", 5_200, 7_000, Some(7_000)).await;
    scene.film(6_000, 9_000);
    let clip = &scene.told().await[0];
    // Two seconds before it began, from a key on; one second after it ended.
    assert_eq!((clip.captured_at, last(clip), clip.cut), (at(3_000), 8_000, false));
    assert_eq!(clip.sample_times_ms.len(), 51);
}

#[tokio::test]
async fn what_was_taken_away_is_shown_as_it_was() {
    let mut scene = scene(Camcorder::default(), Shelf::new());
    scene.film(0, 6_000);
    scene.wish(1, "object_removed", 3_500, 5_500, None).await;
    let pictures = scene.told().await;
    let shown: Vec<_> = pictures.iter().map(|piece| (piece.role, piece.captured_at)).collect();
    assert_eq!(shown, [(PieceRole::Trigger, at(5_500)), (PieceRole::Before, at(1_500))]);
}

#[tokio::test]
async fn no_clip_is_longer_than_was_said() {
    let mut scene = scene(Camcorder::default(), Shelf::new());
    scene.film(0, 6_000);
    scene.wish(1, "crowd", 5_000, 5_000, None).await;
    scene.told().await;
    scene.film(6_000, 15_000);
    let clip = &scene.told().await[0];
    assert_eq!((clip.captured_at, last(clip), clip.cut), (at(3_000), 11_000, false));
}

#[tokio::test]
async fn when_the_camera_dies_with_the_alert_the_clip_is_cut() {
    let mut scene = scene(Camcorder::default(), Shelf::new());
    scene.film(0, 6_000);
    scene.wish(1, "crowd", 5_000, 5_000, None).await;
    scene.told().await;
    scene.wish(1, "crowd", 5_000, 5_900, Some(5_900)).await;
    *scene.clock.0.lock().unwrap() = at(20_000);
    let clip = &scene.told().await[0];
    assert_eq!((last(clip), clip.cut), (5_900, true));
}

#[tokio::test]
async fn a_stop_ends_clips_where_they_are_and_tells_of_them() {
    let mut scene = scene(Camcorder::default(), Shelf::new());
    scene.film(0, 6_000);
    scene.wish(1, "crowd", 5_000, 5_000, None).await;
    scene.told().await;
    scene.stop.send_replace(true);
    let clip = &scene.told().await[0];
    assert!(clip.cut && last(clip) == 5_900);
    scene.stage.await.unwrap();
}

#[tokio::test]
async fn a_writer_that_fails_leaves_what_it_wrote() {
    let mut scene = scene(Camcorder { fails_after: Some(7) }, Shelf::new());
    scene.film(0, 6_000);
    scene.wish(1, "crowd", 5_000, 5_000, None).await;
    scene.told().await;
    let clip = &scene.told().await[0];
    assert!(clip.cut && clip.sample_times_ms.len() == 7);
}

#[tokio::test]
async fn without_room_or_a_stream_there_is_none_and_it_is_counted() {
    let scene = scene(Camcorder::default(), Shelf { full: true, ..Shelf::new() });
    scene.film(0, 6_000);
    scene.wish(1, "crowd", 5_000, 5_000, None).await;
    let stranger = CameraId::parse("elsewhere").unwrap();
    let clock = ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None };
    let (started_at, captured_at) = (at(5_000), at(5_000));
    let wish = Wish {
        alert: alert(2),
        camera: stranger,
        kind: "crowd",
        rule: None,
        model: None,
        clock,
        started_at,
        captured_at,
        ended_at: None,
        opens: true,
    };
    scene.wishes.send(wish).await.unwrap();
    drop(scene.wishes);
    scene.stage.await.unwrap();
    let text = scene.metrics.render().unwrap();
    for line in [
        "lightbar_evidence_refused_total{reason=\"vault\"} 2",
        "lightbar_evidence_refused_total{reason=\"no_stream\"} 1",
        "lightbar_evidence_in_flight 0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn an_alert_that_is_told_twice_has_evidence_once() {
    let mut scene = scene(Camcorder::default(), Shelf::new());
    scene.film(0, 6_000);
    for _ in 0..2 {
        scene.wish(1, "crowd", 5_000, 5_000, None).await;
    }
    assert_eq!(scene.told().await[0].kind, PieceKind::Snapshot);
    scene.stop.send_replace(true);
    assert_eq!(scene.told().await[0].kind, PieceKind::Clip);
    assert!(scene.facts.recv().await.is_none());
    scene.stage.await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_is_sealed_and_told() {
    let piece = Piece {
        name: "clip.mp4".to_owned(),
        kind: PieceKind::Clip,
        role: PieceRole::Trigger,
        captured_at: at(3_000),
        sample_times_ms: Vec::new(),
        cut: true,
        masked: false,
    };
    let left = Story {
        alert: alert(9),
        camera: camera(),
        kind: "crowd".to_owned(),
        rule: None,
        model: None,
        configuration: None,
        triggered_at: at(5_000),
        clock: None,
        pieces: vec![piece.clone()],
    };
    let mut scene = scene(Camcorder::default(), Shelf { left: vec![left], ..Shelf::new() });
    assert_eq!(scene.told().await, [piece]);
}
