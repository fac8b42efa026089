//! The capture stage: one camera's packets into its rings, its frames into its slot, for as long as the service runs.
//!
//! A camera's death is normal: it is tried again for ever, its blind time is told. The connection, the ring and the decoder do
//! not hold each other up: the decoder has a thread and a queue of its own, and what it cannot keep up with is dropped up to
//! the next key packet and counted. Of two streams, the small one is analysed and the large one only fills its ring.
//! Absent: which frames are worth decoding (the gate), what frames show, what a blind camera means to its alerts.

mod decoding;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use self::decoding::{Decoding, Feed};
use super::packet::{Packet, StreamRole};
use super::ports::{Clock, DecoderFactory, Fact, PacketSource, PacketStream, SourceError};
use super::ring::SharedRing;
use super::slot::FrameSlot;
use crate::backoff::Backoff;
use crate::domain::ids::CameraId;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::metrics::capture::{CaptureMetrics, StreamMetrics};

/// Packets between connection and decoder: two to five seconds; more would only be older.
const DECODE_QUEUE: usize = 96;
/// A connection that lasts so long has worked, and the next failure is a first one.
const PROVEN: Duration = Duration::from_secs(10);

/// How one camera is captured.
#[derive(Clone, Debug)]
pub struct CaptureSettings {
    /// Which camera.
    pub camera: CameraId,
    /// What kind of source it has.
    pub mode: CaptureMode,
    /// How many frames a second are analysed.
    pub frames_per_second: f64,
    /// How long the first packet may take.
    pub connect_timeout: Duration,
    /// How long the next packet may take.
    pub stall_timeout: Duration,
    /// Wait before the first connect: cameras are staggered, so that a site does not start all at once.
    pub first_delay: Duration,
}

impl CaptureSettings {
    /// A camera with the usual patience: 10 s to connect, 5 s without a packet.
    pub fn new(camera: CameraId, mode: CaptureMode, frames_per_second: f64) -> Self {
        Self {
            camera,
            mode,
            frames_per_second,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(5),
            first_delay: Duration::ZERO,
        }
    }
}

/// What kind of source a camera has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureMode {
    /// A camera: its end is a failure, and a newer frame replaces an unread one.
    Live,
    /// A file that stands for a camera: as live, but it begins anew when it ends.
    Looped,
    /// A file as fast as it is consumed: nothing is dropped, each stage waits for the next, and its end is the end.
    Replay,
}

/// One stream of a camera.
#[derive(Clone)]
pub struct CaptureStream {
    /// Which.
    pub role: StreamRole,
    /// Where its packets come from.
    pub source: Arc<dyn PacketSource>,
    /// Where they are kept.
    pub ring: SharedRing,
}

/// What the stage works with and whom it tells.
#[derive(Clone)]
pub struct CaptureParts {
    /// One stream, or main and sub.
    pub streams: Vec<CaptureStream>,
    /// Makes decoders.
    pub decoders: Arc<dyn DecoderFactory>,
    /// Where frames go.
    pub slot: Arc<FrameSlot>,
    /// Called after each frame that was put into the slot, on the decoder's thread: wakes the detector.
    pub frame_ready: Arc<dyn Fn() + Send + Sync>,
    /// What becomes of the camera's sight, in order; `Ended` is the last.
    pub events: mpsc::Sender<CaptureEvent>,
    /// Counters.
    pub metrics: Arc<CaptureMetrics>,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
}

/// What becomes of a camera's sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureEvent {
    /// Sight begins with the frame taken at this moment; comes before that frame is in the slot.
    Sighted {
        /// When the frame was taken.
        at: Timestamp,
    },
    /// Sight was lost, or (without `Sighted` between) its cause is another one from then on.
    Blind {
        /// When the last frame was taken, not when it was noticed. Where there was none, or the cause changes: now.
        at: Timestamp,
        /// Why. `Starting`, `ServiceDown` and `Disabled` are no failures of the camera.
        cause: BlindCause,
        /// What happened, in words without credentials.
        message: String,
    },
    /// Nothing follows: the file is over or the stage was stopped, and each frame has been given out.
    Ended,
}

impl CaptureEvent {
    /// The fact for the ledger of blind time.
    pub fn fact(&self, camera: &CameraId) -> Option<Fact> {
        let camera = camera.clone();
        match *self {
            Self::Sighted { at } => Some(Fact::SightedSince { camera, at }),
            Self::Blind { at, cause, .. } => Some(Fact::BlindSince { camera, from: at, cause }),
            Self::Ended => None,
        }
    }
}

/// Tells the stage to stop, and what to call the time after: `ServiceDown` or `Disabled`. A dropped sender means the former.
pub type Stop = watch::Receiver<Option<BlindCause>>;

/// Runs the stage until its file ends or it is stopped; then everything that was received has been decoded and given out.
/// An error is that of a replay: live, failures are retried for ever.
pub async fn run_capture(settings: CaptureSettings, parts: CaptureParts, stop: Stop) -> Result<(), SourceError> {
    let analysed =
        parts.streams.iter().find(|stream| stream.role == StreamRole::Sub).or(parts.streams.first()).cloned();
    let Some(analysed) = analysed else {
        return Err(SourceError { cause: BlindCause::Disabled, message: "the camera has no stream".to_owned() });
    };
    let (feed, feeds) = mpsc::channel(DECODE_QUEUE);
    let (done, decoded) = oneshot::channel::<()>();
    let decoding = Decoding::new(&settings, &parts, &analysed);
    let thread = std::thread::Builder::new().name(format!("decode {}", settings.camera)).spawn(move || {
        decoding.run(feeds);
        drop(done);
    });
    if let Err(e) = thread {
        return Err(SourceError {
            cause: BlindCause::Overload,
            message: format!("cannot start a thread to decode on: {e}"),
        });
    }
    let others = parts.streams.iter().find(|stream| stream.role != analysed.role);
    let analysis = Keeper::new(&settings, &parts, &analysed, Some(feed)).keep(stop.clone());
    let evidence = async {
        if let Some(stream) = others {
            // Without its main stream a camera has no evidence, but its sight is that of the other one.
            return Keeper::new(&settings, &parts, stream, None).keep(stop).await;
        }
        Ok(())
    };
    let (analysis, evidence) = tokio::join!(analysis, evidence);
    // Ends, without a value, when the thread has given out the last frame.
    let _drained = decoded.await;
    if parts.events.send(CaptureEvent::Ended).await.is_err() {
        tracing::debug!(camera = %settings.camera, "nobody listens to the end of this camera");
    }
    analysis.and(evidence)
}

/// Keeps one stream connected.
struct Keeper {
    settings: CaptureSettings,
    stream: CaptureStream,
    /// To the decoder, where this stream is analysed.
    feed: Option<mpsc::Sender<Feed>>,
    /// The decoder's queue was full: packets up to the next key are of no use to it.
    behind: bool,
    clock: Arc<dyn Clock>,
    metrics: StreamMetrics,
    failures: Arc<CaptureMetrics>,
    retry: Retry,
}

/// How a connection ended.
enum End {
    Stopped(BlindCause),
    Over,
    Failed(SourceError),
}

impl Keeper {
    fn new(
        settings: &CaptureSettings,
        parts: &CaptureParts,
        stream: &CaptureStream,
        feed: Option<mpsc::Sender<Feed>>,
    ) -> Self {
        Self {
            settings: settings.clone(),
            stream: stream.clone(),
            feed,
            behind: false,
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.stream(settings.camera.as_str(), stream.role.as_str()),
            failures: Arc::clone(&parts.metrics),
            retry: Retry::default(),
        }
    }

    async fn keep(mut self, mut stop: Stop) -> Result<(), SourceError> {
        let mut wait = self.settings.first_delay;
        loop {
            tokio::select! {
                biased;
                cause = stopped(&mut stop) => return self.hang_up(cause).await,
                () = sleep(wait) => {}
            }
            let began = self.clock.now();
            let end = tokio::select! {
                biased;
                cause = stopped(&mut stop) => End::Stopped(cause),
                end = self.connection() => end,
            };
            self.metrics.online.set(0);
            self.lock_ring().interrupt();
            let lasted = self.clock.now().since(began);
            wait = match end {
                End::Stopped(cause) => return self.hang_up(cause).await,
                End::Over if self.settings.mode == CaptureMode::Replay => return Ok(()),
                // A second between rounds only where a file is too short to be a stream.
                End::Over if self.settings.mode == CaptureMode::Looped => Duration::from_secs(1).saturating_sub(lasted),
                End::Over => {
                    let message = "the camera ended the stream".to_owned();
                    self.failed(SourceError { cause: BlindCause::Unreachable, message }, lasted).await
                }
                End::Failed(error) if self.settings.mode == CaptureMode::Replay => return Err(error),
                End::Failed(error) => self.failed(error, lasted).await,
            };
        }
    }

    async fn connection(&mut self) -> End {
        self.metrics.connects.inc();
        let mut connection = match self.stream.source.open() {
            Ok(connection) => connection,
            Err(error) => return End::Failed(error),
        };
        let mut first = true;
        loop {
            match self.next(&mut connection, first).await {
                Ok(Some(packet)) => self.take(packet).await,
                Ok(None) => return End::Over,
                Err(error) => return End::Failed(error),
            }
            first = false;
        }
    }

    async fn next(&self, connection: &mut PacketStream, first: bool) -> Result<Option<Packet>, SourceError> {
        let (patience, since) = if first {
            (self.settings.connect_timeout, "connecting")
        } else {
            (self.settings.stall_timeout, "the last one")
        };
        if self.settings.mode == CaptureMode::Replay {
            return connection.packets.recv().await.transpose();
        }
        match timeout(patience, connection.packets.recv()).await {
            Ok(next) => next.transpose(),
            Err(_) => Err(SourceError {
                cause: BlindCause::Stalled,
                message: format!("no picture came within {:.1} s of {since}", patience.as_secs_f64()),
            }),
        }
    }

    async fn take(&mut self, packet: Packet) {
        let metrics = &self.metrics;
        metrics.received.inc();
        metrics.received_bytes.inc_by(packet.data.len() as u64);
        metrics.online.set(1);
        metrics.capture_latency.observe(packet.received_at.since(packet.captured_at).as_secs_f64());
        let pushed = {
            let mut ring = self.lock_ring();
            let pushed = ring.push(packet.clone());
            metrics.ring_seconds.set(ring.held().as_secs_f64());
            metrics.ring_bytes.set(i64::try_from(ring.bytes()).unwrap_or(i64::MAX));
            pushed
        };
        metrics.ring_outdated.inc_by(pushed.outdated as u64);
        metrics.ring_overflowed.inc_by(pushed.overflowed as u64);
        if self.feed.is_some() {
            self.feed(packet).await;
        } else if pushed.kept || pushed.overflowed > 0 {
            metrics.passed.inc();
        } else {
            metrics.before_key.inc();
        }
    }

    async fn feed(&mut self, packet: Packet) {
        let Some(feed) = &self.feed else { return };
        if self.behind && !packet.key {
            self.metrics.decoder_behind.inc();
            return;
        }
        let place =
            if self.settings.mode == CaptureMode::Replay { feed.reserve().await.ok() } else { feed.try_reserve().ok() };
        let fed = place.is_some();
        if let Some(place) = place {
            self.metrics.in_flight.inc();
            place.send(Feed::Packet(packet));
        } else {
            self.metrics.decoder_behind.inc();
            if !self.behind {
                tracing::warn!(camera = %self.settings.camera, "decoding does not keep up; pictures are skipped up to the next key picture");
            }
        }
        self.behind = !fed;
    }

    /// Counts, logs and tells a failure; gives how long to wait.
    async fn failed(&mut self, error: SourceError, lasted: Duration) -> Duration {
        let (camera, stream) = (self.settings.camera.as_str(), self.stream.role.as_str());
        self.failures.failed(camera, stream, error.cause.as_str());
        let (wait, news) = self.retry.failed(&error, lasted);
        let retry_in_s = wait.as_secs_f64().round();
        if news {
            tracing::warn!(camera, stream, cause = error.cause.as_str(), retry_in_s, "camera failed: {error}");
        } else {
            tracing::debug!(camera, stream, cause = error.cause.as_str(), retry_in_s, "camera failed again: {error}");
        }
        self.tell_lost(error.cause, error.message).await;
        wait
    }

    async fn hang_up(mut self, cause: BlindCause) -> Result<(), SourceError> {
        if self.settings.mode != CaptureMode::Replay {
            self.tell_lost(cause, "stopped".to_owned()).await;
        }
        Ok(())
    }

    /// Through the decoder's queue, so that the last frames come before the news.
    async fn tell_lost(&mut self, cause: BlindCause, message: String) {
        self.behind = false;
        if let Some(feed) = &self.feed
            && feed.send(Feed::Lost { cause, message }).await.is_err()
        {
            tracing::error!(camera = %self.settings.camera, "the decoding thread is gone");
        }
    }

    fn lock_ring(&self) -> std::sync::MutexGuard<'_, super::ring::PacketRing> {
        self.stream.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When to try again. A camera that refuses the password locks the account after some tries, and one that sends what cannot be
/// used will not change by itself: both are asked rarely.
#[derive(Debug)]
struct Retry {
    transient: Backoff,
    refused: Backoff,
    last: Option<BlindCause>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            transient: Backoff::new(Duration::from_secs(1), Duration::from_secs(30)),
            // Jitter takes up to half: no less than a minute.
            refused: Backoff::new(Duration::from_mins(2), Duration::from_mins(15)),
            last: None,
        }
    }
}

impl Retry {
    /// How long to wait, and whether this failure differs from the one before.
    fn failed(&mut self, error: &SourceError, lasted: Duration) -> (Duration, bool) {
        let worked = lasted >= PROVEN && error.cause != BlindCause::Stalled || lasted >= 2 * PROVEN;
        if worked {
            self.transient.succeeded();
            self.refused.succeeded();
        }
        let news = worked || self.last != Some(error.cause);
        self.last = Some(error.cause);
        (if error.is_transient() { self.transient.failed() } else { self.refused.failed() }, news)
    }
}

async fn stopped(stop: &mut Stop) -> BlindCause {
    stop.wait_for(Option::is_some).await.ok().and_then(|cause| *cause).unwrap_or(BlindCause::ServiceDown)
}

#[cfg(test)]
mod tests;
