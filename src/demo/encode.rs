//! Each stream of the street, rendered and encoded once and kept in a folder: rendering costs more than serving ever will.
//!
//! A stream's file is named after a hash of all that it depends on, so that a changed story is a new file. Written under
//! another name first, so that half a file is never taken for one.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use sha2::{Digest, Sha256};

use super::DemoError;
use crate::street::cameras::{DemoCamera, FPS, PERIOD_S, Stream, StreamCodec};
use crate::street::scene::Painter;

/// Changes when the same scene is drawn or encoded otherwise than before.
const VERSION: u32 = 1;
/// Pictures between two with which decoding can begin.
const KEY_EVERY: u32 = 2 * FPS;

/// An encoded stream: one period of it, to be played in a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// How it is encoded.
    pub codec: StreamCodec,
    /// Its pictures in decoding order.
    pub units: Vec<Unit>,
}

/// One encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its place in the order of showing.
    pub frame: u32,
    /// Whether decoding can begin here.
    pub key: bool,
    /// Annex B, parameter sets in front of a key picture.
    pub data: Vec<u8>,
}

type Made = Result<Arc<Clip>, DemoError>;

/// How far the preparation is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Which stream.
    pub stream: &'static str,
    /// 0..1.
    pub done: f64,
}

/// Gives all streams of the cameras, encoding those that are not in `cache` yet, on all cores.
pub fn prepare(
    cameras: &[DemoCamera],
    cache: &Path,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Vec<Arc<Clip>>, DemoError> {
    gst::init().map_err(|e| DemoError::Serve(e.to_string()))?;
    fs::create_dir_all(cache).map_err(|source| DemoError::Cache { path: cache.to_owned(), source })?;
    let jobs: Vec<(&DemoCamera, Stream)> =
        cameras.iter().flat_map(|c| c.streams.iter().map(move |s| (c, *s))).collect();
    let results: Mutex<Vec<(usize, Made)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, (camera, stream))) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, jobs.get(i)?)))
                {
                    let clip = one(camera, stream, cache, progress).map(Arc::new);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, clip));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, clip)| clip).collect()
}

fn one(
    camera: &DemoCamera,
    stream: &Stream,
    cache: &Path,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Clip, DemoError> {
    let path = file(camera, stream, cache);
    let failed = |source| DemoError::Cache { path: path.clone(), source };
    if path.exists() {
        let clip = read(&path, stream.codec).map_err(failed)?;
        progress(Progress { stream: stream.path, done: 1.0 });
        return Ok(clip);
    }
    let clip = encode(camera, stream, progress)?;
    write(&path, &clip).map_err(failed)?;
    progress(Progress { stream: stream.path, done: 1.0 });
    Ok(clip)
}

fn file(camera: &DemoCamera, stream: &Stream, cache: &Path) -> PathBuf {
    let all = format!("{VERSION} {FPS} {PERIOD_S} {stream:?} {:?}", camera.scene);
    let digest = Sha256::digest(all.as_bytes());
    let name = digest[..6].iter().fold(stream.path.to_owned() + "-", |name, byte| name + &format!("{byte:02x}"));
    cache.join(name + ".clip")
}

/// Renders and encodes one period of a stream.
pub fn encode(camera: &DemoCamera, stream: &Stream, progress: &(dyn Fn(Progress) + Sync)) -> Result<Clip, DemoError> {
    let failed = |reason: String| DemoError::Encode { stream: stream.path.to_owned(), reason };
    gst::init().map_err(|e| failed(e.to_string()))?;
    let pipeline = gst::parse::launch(&launch_line(stream)).map_err(|e| failed(e.to_string()))?;
    let pipeline =
        pipeline.downcast::<gst::Pipeline>().map_err(|_| failed("the launch line is no pipeline".to_owned()))?;
    let part = |name: &str| pipeline.by_name(name).ok_or_else(|| failed(format!("no element {name}")));
    let source = part("source")?.downcast::<AppSrc>().map_err(|_| failed("source is no appsrc".to_owned()))?;
    let sink = part("sink")?.downcast::<AppSink>().map_err(|_| failed("sink is no appsink".to_owned()))?;
    pipeline.set_state(gst::State::Playing).map_err(|e| failed(e.to_string()))?;
    let units = std::thread::scope(|scope| {
        let collector = scope.spawn(|| collect(&sink));
        let drawn = draw(camera, stream, &source, progress);
        let units = collector.join().map_err(|_| failed("the collecting thread ended early".to_owned()))?;
        drawn.map_err(failed)?;
        Ok(units)
    });
    let said = pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
    pipeline.set_state(gst::State::Null).map_err(|e| failed(e.to_string()))?;
    if let Some(gst::MessageView::Error(error)) = said.as_ref().map(|message| message.view()) {
        return Err(failed(error.error().to_string()));
    }
    let units = numbered(units?);
    let wanted = frame_count() as usize;
    if units.len() != wanted || !units.first().is_some_and(|u| u.key && u.frame == 0) {
        return Err(failed(format!("got {} pictures, wants {wanted} beginning with a key picture", units.len())));
    }
    Ok(Clip { codec: stream.codec, units })
}

/// Pictures in a period.
pub fn frame_count() -> u32 {
    (PERIOD_S * FPS as f32).round() as u32
}

fn launch_line(stream: &Stream) -> String {
    let Stream { codec, width, height, kbps, b_frames, .. } = stream;
    let caps = format!(
        "video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1,colorimetry=bt709,interlace-mode=progressive"
    );
    let (encoder, media) = match codec {
        StreamCodec::H264 => (
            format!(
                "x264enc speed-preset=veryfast threads=1 bitrate={kbps} vbv-buf-capacity=1500 key-int-max={KEY_EVERY} \
                 rc-lookahead=10 bframes={b_frames} b-adapt=false ! h264parse config-interval=-1"
            ),
            "video/x-h264",
        ),
        StreamCodec::H265 => (
            format!(
                "x265enc speed-preset=ultrafast bitrate={kbps} key-int-max={KEY_EVERY} \
                 option-string=\"bframes={b_frames}:open-gop=0:pools=1:frame-threads=1:log-level=none\" ! h265parse config-interval=-1"
            ),
            "video/x-h265",
        ),
    };
    format!(
        "appsrc name=source format=time block=true max-buffers=8 caps=\"{caps}\" ! {encoder} ! \
         {media},stream-format=byte-stream,alignment=au ! appsink name=sink sync=false"
    )
}

fn draw(
    camera: &DemoCamera,
    stream: &Stream,
    source: &AppSrc,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), String> {
    let mut scene = camera.scene.clone();
    scene.view = scene.view.sized(stream.width, stream.height);
    let mut painter = Painter::new(&scene);
    let interval = gst::ClockTime::SECOND / u64::from(FPS);
    for frame in 0..frame_count() {
        let t = frame as f32 / FPS as f32;
        painter.paint(t);
        let mut buffer = gst::Buffer::from_slice(painter.picture(t).bytes);
        let fresh = buffer.get_mut().expect("nobody else has this buffer yet");
        fresh.set_pts(interval * u64::from(frame));
        fresh.set_duration(interval);
        source.push_buffer(buffer).map_err(|e| format!("the encoder takes no more pictures: {e}"))?;
        if frame % (2 * FPS) == 0 {
            progress(Progress { stream: stream.path, done: f64::from(frame) / f64::from(frame_count()) });
        }
    }
    source.end_of_stream().map(drop).map_err(|e| e.to_string())
}

fn collect(sink: &AppSink) -> Vec<(gst::ClockTime, bool, Vec<u8>)> {
    let mut units = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        let Some(buffer) = sample.buffer() else { continue };
        let Ok(map) = buffer.map_readable() else { continue };
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        units.push((buffer.pts().unwrap_or_default(), key, map.to_vec()));
    }
    units
}

/// The encoders move all times by a constant; what counts is the order of showing.
fn numbered(units: Vec<(gst::ClockTime, bool, Vec<u8>)>) -> Vec<Unit> {
    let first = units.iter().map(|u| u.0).min().unwrap_or_default();
    let interval = (gst::ClockTime::SECOND / u64::from(FPS)).nseconds();
    let frame = |pts: gst::ClockTime| ((pts.saturating_sub(first).nseconds() + interval / 2) / interval) as u32;
    units.into_iter().map(|(pts, key, data)| Unit { frame: frame(pts), key, data }).collect()
}

fn write(path: &Path, clip: &Clip) -> io::Result<()> {
    let mut bytes = Vec::new();
    for unit in &clip.units {
        bytes.extend_from_slice(&unit.frame.to_le_bytes());
        bytes.push(u8::from(unit.key));
        bytes.extend_from_slice(&(unit.data.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&unit.data);
    }
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&unfinished, &bytes)?;
    fs::rename(&unfinished, path)
}

fn read(path: &Path, codec: StreamCodec) -> io::Result<Clip> {
    let bytes = fs::read(path)?;
    let mut rest = bytes.as_slice();
    let mut units = Vec::new();
    while !rest.is_empty() {
        let mut head = [0u8; 9];
        rest.read_exact(&mut head)?;
        let size = u32::from_le_bytes([head[5], head[6], head[7], head[8]]) as usize;
        let (data, after) = rest.split_at_checked(size).ok_or(io::ErrorKind::UnexpectedEof)?;
        units.push(Unit {
            frame: u32::from_le_bytes([head[0], head[1], head[2], head[3]]),
            key: head[4] == 1,
            data: data.to_vec(),
        });
        rest = after;
    }
    if units.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Clip { codec, units }) }
}

/// Writes one line and flushes it, for who reads line by line.
pub(super) fn say(line: &serde_json::Value) -> Result<(), DemoError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|e| DemoError::Serve(format!("nobody reads what it says: {e}")))
}
