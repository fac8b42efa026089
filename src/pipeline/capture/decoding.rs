//! The decoding thread of a camera, and what is known of its sight.
//!
//! All news of sight come from here, in the order of the frames: a loss is told after the last frame that came before it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::{CaptureEvent, CaptureMode, CaptureParts, CaptureSettings, CaptureStream};
use crate::domain::ids::CameraId;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::metrics::capture::{FrameMetrics, StreamMetrics};
use crate::pipeline::frame::Frame;
use crate::pipeline::packet::Packet;
use crate::pipeline::ports::{Clock, DecodeCounts, DecodeError, Decoder, DecoderFactory, FrameSink};
use crate::pipeline::ring::SharedRing;
use crate::pipeline::slot::FrameSlot;

/// Media time, and packets, after which a decoder that gives nothing is taken for dead. Beyond any reordering.
const FRUITLESS: (Duration, u64) = (Duration::from_secs(8), 40);
/// Decoders that died in a row without a frame between, after which the camera counts as blind.
const DEATHS: u32 = 2;

/// What the connection tells the decoding thread.
pub(super) enum Feed {
    /// The next packet.
    Packet(Packet),
    /// The connection is gone; what comes next begins with a key packet.
    Lost { cause: BlindCause, message: String },
}

/// The thread's state.
pub(super) struct Decoding {
    camera: CameraId,
    frames_per_second: f64,
    factory: Arc<dyn DecoderFactory>,
    decoder: Option<Box<dyn Decoder>>,
    counted: DecodeCounts,
    ring: SharedRing,
    sight: Arc<Sight>,
    packets: StreamMetrics,
    frames: FrameMetrics,
    /// Why there is no decoder: it died, or (false) nothing has come to decode.
    broken: bool,
    deaths: u32,
    /// The first packet since the last decoded frame, and how many came since.
    fruitless: Option<(Timestamp, u64)>,
}

impl Decoding {
    pub(super) fn new(settings: &CaptureSettings, parts: &CaptureParts, stream: &CaptureStream) -> Self {
        let frames = parts.metrics.frames(settings.camera.as_str());
        Self {
            camera: settings.camera.clone(),
            frames_per_second: settings.frames_per_second,
            factory: Arc::clone(&parts.decoders),
            decoder: None,
            counted: DecodeCounts::default(),
            ring: Arc::clone(&stream.ring),
            sight: Arc::new(Sight::new(settings.mode, parts, frames.clone())),
            packets: parts.metrics.stream(settings.camera.as_str(), stream.role.as_str()),
            frames,
            broken: false,
            deaths: 0,
            fruitless: None,
        }
    }

    /// Decodes what is fed until the feed closes, then gives out the last frames.
    pub(super) fn run(mut self, mut feeds: mpsc::Receiver<Feed>) {
        self.sight.begin();
        while let Some(feed) = feeds.blocking_recv() {
            match feed {
                Feed::Packet(packet) => {
                    self.packet(&packet);
                    self.packets.in_flight.dec();
                }
                Feed::Lost { cause, message } => {
                    self.close();
                    self.sight.lost(cause, message);
                }
            }
        }
        self.close();
    }

    fn packet(&mut self, packet: &Packet) {
        if self.decoder.is_none() && !packet.key {
            let reason = if self.broken { &self.packets.decode_failed } else { &self.packets.before_key };
            reason.inc();
            return;
        }
        match self.decode(packet) {
            Ok(()) => self.packets.passed.inc(),
            Err(error) => {
                self.died(&error);
                if !packet.key && self.catch_up(packet) {
                    self.packets.passed.inc();
                } else {
                    self.packets.decode_failed.inc();
                }
            }
        }
        self.judge(packet);
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            closed => {
                self.counted = DecodeCounts::default();
                closed.insert(self.factory.open(packet.codec, self.frames_per_second, self.sight.frame_sink())?)
            }
        };
        decoder.push(packet)?;
        self.broken = false;
        Ok(())
    }

    /// Opens another decoder at the last key packet in the ring and feeds it up to this packet. Frames that were given out
    /// already are not given out again. False where that fails too: then the next key packet is waited for.
    fn catch_up(&mut self, until: &Packet) -> bool {
        let mut group =
            self.ring.lock().unwrap_or_else(PoisonError::into_inner).slice(until.captured_at, until.captured_at);
        // The packet itself may be what the decoder died of, and what follows is still to come: both are left out.
        let before = group.iter().position(|packet| packet.captured_at == until.captured_at);
        group.truncate(before.unwrap_or(group.len()));
        if group.is_empty() {
            return false;
        }
        for packet in &group {
            if let Err(error) = self.decode(packet) {
                self.died(&error);
                return false;
            }
        }
        true
    }

    fn died(&mut self, error: &DecodeError) {
        self.count();
        self.decoder = None;
        self.broken = true;
        self.deaths += 1;
        self.frames.decoder_restarts.inc();
        if self.deaths == 1 {
            tracing::warn!(camera = %self.camera, "decoder died, another one takes over: {error}");
        }
        if self.deaths == DEATHS {
            self.sight.lost(BlindCause::Undecodable, format!("the stream cannot be decoded: {error}"));
        }
    }

    /// Takes a decoder that gives nothing for dead.
    fn judge(&mut self, packet: &Packet) {
        if self.count() > 0 || self.decoder.is_none() {
            self.fruitless = None;
            return;
        }
        let (since, packets) = self.fruitless.map_or((packet.captured_at, 1), |(since, packets)| (since, packets + 1));
        self.fruitless = Some((since, packets));
        if packet.captured_at.since(since) >= FRUITLESS.0 && packets >= FRUITLESS.1 {
            self.fruitless = None;
            self.deaths = self.deaths.max(DEATHS - 1);
            self.died(&DecodeError(format!("no frame came of {packets} packets")));
        }
    }

    /// Takes over what the decoder counted; gives how many frames came out since the last time.
    fn count(&mut self) -> u64 {
        let Some(counts) = self.decoder.as_ref().map(|decoder| decoder.counts()) else { return 0 };
        let frames = counts.frames - self.counted.frames;
        self.frames.decoded.inc_by(frames);
        self.frames.not_due.inc_by(counts.not_due - self.counted.not_due);
        self.frames.decode_errors.inc_by(counts.damaged - self.counted.damaged);
        self.counted = counts;
        if frames > 0 {
            self.deaths = 0;
        }
        frames
    }

    /// Gives out what is left and frees the decoder: a dead camera costs no memory.
    fn close(&mut self) {
        if let Some(decoder) = &mut self.decoder
            && let Err(error) = decoder.drain()
        {
            tracing::warn!(camera = %self.camera, "the last frames of a connection are lost: {error}");
        }
        self.count();
        self.decoder = None;
        self.broken = false;
        self.fruitless = None;
    }
}

/// What is known of a camera's sight; shared with the decoder's own thread.
struct Sight {
    mode: CaptureMode,
    slot: Arc<FrameSlot>,
    frame_ready: Arc<dyn Fn() + Send + Sync>,
    events: mpsc::Sender<CaptureEvent>,
    clock: Arc<dyn Clock>,
    metrics: FrameMetrics,
    state: Mutex<SightState>,
}

#[derive(Default)]
struct SightState {
    blind: Option<(BlindCause, Timestamp)>,
    last_frame: Option<Timestamp>,
    number: u64,
}

impl Sight {
    fn new(mode: CaptureMode, parts: &CaptureParts, metrics: FrameMetrics) -> Self {
        Self {
            mode,
            slot: Arc::clone(&parts.slot),
            frame_ready: Arc::clone(&parts.frame_ready),
            events: parts.events.clone(),
            clock: Arc::clone(&parts.clock),
            metrics,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, SightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blind until the first frame. A replay has no time before its first frame.
    fn begin(&self) {
        if self.mode != CaptureMode::Replay {
            self.lost(BlindCause::Starting, "starting".to_owned());
        }
    }

    fn lost(&self, cause: BlindCause, message: String) {
        let now = self.clock.now();
        let at = {
            let mut state = self.lock();
            let at = match state.blind {
                Some((known, _)) if known == cause => return,
                Some((_, since)) => {
                    let at = now.max(since);
                    self.metrics.blind_seconds.inc_by(at.since(since).as_secs_f64());
                    at
                }
                None => state.last_frame.unwrap_or(now),
            };
            state.blind = Some((cause, at));
            at
        };
        self.tell(CaptureEvent::Blind { at, cause, message });
    }

    fn frame_sink(self: &Arc<Self>) -> FrameSink {
        let sight = Arc::clone(self);
        Box::new(move |frame| sight.saw(frame))
    }

    fn saw(&self, mut frame: Frame) {
        let at = frame.captured_at;
        let returned = {
            let mut state = self.lock();
            // A decoder that caught up gives frames again that its predecessor gave.
            if state.last_frame.is_some_and(|last| at <= last) {
                self.metrics.repeated.inc();
                return;
            }
            state.last_frame = Some(at);
            frame.number = state.number;
            state.number += 1;
            state.blind.take()
        };
        if let Some((_, since)) = returned {
            self.metrics.blind_seconds.inc_by(at.since(since).as_secs_f64());
            self.tell(CaptureEvent::Sighted { at });
        }
        self.metrics.offered.inc();
        self.metrics.decode_latency.observe(frame.decoded_at.since(frame.received_at).as_secs_f64());
        if self.mode == CaptureMode::Replay {
            if !self.slot.put_when_empty(frame) {
                self.metrics.replaced.inc();
            }
        } else if self.slot.replace(frame).is_some() {
            self.metrics.replaced.inc();
        }
        (self.frame_ready)();
    }

    fn tell(&self, event: CaptureEvent) {
        if self.events.blocking_send(event).is_err() {
            tracing::debug!("nobody listens to this camera any more");
        }
    }
}
