//! Video files through capture and detector, as a camera's packets would go.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;

use crate::camera::{self, DecoderChoice, DecoderSettings, FilePace, FileSource, GstDecoderFactory};
use crate::config::{CameraSettings, Settings};
use crate::domain::time::Timestamp;
use crate::metrics::Metrics;
use crate::pipeline::capture::{CaptureEvent, CaptureMode, CaptureParts, CaptureSettings, CaptureStream, run_capture};
use crate::pipeline::detect::{DetectStage, DetectedFrame};
use crate::pipeline::packet::StreamRole;
use crate::pipeline::ports::Clock;
use crate::pipeline::ring::{PacketRing, RingBounds};
use crate::pipeline::shrink::LumaWish;
use crate::pipeline::slot::FrameSlot;

/// Where frames and news of the stream go.
pub(super) type Outputs = (Sender<DetectedFrame>, Sender<CaptureEvent>);

/// Plays videos.
pub(super) struct Projector {
    detect: DetectStage,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
}

impl Projector {
    /// Loads the model.
    pub(super) fn new(settings: &Settings, metrics: &Metrics, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let detectors = crate::app::detectors(&settings.inference, 1)?;
        let detect = crate::app::detect_stage(detectors.all, metrics, clock)?;
        Ok(Self { detect, metrics: metrics.clone(), clock: Arc::clone(clock) })
    }

    /// Plays videos one after the other; gives what of them could not be used. A video of which nothing can be used is an error.
    pub(super) async fn project(
        self: Arc<Self>,
        videos: Vec<PathBuf>,
        camera: CameraSettings,
        start: Timestamp,
        outputs: Outputs,
    ) -> anyhow::Result<Vec<String>> {
        let mut remarks = Vec::new();
        let mut begin = start;
        for video in &videos {
            let captured = &self.metrics.capture.stream(camera.id().as_str(), StreamRole::Main.as_str());
            let before = captured.received.get();
            let result = self.play(video, &camera, begin, &outputs).await;
            let name = video.display();
            match result {
                Ok(()) => {}
                Err(error) if captured.received.get() > before => {
                    remarks.push(format!("{name} was not used whole: {error:#}"));
                }
                Err(error) => return Err(error.context(format!("cannot replay {name}"))),
            }
            // A file that does not say how long it is ends where the next one begins only by what was seen of it.
            begin = begin.plus(camera::duration(video).unwrap_or_default());
        }
        Ok(remarks)
    }

    async fn play(
        &self,
        video: &Path,
        camera: &CameraSettings,
        begin: Timestamp,
        (frames, events): &Outputs,
    ) -> anyhow::Result<()> {
        let id = camera.id().clone();
        let slot = Arc::new(FrameSlot::new());
        let (looked_at, mut seen) = mpsc::channel(8);
        let luma = Arc::new(LumaWish::new(camera.scene.needs_luma()));
        let lane = self.detect.add_camera(id.clone(), Arc::clone(&slot), luma, looked_at);
        let source = FileSource::new(video, FilePace::AsConsumed(begin));
        let bounds = RingBounds { seconds: Duration::from_secs(1), bytes: 16 << 20 };
        let parts = CaptureParts {
            streams: vec![CaptureStream {
                role: StreamRole::Main,
                source: Arc::new(source),
                ring: PacketRing::shared(bounds),
            }],
            // Software: a hardware decoder may differ by a pixel, and a replay must not.
            decoders: Arc::new(GstDecoderFactory::new(
                DecoderSettings { choice: DecoderChoice::Software, ..DecoderSettings::default() },
                Arc::clone(&self.clock),
            )),
            slot,
            frame_ready: Arc::new(|| {}), // the slot itself wakes the detector
            events: events.clone(),
            metrics: Arc::clone(&self.metrics.capture),
            clock: Arc::clone(&self.clock),
        };
        let settings = CaptureSettings::new(id, CaptureMode::Replay, camera.stream.fps);
        let (_never, stop) = watch::channel(None);
        let capture = async {
            let result = run_capture(settings, parts, stop).await;
            drop(lane);
            result
        };
        // Until the last frame is through the detector, so that the next file's do not overtake it.
        let hand_on = async {
            while let Some(frame) = seen.recv().await {
                if frames.send(frame).await.is_err() {
                    break;
                }
            }
        };
        let (result, ()) = tokio::join!(capture, hand_on);
        result.context("the file gave no more pictures")
    }
}
