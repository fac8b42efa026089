//! Stills: one picture out of packets, as JPEG.
//!
//! Decodes from the last key packet that leads to the picture, up to it, and no further.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::jfif::{Planar, planar};
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::{MediaError, Still};
use crate::pipeline::frame::{Frame, Picture};
use crate::pipeline::packet::Packet;
use crate::pipeline::ports::{DecodeError, DecoderFactory};

/// Of 100: a bit above what cameras take for their own stills. Evidence is looked at closely.
const QUALITY: i32 = 90;
/// Every picture is due: far above the rate of any stream.
const ALL_PER_SECOND: f64 = 1e6;
/// How long one picture may take to be encoded, on a machine that is busy.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// The picture taken last at or before `at`, or the first.
pub(super) fn still(decoders: &dyn DecoderFactory, packets: &[Packet], at: Timestamp) -> Result<Still, MediaError> {
    let frame = decoded(decoders, needed(packets, at), at).map_err(|e| MediaError(format!("no still: {e}")))?;
    let frame =
        frame.ok_or_else(|| MediaError("no still: the packets hold no picture that can be decoded".to_owned()))?;
    let jpeg = jpeg(&frame.picture).map_err(|e| MediaError(format!("no still of {:?}: {e}", frame.picture)))?;
    let Picture { width, height, .. } = frame.picture;
    Ok(Still { jpeg, captured_at: frame.captured_at, width, height })
}

/// Those packets, in decoding order, that the picture needs.
fn needed(packets: &[Packet], at: Timestamp) -> &[Packet] {
    let taken = |packet: &Packet| packet.captured_at;
    let wanted = packets.iter().map(taken).filter(|&taken| taken <= at).max();
    // All are later: the first key picture, since what is shown before it may build on pictures that are not here.
    let wanted = wanted.or(packets.first().map(taken));
    let Some(last) = packets.iter().position(|packet| Some(packet.captured_at) == wanted) else { return packets };
    // A picture shown before a key picture may build on those before that one too.
    let key = packets[..=last].iter().rposition(|packet| packet.key && Some(packet.captured_at) <= wanted);
    &packets[key.unwrap_or(0)..=last]
}

fn decoded(decoders: &dyn DecoderFactory, packets: &[Packet], at: Timestamp) -> Result<Option<Frame>, DecodeError> {
    let Some(first) = packets.first() else { return Ok(None) };
    let kept: Arc<Mutex<Option<Frame>>> = Arc::default();
    let keeps = Arc::clone(&kept);
    let keep = move |frame: Frame| {
        let mut kept = keeps.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() || frame.captured_at <= at {
            *kept = Some(frame);
        }
    };
    let mut decoder = decoders.open(first.codec, ALL_PER_SECOND, Box::new(keep))?;
    for packet in packets {
        decoder.push(packet)?;
    }
    decoder.drain()?;
    Ok(kept.lock().unwrap_or_else(PoisonError::into_inner).take())
}

fn jpeg(picture: &Picture) -> Result<Vec<u8>, String> {
    let broken = |e: gst::glib::BoolError| e.to_string();
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, picture.width, picture.height)
        .fps(gst::Fraction::new(0, 1))
        .build()
        .map_err(broken)?;
    let buffer = filled(&planar(picture), &info)?;
    Encoder::new(&info).map_err(broken)?.encode(buffer)
}

/// The planes in GStreamer's memory, with its own padding.
fn filled(planar: &Planar, info: &gst_video::VideoInfo) -> Result<gst::Buffer, String> {
    let buffer = gst::Buffer::with_size(info.size()).map_err(|e| e.to_string())?;
    let mut frame =
        gst_video::VideoFrame::from_buffer_writable(buffer, info).map_err(|_| "its memory cannot be written")?;
    for (index, (plane, &length)) in (0..).zip(planar.planes.iter().zip(&planar.strides)) {
        let stride = usize::try_from(frame.plane_stride()[index as usize]).map_err(|e| e.to_string())?;
        let to = frame.plane_data_mut(index).map_err(|e| e.to_string())?;
        for (from, to) in plane.chunks(length).zip(to.chunks_mut(stride)) {
            to[..length].copy_from_slice(from);
        }
    }
    Ok(frame.into_buffer())
}

struct Encoder {
    pipeline: gst::Pipeline,
    input: gst_app::AppSrc,
    output: gst_app::AppSink,
}

impl Encoder {
    fn new(info: &gst_video::VideoInfo) -> Result<Self, gst::glib::BoolError> {
        let input = gst_app::AppSrc::builder().caps(&info.to_caps()?).format(gst::Format::Time).build();
        let encoder = gst::ElementFactory::make("jpegenc").property("quality", QUALITY).build()?;
        let output = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        let chain = [input.upcast_ref(), &encoder, output.upcast_ref()];
        pipeline.add_many(chain)?;
        gst::Element::link_many(chain)?;
        let encoder = Self { pipeline, input, output };
        encoder.pipeline.set_state(gst::State::Playing).map_err(|e| gst::glib::bool_error!("{e}"))?;
        Ok(encoder)
    }

    fn encode(&self, mut picture: gst::Buffer) -> Result<Vec<u8>, String> {
        if let Some(picture) = picture.get_mut() {
            picture.set_pts(gst::ClockTime::ZERO);
        }
        let pushed = self.input.push_buffer(picture).and_then(|_| self.input.end_of_stream());
        let sample = pushed.ok().and_then(|_| self.output.try_pull_sample(PATIENCE));
        let bytes = sample.as_ref().and_then(|sample| sample.buffer()?.map_readable().ok());
        bytes.map(|bytes| bytes.to_vec()).ok_or_else(|| {
            let bus = self.pipeline.bus();
            let message = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
            let said = message.as_ref().and_then(|message| match message.view() {
                gst::MessageView::Error(error) => Some(error.error().to_string()),
                _ => None,
            });
            said.unwrap_or_else(|| "the JPEG encoder gave nothing".to_owned())
        })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("a JPEG encoder did not stop cleanly");
        }
    }
}
