//! What a rule sees, and how it says what it noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use super::rule::{Rest, Rule};
use crate::domain::alert::{AlertObject, Crossing, Cue, EndReason};
use crate::domain::cues::Cues;
use crate::domain::detection::{Detection, ObjectClass};
use crate::domain::geometry::{BBox, Ruler, Zone};
use crate::domain::ids::TrackId;
use crate::domain::scene::NamedLine;
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// One look at the scene.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// When.
    pub(crate) at: Timestamp,
    /// How long the scene was in sight since the look before.
    pub(crate) looked_for: Duration,
    /// Since when the scene is in sight without a break.
    pub(crate) sighted_since: Timestamp,
    /// All tracks, unconfirmed ones too.
    pub(crate) tracks: &'a [Track],
    /// Tracks that ended with this look.
    pub(crate) ended: &'a [Track],
    /// All detections of the frame.
    pub(crate) detections: &'a [Detection],
    /// Measures on the picture.
    pub(crate) ruler: &'a Ruler,
    /// What moves on it, whether or not the detector knows it; nothing where the pixels were not looked at.
    pub(crate) moving: &'a [Detection],
    /// What the pixels tell, where they were looked at.
    pub(crate) cues: Option<&'a Cues>,
}

impl View<'_> {
    /// Adds to what a notice quotes what only the ground can tell.
    pub(super) fn measure(&self, notice: &mut Notice) {
        let concerned = match notice {
            Notice::Began(beginning) => Some(&mut beginning.concerned),
            Notice::Continued { concerned, .. } => Some(concerned),
            Notice::Over { concerned, .. } => concerned.as_mut(),
        };
        for object in concerned.into_iter().flat_map(|concerned| &mut concerned.objects) {
            let track = self.tracks.iter().chain(self.ended).find(|track| track.id() == object.track);
            object.speed = track.and_then(|track| ground_speed(track, self.ruler));
        }
    }
}

/// A rule with the ground it is drawn on, and who has rest from it.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) rule: Rule,
    pub(crate) zone: Option<Zone>,
    pub(crate) line: Option<NamedLine>,
    /// When the rule last had an alert about a track.
    pub(crate) spoke: BTreeMap<TrackId, Timestamp>,
    /// When it last had one at all.
    spoke_last: Option<Timestamp>,
    /// Since when the rule watches, where it does not always: what was before does not concern it.
    pub(crate) watched_since: Option<Timestamp>,
    /// Things that still stand as they did when the rule spoke of them, before a restart: nothing new can be said of them.
    pub(crate) told_before: BTreeSet<TrackId>,
}

impl Post {
    /// A rule that has not spoken yet, on its ground.
    pub(super) const fn new(rule: Rule, zone: Option<Zone>, line: Option<NamedLine>) -> Self {
        Self {
            rule,
            zone,
            line,
            spoke: BTreeMap::new(),
            spoke_last: None,
            watched_since: None,
            told_before: BTreeSet::new(),
        }
    }

    /// Notes that an alert about `track` has opened or ended `at`.
    pub(super) fn note_spoken(&mut self, track: TrackId, at: Timestamp) {
        self.spoke.insert(track, at);
        self.spoke_last = Some(at);
    }

    /// Whether a new alert about `track` is allowed after the last one.
    pub(super) fn may_speak(&self, track: TrackId, at: Timestamp) -> bool {
        let last = match self.rule.spec.settings().rest() {
            Rest::Track | Rest::TrackAfterEnd => self.spoke.get(&track).copied(),
            Rest::RuleAfterEnd => self.spoke_last,
        };
        let rested = last.is_none_or(|last| at.since(last) >= self.rule.cooldown);
        rested && !self.told_before.contains(&track)
    }
}

/// What a rule noticed about a subject: the track by which the rule first knew the object.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// It happened; an alert opens.
    Began(Beginning),
    /// It goes on, and there is something new to say.
    Continued { subject: TrackId, concerned: Concerned },
    /// It is over.
    Over { subject: TrackId, at: Timestamp, reason: EndReason, concerned: Option<Concerned> },
}

/// What an alert opens with. Made by `Beginning::new`; a rule that has more to say sets the fields after it.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    pub(crate) subject: TrackId,
    /// When the condition began.
    pub(crate) since: Timestamp,
    pub(crate) concerned: Concerned,
    /// What saw it.
    pub(crate) cues: Vec<Cue>,
    pub(crate) crossing: Option<Crossing>,
    /// For so long the alert stays open at most; without an end by the clock where nothing is said.
    pub(crate) hold: Option<Duration>,
}

impl Beginning {
    /// Something that the detector saw, and that lasts until the rule says that it is over.
    pub(crate) fn new(subject: TrackId, since: Timestamp, concerned: impl Into<Concerned>) -> Self {
        let concerned = concerned.into();
        // What no detector has named was seen because it moved.
        let unnamed = concerned.objects.iter().all(|object| object.class == ObjectClass::Unknown);
        let cues = vec![if unnamed { Cue::Motion } else { Cue::Detector }];
        Self { subject, since, concerned, cues, crossing: None, hold: None }
    }

    /// Something that happened in a moment; its alert is over after `hold` at the latest.
    pub(crate) fn moment(subject: TrackId, since: Timestamp, object: AlertObject, hold: Duration) -> Self {
        Self { hold: Some(hold), ..Self::new(subject, since, object) }
    }
}

/// The objects that an alert concerns: all counted, not all quoted.
#[derive(Clone, Debug)]
pub(crate) struct Concerned {
    /// The most important ones, at most [`MAX_QUOTED`]; never empty.
    pub(crate) objects: Vec<AlertObject>,
    /// How many there are.
    pub(crate) count: u32,
}

/// Objects that an alert quotes; of more, it says how many.
pub(crate) const MAX_QUOTED: usize = 32;

impl Concerned {
    /// Several objects, the most important first.
    pub(super) fn several<'a>(objects: impl ExactSizeIterator<Item = (&'a Track, Option<Duration>)>) -> Self {
        let count = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        Self { objects: objects.take(MAX_QUOTED).map(|(track, dwell)| quote(track, dwell)).collect(), count }
    }
}

impl From<AlertObject> for Concerned {
    fn from(object: AlertObject) -> Self {
        Self { objects: vec![object], count: 1 }
    }
}

/// The memory and the eye of one rule.
pub(crate) trait Watch: Debug + Send {
    /// Looks at the scene once.
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>);
    /// Sight was lost for so long that nothing can be concluded from before.
    fn lose_sight(&mut self);
}

/// A track as an alert quotes it.
pub(super) fn quote(track: &Track, dwell: Option<Duration>) -> AlertObject {
    AlertObject {
        track: track.id(),
        class: track.class(),
        label: track.label().cloned(),
        confidence: track.confidence(),
        bbox: in_picture(&track.bbox()),
        first_seen_at: track.first_seen(),
        last_seen_at: track.last_seen(),
        dwell,
        velocity: track.velocity(),
        speed: None,
    }
}

/// So far back its speed over the ground is measured.
const SPEED_OVER: Duration = Duration::from_secs(1);
/// Over less it would be the tremble of its box.
const SPEED_OVER_AT_LEAST: Duration = Duration::from_millis(400);

/// How fast a track moves over the ground, in metres per second: the way over the last second. Nothing where the ground is not
/// known, or the track is too new to say.
fn ground_speed(track: &Track, ruler: &Ruler) -> Option<f64> {
    let (now, bbox) = track.trail().next_back()?;
    let place = bbox.bottom_centre();
    if track.is_stationary() {
        return ruler.metres(place, place);
    }
    let (then, before) = track.trail().find(|(at, _)| now.since(*at) <= SPEED_OVER)?;
    let span = now.since(then);
    (span >= SPEED_OVER_AT_LEAST).then_some(())?;
    Some(ruler.metres(before.bottom_centre(), place)? / span.as_secs_f64())
}

/// The visible part of a box; where none is left, a point on the picture's edge.
pub(super) fn in_picture(bbox: &BBox) -> BBox {
    bbox.clipped().unwrap_or_else(|| {
        let c = bbox.centre();
        BBox::new(c.x.clamp(0.0, 1.0), c.y.clamp(0.0, 1.0), 0.0, 0.0)
    })
}

/// How far beyond a border an object must be before it counts as beyond: a share of its size, so that the tremble of its box
/// does not count, bounded so that near objects still can cross.
pub(super) fn tremble(bbox: &BBox) -> f64 {
    (0.08 * bbox.area().max(0.0).sqrt()).clamp(0.004, 0.03)
}

/// Whether a box reaches the picture's edge, so that its object may have come from or gone beyond it.
pub(super) fn at_picture_edge(bbox: &BBox) -> bool {
    const NEAR: f64 = 0.015;
    bbox.x <= NEAR || bbox.y <= NEAR || bbox.x + bbox.w >= 1.0 - NEAR || bbox.y + bbox.h >= 1.0 - NEAR
}
