//! One camera's scene: observations in, alert changes out. The heart of the service.
//!
//! Sans-I/O. Time is what the observations say; `tick` lets time pass when nothing is seen, so that a dead camera still ends
//! its alerts. Never drops an alert, knows nothing of Kafka, `SQLite` or `GStreamer`.

mod config;
mod seen;

pub use config::{NamedLine, SceneConfig, SightConfig};
pub use seen::{BlindCause, Observation, SceneObject};

use super::baseline::{Baseline, Told};
use super::cues::explain;
use super::sight::{Blinded, Sight};
use crate::domain::alert::book::AlertBook;
use crate::domain::alert::{AlertChange, EndReason};
use crate::domain::arming::{Order, WatchedThing};
use crate::domain::cues::view::{ViewState, ViewWatch};
use crate::domain::cues::{Cues, SmallLuma};
use crate::domain::detection::Detection;
use crate::domain::geometry::Ruler;
use crate::domain::ids::{IdSeed, TrackId};
use crate::domain::rules::RuleStanding;
use crate::domain::rules::engine::{Engine, View};
use crate::domain::time::Timestamp;
use crate::domain::trace::{Explanation, Trace, Trail};
use crate::domain::tracking::Tracker;

/// Detections of one frame that are looked at; detectors give a few hundred at most.
const MAX_DETECTIONS: usize = 1024;

/// One camera's scene.
#[derive(Debug)]
pub struct Scene {
    config: SceneConfig,
    now: Timestamp,
    sight: Sight,
    tracker: Tracker,
    cues: Cues,
    view: ViewWatch,
    view_seen: Option<Timestamp>,
    moved: bool,
    engine: Engine,
    ruler: Ruler,
    book: AlertBook,
    last_seen: Vec<Detection>,
    trace: Trace,
    told: Told,
}

impl Scene {
    /// A scene of which nothing is known but the things of `baseline`: they are looked for on their places and, where they
    /// still stand, are what they were before.
    pub fn new(config: SceneConfig, ids: IdSeed, baseline: Baseline) -> Self {
        let mut engine = Engine::new(&config);
        for thing in &baseline.things {
            engine.recall(thing.track, &thing.told);
        }
        let told = Told::new(&baseline);
        Self {
            now: Timestamp::from_nanos(i64::MIN),
            sight: Sight::new(config.sight),
            tracker: Tracker::restored(config.tracker.clone(), baseline),
            cues: Cues::default(),
            view: ViewWatch::default(),
            view_seen: None,
            moved: false,
            engine,
            ruler: Ruler::on(config.ground.clone()),
            book: AlertBook::new(config.camera.clone(), ids),
            last_seen: Vec::new(),
            trace: Trace::default(),
            told,
            config,
        }
    }

    /// The things that stand now, for a scene after a restart.
    pub fn baseline(&self) -> Baseline {
        self.tracker.baseline(|track| self.told.of(track))
    }

    /// Takes in what was seen `at` a moment not before the last one (an earlier one is taken as the last one); gives what
    /// changed, in order.
    pub fn observe(&mut self, at: Timestamp, seen: Observation<'_>) -> Vec<AlertChange> {
        let at = at.max(self.now);
        let mut changes = self.pass_time(at);
        match seen {
            Observation::Analysed { detections, luma } => {
                // A hostile or broken model must not make the scene grow.
                let boxes = detections.iter().filter(|d| d.bbox.is_in_picture());
                self.last_seen = boxes.take(MAX_DETECTIONS).cloned().collect();
                let luma = luma.filter(|_| self.config.needs_luma());
                if luma.is_some_and(|luma| self.has_moved(at, luma)) {
                    self.cues.lose_sight();
                    changes.extend(self.go_blind(at, BlindCause::ViewMoved));
                    return changes;
                }
                let moving = luma.map_or_else(Vec::new, |luma| self.look_at_pixels(at, luma));
                changes.extend(self.look(at, Look { analysed: true, pixels: luma.is_some(), moving: &moving }));
            }
            Observation::LookedUnchanged => {
                changes.extend(self.look(at, Look { analysed: false, pixels: false, moving: &[] }));
            }
            Observation::Blind { cause } => changes.extend(self.go_blind(at, cause)),
        }
        self.trace.decided(&changes);
        changes
    }

    /// Lets time pass until `now` without anything seen.
    pub fn tick(&mut self, now: Timestamp) -> Vec<AlertChange> {
        let changes = self.pass_time(now.max(self.now));
        self.trace.decided(&changes);
        changes
    }

    /// Ends every open alert, because the service stops, the camera is removed or its rules change.
    pub fn end_all(&mut self, at: Timestamp, reason: EndReason) -> Vec<AlertChange> {
        self.now = at.max(self.now);
        let changes = self.book.end_all(self.now, reason);
        self.trace.decided(&changes);
        changes
    }

    /// Takes another configuration of the same camera. Tracks stay; rules that have not changed, nor their ground, go on as if
    /// nothing had happened; alerts of the others end as `rule_changed`.
    pub fn reconfigure(&mut self, config: SceneConfig, at: Timestamp) -> Vec<AlertChange> {
        self.now = at.max(self.now);
        self.sight.reconfigure(config.sight);
        self.tracker.reconfigure(config.tracker.clone());
        self.ruler.set_ground(config.ground.clone());
        if config.zones != self.config.zones || config.lines != self.config.lines {
            // They are drawn on what the camera shows now.
            self.view.forget();
            self.moved = false;
        }
        let changes = self.engine.reconfigure(&config, self.now, &mut self.book);
        self.config = config;
        self.trace.decided(&changes);
        changes
    }

    /// Tells the size of the pictures that detections come from; until then a picture of 16 to 9 is assumed.
    pub fn see_picture(&mut self, width: u32, height: u32) {
        self.ruler.see_picture(width, height);
    }

    /// Takes people's orders about this camera's rules, in the order in which they were given. What goes on when a rule is armed
    /// becomes an alert at the next look.
    pub fn order(&mut self, orders: Vec<Order>) {
        self.engine.order(orders);
    }

    /// Takes the standing things that people have asked to watch here.
    pub fn watch_over(&mut self, things: Vec<WatchedThing>) {
        self.engine.watch_over(things);
    }

    /// How each rule stands at the scene's last moment.
    pub fn standings(&self) -> Vec<RuleStanding> {
        self.engine.standings(self.now)
    }

    /// What the scene was configured with.
    pub const fn config(&self) -> &SceneConfig {
        &self.config
    }

    /// Why an alert was raised, and what became of it: what is remembered of its objects until now.
    pub fn explain(&self, change: &AlertChange) -> Option<Explanation> {
        self.trace.explain(change)
    }

    /// The story of a track, as long as it is remembered.
    pub fn trail(&self, track: TrackId) -> Option<&Trail> {
        self.trace.trail(track)
    }

    /// Remembers a track's story however long it has been over.
    #[must_use]
    pub fn keeping_trail(mut self, track: TrackId) -> Self {
        self.trace.keep(track);
        self
    }

    /// Remembers no stories.
    #[must_use]
    pub fn without_trace(mut self) -> Self {
        self.trace.turn_off();
        self
    }

    /// Whether the camera looks elsewhere than where its zones and lines were drawn, so that no rule is asked.
    pub const fn is_view_moved(&self) -> bool {
        self.moved
    }

    /// How many objects are tracked at this moment.
    pub fn track_count(&self) -> usize {
        self.tracker.tracks().iter().filter(|track| track.is_confirmed()).count()
    }

    /// The objects of the scene, for a live view.
    pub fn objects(&self) -> Vec<SceneObject> {
        let confirmed = self.tracker.tracks().iter().filter(|t| t.is_confirmed());
        confirmed
            .map(|t| SceneObject {
                track: t.id(),
                class: t.class(),
                label: t.label().cloned(),
                confidence: t.confidence(),
                bbox: t.bbox(),
                seen: t.is_seen_now(),
                stationary: t.is_stationary(),
                hidden: t.is_hidden(),
            })
            .collect()
    }

    /// Whether the camera looks elsewhere than where its zones and lines were drawn.
    fn has_moved(&mut self, at: Timestamp, luma: &SmallLuma) -> bool {
        if !self.config.watches_view() {
            self.moved = false;
            return false;
        }
        let step = self.view_seen.replace(at).map_or(0.0, |before| at.seconds_from(before).max(0.0));
        let relearn = self.config.cues.relearn_view.map(|after| after.as_secs_f64());
        self.moved = self.view.look(luma, step, relearn) == ViewState::Moved;
        self.moved
    }

    /// Lets the pixel cues look; what moves and has no name joins the detections where a rule asks for it. Gives what moves.
    fn look_at_pixels(&mut self, at: Timestamp, luma: &SmallLuma) -> Vec<Detection> {
        let Self { cues, tracker, last_seen, .. } = self;
        let living = explain::living(last_seen, tracker.tracks());
        cues.look(at, luma, &|bbox| explain::stands_before(bbox, &living), &mut || tracker.new_id());
        let moving = cues.moving();
        if self.config.watches_motion() {
            let unnamed = moving.iter().filter(|blob| !explain::knows(blob, &self.last_seen, self.tracker.tracks()));
            let unnamed: Vec<Detection> = unnamed.cloned().collect();
            self.last_seen.extend(unnamed);
        }
        moving
    }

    fn look(&mut self, at: Timestamp, with: Look<'_>) -> Vec<AlertChange> {
        let look = self.sight.look(at);
        let mut changes = if look.loss_ends { self.book.end_video_loss(at, EndReason::Left) } else { Vec::new() };
        if with.analysed {
            self.tracker.observe(at, look.looked_for, &self.last_seen);
        } else {
            self.tracker.unchanged(at, look.looked_for);
        }
        self.trace.look(at, self.tracker.tracks());
        let view = View {
            at,
            looked_for: look.looked_for,
            sighted_since: look.sighted_since,
            tracks: self.tracker.tracks(),
            ended: self.tracker.ended(),
            detections: &self.last_seen,
            ruler: &self.ruler,
            moving: with.moving,
            cues: with.pixels.then_some(&self.cues),
        };
        let said = self.engine.look(&view, &mut self.book);
        self.told.note(&said);
        self.told.forget(self.tracker.ended());
        changes.extend(said);
        for held in self.engine.take_held_back() {
            self.trace.held_back(at, held.subject, &held.rule, held.by);
        }
        changes
    }

    fn go_blind(&mut self, at: Timestamp, cause: BlindCause) -> Vec<AlertChange> {
        match self.sight.blind(at, cause) {
            Blinded::Wait => self.pass_time(at),
            Blinded::LossEnds => self.book.end_video_loss(at, EndReason::Left),
            Blinded::TakenOut => {
                self.give_up();
                self.book.end_all(at, EndReason::RuleChanged)
            }
        }
    }

    /// What time alone brings about: alerts that are over by the clock, and the ends of patience with a blind camera.
    fn pass_time(&mut self, now: Timestamp) -> Vec<AlertChange> {
        self.now = now;
        let mut changes = self.book.expire(now);
        changes.extend(self.engine.pass_time(now, &mut self.book));
        if let Some(known) = self.sight.gives_up(now) {
            self.give_up();
            changes.extend(self.book.end_seen(now, known, EndReason::CameraLost));
        }
        if let Some(since) = self.sight.loss_begins(now) {
            changes.push(self.book.open_video_loss(now, since));
        }
        changes
    }

    fn give_up(&mut self) {
        self.tracker.lose_sight();
        self.told.forget(self.tracker.ended());
        self.engine.lose_sight();
        self.cues.lose_sight();
        self.last_seen.clear();
    }
}

/// What a look goes by.
#[derive(Clone, Copy)]
struct Look<'a> {
    analysed: bool,
    pixels: bool,
    moving: &'a [Detection],
}
