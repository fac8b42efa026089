//! A file instead of the camera, the same line, deterministic: two runs give the same bytes.
//!
//! Nothing is dropped: each stage waits for the next. Times that a wall clock would give are the frame's own, and ids are made
//! of configuration, camera, rule and ordinal.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use crate::camera::{DecoderChoice, DecoderSettings, FilePace, FileSource, GstDecoderFactory};
use crate::config::{CameraSettings, Settings};
use crate::contract::Site;
use crate::contract::alert_v1::AlertV1;
use crate::domain::alert::{EndReason, Phase};
use crate::domain::ids::IdSeed;
use crate::domain::scene::Scene;
use crate::domain::time::Timestamp;
use crate::metrics::Metrics;
use crate::pipeline::analyze::{AnalyzeInputs, Analyzer, Surroundings};
use crate::pipeline::capture::{CaptureMode, CaptureParts, CaptureSettings, CaptureStream, run_capture};
use crate::pipeline::packet::StreamRole;
use crate::pipeline::ports::{Clock, Decided, Fact};
use crate::pipeline::ring::{PacketRing, RingBounds};
use crate::pipeline::shrink::LumaWish;
use crate::pipeline::slot::FrameSlot;
use crate::pipeline::status::StatusBoard;

/// What to replay.
#[derive(Debug)]
pub struct Replay {
    /// The configuration: model, and the camera's zones, lines and rules.
    pub settings: Settings,
    /// The camera that the file stands for.
    pub camera: CameraSettings,
    /// The file.
    pub video: PathBuf,
    /// When the file's first frame was taken.
    pub start: Timestamp,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Frames that were looked at.
    pub frames: u64,
    /// Alerts that were opened.
    pub alerts: u64,
    /// Lines that were written: one for each opening, change and end.
    pub changes: u64,
}

/// A clock that stands: in a replay no time passes but the file's.
struct StandingClock(Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Replay {
    /// Runs the file through the line; writes each alert change as a line of JSON, as Kafka would carry it.
    pub async fn run(
        self,
        out: &mut (impl Write + Send),
        progress: impl Fn(Timestamp) + Send,
    ) -> anyhow::Result<Replayed> {
        let metrics = Metrics::new()?;
        let clock: Arc<dyn Clock> = Arc::new(StandingClock(self.start));
        let detectors = super::detectors(&self.settings.inference, 1)?;
        let detect = super::detect_stage(detectors.all, &metrics, &clock)?;

        let id = self.camera.id().clone();
        let (facts, mut decided) = mpsc::channel(crate::pipeline::record::QUEUE);
        let board = Arc::new(StatusBoard::new(self.start, &[]));
        board.add_camera(&id, None, self.start);
        let around = Surroundings {
            facts,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics.analyze),
            board: Arc::clone(&board),
        };
        let scene = Scene::new(self.camera.scene.clone(), IdSeed::from_texts(&[&self.settings.hash, id.as_str()]));
        let analyzer = Analyzer::new(scene, Arc::clone(&self.camera.card), around);

        let (to_analyze, frames) = mpsc::channel(8);
        let (events_out, events) = mpsc::channel(32);
        let (no_changes, changes) = mpsc::channel(1);
        drop(no_changes);
        let analyze = tokio::spawn(analyzer.run(AnalyzeInputs { frames, events, changes }, || EndReason::CameraLost));

        let slot = Arc::new(FrameSlot::new());
        let luma = Arc::new(LumaWish::new(self.camera.scene.needs_luma()));
        let lane = detect.add_camera(id.clone(), Arc::clone(&slot), luma, to_analyze);
        let source = FileSource::new(&self.video, FilePace::AsConsumed(self.start));
        let bounds = RingBounds { seconds: std::time::Duration::from_secs(1), bytes: 16 << 20 };
        let parts = CaptureParts {
            streams: vec![CaptureStream {
                role: StreamRole::Main,
                source: Arc::new(source),
                ring: PacketRing::shared(bounds),
            }],
            // Software: a hardware decoder may differ by a pixel, and a replay must not.
            decoders: Arc::new(GstDecoderFactory::new(
                DecoderSettings { choice: DecoderChoice::Software, ..DecoderSettings::default() },
                Arc::clone(&clock),
            )),
            slot,
            frame_ready: Arc::new(|| {}), // the slot itself wakes the detector
            events: events_out,
            metrics: Arc::clone(&metrics.capture),
            clock,
        };
        let settings = CaptureSettings::new(id.clone(), CaptureMode::Replay, self.camera.stream.fps);
        let (_never, stop) = watch::channel(None);
        let capture = tokio::spawn(async move {
            let result = run_capture(settings, parts, stop).await;
            drop(lane);
            result
        });

        let site = Site::new(&self.settings.service.site, self.settings.service.node.clone());
        let mut replayed = Replayed::default();
        while let Some(fact) = decided.recv().await {
            if let Fact::Alert(decided) = fact {
                progress(decided.change.captured_at);
                replayed.changes += 1;
                replayed.alerts += u64::from(decided.change.phase == Phase::Opened);
                writeln!(out, "{}", line(*decided, &site)).context("cannot write the alerts")?;
            }
        }
        capture
            .await
            .context("the capture task panicked")?
            .with_context(|| format!("cannot replay {}", self.video.display()))?;
        analyze.await.context("the analyze task panicked")??;
        out.flush().context("cannot write the alerts")?;
        replayed.frames = metrics.analyze.scene(id.as_str()).observations.get();
        Ok(replayed)
    }
}

fn line(mut decided: Decided, site: &Site) -> String {
    let at = decided.change.captured_at;
    decided.detected_at = at;
    AlertV1::new(&decided, site, at).to_json()
}
