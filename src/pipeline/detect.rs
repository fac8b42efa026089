//! The detect stage: a few workers look at the waiting frames of all cameras.
//!
//! Fair: cameras take turns, and each has at most one frame in flight. A camera whose queue of detections is full is passed
//! over until its reader has caught up, so that it stops no other; meanwhile newer frames replace the waiting one. Frames of
//! one camera leave in the order they came. A frame that the detector fails on is counted and the line goes on.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::frame::{Frame, Picture};
use super::packet::ClockQuality;
use super::ports::{Clock, DetectError, Detector};
use super::shrink::{LumaWish, shrink};
use super::slot::FrameSlot;
use crate::domain::cues::SmallLuma;
use crate::domain::detection::{Detection, ModelCard};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;
use crate::metrics::detect::{DetectDrop, DetectMetrics};

/// The bound of the queue between detect and analyze, per camera.
pub const DETECTED_QUEUE: usize = 8;

/// How long a worker rests when all that waits is for readers with a full queue: they cannot wake it.
const READER_CHECK: Duration = Duration::from_millis(10);

/// What was seen on a frame; the pixels have gone back to the decoder.
#[derive(Clone, Debug)]
pub struct DetectedFrame {
    /// When it was taken.
    pub captured_at: Timestamp,
    /// How well that is known.
    pub clock: ClockQuality,
    /// When its packet arrived.
    pub received_at: Timestamp,
    /// When it came out of the decoder.
    pub decoded_at: Timestamp,
    /// When the detector was done with it.
    pub detected_at: Timestamp,
    /// Presentation time within the stream.
    pub pts: Duration,
    /// Its number among the analysed frames.
    pub number: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The objects on it.
    pub detections: Vec<Detection>,
    /// Its small grey picture, where the camera's scene wants one.
    pub luma: Option<SmallLuma>,
    /// The model that saw them.
    pub model: Arc<ModelCard>,
}

/// Sees nothing: stands where no model is configured and the pixel cues look alone.
#[derive(Debug)]
pub struct NoDetector(ModelCard);

impl Default for NoDetector {
    fn default() -> Self {
        let none = || "none".to_owned();
        Self(ModelCard { name: none(), version: none(), sha256: "0".repeat(64), runtime: none() })
    }
}

impl Detector for NoDetector {
    fn detect(&mut self, _: &Picture) -> Result<Vec<Detection>, DetectError> {
        Ok(Vec::new())
    }

    fn model(&self) -> &ModelCard {
        &self.0
    }
}

/// The running stage.
pub struct DetectStage {
    shared: Arc<Shared>,
}

/// The stage did not stop in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the detect stage did not stop in time: {workers} workers still run, {waiting} frames wait")]
pub struct DetectLaggard {
    /// Workers still running.
    pub workers: usize,
    /// Frames still waiting.
    pub waiting: usize,
}

/// A camera's place in the stage. Dropping it lets the waiting frame go through, then closes the camera's queue.
#[derive(Debug)]
pub struct CameraLine {
    key: u64,
    shared: Weak<Shared>,
    slot: Arc<FrameSlot>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    metrics: Arc<DetectMetrics>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    /// The camera whose turn it is.
    turn: usize,
    next_key: u64,
    workers: usize,
    stopping: bool,
    abandoned: bool,
}

struct Line {
    key: u64,
    camera: CameraId,
    slot: Arc<FrameSlot>,
    out: Sender<DetectedFrame>,
    luma: Arc<LumaWish>,
    busy: bool,
    ending: bool,
    failing: bool,
}

struct Job {
    key: u64,
    camera: CameraId,
    frame: Frame,
    luma: bool,
    out: Sender<DetectedFrame>,
}

enum Next {
    Look(Box<Job>),
    Rest { readers_full: bool },
    End,
}

impl DetectStage {
    /// Starts a worker thread for each detector.
    pub fn start(
        detectors: Vec<Box<dyn Detector>>,
        metrics: Arc<DetectMetrics>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let state = State { workers: detectors.len(), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new(), metrics, clock });
        if let Some(detector) = detectors.first() {
            shared.metrics.uses(detector.model());
        }
        for (i, detector) in detectors.into_iter().enumerate() {
            let worker = Arc::clone(&shared);
            let started = thread::Builder::new().name(format!("detect-{i}")).spawn(move || worker.work(detector));
            if let Err(error) = started {
                shared.lock().abandoned = true;
                shared.wake.notify_all();
                return Err(error);
            }
        }
        Ok(Self { shared })
    }

    /// Adds a camera: its waiting frames are looked at and go to `out`, with small grey pictures while `luma` wants them.
    pub fn add_camera(
        &self,
        camera: CameraId,
        slot: Arc<FrameSlot>,
        luma: Arc<LumaWish>,
        out: Sender<DetectedFrame>,
    ) -> CameraLine {
        let key = {
            let mut state = self.shared.lock();
            let key = state.next_key;
            state.next_key += 1;
            state.lines.push(Line {
                key,
                camera: camera.clone(),
                slot: Arc::clone(&slot),
                out,
                luma,
                busy: false,
                ending: false,
                failing: false,
            });
            key
        };
        let shared = Arc::downgrade(&self.shared);
        let watcher = {
            let shared = Weak::clone(&shared);
            move |replaced: bool| {
                if let Some(shared) = shared.upgrade() {
                    if replaced {
                        shared.metrics.replaced(&camera);
                    }
                    shared.wake_one();
                }
            }
        };
        slot.watch(Some(Arc::new(watcher)));
        // A frame may have come before the watcher.
        self.shared.wake_one();
        CameraLine { key, shared, slot }
    }

    /// Drains: waits until every waiting frame is looked at and handed on, at most `deadline`; then closes all queues.
    pub fn stop(self, deadline: Duration) -> Result<(), DetectLaggard> {
        let until = Instant::now() + deadline;
        let mut state = self.shared.lock();
        state.stopping = true;
        self.shared.wake.notify_all();
        while state.workers > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waiting = state.lines.iter().filter(|line| line.slot.is_waiting()).count();
                return Err(DetectLaggard { workers: state.workers, waiting });
            }
            state = self.shared.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

impl Drop for DetectStage {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.abandoned = true;
        state.lines.clear();
        drop(state);
        self.shared.wake.notify_all();
    }
}

impl Drop for CameraLine {
    fn drop(&mut self) {
        self.slot.watch(None);
        if let Some(shared) = self.shared.upgrade() {
            let mut state = shared.lock();
            if let Some(line) = state.lines.iter_mut().find(|line| line.key == self.key) {
                line.ending = true;
            }
            shared.sweep(&mut state);
            drop(state);
            shared.wake.notify_all();
        }
    }
}

impl fmt::Debug for DetectStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DetectStage")
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("detect stage")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is a single step; a panic breaks none of them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under the lock, so that a worker that has just looked and is about to rest does not miss it.
    fn wake_one(&self) {
        drop(self.lock());
        self.wake.notify_one();
    }

    fn work(&self, mut detector: Box<dyn Detector>) {
        let _ending = EndOfWorker(self);
        let model = Arc::new(detector.model().clone());
        while let Some(job) = self.next_job() {
            self.look(&mut *detector, &model, *job);
        }
    }

    fn next_job(&self) -> Option<Box<Job>> {
        let mut state = self.lock();
        loop {
            match state.next() {
                Next::Look(job) => {
                    self.metrics.taken(&job.camera);
                    return Some(job);
                }
                Next::End => return None,
                Next::Rest { readers_full: false } => {
                    state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Next::Rest { readers_full: true } => {
                    state = self.wake.wait_timeout(state, READER_CHECK).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn look(&self, detector: &mut dyn Detector, model: &Arc<ModelCard>, job: Job) {
        let Job { key, camera, frame, luma, out } = job;
        let began = self.clock.now();
        let answer = detector.detect(&frame.picture);
        let detected_at = self.clock.now();
        self.metrics.looked(detected_at.seconds_from(began).max(0.0));
        let failed = answer.as_ref().err().cloned();
        let sent = answer.ok().map(|detections| {
            let luma = if luma { shrink(&frame.picture) } else { None };
            let detected = DetectedFrame {
                captured_at: frame.captured_at,
                clock: frame.clock,
                received_at: frame.received_at,
                decoded_at: frame.decoded_at,
                detected_at,
                pts: frame.pts,
                number: frame.number,
                width: frame.picture.width,
                height: frame.picture.height,
                detections,
                luma,
                model: Arc::clone(model),
            };
            // There is room: it was seen before the frame was taken, and nobody else fills this queue.
            out.try_send(detected).is_ok()
        });
        match sent {
            Some(true) => self.metrics.handed_on(&camera),
            Some(false) => self.metrics.dropped(&camera, DetectDrop::CameraRemoved),
            None => self.metrics.dropped(&camera, DetectDrop::DetectorFailed),
        }
        drop((out, frame));
        let mut state = self.lock();
        if let Some(line) = state.lines.iter_mut().find(|line| line.key == key) {
            line.busy = false;
            // Logged once where it begins and once where it ends, not for each frame.
            if line.failing != failed.is_some() {
                line.failing = failed.is_some();
                self.metrics.failing(line.failing);
                if let Some(error) = failed {
                    tracing::error!(%camera, %error, "the detector fails; frames are dropped until it works again");
                } else {
                    tracing::info!(%camera, "the detector works again");
                }
            }
        }
        self.sweep(&mut state);
        drop(state);
        self.wake.notify_all();
    }

    /// Lets go the cameras that are ending and have nothing left.
    fn sweep(&self, state: &mut State) {
        let done = |line: &Line| line.ending && !line.busy && !line.slot.is_waiting();
        for line in state.lines.iter().filter(|line| done(line)) {
            if line.failing {
                self.metrics.failing(false);
            }
        }
        state.lines.retain(|line| !done(line));
    }
}

/// Counts a worker off, also when it panics.
struct EndOfWorker<'a>(&'a Shared);

impl Drop for EndOfWorker<'_> {
    fn drop(&mut self) {
        self.0.lock().workers -= 1;
        self.0.wake.notify_all();
    }
}

impl State {
    fn next(&mut self) -> Next {
        if self.abandoned {
            return Next::End;
        }
        let count = self.lines.len();
        let mut readers_full = false;
        for i in (0..count).map(|step| (self.turn + step) % count) {
            let line = &mut self.lines[i];
            if line.busy || !line.slot.is_waiting() {
                continue;
            }
            if line.out.capacity() == 0 && !line.out.is_closed() {
                readers_full = true;
                continue;
            }
            if let Some(frame) = line.slot.take() {
                line.busy = true;
                let job = Job {
                    key: line.key,
                    camera: line.camera.clone(),
                    frame,
                    luma: line.luma.is_set(),
                    out: line.out.clone(),
                };
                self.turn = (i + 1) % count;
                return Next::Look(Box::new(job));
            }
        }
        let idle = !readers_full && self.lines.iter().all(|line| !line.busy);
        if self.stopping && idle { Next::End } else { Next::Rest { readers_full } }
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
