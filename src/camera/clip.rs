//! Clips: packets into a fragmented MP4 file, as they are, without encoding.
//!
//! Invariants: pictures are as far apart in the file as they were when they were taken; what was pushed a second or two ago can be
//! played though nothing follows, since each fragment is whole when it is written; a file that is there already is never touched.
//! Absent: sound, syncing to disk (whoever seals the file does).

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::mp4::{TICKS, Times, has_times};
use super::nal::sequence_parameters;
use super::order::DecodingTimes;
use crate::pipeline::evidence::{ClipWriter, MediaError};
use crate::pipeline::packet::{Codec, Packet};

/// How long a fragment is, and so what is lost at the end of a clip that is not finished.
const FRAGMENT_MS: u32 = 500;
/// Between decoding and presentation, so that none is decoded after it is shown, which the muxer would not believe. Taken out again
/// in what it writes.
const ROOM: gst::ClockTime = gst::ClockTime::from_seconds(60);
/// A tick and a bit, so that it is one when it is rounded.
const TICK_NS: u64 = 11_112;
/// How long the last picture of a clip is shown; nothing says when the next one would have come.
const LAST: Duration = Duration::from_millis(40);
/// How long the end of a clip may take to be written: a disk that sleeps wakes up in it.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// Begins a clip in a new file.
pub(super) fn begin(codec: Codec, file: &Path) -> Result<Clip, MediaError> {
    super::init().map_err(|e| MediaError(e.to_string()))?;
    let name = file.display().to_string();
    // GStreamer's sink would empty a file that is there.
    let made = File::options().write(true).create_new(true).open(file);
    drop(made.map_err(|e| MediaError(format!("cannot make the clip {name}: {e}")))?);
    Clip::start(codec, file).map_err(|e| MediaError(format!("cannot begin the clip {name}: {e}")))
}

/// A clip in the making.
pub(super) struct Clip {
    name: String,
    codec: Codec,
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    /// Where packets go in.
    input: gst::Pad,
    times: Arc<Mutex<Times>>,
    order: DecodingTimes,
    /// The time of the last key packet.
    key: Arc<Mutex<Option<gst::ClockTime>>>,
    /// The sequence parameter sets of the first key packet.
    format: Vec<Vec<u8>>,
}

impl Clip {
    fn start(codec: Codec, file: &Path) -> Result<Self, gst::glib::BoolError> {
        let (parser, media) = match codec {
            Codec::H264 => ("h264parse", "video/x-h264"),
            Codec::H265 => ("h265parse", "video/x-h265"),
        };
        let parser = gst::ElementFactory::make(parser).build()?;
        let mux = gst::ElementFactory::make("mp4mux")
            .property("fragment-duration", FRAGMENT_MS)
            .property("trak-timescale", TICKS)
            .property("movie-timescale", TICKS)
            .build()?;
        let sink = gst::ElementFactory::make("filesink").property("location", file).property("async", false).build()?;
        // What was written has left this process: it outlives a SIGKILL.
        sink.set_property_from_str("buffer-mode", "unbuffered");
        let pipeline = gst::Pipeline::new();
        let chain = [&parser, &mux, &sink];
        pipeline.add_many(chain)?;
        gst::Element::link_many(chain)?;
        let bus = pipeline.bus().ok_or_else(|| gst::glib::bool_error!("a pipeline has no bus"))?;
        let input = gst::Pad::builder(gst::PadDirection::Src).name("packets").build();
        let (name, times, key) = (file.display().to_string(), Arc::default(), Arc::default());
        hold_to_one_format(&pad(&parser, "src")?);
        mark_keys(&pad(&parser, "src")?, &key);
        put_right(&pad(&sink, "sink")?, &times);
        let clip =
            Self { name, codec, pipeline, bus, input, times, order: DecodingTimes::default(), key, format: Vec::new() };
        clip.pipeline.set_state(gst::State::Playing).map_err(|e| gst::glib::bool_error!("{e}"))?;
        clip.begin(&parser, media)?;
        Ok(clip)
    }

    /// Links the input and says what comes.
    fn begin(&self, parser: &gst::Element, media: &str) -> Result<(), gst::glib::BoolError> {
        self.input.set_active(true)?;
        self.input.link(&pad(parser, "sink")?).map_err(|e| gst::glib::bool_error!("{e}"))?;
        let caps = gst::Caps::builder(media).field("stream-format", "byte-stream").field("alignment", "au").build();
        let begun = self.input.push_event(gst::event::StreamStart::new("packets"))
            && self.input.push_event(gst::event::Caps::new(&caps))
            && self.input.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        if begun { Ok(()) } else { Err(gst::glib::bool_error!("its parts do not fit")) }
    }

    fn error(&self, what: impl std::fmt::Display) -> MediaError {
        MediaError(format!("cannot write the clip {}: {what}", self.name))
    }

    /// What GStreamer says has gone wrong.
    fn said(&self) -> Option<String> {
        let message = self.bus.pop_filtered(&[gst::MessageType::Error])?;
        told(&message)
    }

    /// When the packet is shown, from the clip's beginning; none where it cannot be.
    fn time(&self, packet: &Packet) -> Result<Option<gst::ClockTime>, MediaError> {
        if packet.codec != self.codec {
            let (was, is) = (self.codec.as_str(), packet.codec.as_str());
            return Err(self.error(format!("it is {was}, and the next picture is {is}; that needs a clip of its own")));
        }
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if times.began.is_none() && !packet.key {
            return Err(self.error("its first packet is no key packet"));
        }
        let began = *times.began.get_or_insert(packet.captured_at);
        if packet.captured_at < began {
            // Shown before the first key picture, and built on pictures before it, which are not in the clip.
            return Ok(None);
        }
        let after = packet.captured_at.since(began);
        times.length = times.length.max(after + LAST);
        Ok(Some(gst::ClockTime::from_nseconds(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX - 1))))
    }

    /// Refuses pictures of another size, profile or the like: the file has one format, and players expect no other.
    fn check_format(&mut self, packet: &Packet) -> Result<(), MediaError> {
        let found = sequence_parameters(packet.codec, &packet.data);
        if self.format.is_empty() {
            self.format = found.into_iter().map(<[u8]>::to_vec).collect();
        } else if !found.is_empty() && found != self.format {
            return Err(
                self.error("the camera's pictures have another format from here on; they need a clip of their own")
            );
        }
        Ok(())
    }
}

impl ClipWriter for Clip {
    fn push(&mut self, packet: &Packet) -> Result<(), MediaError> {
        let Some(time) = self.time(packet)? else { return Ok(()) };
        if packet.key {
            self.check_format(packet)?;
            *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(ROOM + time);
        }
        let mut buffer = gst::Buffer::from_slice(packet.data.clone());
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(ROOM + time);
            buffer.set_dts(gst::ClockTime::from_nseconds(self.order.next(time.nseconds(), TICK_NS)));
        }
        let pushed = self.input.push(buffer);
        match (self.said(), pushed) {
            (Some(error), _) => Err(self.error(error)),
            (None, Err(flow)) => Err(self.error(format!("nothing more is taken ({flow:?})"))),
            (None, Ok(_)) => Ok(()),
        }
    }

    fn finish(self: Box<Self>) -> Result<(), MediaError> {
        if self.times.lock().unwrap_or_else(PoisonError::into_inner).began.is_none() {
            return Err(self.error("it has no pictures"));
        }
        if !self.input.push_event(gst::event::Eos::new()) {
            return Err(self.error(self.said().unwrap_or_else(|| "it takes no end".to_owned())));
        }
        let end = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = self.bus.timed_pop_filtered(PATIENCE, &end);
        let message =
            message.ok_or_else(|| self.error(format!("its end took longer than {} s", PATIENCE.seconds())))?;
        told(&message).map_or(Ok(()), |error| Err(self.error(error)))
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("a clip did not close cleanly");
        }
        if let Err(error) = self.input.set_active(false) {
            tracing::debug!(%error, "a clip's input did not close");
        }
    }
}

fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, gst::glib::BoolError> {
    element.static_pad(name).ok_or_else(|| gst::glib::bool_error!("{} has no {name} pad", element.name()))
}

/// The text of an error.
fn told(message: &gst::Message) -> Option<String> {
    match message.view() {
        gst::MessageView::Error(error) => Some(format!("{} ({})", error.error(), error.debug().unwrap_or_default())),
        _ => None,
    }
}

/// The muxer takes one format and no other. Cameras that change picture parameters now and then may do so unannounced, since decoders
/// find them in front of each key picture.
fn hold_to_one_format(parsed: &gst::Pad) {
    let first: Mutex<Option<gst::Event>> = Mutex::default();
    parsed.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = info.data.as_mut()
            && event.type_() == gst::EventType::Caps
        {
            *event = first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| event.clone()).clone();
        }
        gst::PadProbeReturn::Ok
    });
}

/// Players seek to what is marked in the file. The parser's marks are not those of the packets: it takes recovery points for keys, and in
/// H.265 the picture after the first one too.
fn mark_keys(parsed: &gst::Pad, key: &Arc<Mutex<Option<gst::ClockTime>>>) {
    let key = Arc::clone(key);
    parsed.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let is_key = buffer.pts() == *key.lock().unwrap_or_else(PoisonError::into_inner);
            let buffer = buffer.make_mut();
            if is_key {
                buffer.unset_flags(gst::BufferFlags::DELTA_UNIT);
            } else {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Puts times right in what is written: in the header, which passes at the beginning and once more at the end, and in each fragment.
fn put_right(written: &gst::Pad, times: &Arc<Mutex<Times>>) {
    let times = Arc::clone(times);
    written.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let concerns = |buffer: &gst::Buffer| {
            let mut first = [0; 8];
            buffer.copy_to_slice(0, &mut first) == Ok(()) && has_times(first)
        };
        if let Some(buffer) = info.buffer_mut().filter(|buffer| concerns(buffer))
            && let Ok(mut bytes) = buffer.make_mut().map_writable()
        {
            times.lock().unwrap_or_else(PoisonError::into_inner).put_right(&mut bytes);
        }
        gst::PadProbeReturn::Ok
    });
}
