//! Between detector and scene: counts what comes, writes it down where asked to, and puts frames and news of the stream into
//! one order, the same in each run.

use anyhow::Context;
use tokio::sync::mpsc::{Receiver, Sender};

use super::recording::Recorder;
use super::{OnProgress, Progress};
use crate::domain::time::Timestamp;
use crate::pipeline::capture::CaptureEvent;
use crate::pipeline::detect::DetectedFrame;

/// Frames that wait before and behind the tap.
pub(super) const QUEUE: usize = 64;

/// The tap.
pub(super) struct Tap {
    pub(super) camera: String,
    pub(super) start: Timestamp,
    pub(super) frames: Sender<DetectedFrame>,
    pub(super) events: Sender<CaptureEvent>,
    pub(super) recorder: Option<Recorder>,
    pub(super) on: OnProgress,
    /// Frames for a preview, where one is wanted.
    pub(super) kept: Option<Vec<DetectedFrame>>,
    pub(super) seen: Seen,
}

/// What is left when all has come by.
pub(super) struct Tapped {
    pub(super) seen: Seen,
    pub(super) recorder: Option<Recorder>,
    pub(super) kept: Option<Vec<DetectedFrame>>,
}

/// What came by.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) frames: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    size: Option<(u32, u32)>,
    resized: Vec<(Timestamp, (u32, u32))>,
    broken: u64,
}

impl Tap {
    /// Runs until both inputs have ended.
    pub(super) async fn run(
        mut self,
        mut frames: Receiver<DetectedFrame>,
        mut news: Receiver<CaptureEvent>,
    ) -> anyhow::Result<Tapped> {
        let (mut frames_open, mut news_open) = (true, true);
        while frames_open || news_open {
            tokio::select! {
                biased;
                event = news.recv(), if news_open => match event {
                    Some(event) => self.told(event, &mut frames).await?,
                    None => news_open = false,
                },
                frame = frames.recv(), if frames_open => match frame {
                    Some(frame) => {
                        // News that came between the two questions is older than this frame.
                        while let Ok(event) = news.try_recv() {
                            self.told(event, &mut frames).await?;
                        }
                        self.frame(frame).await?;
                    }
                    None => frames_open = false,
                },
            }
        }
        Ok(Tapped { seen: self.seen, recorder: self.recorder, kept: self.kept })
    }

    /// News of the stream: a break belongs behind the frame it came after, which may still be with the detector.
    async fn told(&mut self, event: CaptureEvent, frames: &mut Receiver<DetectedFrame>) -> anyhow::Result<()> {
        if let CaptureEvent::Blind { at, cause, .. } = &event {
            while self.seen.last.is_none_or(|last| last < *at) {
                let Some(frame) = frames.recv().await else { break };
                self.frame(frame).await?;
            }
            self.seen.broken += 1;
            if let Some(recorder) = &mut self.recorder {
                recorder.blind(*at, *cause)?;
            }
            // The scene takes news first; the frames before it must be through.
            drop(self.frames.reserve_many(QUEUE).await.context("the analyze task has stopped")?);
        }
        self.events.send(event).await.context("the analyze task has stopped")
    }

    async fn frame(&mut self, frame: DetectedFrame) -> anyhow::Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame(&frame)?;
        }
        self.seen.frame(&frame);
        if let Some(kept) = &mut self.kept {
            kept.push(frame.clone());
        }
        let played_s = frame.captured_at.seconds_from(self.start);
        self.frames.send(frame).await.context("the analyze task has stopped")?;
        (self.on)(Progress { camera: &self.camera, played_s });
        Ok(())
    }
}

impl Seen {
    fn frame(&mut self, frame: &DetectedFrame) {
        self.frames += 1;
        self.first.get_or_insert(frame.captured_at);
        self.last = Some(frame.captured_at);
        let size = (frame.width, frame.height);
        if self.size.replace(size).is_some_and(|before| before != size) {
            self.resized.push((frame.captured_at, size));
        }
    }

    /// What was out of the ordinary, in words.
    pub(super) fn remarks(&self) -> Vec<String> {
        let first = self.first.unwrap_or_default();
        let mut remarks: Vec<String> = self
            .resized
            .iter()
            .take(5)
            .map(|(at, (w, h))| {
                format!(
                    "the picture changed to {w}x{h} at {:.1} s; zones keep their share of it",
                    at.seconds_from(first)
                )
            })
            .collect();
        if self.broken > 0 {
            remarks.push(format!("{} stretches could not be decoded and count as blind", self.broken));
        }
        if self.frames == 0 {
            remarks.push("no frame could be looked at".to_owned());
        }
        remarks
    }
}
