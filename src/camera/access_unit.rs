//! Access units out of a pipeline: parser, sink, and what a buffer says of itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use tokio::sync::mpsc;

use super::nal::KeyFinder;
use crate::domain::time::Timestamp;
use crate::pipeline::packet::{ClockQuality, Codec, Packet};
use crate::pipeline::ports::SourceError;

/// Packets between a source and the capture stage. Live, two to three seconds; a full channel holds the network back.
pub(super) const CHANNEL: usize = 64;

pub(super) type PacketSender = mpsc::Sender<Result<Packet, SourceError>>;

/// The times of one access unit.
pub(super) struct Stamp {
    pub(super) captured_at: Timestamp,
    pub(super) clock: ClockQuality,
    pub(super) received_at: Timestamp,
    pub(super) pts: Duration,
}

/// An access unit that has no times yet.
pub(super) struct Unit {
    codec: Codec,
    pub(super) key: bool,
    data: Bytes,
}

impl Unit {
    pub(super) fn new(codec: Codec, key: bool, data: Bytes) -> Self {
        Self { codec, key, data }
    }

    pub(super) fn stamped(self, stamp: Stamp) -> Packet {
        let (Self { codec, key, data }, Stamp { captured_at, clock, received_at, pts }) = (self, stamp);
        Packet { codec, captured_at, clock, received_at, pts, key, data }
    }
}

/// Gives access units their times.
pub(super) trait Stamper: Send {
    /// Takes one more; gives those, in order, whose times are known now: none while it has to wait for others. `None` leaves it
    /// out, since nothing says when it is shown.
    fn stamp(
        &mut self,
        unit: Unit,
        buffer: &gst::BufferRef,
        segment: &gst::FormattedSegment<gst::ClockTime>,
    ) -> Option<Vec<Packet>>;

    /// No more will come: those that still wait.
    fn rest(&mut self) -> Vec<Packet> {
        Vec::new()
    }
}

/// What a stream turned out to be, for probes and error messages.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamFacts {
    /// The codec that was taken.
    pub(super) codec: Option<Codec>,
    /// Width and height in pixels.
    pub(super) size: Option<(u32, u32)>,
    /// Frames a second, as the stream declares them.
    pub(super) declared_fps: Option<f64>,
    /// Everything that is offered, in words: `video H264`, `audio PCMA`.
    pub(super) offered: Vec<String>,
    /// Pictures that were left out because nothing says when they are shown.
    pub(super) without_time: u64,
}

pub(super) type SharedFacts = Arc<Mutex<StreamFacts>>;

pub(super) fn lock(facts: &SharedFacts) -> std::sync::MutexGuard<'_, StreamFacts> {
    facts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds `parser ! byte-stream access units ! sink` to the pipeline; gives the parser, to be linked to.
pub(super) fn attach_sink(
    pipeline: &gst::Pipeline,
    codec: Codec,
    sender: PacketSender,
    facts: SharedFacts,
    stamper: Box<dyn Stamper>,
    paced: bool,
) -> Result<gst::Element, gst::glib::BoolError> {
    let (parser, media) = match codec {
        Codec::H264 => ("h264parse", "video/x-h264"),
        Codec::H265 => ("h265parse", "video/x-h265"),
    };
    // Parameter sets in front of each key picture: any of them may be where a decoder or a clip begins.
    let parser = gst::ElementFactory::make(parser).property("config-interval", -1i32).build()?;
    let caps = gst::Caps::builder(media).field("stream-format", "byte-stream").field("alignment", "au").build();
    let sink = gst_app::AppSink::builder().caps(&caps).sync(paced).max_buffers(1).build();
    sink.set_property("async", false); // streams appear when the pipeline plays already
    sink.set_callbacks(callbacks(codec, sender, facts, stamper));
    pipeline.add_many([&parser, sink.upcast_ref()])?;
    parser.link(&sink)?;
    sink.sync_state_with_parent()?;
    parser.sync_state_with_parent()?;
    Ok(parser)
}

fn callbacks(
    codec: Codec,
    sender: PacketSender,
    facts: SharedFacts,
    stamper: Box<dyn Stamper>,
) -> gst_app::AppSinkCallbacks {
    let mut keys = KeyFinder::new(codec);
    let mut known_caps: Option<gst::Caps> = None;
    // Shared by two callbacks of one streaming thread: never waited for.
    let stamper = Arc::new(Mutex::new(stamper));
    let (last_sender, last_stamper) = (sender.clone(), Arc::clone(&stamper));
    gst_app::AppSinkCallbacks::builder()
        .eos(move |_| {
            let rest = last_stamper.lock().unwrap_or_else(PoisonError::into_inner).rest();
            if !rest.into_iter().all(|packet| last_sender.blocking_send(Ok(packet)).is_ok()) {
                tracing::debug!("nobody listens to the last pictures of a stream");
            }
        })
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(caps) = sample.caps_owned().filter(|caps| known_caps.as_ref() != Some(caps)) {
                note_caps(codec, &caps, &facts);
                known_caps = Some(caps);
            }
            let mut stamper = stamper.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(packets) = packets(codec, &sample, &mut keys, stamper.as_mut()) else {
                tracing::debug!("an access unit without a usable time was left out");
                lock(&facts).without_time += 1;
                return Ok(gst::FlowSuccess::Ok);
            };
            // Nobody listens any more: the pipeline is being taken down.
            for packet in packets {
                sender.blocking_send(Ok(packet)).map_err(|_| gst::FlowError::Flushing)?;
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build()
}

fn packets(codec: Codec, sample: &gst::Sample, keys: &mut KeyFinder, stamper: &mut dyn Stamper) -> Option<Vec<Packet>> {
    let buffer = sample.buffer()?;
    // One copy of the encoded bytes, so that the ring's count is what it holds, not whole network blocks behind it.
    let data = Bytes::copy_from_slice(&buffer.map_readable().ok()?);
    let key = keys.is_key(&data, Duration::from_nanos(buffer.pts()?.nseconds()));
    stamper.stamp(Unit::new(codec, key, data), buffer, sample.segment()?.downcast_ref()?)
}

fn note_caps(codec: Codec, caps: &gst::Caps, facts: &SharedFacts) {
    let Some(structure) = caps.structure(0) else { return };
    let side = |name| structure.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok());
    let rate = structure.get::<gst::Fraction>("framerate").ok();
    let mut facts = lock(facts);
    facts.codec = Some(codec);
    facts.size = side("width").zip(side("height"));
    facts.declared_fps =
        rate.filter(|r| r.numer() > 0 && r.denom() > 0).map(|r| f64::from(r.numer()) / f64::from(r.denom()));
}
