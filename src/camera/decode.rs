//! Decoding: packets in, due frames out, in the decoder's own memory.
//!
//! Decoding is done on the thread that pushes: a packet goes straight into the parser's pad, and where the decoder is software its
//! frames have come when the push returns. A thread of GStreamer's own between would be woken for each packet.
//! Buffers carry capture time as their presentation time: it never goes back, while stream time does at each reconnect, which
//! decoders take badly. Frames that are not due leave before they are mapped. A damaged packet is survived and counted; a
//! decoder that reports an error is done for, and the capture stage opens another one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::choice::{DecoderSettings, chosen, element_name};
use super::picture::picture;
use crate::domain::time::Timestamp;
use crate::pipeline::frame::Frame;
use crate::pipeline::pacing::Pacer;
use crate::pipeline::packet::{ClockQuality, Codec, Packet};
use crate::pipeline::ports::{Clock, DecodeCounts, DecodeError, Decoder, DecoderFactory, FrameSink};

/// Packets whose times are remembered until their frame comes out; far beyond any reordering.
const REMEMBERED: usize = 256;

/// Makes decoders out of GStreamer's.
pub struct GstDecoderFactory {
    settings: DecoderSettings,
    clock: Arc<dyn Clock>,
    announced: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for GstDecoderFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GstDecoderFactory({:?})", self.settings)
    }
}

impl GstDecoderFactory {
    /// A factory; `clock` says when a frame was decoded.
    pub fn new(settings: DecoderSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, announced: Mutex::default() }
    }

    /// Says once which decoder is used.
    fn announce(&self, codec: Codec, element: String) {
        tracing::debug!(codec = codec.as_str(), element, "decoder opened");
        if !self.announced.lock().unwrap_or_else(PoisonError::into_inner).contains(&element) {
            tracing::info!(codec = codec.as_str(), element, "decoding with this decoder");
            self.announced.lock().unwrap_or_else(PoisonError::into_inner).insert(element);
        }
    }
}

impl DecoderFactory for GstDecoderFactory {
    fn open(&self, codec: Codec, per_second: f64, frames: FrameSink) -> Result<Box<dyn Decoder>, DecodeError> {
        super::init().map_err(|e| DecodeError(e.to_string()))?;
        let state = Arc::new(Shared::default());
        let decoder = chosen(codec, &self.settings)?;
        self.announce(codec, element_name(&decoder));
        let output =
            Output { pacer: Pacer::new(per_second), frames, clock: Arc::clone(&self.clock), state: Arc::clone(&state) };
        let failed =
            |e: gst::glib::BoolError| DecodeError(format!("cannot build a decoder for {}: {e}", codec.as_str()));
        let running = Running::start(codec, &decoder, output).map_err(failed)?;
        Ok(Box::new(running))
    }
}

struct Running {
    pipeline: gst::Pipeline,
    /// Where packets go in.
    input: gst::Pad,
    state: Arc<Shared>,
    origin: Option<Timestamp>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ended: bool,
    error: Option<String>,
    times: BTreeMap<u64, Times>,
    counts: DecodeCounts,
}

#[derive(Clone, Copy)]
struct Times {
    captured_at: Timestamp,
    clock: ClockQuality,
    received_at: Timestamp,
    pts: Duration,
}

struct Output {
    pacer: Pacer,
    frames: FrameSink,
    clock: Arc<dyn Clock>,
    state: Arc<Shared>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until this holds or the decoder has died.
    fn wait_until(&self, holds: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>, DecodeError> {
        let waiting = |state: &mut State| state.error.is_none() && !holds(state);
        let state = self.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        match &state.error {
            Some(error) => Err(DecodeError(error.clone())),
            None => Ok(state),
        }
    }
}

impl Running {
    fn start(codec: Codec, decoder: &gst::Element, output: Output) -> Result<Self, gst::glib::BoolError> {
        let (parser, media) = match codec {
            Codec::H264 => ("h264parse", "video/x-h264"),
            Codec::H265 => ("h265parse", "video/x-h265"),
        };
        let state = Arc::clone(&output.state);
        let parser = gst::ElementFactory::make(parser).build()?;
        // Passes frames through untouched where they are I420 or NV12 already.
        let convert = gst::ElementFactory::make("videoconvert").property("n-threads", 1u32).build()?;
        let raw = gst::Caps::builder("video/x-raw").field("format", gst::List::new(["I420", "NV12"])).build();
        let sink = gst_app::AppSink::builder().caps(&raw).sync(false).max_buffers(1).build();
        sink.set_property("async", false); // else the first packet would wait for the state that follows it
        sink.set_property("enable-last-sample", false);
        sink.set_property("qos", false);
        let pipeline = gst::Pipeline::new();
        let chain = [&parser, decoder, &convert, sink.upcast_ref()];
        pipeline.add_many(chain)?;
        gst::Element::link_many(chain)?;
        watch_bus(&pipeline, &state)?;
        accept_padded_frames(&sink);
        sink.set_callbacks(output.callbacks());
        let input = gst::Pad::builder(gst::PadDirection::Src).name("packets").build();
        let running = Self { pipeline, input, state, origin: None };
        running.pipeline.set_state(gst::State::Playing).map_err(|e| gst::glib::bool_error!("{e}"))?;
        running.begin(&parser, media)?;
        Ok(running)
    }

    /// Links the input and says what comes.
    fn begin(&self, parser: &gst::Element, media: &str) -> Result<(), gst::glib::BoolError> {
        let input = &self.input;
        input.set_active(true)?;
        let sink = parser.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("the parser has no sink pad"))?;
        input.link(&sink).map_err(|e| gst::glib::bool_error!("{e}"))?;
        let caps = gst::Caps::builder(media).field("stream-format", "byte-stream").field("alignment", "au").build();
        let begun = input.push_event(gst::event::StreamStart::new("packets"))
            && input.push_event(gst::event::Caps::new(&caps))
            && self.begin_segment();
        if begun { Ok(()) } else { Err(gst::glib::bool_error!("the decoder does not begin")) }
    }

    fn begin_segment(&self) -> bool {
        self.input.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()))
    }
}

impl Decoder for Running {
    fn push(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        let origin = *self.origin.get_or_insert(packet.captured_at);
        // An hour of room, for pictures that are shown before the key picture they follow.
        let key = 3_600_000_000_000 + packet.captured_at.as_nanos() - origin.as_nanos();
        let key = u64::try_from(key).map_err(|_| DecodeError("a packet is an hour older than the first".to_owned()))?;
        let Packet { captured_at, clock, received_at, pts, .. } = *packet;
        self.state.change(|state| {
            state.times.insert(key, Times { captured_at, clock, received_at, pts });
            if state.times.len() > REMEMBERED {
                state.times.pop_first();
            }
        });
        let mut buffer = gst::Buffer::from_slice(packet.data.clone());
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(key));
        }
        let pushed = self.input.push(buffer);
        // An error may be told on the bus alone, and by a decoder with threads of its own long after the packet.
        match (pushed, self.state.lock().error.clone()) {
            (_, Some(error)) => Err(DecodeError(error)),
            (Err(flow), None) => Err(DecodeError(format!("the decoder takes nothing more ({flow:?})"))),
            (Ok(_), None) => Ok(()),
        }
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        self.state.change(|state| state.ended = false);
        let ends = self.input.push_event(gst::event::Eos::new());
        if !ends {
            return Err(DecodeError("the decoder cannot be drained".to_owned()));
        }
        drop(self.state.wait_until(|state| state.ended)?);
        // Out of the end again: flushed, with a new segment, ready for the next key packet.
        let flushed = self.input.push_event(gst::event::FlushStart::new())
            && self.input.push_event(gst::event::FlushStop::new(true))
            && self.begin_segment();
        self.state.change(|state| {
            state.counts.damaged += state.times.len() as u64;
            state.times.clear();
        });
        if flushed { Ok(()) } else { Err(DecodeError("the decoder does not start again after draining".to_owned())) }
    }

    fn counts(&self) -> DecodeCounts {
        self.state.lock().counts
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("a decoder did not stop cleanly");
        }
        if let Err(error) = self.input.set_active(false) {
            tracing::debug!(%error, "a decoder's input did not close");
        }
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
    }
}

impl Output {
    fn callbacks(mut self) -> gst_app::AppSinkCallbacks {
        let at_end = Arc::clone(&self.state);
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                self.take(&sample).map_err(|error| {
                    self.state.change(|state| state.error = Some(error));
                    gst::FlowError::Error
                })?;
                Ok(gst::FlowSuccess::Ok)
            })
            .eos(move |_| at_end.change(|state| state.ended = true))
            .build()
    }

    fn take(&mut self, sample: &gst::Sample) -> Result<(), String> {
        let Some((buffer, key)) = sample.buffer().and_then(|buffer| Some((buffer, buffer.pts()?.nseconds()))) else {
            self.state.lock().counts.damaged += 1;
            return Ok(());
        };
        let times = {
            let mut state = self.state.lock();
            state.counts.damaged += u64::from(buffer.flags().contains(gst::BufferFlags::CORRUPTED));
            // Decoders give the time of the packet; one that rounds gives a time just after it.
            let found = state.times.range(..=key + 1_000_000).next_back().map(|(key, times)| (*key, *times));
            if let Some((found, _)) = found {
                // Frames come in the order of presentation: what should have come before this one never will.
                let later = state.times.split_off(&(found + 1));
                let earlier = std::mem::replace(&mut state.times, later);
                state.counts.damaged += earlier.len() as u64 - 1;
                state.counts.frames += 1;
            }
            found.map(|(_, times)| times)
        };
        let Some(times) = times else {
            self.state.lock().counts.damaged += 1;
            return Ok(());
        };
        if !self.pacer.due(times.pts) {
            self.state.lock().counts.not_due += 1;
            return Ok(());
        }
        let Times { captured_at, clock, received_at, pts } = times;
        let picture = picture(sample)?;
        (self.frames)(Frame { captured_at, clock, received_at, decoded_at: self.clock.now(), pts, number: 0, picture });
        Ok(())
    }
}

/// Tells the decoder that rows may be padded, and offers it a pool: without either it copies each frame. The pool matters where a
/// picture's height is no multiple of the codec's blocks, as 1080 is not: libav's own buffers are taller then, and GStreamer passes
/// them on only where the pool came from here.
fn accept_padded_frames(sink: &gst_app::AppSink) {
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| match info.query_mut().map(gst::QueryRef::view_mut) {
        Some(gst::QueryViewMut::Allocation(query)) => {
            let info = query.get().0.and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
            if let Some(size) = info.and_then(|info| u32::try_from(info.size()).ok()) {
                query.add_allocation_pool(Some(&gst_video::VideoBufferPool::new()), size, 0, 0);
            }
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
            gst::PadProbeReturn::Handled
        }
        _ => gst::PadProbeReturn::Ok,
    });
}

fn watch_bus(pipeline: &gst::Pipeline, state: &Arc<Shared>) -> Result<(), gst::glib::BoolError> {
    let bus = pipeline.bus().ok_or_else(|| gst::glib::bool_error!("a pipeline has no bus"))?;
    let state = Arc::clone(state);
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(error) => {
                let what = format!("{} ({})", error.error(), error.debug().unwrap_or_default());
                state.change(|state| state.error = state.error.take().or(Some(what)));
            }
            gst::MessageView::Warning(warning) => {
                tracing::debug!(warning = %warning.error(), "decoder");
                state.change(|state| state.counts.damaged += 1);
            }
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}
