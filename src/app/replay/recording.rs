//! What a detector saw, as a file: a rule change is tried on a week of recordings in seconds, without video and model.
//!
//! JSON lines. A line with `form` begins a camera's part: camera, when it starts, model, frames per second, configuration. Each
//! line after it is one frame: `t` nanoseconds since the start, `n` its number, `p` its presentation time where that is another,
//! `s` the picture's size where it changes, `d` what was seen, each as one text: class, confidence, x, y, width, height (0..1,
//! shortest decimal that reads back to the same bits) and the model's own name where it says more, `l` the small grey picture
//! where the camera's rules listen to the pixel cues (width, height, base64). A line with `blind` could not be decoded from there. Alerts replayed from it are the same bytes as those of the video.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

use super::{Replay, base64};
use crate::config::CameraSettings;
use crate::contract::time::{parse_rfc3339, rfc3339};
use crate::domain::cues::SmallLuma;
use crate::domain::detection::{Confidence, Detection, ModelCard, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::pipeline::capture::CaptureEvent;
use crate::pipeline::detect::DetectedFrame;
use crate::pipeline::packet::{CaptureClock, ClockQuality};

/// The form's version.
const FORM: u32 = 1;

/// What the first line of a camera's part says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The form's version.
    pub form: u32,
    /// The camera.
    pub camera: String,
    /// When its first frame was taken.
    pub start: String,
    /// Frames per second that were asked for.
    pub fps: f64,
    /// The hash of the configuration it was recorded with.
    pub config: String,
    /// The model that saw.
    pub model: Model,
}

/// A model as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the same as in an alert")]
pub struct Model {
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub runtime: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct FrameLine {
    t: i64,
    n: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    d: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<(u16, u16, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BlindLine {
    blind: String,
    t: i64,
}

/// Writes what a detector sees.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    out: BufWriter<File>,
    /// Of the part that begins with the next frame.
    next: Option<Header>,
    start: Timestamp,
    size: Option<(u32, u32)>,
}

impl Recorder {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(file),
            next: None,
            start: Timestamp::default(),
            size: None,
        })
    }

    /// Begins a camera's part; it is written with its first frame, which knows the model.
    pub(super) fn begin(&mut self, replay: &Replay, camera: &CameraSettings) {
        self.start = replay.start;
        self.next = Some(Header {
            form: FORM,
            camera: camera.id().to_string(),
            start: rfc3339(replay.start),
            fps: camera.stream.fps,
            config: replay.settings.hash.clone(),
            model: Model { name: String::new(), version: String::new(), sha256: String::new(), runtime: String::new() },
        });
    }

    pub(super) fn frame(&mut self, frame: &DetectedFrame) -> anyhow::Result<()> {
        if let Some(mut header) = self.next.take() {
            let ModelCard { name, version, sha256, runtime } = (*frame.model).clone();
            header.model = Model { name, version, sha256, runtime };
            self.size = None;
            self.line(&header)?;
        }
        let t = frame.captured_at.as_nanos() - self.start.as_nanos();
        let pts = u64::try_from(frame.pts.as_nanos()).unwrap_or(u64::MAX);
        let size = (frame.width, frame.height);
        let changed = self.size.replace(size) != Some(size);
        self.line(&FrameLine {
            t,
            n: frame.number,
            p: (i64::try_from(pts) != Ok(t)).then_some(pts),
            s: changed.then_some(size),
            d: frame.detections.iter().map(written).collect(),
            l: frame.luma.as_ref().map(|l| (l.width() as u16, l.height() as u16, base64::encode(l.pixels()))),
        })
    }

    /// A stretch that could not be decoded, from a moment.
    pub(super) fn blind(&mut self, at: Timestamp, cause: BlindCause) -> anyhow::Result<()> {
        // Before the first frame there is nothing to be blind of.
        if self.next.is_some() {
            return Ok(());
        }
        self.line(&BlindLine { blind: cause.as_str().to_owned(), t: at.as_nanos() - self.start.as_nanos() })
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.out.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn line(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        let mut write = || -> std::io::Result<()> {
            serde_json::to_writer(&mut self.out, line)?;
            self.out.write_all(b"\n")
        };
        write().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn written(seen: &Detection) -> String {
    let BBox { x, y, w, h } = seen.bbox;
    let (class, confidence) = (seen.class.as_str(), seen.confidence.get());
    match &seen.label {
        Some(label) => format!("{class} {confidence} {x} {y} {w} {h} {label}"),
        None => format!("{class} {confidence} {x} {y} {w} {h}"),
    }
}

fn read_back(text: &str) -> Option<Detection> {
    let mut parts = text.splitn(7, ' ');
    let class = ObjectClass::from_name(parts.next()?)?;
    let confidence = Confidence::clamped(parts.next()?.parse().ok()?);
    let mut side = || parts.next()?.parse::<f64>().ok();
    let bbox = BBox::new(side()?, side()?, side()?, side()?);
    Some(Detection { bbox, class, label: parts.next().map(Arc::from), confidence })
}

/// A camera's part of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The file.
    pub path: PathBuf,
    /// What its first line says.
    pub header: Header,
    /// Where its frames begin, in bytes.
    offset: u64,
    /// The line its frames begin at, from 1.
    line: u64,
    /// Its last frame's time, in nanoseconds since its start.
    pub lasts_ns: i64,
}

/// Looks through a file for its cameras.
pub fn sections(path: &Path) -> anyhow::Result<Vec<Section>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut found, mut offset, mut number, mut text) = (Vec::<Section>::new(), 0, 0, String::new());
    let mut last = String::new();
    loop {
        text.clear();
        let read = reader.read_line(&mut text).with_context(|| format!("{name}:{}: is not text", number + 1))?;
        offset += read as u64;
        number += 1;
        if (read == 0 || text.starts_with("{\"form\""))
            && let Some(section) = found.last_mut()
        {
            section.lasts_ns = serde_json::from_str::<FrameLine>(&last).map_or(0, |frame| frame.t);
        }
        if read == 0 {
            break;
        }
        if text.starts_with("{\"form\"") {
            let header: Header =
                serde_json::from_str(&text).with_context(|| format!("{name}:{number}: is no header of detections"))?;
            if header.form != FORM {
                bail!("{name}:{number}: is of form {}, this lightbar reads {FORM}", header.form);
            }
            parse_rfc3339(&header.start)
                .with_context(|| format!("{name}:{number}: start: got {:?}, wants a time", header.start))?;
            found.push(Section { path: path.to_owned(), header, offset, line: number + 1, lasts_ns: 0 });
        } else if found.is_empty() {
            bail!("{name}:1: is no file of detections; make one with lightbar replay --detections");
        }
        std::mem::swap(&mut last, &mut text);
    }
    if found.is_empty() {
        bail!("{name} is empty; make it with lightbar replay --detections");
    }
    Ok(found)
}

/// Plays parts of one camera, one after the other; gives what could not be used.
pub(super) fn play(
    sections: &[Section],
    start: Timestamp,
    frames: &Sender<DetectedFrame>,
    news: &Sender<CaptureEvent>,
) -> anyhow::Result<Vec<String>> {
    let mut remarks = Vec::new();
    let mut begin = start;
    for section in sections {
        let mut player = Player::new(section, begin);
        if let Some(remark) = player.play(frames, news)? {
            remarks.push(remark);
        }
        begin = player.next_begin();
    }
    Ok(remarks)
}

struct Player<'a> {
    section: &'a Section,
    begin: Timestamp,
    model: Arc<ModelCard>,
    size: (u32, u32),
    last: Timestamp,
}

impl<'a> Player<'a> {
    fn new(section: &'a Section, begin: Timestamp) -> Self {
        let Model { name, version, sha256, runtime } = section.header.model.clone();
        let model = Arc::new(ModelCard { name, version, sha256, runtime });
        Self { section, begin, model, size: (0, 0), last: begin }
    }

    /// One frame interval after the last.
    fn next_begin(&self) -> Timestamp {
        self.last.plus(Duration::from_secs_f64(1.0 / self.section.header.fps.clamp(0.01, 1000.0)))
    }

    fn play(&mut self, frames: &Sender<DetectedFrame>, news: &Sender<CaptureEvent>) -> anyhow::Result<Option<String>> {
        let name = self.section.path.display();
        let mut file = File::open(&self.section.path).with_context(|| format!("cannot read {name}"))?;
        file.seek(SeekFrom::Start(self.section.offset)).with_context(|| format!("cannot read {name}"))?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut text = String::new();
        for number in self.section.line.. {
            text.clear();
            let read = reader.read_line(&mut text).with_context(|| format!("{name}:{number}: is not text"))?;
            if read == 0 || text.starts_with("{\"form\"") {
                break;
            }
            if !text.ends_with('\n') {
                return Ok(Some(format!("{name}:{number}: the file ends in the middle of a line, which is left out")));
            }
            let gone = || anyhow!("the line stopped");
            if text.starts_with("{\"blind\"") {
                let event = self.blind(&text).with_context(|| format!("{name}:{number}"))?;
                news.blocking_send(event).map_err(|_| gone())?;
            } else {
                let frame = self.frame(&text).with_context(|| format!("{name}:{number}"))?;
                frames.blocking_send(frame).map_err(|_| gone())?;
            }
        }
        Ok(None)
    }

    fn at(&self, t: i64) -> Timestamp {
        Timestamp::from_nanos(self.begin.as_nanos().saturating_add(t))
    }

    fn blind(&self, text: &str) -> anyhow::Result<CaptureEvent> {
        let line: BlindLine = serde_json::from_str(text).context("a blind stretch is wanted")?;
        let cause = BlindCause::ALL.into_iter().find(|cause| cause.as_str() == line.blind);
        let cause = cause.with_context(|| format!("blind: got {:?}, wants a cause", line.blind))?;
        Ok(CaptureEvent::Blind { at: self.at(line.t), cause, message: "as recorded".to_owned() })
    }

    fn frame(&mut self, text: &str) -> anyhow::Result<DetectedFrame> {
        let line: FrameLine = serde_json::from_str(text).context("a frame is wanted")?;
        let at = self.at(line.t);
        if at < self.last {
            bail!("t: got {}, which is before the frame before it", line.t);
        }
        let read = |text: &String| {
            read_back(text).with_context(|| format!("d: got {text:?}, wants class, confidence, x, y, width and height"))
        };
        let detections = line.d.iter().map(read).collect::<anyhow::Result<_>>()?;
        let read = |(width, height, pixels): (u16, u16, String)| {
            let pixels = base64::decode(&pixels).and_then(|pixels| SmallLuma::new(width, height, pixels));
            pixels.context("l: wants width, height and as many pixels in base64")
        };
        let luma = line.l.map(read).transpose()?;
        self.last = at;
        self.size = line.s.unwrap_or(self.size);
        let pts = line.p.unwrap_or_else(|| u64::try_from(line.t).unwrap_or(0));
        Ok(DetectedFrame {
            captured_at: at,
            clock: ClockQuality { source: CaptureClock::File, error_ms: None, offset_ms: None },
            received_at: at,
            decoded_at: at,
            detected_at: at,
            pts: Duration::from_nanos(pts),
            number: line.n,
            width: self.size.0,
            height: self.size.1,
            detections,
            luma,
            model: Arc::clone(&self.model),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_seen_reads_back_to_the_same_bits(
            x in any::<f64>(), y in 0.0..1.0_f64, w in 0.0..1.0_f64, confidence in 0.0..1.0_f32, class in 0..14_usize,
            label in prop::option::of("[a-z]{1,6}( [a-z\"]{1,6})?"),
        ) {
            let seen = Detection {
                bbox: BBox::new(if x.is_finite() { x } else { 0.5 }, y, w, w / 3.0),
                class: ObjectClass::ALL[class],
                label: label.map(Arc::from),
                confidence: Confidence::clamped(confidence),
            };
            let line = serde_json::to_string(&FrameLine { t: -3, n: 1, p: None, s: None, d: vec![written(&seen)], l: None }).unwrap();
            let back: FrameLine = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read_back(&back.d[0]), Some(seen));
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            let path = dir.path().join("file");
            std::fs::write(&path, text).unwrap();
            sections(&path).unwrap_err().to_string()
        };
        assert!(file("").contains("is empty"));
        assert!(file("{\"alert_id\": 1}\n").contains("is no file of detections"));
        assert!(file("{\"form\":1}\n").contains(":1: is no header"));
    }
}
