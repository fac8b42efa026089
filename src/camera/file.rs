//! A video file instead of a camera, with the same output.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use tokio::sync::mpsc;

use super::access_unit::{CHANNEL, PacketSender, SharedFacts, Stamp, Stamper, Unit, attach_sink, lock};
use super::session::{Judge, Session, Silence};
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::pipeline::packet::{CaptureClock, ClockQuality, Codec, Packet};
use crate::pipeline::ports::{Clock, PacketSource, PacketStream, SourceError};

/// How long a file may say nothing before it has shown a track. GStreamer's `parsebin` swallows what a demuxer says of a broken file
/// while the two are being linked, if the demuxer is quick.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// How fast a file is played, and when its pictures count as taken.
#[derive(Clone)]
pub enum FilePace {
    /// As fast as they are consumed; taken at this start plus presentation time, received when taken. Nothing depends on a clock.
    AsConsumed(Timestamp),
    /// In real time, like a camera that begins when it is opened; taken at that moment by this clock plus presentation time.
    Realtime(Arc<dyn Clock>),
}

/// A video file as a source.
pub struct FileSource {
    path: PathBuf,
    pace: FilePace,
    newest: Arc<Mutex<Option<Timestamp>>>,
}

impl std::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileSource({})", self.path.display())
    }
}

impl FileSource {
    /// A source for this file: any container GStreamer knows, with H.264 or H.265 in it.
    pub fn new(path: impl Into<PathBuf>, pace: FilePace) -> Self {
        Self { path: path.into(), pace, newest: Arc::default() }
    }

    fn stamper(&self) -> Box<dyn Stamper> {
        let newest = Arc::clone(&self.newest);
        // A file that is played again goes on where it was: the camera's timeline never goes back.
        let floor = newest.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.plus(Duration::from_millis(1)));
        Box::new(FileStamper { pace: self.pace.clone(), newest, floor, begun: None })
    }

    fn build(&self, sender: PacketSender, facts: &SharedFacts) -> Result<gst::Pipeline, gst::glib::BoolError> {
        let pipeline = gst::Pipeline::new();
        let file = gst::ElementFactory::make("filesrc").property("location", &self.path).build()?;
        let parse = gst::ElementFactory::make("parsebin").build()?;
        pipeline.add_many([&file, &parse])?;
        file.link(&parse)?;
        let paced = matches!(self.pace, FilePace::Realtime(_));
        let (weak, facts) = (pipeline.downgrade(), Arc::clone(facts));
        let parts = Mutex::new(Some((sender, self.stamper())));
        parse.connect_pad_added(move |parse, pad| {
            let Some(pipeline) = weak.upgrade() else { return };
            let (name, codec) = codec_of(pad);
            lock(&facts).offered.push(name);
            let Some(codec) = codec else { return };
            let Some((sender, stamper)) = parts.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
            lock(&facts).codec = Some(codec);
            let linked = attach_sink(&pipeline, codec, sender, Arc::clone(&facts), stamper, paced).and_then(|parser| {
                let input =
                    parser.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("the parser has no sink pad"))?;
                pad.link(&input).map_err(|e| gst::glib::bool_error!("{e}"))
            });
            if let Err(e) = linked {
                gst::element_error!(parse, gst::CoreError::Failed, ("cannot link the video track: {e}"));
            }
        });
        Ok(pipeline)
    }
}

/// The file's start plus presentation time.
struct FileStamper {
    pace: FilePace,
    newest: Arc<Mutex<Option<Timestamp>>>,
    floor: Option<Timestamp>,
    begun: Option<Timestamp>,
}

impl Stamper for FileStamper {
    fn stamp(
        &mut self,
        unit: Unit,
        buffer: &gst::BufferRef,
        segment: &gst::FormattedSegment<gst::ClockTime>,
    ) -> Option<Vec<Packet>> {
        // Stream time: what players show, without the shift that a container gives streams with B-frames.
        let pts = Duration::from_nanos(segment.to_stream_time(buffer.pts()?).map_or(0, gst::ClockTime::nseconds));
        let start = *self.begun.get_or_insert_with(|| match &self.pace {
            FilePace::AsConsumed(start) => *start,
            FilePace::Realtime(clock) => clock.now().minus(pts).max(self.floor.unwrap_or_default()),
        });
        let captured_at = start.plus(pts);
        let received_at = match &self.pace {
            FilePace::AsConsumed(_) => captured_at,
            FilePace::Realtime(clock) => clock.now(),
        };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(newest.map_or(captured_at, |newest| newest.max(captured_at)));
        let clock = ClockQuality { source: CaptureClock::File, error_ms: None, offset_ms: None };
        Some(vec![unit.stamped(Stamp { captured_at, clock, received_at, pts })])
    }
}

impl PacketSource for FileSource {
    fn open(&self) -> Result<PacketStream, SourceError> {
        super::init()?;
        if let Err(e) = std::fs::metadata(&self.path) {
            let message = format!("cannot open {}: {e}", self.path.display());
            return Err(SourceError { cause: BlindCause::Unreachable, message });
        }
        let (sender, packets) = mpsc::channel(CHANNEL);
        let facts = SharedFacts::default();
        let pipeline = self.build(sender.clone(), &facts).map_err(|e| unusable(&self.path, &e.to_string()))?;
        let (path, found) = (self.path.clone(), Arc::clone(&facts));
        let silence = Silence {
            patience: PATIENCE,
            has_begun: Box::new(move || !lock(&found).offered.is_empty()),
            error: unusable(&self.path, "no video was found in it; it is incomplete, or no video file"),
        };
        let judge: Judge = Box::new(move |message| judge(message, &path, &facts));
        let session = Session::start(pipeline, sender, judge, Some(silence))?;
        Ok(PacketStream { packets, guard: Box::new(session) })
    }
}

fn codec_of(pad: &gst::Pad) -> (String, Option<Codec>) {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let name = caps.structure(0).map_or_else(|| "unknown".to_owned(), |s| s.name().to_string());
    let codec = match name.as_str() {
        "video/x-h264" => Some(Codec::H264),
        "video/x-h265" => Some(Codec::H265),
        _ => None,
    };
    (name, codec)
}

fn judge(message: &gst::MessageView<'_>, path: &Path, facts: &SharedFacts) -> Option<Result<(), SourceError>> {
    let facts = lock(facts);
    let no_video = || {
        let offered = if facts.offered.is_empty() { "nothing".to_owned() } else { facts.offered.join(", ") };
        unusable(path, &format!("it holds {offered}; video in H.264 or H.265 is needed"))
    };
    match message {
        gst::MessageView::Eos(_) if facts.codec.is_none() => Some(Err(no_video())),
        gst::MessageView::Eos(_) if facts.without_time > 0 => Some(Err(unusable(
            path,
            &format!(
                "{} of its pictures have no time stamp; a container gives them some: ffmpeg -r 25 -i FILE -c copy OUT.mp4",
                facts.without_time
            ),
        ))),
        gst::MessageView::Eos(_) => Some(Ok(())),
        gst::MessageView::Error(_) if facts.codec.is_none() && !facts.offered.is_empty() => Some(Err(no_video())),
        gst::MessageView::Error(error) => Some(Err(unusable(path, &error.error().to_string()))),
        _ => None,
    }
}

fn unusable(path: &Path, why: &str) -> SourceError {
    SourceError { cause: BlindCause::Unusable, message: format!("cannot play {}: {why}", path.display()) }
}

/// How long a file says that its video is; none where it does not say, or is no video.
pub fn duration(path: &Path) -> Option<Duration> {
    super::init().ok()?;
    let pipeline = gst::Pipeline::new();
    let file = gst::ElementFactory::make("filesrc").property("location", path).build().ok()?;
    let parse = gst::ElementFactory::make("parsebin").build().ok()?;
    pipeline.add_many([&file, &parse]).ok()?;
    file.link(&parse).ok()?;
    let weak = pipeline.downgrade();
    parse.connect_pad_added(move |_, pad| {
        // Every track needs an end, or the pipeline never comes to rest.
        let end = gst::ElementFactory::make("fakesink").property("sync", false).build();
        if let (Some(pipeline), Ok(end)) = (weak.upgrade(), end)
            && pipeline.add(&end).is_ok()
            && end.sync_state_with_parent().is_ok()
            && let Some(input) = end.static_pad("sink")
        {
            // A track that cannot be linked says nothing of the length.
            pad.link(&input).ok();
        }
    });
    let begun = pipeline.set_state(gst::State::Paused).is_ok();
    let length = begun.then(|| asked_for_length(&pipeline)).flatten();
    pipeline.set_state(gst::State::Null).ok();
    length.map(|length| Duration::from_nanos(length.nseconds()))
}

/// The length, as soon as the file's table is read: messages come by meanwhile, an error ends it.
fn asked_for_length(pipeline: &gst::Pipeline) -> Option<gst::ClockTime> {
    const PATIENCE: usize = 50;
    let bus = pipeline.bus()?;
    for _ in 0..PATIENCE {
        if let Some(length) = pipeline.query_duration::<gst::ClockTime>() {
            return Some(length);
        }
        let message = bus.timed_pop(gst::ClockTime::from_mseconds(100));
        if message.is_some_and(|message| message.type_() == gst::MessageType::Error) {
            return None;
        }
    }
    None
}
