//! Files instead of cameras, the same line, deterministic: two runs give the same bytes.
//!
//! Nothing is dropped: each stage waits for the next. Times that a wall clock would give are the frame's own, and ids are made
//! of configuration, camera, rule and ordinal. What the detector saw can be written down, and replayed without it.

mod film;
mod tap;
mod preview;
pub mod recording;
mod base64;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc;

use self::film::Projector;
use self::recording::{Recorder, Section};
use self::tap::{Seen, Tap};
use crate::config::{CameraSettings, Settings};
use crate::contract::alert_v1::AlertV1;
use crate::contract::{ExplanationV1, Site};
use crate::domain::alert::{EndReason, Phase};
use crate::domain::baseline::Baseline;
use crate::domain::ids::{IdSeed, TrackId};
use crate::domain::scene::Scene;
use crate::domain::time::Timestamp;
use crate::domain::trace::Trail;
use crate::metrics::Metrics;
use crate::pipeline::analyze::{AnalyzeInputs, Analyzer, Surroundings};
use crate::pipeline::detect::DetectedFrame;
use crate::pipeline::ports::{Clock, Decided, Fact};
use crate::pipeline::status::StatusBoard;

/// What to replay.
#[derive(Debug)]
pub struct Replay {
    /// The configuration: model, and the cameras' zones, lines and rules.
    pub settings: Settings,
    /// What stands for which camera.
    pub reels: Vec<Reel>,
    /// When each reel's first frame was taken.
    pub start: Timestamp,
    /// Where to write down what the detector saw.
    pub record: Option<PathBuf>,
    /// Where to draw a preview of the one video.
    pub preview: Option<PathBuf>,
    /// Keep the story of this track.
    pub trace: Option<TrackId>,
}

/// What stands for a camera.
#[derive(Clone, Debug)]
pub struct Reel {
    /// The camera.
    pub camera: CameraSettings,
    /// What is played.
    pub film: Film,
}

/// What is played.
#[derive(Clone, Debug)]
pub enum Film {
    /// Video files; each begins where the one before it ended.
    Videos(Vec<PathBuf>),
    /// What a detector saw before.
    Detections(Vec<Section>),
}

/// What came of a reel.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// The camera.
    pub camera: String,
    /// Frames that were looked at.
    pub frames: u64,
    /// Alerts that were opened.
    pub alerts: u64,
    /// Lines that were written: one for each opening, change and end.
    pub changes: u64,
    /// When the first and the last frame that were looked at were taken.
    pub watched: Option<(Timestamp, Timestamp)>,
    /// What of the files could not be used, in words.
    pub remarks: Vec<String>,
    /// Why alerts were raised and what became of them, in order.
    pub explanations: Vec<ExplanationV1>,
    /// The story of the track that was asked for.
    pub trail: Option<Trail>,
}

/// How far a reel is, at each frame.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Its camera.
    pub camera: &'a str,
    /// Seconds of media since the reel's beginning.
    pub played_s: f64,
}

/// Who is told of progress.
pub type OnProgress = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// A clock that stands: in a replay no time passes but the file's.
struct StandingClock(Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Replay {
    /// Runs all reels through the line, one after the other; writes each alert change as a line of JSON, as Kafka would carry it.
    pub async fn run(self, out: &mut (impl Write + Send), on: OnProgress) -> anyhow::Result<Vec<Replayed>> {
        let metrics = Metrics::new()?;
        let clock: Arc<dyn Clock> = Arc::new(StandingClock(self.start));
        let has_video = self.reels.iter().any(|reel| matches!(reel.film, Film::Videos(_)));
        // Without videos no model is needed, nor even there.
        let projector = has_video.then(|| Projector::new(&self.settings, &metrics, &clock)).transpose()?.map(Arc::new);
        let mut recorder = self.record.as_deref().map(Recorder::create).transpose()?;
        let mut done = Vec::new();
        for reel in &self.reels {
            let run = Run { replay: &self, reel, metrics: &metrics, clock: &clock };
            let (replayed, returned) = run.play(projector.as_ref(), recorder, out, &on).await?;
            recorder = returned;
            done.push(replayed);
        }
        out.flush().context("cannot write the alerts")?;
        recorder.map(Recorder::finish).transpose()?;
        Ok(done)
    }
}

/// One reel on its way through the line.
struct Run<'a> {
    replay: &'a Replay,
    reel: &'a Reel,
    metrics: &'a Metrics,
    clock: &'a Arc<dyn Clock>,
}

impl Run<'_> {
    async fn play(
        &self,
        projector: Option<&Arc<Projector>>,
        recorder: Option<Recorder>,
        out: &mut (impl Write + Send),
        on: &OnProgress,
    ) -> anyhow::Result<(Replayed, Option<Recorder>)> {
        let camera = &self.reel.camera;
        let (facts, mut decided) = mpsc::channel(crate::pipeline::record::QUEUE);
        let (to_analyze, frames) = mpsc::channel(tap::QUEUE);
        let (events_on, events) = mpsc::channel(32);
        let (no_changes, changes) = mpsc::channel(1);
        drop(no_changes);
        let analyzer = self.analyzer(facts);
        let analyze = tokio::spawn(analyzer.run(AnalyzeInputs { frames, events, changes }, || EndReason::CameraLost));

        let mut recorder = recorder;
        if let Some(recorder) = &mut recorder {
            recorder.begin(self.replay, camera);
        }
        let (seen_out, seen) = mpsc::channel(tap::QUEUE);
        let (news_out, news) = mpsc::channel(32);
        let tap = Tap {
            camera: camera.id().to_string(),
            start: self.replay.start,
            frames: to_analyze,
            events: events_on,
            recorder,
            on: Arc::clone(on),
            kept: self.replay.preview.is_some().then(Vec::new),
            seen: Seen::default(),
        };
        let tap = tokio::spawn(tap.run(seen, news));
        let film = match (&self.reel.film, projector) {
            (Film::Videos(videos), Some(projector)) => tokio::spawn(Arc::clone(projector).project(
                videos.clone(),
                camera.clone(),
                self.replay.start,
                (seen_out, news_out),
            )),
            (Film::Videos(_), None) => anyhow::bail!("no model was loaded for {}", camera.id()),
            (Film::Detections(sections), _) => {
                let (sections, start) = (sections.clone(), self.replay.start);
                tokio::task::spawn_blocking(move || recording::play(&sections, start, &seen_out, &news_out))
            }
        };

        let mut done = Replayed { camera: camera.id().to_string(), ..Replayed::default() };
        let site = Site::new(&self.replay.settings.service.site, self.replay.settings.service.node.clone());
        while let Some(fact) = decided.recv().await {
            if let Fact::Alert(decided) = fact {
                done.changes += 1;
                done.alerts += u64::from(decided.change.phase == Phase::Opened);
                done.explanations.extend(decided.explanation.as_deref().map(ExplanationV1::from));
                writeln!(out, "{}", line(*decided, &site)).context("cannot write the alerts")?;
            }
        }
        let tapped = tap.await.context("the replay's tap panicked")?;
        let remarks = film.await.context("the replay's projector panicked")?;
        let tap::Tapped { seen, recorder, kept } = tapped?;
        done.remarks = remarks?;
        done.remarks.extend(seen.remarks());
        let scene = analyze.await.context("the analyze task panicked")??;
        done.trail = self.replay.trace.and_then(|track| scene.trail(track)).cloned();
        (done.frames, done.watched) = (seen.frames, seen.first.zip(seen.last));
        if let (Some(out), Some(frames), Film::Videos(videos)) = (&self.replay.preview, kept, &self.reel.film) {
            self.preview(videos, out, frames).await?;
        }
        Ok((done, recorder))
    }

    async fn preview(&self, videos: &[PathBuf], out: &Path, frames: Vec<DetectedFrame>) -> anyhow::Result<()> {
        let [video] = videos else { anyhow::bail!("a preview is of one video; here are {}", videos.len()) };
        let (video, out, camera, start) = (video.clone(), out.to_owned(), self.reel.camera.clone(), self.replay.start);
        let drawn = tokio::task::spawn_blocking(move || preview::write(&video, &out, &camera, start, frames));
        drawn.await.context("the preview panicked")?
    }

    fn analyzer(&self, facts: mpsc::Sender<Fact>) -> Analyzer {
        let (camera, start) = (&self.reel.camera, self.replay.start);
        let board = Arc::new(StatusBoard::new(start, &[]));
        board.add_camera(camera.id(), None, start);
        let around = Surroundings {
            facts,
            clock: Arc::clone(self.clock),
            metrics: Arc::clone(&self.metrics.analyze),
            board,
            desk: tokio::sync::watch::Sender::new(Arc::default()),
        };
        let seed = IdSeed::from_texts(&[&self.replay.settings.hash, camera.id().as_str()]);
        // A replay knows nothing from before the files.
        let mut scene = Scene::new(camera.scene.clone(), seed, Baseline::default());
        if let Some(track) = self.replay.trace {
            scene = scene.keeping_trail(track);
        }
        Analyzer::new(scene, Arc::clone(&camera.card), around)
    }
}

fn line(mut decided: Decided, site: &Site) -> String {
    let at = decided.change.captured_at;
    decided.detected_at = at;
    AlertV1::new(&decided, site, at).to_json()
}
