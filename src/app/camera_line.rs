//! One camera's stages, from its sources to the record stage's door; started and stopped without touching another camera.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::camera::{DecoderSettings, GstDecoderFactory, RtspSettings, RtspSource};
use crate::config::{CameraSettings, Clocking, Credentials, DecoderChoice, StreamUrl, Transport};
use crate::domain::alert::EndReason;
use crate::domain::camera::CameraCard;
use crate::domain::ids::IdSeed;
use crate::domain::scene::{BlindCause, Scene, SceneConfig};
use crate::metrics::Metrics;
use crate::pipeline::analyze::{AnalyzeInputs, Analyzer, Surroundings};
use crate::pipeline::capture::{CaptureMode, CaptureParts, CaptureSettings, CaptureStream, run_capture};
use crate::pipeline::detect::DetectStage;
use crate::pipeline::evidence::Rings;
use crate::pipeline::keep::{Keeper, SharedBaselines};
use crate::pipeline::packet::StreamRole;
use crate::pipeline::ports::PacketSource;
use crate::pipeline::ring::{PacketRing, RingBounds};
use crate::pipeline::shrink::LumaWish;
use crate::pipeline::slot::FrameSlot;

/// Looked-at frames that may wait for their scene.
const TO_ANALYZE: usize = 8;
/// Sight events that may wait for their scene; they are rare.
const SIGHT_EVENTS: usize = 32;

/// What all cameras share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) detect: Arc<DetectStage>,
    pub(super) surroundings: Surroundings,
    pub(super) metrics: Metrics,
    pub(super) baselines: SharedBaselines,
    pub(super) rings: Rings,
}

/// A running camera.
pub(super) struct CameraLine {
    stop: watch::Sender<Option<BlindCause>>,
    changes: mpsc::Sender<(SceneConfig, Arc<CameraCard>)>,
    luma: Arc<LumaWish>,
    capture: JoinHandle<()>,
    analyze: JoinHandle<()>,
}

impl CameraLine {
    /// Starts the stages from right to left.
    pub(super) fn start(settings: &CameraSettings, shared: &Shared, first_delay: Duration) -> anyhow::Result<Self> {
        let id = settings.id().clone();
        let clock = Arc::clone(&shared.surroundings.clock);
        shared.surroundings.board.add_camera(&id, settings.card.name.clone(), clock.now());

        let (to_analyze, frames) = mpsc::channel(TO_ANALYZE);
        let (events_out, events) = mpsc::channel(SIGHT_EVENTS);
        let (changes, changes_in) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(None);

        let keeper = Keeper::new(id.clone(), Arc::clone(&shared.baselines));
        let scene = Scene::new(settings.scene.clone(), random_ids()?, keeper.load());
        let analyzer = Analyzer::new(scene, Arc::clone(&settings.card), shared.surroundings.clone()).keeping(keeper);
        let inputs = AnalyzeInputs { frames, events, changes: changes_in };
        let analyze = tokio::spawn(analyze(analyzer, inputs, id.to_string(), stopped.clone()));

        let slot = Arc::new(FrameSlot::new());
        let luma = Arc::new(LumaWish::new(settings.scene.needs_luma()));
        let lane = shared.detect.add_camera(id.clone(), Arc::clone(&slot), Arc::clone(&luma), to_analyze);
        let streams = streams(settings, shared);
        // The main stream is the first: evidence is made of the best there is.
        if let Some(best) = streams.first() {
            shared.rings.put(&id, Arc::clone(&best.ring));
        }
        let parts = CaptureParts {
            streams,
            decoders: Arc::new(GstDecoderFactory::new(decoder_settings(settings.stream.decoder), Arc::clone(&clock))),
            slot,
            frame_ready: Arc::new(|| {}), // the slot itself wakes the detector
            events: events_out,
            metrics: Arc::clone(&shared.metrics.capture),
            clock,
        };
        let mut capture = CaptureSettings::new(id.clone(), CaptureMode::Live, settings.stream.fps);
        capture.first_delay = first_delay;
        capture.stall_timeout = settings.stream.stall_timeout;
        let capture = tokio::spawn(async move {
            if let Err(error) = run_capture(capture, parts, stopped).await {
                tracing::error!(camera = %id, %error, "the camera cannot be captured");
            }
            // What is in the slot is still looked at; then the channel to the scene closes.
            drop(lane);
        });
        Ok(Self { stop, changes, luma, capture, analyze })
    }

    /// Gives the scene new rules; the stream goes on.
    pub(super) async fn rescene(&self, settings: &CameraSettings) {
        self.luma.set(settings.scene.needs_luma());
        if self.changes.send((settings.scene.clone(), Arc::clone(&settings.card))).await.is_err() {
            tracing::warn!(camera = %settings.id(), "the camera has stopped, its new rules wait for its next start");
        }
    }

    /// Tells the source to stop; the rest drains.
    pub(super) fn stop(&self, cause: BlindCause) {
        self.stop.send_replace(Some(cause));
    }

    /// Waits until the last alert was handed on.
    pub(super) async fn drained(self) -> anyhow::Result<()> {
        self.capture.await.context("the capture task panicked")?;
        self.analyze.await.context("the analyze task panicked")
    }
}

async fn analyze(
    analyzer: Analyzer,
    inputs: AnalyzeInputs,
    camera: String,
    stopped: watch::Receiver<Option<BlindCause>>,
) {
    let reason = move || match *stopped.borrow() {
        Some(BlindCause::Disabled) => EndReason::RuleChanged,
        _ => EndReason::Restart,
    };
    if let Err(error) = analyzer.run(inputs, reason).await {
        tracing::error!(camera, %error, "decisions of this camera can no longer be kept");
    }
}

fn streams(settings: &CameraSettings, shared: &Shared) -> Vec<CaptureStream> {
    let stream = &settings.stream;
    let mut streams = vec![capture_stream(StreamRole::Main, &stream.url, settings, shared)];
    if let Some(url) = &stream.sub_url {
        streams.push(capture_stream(StreamRole::Sub, url, settings, shared));
    }
    streams
}

fn capture_stream(role: StreamRole, url: &StreamUrl, settings: &CameraSettings, shared: &Shared) -> CaptureStream {
    let bounds = settings.stream.ring;
    let bounds = RingBounds { seconds: bounds.duration, bytes: usize::try_from(bounds.bytes).unwrap_or(usize::MAX) };
    let source = RtspSource::new(rtsp_settings(url, settings), Arc::clone(&shared.surroundings.clock));
    CaptureStream { role, source: Arc::new(source) as Arc<dyn PacketSource>, ring: PacketRing::shared(bounds) }
}

pub(super) fn rtsp_settings(url: &StreamUrl, settings: &CameraSettings) -> RtspSettings {
    let account = settings.stream.credentials.as_ref();
    let account =
        account.map(|Credentials { username, password }| crate::camera::Credentials::new(username, password.expose()));
    let mut rtsp = RtspSettings::new(url.expose(), account);
    rtsp.transport = match settings.stream.transport {
        Transport::Tcp => crate::camera::Transport::Tcp,
        Transport::Udp => crate::camera::Transport::Udp,
        Transport::Tls => crate::camera::Transport::Tls,
    };
    rtsp.verify_tls = settings.stream.verify_tls;
    rtsp.ca_file.clone_from(&settings.stream.ca_file);
    rtsp.max_clock_offset = match settings.stream.clock {
        Clocking::Rtcp => settings.stream.clock_offset_max,
        // A camera clock that may be off by nothing is never believed.
        Clocking::Arrival => Duration::ZERO,
    };
    rtsp
}

fn decoder_settings(choice: DecoderChoice) -> DecoderSettings {
    let choice = match choice {
        DecoderChoice::Auto => crate::camera::DecoderChoice::Auto,
        DecoderChoice::Software => crate::camera::DecoderChoice::Software,
        DecoderChoice::Hardware => crate::camera::DecoderChoice::Hardware,
    };
    DecoderSettings { choice, ..DecoderSettings::default() }
}

/// Live ids differ between runs: the salt is the machine's randomness.
fn random_ids() -> anyhow::Result<IdSeed> {
    let mut salt = [0u8; 32];
    getrandom::fill(&mut salt).map_err(|e| anyhow::anyhow!("the machine gives no randomness for alert ids: {e}"))?;
    Ok(IdSeed::new(salt))
}
