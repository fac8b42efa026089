//! A capture stage at work on real sources, with all that it gives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lightbar::camera::{DecoderChoice, DecoderSettings, GstDecoderFactory};
use lightbar::clock::SystemClock;
use lightbar::domain::ids::CameraId;
use lightbar::domain::scene::BlindCause;
use lightbar::domain::time::Timestamp;
use lightbar::metrics::capture::CaptureMetrics;
use lightbar::pipeline::capture::{
    CaptureEvent, CaptureMode, CaptureParts, CaptureSettings, CaptureStream, run_capture,
};
use lightbar::pipeline::frame::Frame;
use lightbar::pipeline::packet::{Packet, StreamRole};
use lightbar::pipeline::ports::{DecoderFactory, PacketSource, SourceError};
use lightbar::pipeline::ring::{PacketRing, RingBounds, SharedRing};
use lightbar::pipeline::slot::FrameSlot;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// What nothing here may take, on a machine with other work to do.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Stage {
    pub(crate) events: mpsc::Receiver<CaptureEvent>,
    pub(crate) stop: watch::Sender<Option<BlindCause>>,
    pub(crate) frames: mpsc::Receiver<Frame>,
    pub(crate) metrics: Arc<CaptureMetrics>,
    pub(crate) ring: SharedRing,
    pub(crate) task: tokio::task::JoinHandle<Result<(), SourceError>>,
}

pub(crate) fn software_decoders() -> Arc<dyn DecoderFactory> {
    let settings = DecoderSettings { choice: DecoderChoice::Software, ..DecoderSettings::default() };
    Arc::new(GstDecoderFactory::new(settings, Arc::new(SystemClock)))
}

pub(crate) fn stage(
    source: Arc<dyn PacketSource>,
    mode: CaptureMode,
    change: impl FnOnce(&mut CaptureSettings),
) -> Stage {
    let ring = PacketRing::shared(RingBounds { seconds: Duration::from_secs(20), bytes: 64 << 20 });
    let slot = Arc::new(FrameSlot::new());
    let (given, frames) = mpsc::channel(10_000);
    let (taken, from) = (given, Arc::clone(&slot));
    let metrics = Arc::new(CaptureMetrics::register(&prometheus::Registry::new()).unwrap());
    let (sender, events) = mpsc::channel(64);
    let parts = CaptureParts {
        streams: vec![CaptureStream { role: StreamRole::Main, source, ring: Arc::clone(&ring) }],
        decoders: software_decoders(),
        slot,
        frame_ready: Arc::new(move || {
            if let Some(frame) = from.take() {
                drop(taken.try_send(frame));
            }
        }),
        events: sender,
        metrics: Arc::clone(&metrics),
        clock: Arc::new(SystemClock),
    };
    let mut settings = CaptureSettings::new(CameraId::parse("gate").unwrap(), mode, 5.0);
    change(&mut settings);
    let (stop, stopped) = watch::channel(None);
    let task = tokio::spawn(run_capture(settings, parts, stopped));
    Stage { events, stop, frames, metrics, ring, task }
}

impl Stage {
    pub(crate) async fn event(&mut self) -> CaptureEvent {
        timeout(DEADLINE, self.events.recv()).await.expect("an event in time").expect("no end yet")
    }

    /// The next event, which is blindness.
    pub(crate) async fn blind(&mut self) -> (Timestamp, BlindCause, String) {
        match self.event().await {
            CaptureEvent::Blind { at, cause, message } => (at, cause, message),
            other => panic!("wanted blindness, got {other:?}"),
        }
    }

    /// Skips blindness up to the next sight.
    pub(crate) async fn sighted(&mut self) -> Timestamp {
        loop {
            match self.event().await {
                CaptureEvent::Sighted { at } => return at,
                CaptureEvent::Blind { .. } => {}
                CaptureEvent::Ended => panic!("wanted sight, got the end"),
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        timeout(DEADLINE, self.frames.recv()).await.expect("a frame in time").expect("no end yet")
    }

    pub(crate) async fn some_frames(&mut self, count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        while frames.len() < count {
            frames.push(self.frame().await);
        }
        frames
    }

    /// All frames up to the end of the file.
    pub(crate) async fn all_frames(mut self) -> Vec<Frame> {
        while self.event().await != CaptureEvent::Ended {}
        self.task.await.unwrap().unwrap();
        let mut frames = Vec::new();
        while let Ok(frame) = self.frames.try_recv() {
            frames.push(frame);
        }
        frames
    }

    /// Stops, and checks that nothing went uncounted.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(Some(BlindCause::ServiceDown));
        while self.event().await != CaptureEvent::Ended {}
        self.task.await.unwrap().unwrap();
        let m = self.metrics.stream("gate", "main");
        let dropped = m.before_key.get() + m.decoder_behind.get() + m.decode_failed.get();
        assert_eq!((m.received.get(), m.in_flight.get(), m.online.get()), (m.passed.get() + dropped, 0, 0));
        let f = self.metrics.frames("gate");
        assert_eq!(f.decoded.get(), f.offered.get() + f.not_due.get() + f.repeated.get());
    }
}

/// The first packets of a source.
pub(crate) async fn packets(source: &dyn PacketSource, count: usize) -> Result<Vec<Packet>, SourceError> {
    let mut stream = source.open()?;
    let mut packets = Vec::new();
    while packets.len() < count {
        match timeout(DEADLINE, stream.packets.recv()).await.expect("a packet in time") {
            Some(packet) => packets.push(packet?),
            None => break,
        }
    }
    Ok(packets)
}

/// Why a source fails.
pub(crate) async fn failure(source: &dyn PacketSource) -> SourceError {
    packets(source, usize::MAX).await.expect_err("the source fails")
}

/// Everything that is logged while the guard lives, by this thread and those that inherit it.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
