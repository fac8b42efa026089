//! What the service knows of itself at this moment: its latches, its cameras, its outbox. The stages write it, `web/` shows it.
//!
//! Nothing here decides anything and nothing here lasts: facts that must survive (alerts, blind intervals) are in the store.
//! Locks are held for a few instructions only, so a stage never waits for a page.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ports::Backlog;
use crate::domain::camera::CameraCard;
use crate::domain::detection::ModelCard;
use crate::domain::ids::{CameraId, RuleId};
use crate::domain::rules::RuleStanding;
use crate::domain::scene::{BlindCause, SceneObject};
use crate::domain::time::Timestamp;

/// Over how long frames are counted to tell their rate.
const RATE_WINDOW: Duration = Duration::from_secs(5);
/// A camera analysed at more than this many frames per second shows only this much.
const RATE_MAX_FRAMES: usize = 512;

/// The board on the wall: written by the stages, read by whoever asks.
#[derive(Debug)]
pub struct StatusBoard {
    started_at: Timestamp,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    latches: Vec<Latch>,
    cameras: BTreeMap<CameraId, Sight>,
    outbox: Option<Backlog>,
    kafka: Option<KafkaState>,
    answers: Option<KafkaState>,
    model: Option<ModelCard>,
    stuck: Option<String>,
    scenes: BTreeMap<CameraId, SceneState>,
    cards: BTreeMap<CameraId, Arc<CameraCard>>,
}

/// What a camera's scene was like at the last look at it, some hundred milliseconds ago.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SceneState {
    /// What is there.
    pub objects: Vec<SceneObject>,
    /// How its rules stand.
    pub rules: Vec<RuleStanding>,
    /// The rules that notice when a standing thing is gone.
    pub removals: Vec<RuleId>,
}

/// Something that must be so before the service is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latch {
    /// What: `store_open`, `model_loaded`, `outbox_writable`.
    pub name: &'static str,
    /// Why it is not so; `None` when it is.
    pub waiting_for: Option<String>,
}

/// Whether Kafka takes what it is sent, or gives what is read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaState {
    /// The last batch was acknowledged, or could be read.
    Connected,
    /// The last batch was not.
    Failing {
        /// Since when.
        since: Timestamp,
        /// A short word: `unreachable`, `unauthorized`, `topic_missing`, `too_large`, `store`, `other`.
        reason: &'static str,
        /// What happened and what to do, without credentials.
        message: String,
    },
}

impl KafkaState {
    /// A failure that goes on began when it first did.
    fn going_on_from(self, before: Option<&Self>) -> Self {
        match (self, before) {
            (Self::Failing { reason, message, .. }, Some(Self::Failing { since, .. })) => {
                Self::Failing { since: *since, reason, message }
            }
            (now, _) => now,
        }
    }
}

/// A camera as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraStatus {
    /// Which camera.
    pub id: CameraId,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether somebody looks, and since when.
    pub sight: SightState,
    /// Frames looked at per second, over the last seconds.
    pub frames_per_second: f64,
    /// When the newest frame that was looked at was taken.
    pub last_frame_at: Option<Timestamp>,
}

/// Whether somebody looks through a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SightState {
    /// Its pictures are looked at.
    Watching {
        /// Since when.
        since: Timestamp,
    },
    /// Nobody looks.
    Blind {
        /// Since when.
        since: Timestamp,
        /// Why, in a word.
        cause: BlindCause,
        /// What the other side did, in words, without credentials.
        message: Option<String>,
    },
}

#[derive(Debug)]
struct Sight {
    name: Option<String>,
    state: SightState,
    frames: VecDeque<Timestamp>,
    last_frame_at: Option<Timestamp>,
}

impl StatusBoard {
    /// An empty board; each of `latches` waits to be released.
    pub fn new(started_at: Timestamp, latches: &[&'static str]) -> Self {
        let waiting = |&name| Latch { name, waiting_for: Some("not reached yet".to_owned()) };
        let inner = Inner { latches: latches.iter().map(waiting).collect(), ..Inner::default() };
        Self { started_at, inner: Mutex::new(inner) }
    }

    // -------------------------------------------------------- what the stages write

    /// Says that a latch is released.
    pub fn release(&self, latch: &'static str) {
        self.set_latch(latch, None);
    }

    /// Says that a latch holds, and why; also one that was released before (a disk that fills up).
    pub fn hold(&self, latch: &'static str, why: impl Into<String>) {
        self.set_latch(latch, Some(why.into()));
    }

    /// Adds a camera, blind since `at` until its first frame; a camera that is there already only gets its new name.
    pub fn add_camera(&self, id: &CameraId, name: Option<String>, at: Timestamp) {
        let mut inner = self.lock();
        if let Some(sight) = inner.cameras.get_mut(id) {
            sight.name = name;
            return;
        }
        let state = SightState::Blind { since: at, cause: BlindCause::Starting, message: None };
        inner.cameras.insert(id.clone(), Sight { name, state, frames: VecDeque::new(), last_frame_at: None });
    }

    /// Takes a camera off the board.
    pub fn remove_camera(&self, id: &CameraId) {
        self.lock().scenes.remove(id);
        self.lock().cameras.remove(id);
    }

    /// Notes that a frame taken `at` was looked at; sight is back if it was lost.
    pub fn frame(&self, id: &CameraId, at: Timestamp) {
        let mut inner = self.lock();
        let Some(sight) = inner.cameras.get_mut(id) else { return };
        if matches!(sight.state, SightState::Blind { .. }) {
            sight.state = SightState::Watching { since: at };
        }
        sight.last_frame_at = Some(at);
        if sight.frames.len() == RATE_MAX_FRAMES {
            sight.frames.pop_front();
        }
        sight.frames.push_back(at);
    }

    /// Notes that sight was lost `since`; while blind, only cause and message change.
    pub fn blind(&self, id: &CameraId, since: Timestamp, cause: BlindCause, message: Option<String>) {
        let mut inner = self.lock();
        let Some(sight) = inner.cameras.get_mut(id) else { return };
        let since = match sight.state {
            SightState::Blind { since: first, .. } => first,
            SightState::Watching { .. } => since,
        };
        sight.state = SightState::Blind { since, cause, message };
        sight.frames.clear();
    }

    /// Notes the outbox's depth and age.
    pub fn set_outbox(&self, backlog: Backlog) {
        self.lock().outbox = Some(backlog);
    }

    /// Notes whether Kafka takes what it is sent; a failure that goes on keeps its beginning.
    pub fn set_kafka(&self, now: KafkaState) {
        let mut inner = self.lock();
        inner.kafka = Some(now.going_on_from(inner.kafka.as_ref()));
    }

    /// Notes whether dispatch answers are read from Kafka; a failure that goes on keeps its beginning.
    pub fn set_answers(&self, now: KafkaState) {
        let mut inner = self.lock();
        inner.answers = Some(now.going_on_from(inner.answers.as_ref()));
    }

    /// Notes which model looks.
    pub fn set_model(&self, model: ModelCard) {
        self.lock().model = Some(model);
    }

    /// What the outside knows of a camera.
    pub fn set_card(&self, card: &Arc<CameraCard>) {
        self.lock().cards.insert(card.id.clone(), Arc::clone(card));
    }

    /// What the outside knows of a camera that runs, or has run.
    pub fn card(&self, camera: &CameraId) -> Option<Arc<CameraCard>> {
        self.lock().cards.get(camera).cloned()
    }

    /// What a camera's scene is like.
    pub fn set_scene(&self, id: &CameraId, scene: SceneState) {
        self.lock().scenes.insert(id.clone(), scene);
    }

    /// What each running camera's scene is like.
    pub fn scenes(&self) -> BTreeMap<CameraId, SceneState> {
        self.lock().scenes.clone()
    }

    /// Notes that a stage stands still and only a restart helps; `None` takes it back.
    pub fn set_stuck(&self, what: Option<String>) {
        self.lock().stuck = what;
    }

    // -------------------------------------------------------- what others read

    /// When the service started.
    pub const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// All latches, in the order of the start.
    pub fn latches(&self) -> Vec<Latch> {
        self.lock().latches.clone()
    }

    /// All cameras, by id.
    pub fn cameras(&self, now: Timestamp) -> Vec<CameraStatus> {
        let oldest = now.minus(RATE_WINDOW);
        let show = |(id, sight): (&CameraId, &Sight)| CameraStatus {
            id: id.clone(),
            name: sight.name.clone(),
            sight: sight.state.clone(),
            frames_per_second: sight.frames.iter().filter(|at| **at > oldest).count() as f64
                / RATE_WINDOW.as_secs_f64(),
            last_frame_at: sight.last_frame_at,
        };
        self.lock().cameras.iter().map(show).collect()
    }

    /// The outbox, where it was looked at.
    pub fn outbox(&self) -> Option<Backlog> {
        self.lock().outbox
    }

    /// Kafka, where it was tried.
    pub fn kafka(&self) -> Option<KafkaState> {
        self.lock().kafka.clone()
    }

    /// The reading of dispatch answers, where it was tried; none where nobody's answers are taken.
    pub fn answers(&self) -> Option<KafkaState> {
        self.lock().answers.clone()
    }

    /// The model, once loaded.
    pub fn model(&self) -> Option<ModelCard> {
        self.lock().model.clone()
    }

    /// The stage that stands still.
    pub fn stuck(&self) -> Option<String> {
        self.lock().stuck.clone()
    }

    fn set_latch(&self, name: &'static str, waiting_for: Option<String>) {
        let mut inner = self.lock();
        match inner.latches.iter_mut().find(|latch| latch.name == name) {
            Some(latch) => latch.waiting_for = waiting_for,
            None => inner.latches.push(Latch { name, waiting_for }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each write leaves the board whole, so a writer's panic elsewhere does not spoil it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_millis((seconds * 1000.0) as i64)
    }

    #[test]
    fn a_camera_is_blind_until_its_first_frame_and_keeps_the_beginning_of_its_blindness() {
        let board = StatusBoard::new(at(0.0), &[]);
        let gate = CameraId::parse("gate").unwrap();
        board.add_camera(&gate, None, at(1.0));
        board.blind(&gate, at(9.0), BlindCause::Unreachable, Some("refused".into()));
        let blind =
            SightState::Blind { since: at(1.0), cause: BlindCause::Unreachable, message: Some("refused".into()) };
        assert_eq!(board.cameras(at(10.0))[0].sight, blind);
        for frame in 0..50 {
            board.frame(&gate, at(10.0 + f64::from(frame) * 0.2));
        }
        let seen = &board.cameras(at(19.9))[0];
        assert_eq!(seen.sight, SightState::Watching { since: at(10.0) });
        assert!((seen.frames_per_second - 5.0).abs() < 0.3, "{seen:?}");
        assert!(board.cameras(at(60.0))[0].frames_per_second == 0.0);
        board.blind(&gate, at(61.0), BlindCause::Stalled, None);
        assert!(matches!(board.cameras(at(62.0))[0].sight, SightState::Blind { since, .. } if since == at(61.0)));
    }

    #[test]
    fn a_latch_holds_until_released_and_may_hold_again() {
        let board = StatusBoard::new(at(0.0), &["store_open"]);
        assert!(board.latches()[0].waiting_for.is_some());
        board.release("store_open");
        assert_eq!(board.latches(), [Latch { name: "store_open", waiting_for: None }]);
        board.hold("store_open", "disk full");
        assert_eq!(board.latches()[0].waiting_for.as_deref(), Some("disk full"));
    }

    #[test]
    fn a_failure_of_kafka_keeps_its_beginning() {
        let board = StatusBoard::new(at(0.0), &[]);
        let failing = |since, reason| KafkaState::Failing { since, reason, message: String::new() };
        board.set_kafka(failing(at(5.0), "unreachable"));
        board.set_kafka(failing(at(7.0), "unauthorized"));
        assert_eq!(board.kafka(), Some(failing(at(5.0), "unauthorized")));
        board.set_kafka(KafkaState::Connected);
        assert_eq!(board.kafka(), Some(KafkaState::Connected));
    }
}
