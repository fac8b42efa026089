//! A video drawn upon: decoded, handed out picture by picture, encoded again. For previews on this machine; nothing here sends.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use gstreamer_video::VideoFrameExt as _;

use super::CameraError;

/// Pictures wider than this are made smaller: a preview is looked at, not measured.
const WIDTH_MAX: i32 = 1280;

/// A picture to draw on: 4:2:0, 8 bits, planes one after the other.
#[derive(Debug)]
pub struct Canvas<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Luma, then both chroma planes at half the size: bytes and bytes per row.
    pub planes: [(&'a mut [u8], usize); 3],
}

/// Draws on a picture, given its presentation time.
pub type Draw = Box<dyn FnMut(Duration, &mut Canvas<'_>) + Send>;

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// GStreamer is not whole.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// An element is missing or the parts do not fit.
    #[error("cannot build the preview: {0}")]
    Build(#[from] gst::glib::BoolError),
    /// It broke down on the way.
    #[error("the preview broke down: {0}")]
    Run(String),
}

/// Reads a video, lets each picture be drawn on, writes an MP4 (H.264); at most `per_second` pictures per second.
pub fn annotate(video: &Path, out: &Path, per_second: i32, draw: Draw) -> Result<(), AnnotateError> {
    super::init()?;
    let pipeline = gst::Pipeline::new();
    let file = gst::ElementFactory::make("filesrc").property("location", video).build()?;
    let decode = gst::ElementFactory::make("decodebin").build()?;
    let rate =
        gst::ElementFactory::make("videorate").property("max-rate", per_second).property("drop-only", true).build()?;
    let convert = gst::ElementFactory::make("videoconvert").build()?;
    let scale = gst::ElementFactory::make("videoscale").build()?;
    let wanted = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", gst::IntRange::new(2, WIDTH_MAX))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let caps = gst::ElementFactory::make("capsfilter").property("caps", wanted).build()?;
    let encode = gst::ElementFactory::make("x264enc").property("key-int-max", 50_u32).build()?;
    encode.set_property_from_str("speed-preset", "veryfast");
    let parse = gst::ElementFactory::make("h264parse").build()?;
    let mux = gst::ElementFactory::make("mp4mux").property("faststart", true).build()?;
    let sink = gst::ElementFactory::make("filesink").property("location", out).build()?;
    let chain = [&rate, &convert, &scale, &caps, &encode, &parse, &mux, &sink];
    pipeline.add(&file)?;
    pipeline.add(&decode)?;
    pipeline.add_many(chain)?;
    file.link(&decode)?;
    gst::Element::link_many(chain)?;
    let input = rate.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("videorate has no sink pad"))?;
    decode.connect_pad_added(move |_, pad| {
        let is_video = pad.current_caps().and_then(|caps| Some(caps.structure(0)?.name().starts_with("video/")));
        if is_video == Some(true) && !input.is_linked() {
            // What cannot be linked ends the pipeline with an error of its own.
            pad.link(&input).ok();
        }
    });
    let output = caps.static_pad("src").ok_or_else(|| gst::glib::bool_error!("capsfilter has no src pad"))?;
    draw_at(&output, draw);
    let result = run(&pipeline);
    pipeline.set_state(gst::State::Null).ok();
    result
}

fn draw_at(pad: &gst::Pad, draw: Draw) {
    let draw = Arc::new(Mutex::new(draw));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let format = pad.current_caps().and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        if let (Some(format), Some(gst::PadProbeData::Buffer(buffer))) = (format, info.data.as_mut()) {
            let time = segment.and_then(|event| {
                event.segment().downcast_ref::<gst::ClockTime>().and_then(|s| s.to_stream_time(buffer.pts()))
            });
            let at = Duration::from_nanos(time.or(buffer.pts()).map_or(0, gst::ClockTime::nseconds));
            draw_on(buffer.make_mut(), &format, at, &draw);
        }
        gst::PadProbeReturn::Ok
    });
}

fn draw_on(buffer: &mut gst::BufferRef, format: &gst_video::VideoInfo, at: Duration, draw: &Mutex<Draw>) {
    let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, format) else { return };
    let (width, height) = (format.width() as usize, format.height() as usize);
    // The buffer's own, which a decoder may have padded; the format's would be wrong.
    let strides: Vec<usize> = frame.plane_stride().iter().map(|&stride| usize::try_from(stride).unwrap_or(0)).collect();
    let [y, u, v, _] = frame.planes_data_mut();
    let mut canvas = Canvas { width, height, planes: [(y, strides[0]), (u, strides[1]), (v, strides[2])] };
    let mut draw = draw.lock().unwrap_or_else(PoisonError::into_inner);
    (*draw)(at, &mut canvas);
}

fn run(pipeline: &gst::Pipeline) -> Result<(), AnnotateError> {
    let bus = pipeline.bus().ok_or_else(|| gst::glib::bool_error!("a pipeline without a bus"))?;
    pipeline.set_state(gst::State::Playing).map_err(|e| AnnotateError::Run(e.to_string()))?;
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(error) => return Err(AnnotateError::Run(error.error().to_string())),
            _ => {}
        }
    }
    Err(AnnotateError::Run("it stopped without a word".to_owned()))
}
