//! Detections to decisions: one task per camera, around its pure [`Scene`].
//!
//! Puts into order what the scene is told: frames as they come from the detector, blindness and sight as the capture stage
//! notices them, changes of configuration, and the passing of time while nothing comes. Hands on every alert change and
//! every blind interval; waits when the record stage is behind, never drops one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::capture::CaptureEvent;
use super::desk::Desk;
use super::detect::DetectedFrame;
use super::keep::Keeper;
use super::packet::{CaptureClock, ClockQuality};
use super::ports::{Clock, Decided, Fact, FrameRef};
use super::status::{SceneState, StatusBoard};
use crate::domain::alert::{AlertChange, AlertKind, Cue, EndReason, Phase};
use crate::domain::camera::CameraCard;
use crate::domain::detection::ModelCard;
use crate::domain::rules::Deliver;
use crate::domain::scene::{BlindCause, Observation, Scene, SceneConfig};
use crate::domain::time::Timestamp;
use crate::metrics::analyze::{AnalyzeMetrics, SceneMetrics};

/// How long nothing must have come before time passes by the server's clock. Longer than the line's latency, so that a frame
/// in flight does not come after the time it was taken at.
const QUIET: Duration = Duration::from_secs(2);

/// What the analyze task of a camera listens to.
pub struct AnalyzeInputs {
    /// Frames from the detect stage.
    pub frames: mpsc::Receiver<DetectedFrame>,
    /// Sight and blindness from the capture stage.
    pub events: mpsc::Receiver<CaptureEvent>,
    /// New rules, zones and card from a reload.
    pub changes: mpsc::Receiver<(SceneConfig, Arc<CameraCard>)>,
}

/// What it works with.
pub struct Analyzer {
    scene: Scene,
    card: Arc<CameraCard>,
    facts: mpsc::Sender<Fact>,
    clock: Arc<dyn Clock>,
    metrics: Arc<AnalyzeMetrics>,
    measured: SceneMetrics,
    board: Arc<StatusBoard>,
    desk: watch::Sender<Arc<Desk>>,
    /// The last moment that the scene knows of.
    seen_until: Option<Timestamp>,
    blind: Option<BlindCause>,
    view_moved: bool,
    detected_at: Option<Timestamp>,
    quality: ClockQuality,
    last_frame: Option<(FrameRef, Arc<ModelCard>)>,
    keeper: Option<Keeper>,
}

/// What all cameras' analyze tasks share.
#[derive(Clone)]
pub struct Surroundings {
    /// To the record stage.
    pub facts: mpsc::Sender<Fact>,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<AnalyzeMetrics>,
    /// Who is seen.
    pub board: Arc<StatusBoard>,
    /// What people have ordered.
    pub desk: watch::Sender<Arc<Desk>>,
}

/// The record stage is gone; nothing that is decided could be kept.
#[derive(Debug, thiserror::Error)]
#[error("the record stage has stopped")]
pub struct RecordStopped;

impl Analyzer {
    /// Around a scene, for the camera of `card`.
    pub fn new(scene: Scene, card: Arc<CameraCard>, around: Surroundings) -> Self {
        let Surroundings { facts, clock, metrics, board, desk } = around;
        let quality = ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None };
        let (seen_until, detected_at, last_frame) = (None, None, None);
        board.set_card(&card);
        let measured = metrics.scene(card.id.as_str());
        Self {
            scene,
            card,
            facts,
            clock,
            metrics,
            measured,
            board,
            desk,
            seen_until,
            blind: None,
            view_moved: false,
            detected_at,
            quality,
            last_frame,
            keeper: None,
        }
    }

    /// Keeps what stands over restarts.
    #[must_use]
    pub fn keeping(self, keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    /// Runs until frames and events have ended, then ends the open alerts with `reason`; gives the scene as it was left.
    pub async fn run(
        mut self,
        mut inputs: AnalyzeInputs,
        reason: impl FnOnce() -> EndReason + Send,
    ) -> Result<Scene, RecordStopped> {
        let mut timer = tokio::time::interval(Duration::from_millis(500));
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut reloads = true;
        let mut desk = self.desk.subscribe();
        let now = Arc::clone(&desk.borrow_and_update());
        self.take_orders(&now);
        let (mut frames, mut events) = (true, true);
        while frames || events {
            tokio::select! {
                // In this order: sight is told before the first frame that it gives.
                biased;
                event = inputs.events.recv(), if events => match event {
                    Some(event) => self.event(event).await?,
                    None => events = false,
                },
                frame = inputs.frames.recv(), if frames => match frame {
                    Some(frame) => self.frame(frame).await?,
                    None => frames = false,
                },
                change = inputs.changes.recv(), if reloads => match change {
                    Some((config, card)) => self.reconfigure(config, card).await?,
                    None => reloads = false,
                },
                Ok(()) = desk.changed() => {
                    let now = Arc::clone(&desk.borrow_and_update());
                    self.take_orders(&now);
                }
                _ = timer.tick() => {
                    self.pass_time().await?;
                    self.show();
                    self.keep().await;
                }
            }
        }
        let at = self.seen_until.unwrap_or_else(|| self.clock.now());
        let changes = self.scene.end_all(at, reason());
        self.decide(changes).await?;
        if let Some(keeper) = self.keeper.take() {
            let baseline = self.scene.baseline();
            keeper.finish(baseline).await;
        }
        Ok(self.scene)
    }

    async fn keep(&mut self) {
        let now = self.clock.now();
        let Some(keeper) = &mut self.keeper else { return };
        if keeper.is_due(now).await {
            keeper.keep(self.scene.baseline());
        }
    }

    /// A looked-at frame.
    pub async fn frame(&mut self, frame: DetectedFrame) -> Result<(), RecordStopped> {
        let at = self.advance(frame.captured_at);
        self.quality = frame.clock;
        self.detected_at = Some(frame.detected_at);
        if self.blind.is_none() && !self.view_moved {
            self.board.frame(&self.card.id, at);
        }
        let seen = FrameRef { width: frame.width, height: frame.height, number: frame.number, pts: frame.pts };
        self.last_frame = Some((seen, frame.model));
        self.scene.see_picture(frame.width, frame.height);
        let timer = self.measured.decide_seconds.start_timer();
        let changes =
            self.scene.observe(at, Observation::Analysed { detections: &frame.detections, luma: frame.luma.as_ref() });
        timer.observe_duration();
        self.measured.observations.inc();
        self.measured.tracks.set(self.scene.track_count() as i64);
        self.decide(changes).await?;
        self.note_view(at).await?;
        if let Some(cause) = self.blind {
            // It was on its way through the detector when the stream broke: a last look back, not sight.
            let changes = self.scene.observe(at, Observation::Blind { cause });
            self.decide(changes).await?;
        }
        // What comes without a frame (time passing, a broken stream) is decided by the clock.
        self.detected_at = None;
        Ok(())
    }

    /// Writes down when the view has moved away from its zones and lines, and when it is back.
    async fn note_view(&mut self, at: Timestamp) -> Result<(), RecordStopped> {
        let moved = self.scene.is_view_moved();
        if std::mem::replace(&mut self.view_moved, moved) == moved || self.blind.is_some() {
            return Ok(());
        }
        let camera = self.card.id.clone();
        if moved {
            let cause = BlindCause::ViewMoved;
            let message = "it looks elsewhere than where its zones and lines were drawn; rules pause".to_owned();
            tracing::warn!(%camera, "{message}");
            self.board.blind(&camera, at, cause, Some(message));
            self.hand_on(Fact::BlindSince { camera, from: at, cause }).await
        } else {
            tracing::info!(%camera, "it looks again where its zones and lines were drawn");
            self.board.frame(&camera, at);
            self.hand_on(Fact::SightedSince { camera, at }).await
        }
    }

    async fn event(&mut self, event: CaptureEvent) -> Result<(), RecordStopped> {
        match event {
            CaptureEvent::Blind { at, cause, message } => {
                let from = self.advance(at);
                self.blind = Some(cause);
                self.board.blind(&self.card.id, from, cause, Some(message));
                let camera = self.card.id.clone();
                self.hand_on(Fact::BlindSince { camera, from, cause }).await?;
                let changes = self.scene.observe(from, Observation::Blind { cause });
                self.decide(changes).await
            }
            CaptureEvent::Sighted { at } => {
                self.blind = None;
                // Where the view had moved before, the next look says so again.
                self.view_moved = false;
                let camera = self.card.id.clone();
                self.hand_on(Fact::SightedSince { camera, at }).await
            }
            CaptureEvent::Ended => Ok(()),
        }
    }

    async fn reconfigure(&mut self, config: SceneConfig, card: Arc<CameraCard>) -> Result<(), RecordStopped> {
        let at = self.seen_until.unwrap_or_else(|| self.clock.now());
        let changes = self.scene.reconfigure(config, at);
        // The endings still speak of the camera as it was when they were opened.
        self.decide(changes).await?;
        self.board.set_card(&card);
        self.card = card;
        Ok(())
    }

    fn take_orders(&mut self, desk: &Desk) {
        self.scene.order(desk.orders(&self.card.id));
        self.scene.watch_over(desk.things(&self.card.id));
    }

    /// Shows on the board what the scene is like.
    fn show(&self) {
        let rules = self.scene.standings();
        for standing in &rules {
            let armed = standing.watches && standing.deliver == Deliver::Alert;
            self.metrics.armed(self.card.id.as_str(), standing.rule.as_str(), armed);
        }
        let of_removals = self.scene.config().rules.iter().filter(|rule| rule.spec.kind() == AlertKind::ObjectRemoved);
        let removals = of_removals.map(|rule| rule.id.clone()).collect();
        self.board.set_scene(&self.card.id, SceneState { objects: self.scene.objects(), rules, removals });
    }

    /// Lets the server's time pass for a scene that nobody has told anything for a while, so that the alerts of a dead camera
    /// end all the same.
    async fn pass_time(&mut self) -> Result<(), RecordStopped> {
        let now = self.clock.now().minus(QUIET);
        if self.seen_until.is_some_and(|until| now <= until) || (self.seen_until.is_none() && self.blind.is_none()) {
            return Ok(());
        }
        self.seen_until = Some(now);
        let changes = self.scene.tick(now);
        self.decide(changes).await
    }

    /// The scene's time never goes back, whatever order news comes in.
    fn advance(&mut self, at: Timestamp) -> Timestamp {
        let at = self.seen_until.map_or(at, |until| until.max(at));
        self.seen_until = Some(at);
        at
    }

    async fn decide(&mut self, changes: Vec<AlertChange>) -> Result<(), RecordStopped> {
        for change in changes {
            let (kind, phase) = (change.kind.as_str(), change.phase.as_str());
            self.metrics.decided(kind, phase);
            if change.phase == Phase::Opened {
                self.keeper.iter_mut().for_each(Keeper::note_alert);
                let rule = change.rule.as_ref().map_or("", |rule| rule.id.as_str());
                self.metrics.opened(self.card.id.as_str(), rule, kind);
            }
            if change.held_back && change.phase == Phase::Opened {
                let rule = change.rule.as_ref().map_or("", |rule| rule.id.as_str());
                self.metrics.held_back(self.card.id.as_str(), rule);
            }
            if let Some(spent) = change.watched {
                // The store ends the order with the alert; other scenes and a restarted one must not take it again.
                self.desk.send_if_modified(|desk| {
                    Arc::make_mut(desk).watched.retain(|order| order.thing.id != spent);
                    false
                });
            }
            let spoken_by_frame = !change.cues.contains(&Cue::Stream);
            // The model is quoted where it had a say.
            let named = change.cues.contains(&Cue::Detector);
            let (frame, model) = match &self.last_frame {
                Some((frame, model)) if spoken_by_frame => (Some(*frame), named.then(|| Arc::clone(model))),
                _ => (None, None),
            };
            let (alert, number) = (change.id, frame.map(|frame| frame.number));
            tracing::debug!(camera = %self.card.id, kind, %alert, trace = alert.trace(), frame = number, "decided");
            let tells_why = change.phase != Phase::Updated;
            let explanation = tells_why.then(|| self.scene.explain(&change)).flatten().map(Box::new);
            let decided = Decided {
                explanation,
                change,
                camera: Arc::clone(&self.card),
                clock: self.quality,
                detected_at: self.detected_at.unwrap_or_else(|| self.clock.now()),
                frame,
                model,
            };
            self.hand_on(Fact::Alert(Box::new(decided))).await?;
        }
        Ok(())
    }

    async fn hand_on(&mut self, fact: Fact) -> Result<(), RecordStopped> {
        self.facts.send(fact).await.map_err(|_| RecordStopped)
    }
}

#[cfg(test)]
#[path = "analyze_tests.rs"]
mod tests;
