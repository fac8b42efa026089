//! A rule as configured: checked by `config/`, run by the engine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::crowd::Crowd;
use super::fast_move::FastMove;
use super::line_cross::LineCross;
use super::loitering::Loitering;
use super::object_abandoned::ObjectAbandoned;
use super::object_present::ObjectPresent;
use super::object_removed::ObjectRemoved;
use super::vehicle_stopped::VehicleStopped;
use super::watch::Watch;
use super::wrong_way::WrongWay;
use super::zone_enter::ZoneEnter;
use super::zone_exit::ZoneExit;
use super::zone_presence::ZonePresence;
use crate::domain::alert::{AlertKind, Severity, Urgency};
use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::geometry::{BBox, Point};
use crate::domain::ids::{RuleId, ZoneId};
use crate::domain::rules::conduct::Conduct;
use crate::domain::tracking::Track;

/// One rule of one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its id within the camera.
    pub id: RuleId,
    /// Counts up with each change of its meaning.
    pub rev: u32,
    /// Which objects it looks at.
    pub filter: ObjectFilter,
    /// How bad; the kind's default where nothing was said.
    pub severity: Severity,
    /// How soon; the kind's default where nothing was said.
    pub urgency: Urgency,
    /// After an alert of this rule, the same track raises no other for so long.
    pub cooldown: Duration,
    /// When it holds, and what becomes of what it notices.
    pub conduct: Conduct,
    /// What it watches for.
    pub spec: RuleSpec,
}

impl Rule {
    /// Whether it watches places where things stand, for which the static-change cue can speak too.
    pub(crate) fn watches_places(&self) -> bool {
        self.spec.settings().watches_places()
    }

    /// A rule that looks at every object of a known class, is as bad and as soon as its kind says, and takes no rest.
    pub fn new(id: RuleId, spec: RuleSpec) -> Self {
        let (severity, urgency) = spec.kind().defaults();
        Self {
            id,
            rev: 1,
            filter: ObjectFilter::default(),
            severity,
            urgency,
            cooldown: Duration::ZERO,
            conduct: Conduct::of(spec.kind()),
            spec,
        }
    }
}

/// What a rule watches for. What each kind wants to know stands in its own file.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is described where its settings are")]
pub enum RuleSpec {
    LineCross(LineCross),
    ZoneEnter(ZoneEnter),
    ZoneExit(ZoneExit),
    ZonePresence(ZonePresence),
    Loitering(Loitering),
    WrongWay(WrongWay),
    Crowd(Crowd),
    VehicleStopped(VehicleStopped),
    ObjectPresent(ObjectPresent),
    FastMove(FastMove),
    ObjectRemoved(ObjectRemoved),
    ObjectAbandoned(ObjectAbandoned),
}

impl RuleSpec {
    /// The settings, whatever their kind.
    pub(crate) fn settings(&self) -> &dyn Settings {
        match self {
            Self::LineCross(settings) => settings,
            Self::ZoneEnter(settings) => settings,
            Self::ZoneExit(settings) => settings,
            Self::ZonePresence(settings) => settings,
            Self::Loitering(settings) => settings,
            Self::WrongWay(settings) => settings,
            Self::Crowd(settings) => settings,
            Self::VehicleStopped(settings) => settings,
            Self::ObjectPresent(settings) => settings,
            Self::FastMove(settings) => settings,
            Self::ObjectRemoved(settings) => settings,
            Self::ObjectAbandoned(settings) => settings,
        }
    }

    /// The kind of alert it raises.
    pub fn kind(&self) -> AlertKind {
        self.settings().kind()
    }

    /// The zone that it watches, if it watches one.
    pub fn zone(&self) -> Option<&ZoneId> {
        self.settings().zone()
    }

    /// The line that it watches, if it watches one.
    pub fn line(&self) -> Option<&ZoneId> {
        self.settings().line()
    }
}

impl fmt::Display for RuleSpec {
    /// `staying in yard for 8 s`: what it watches for, in plain words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.settings().in_words())
    }
}

/// What the engine needs to know of a kind of rule: each kind's settings tell it, in the kind's own file.
pub(crate) trait Settings {
    /// The kind of alert it raises.
    fn kind(&self) -> AlertKind;
    /// The zone that it watches, if it watches one.
    fn zone(&self) -> Option<&ZoneId> {
        None
    }
    /// The line that it watches, if it watches one.
    fn line(&self) -> Option<&ZoneId> {
        None
    }
    /// What must be reached for an alert, in the kind's own unit.
    fn threshold(&self) -> Option<f64> {
        None
    }
    /// Who has rest after an alert, and from when.
    fn rest(&self) -> Rest {
        Rest::Track
    }
    /// Whether it watches places where things stand, for which the static-change cue can speak too.
    fn watches_places(&self) -> bool {
        false
    }
    /// Whether its alerts are concluded from not seeing: such are never more than likely.
    fn is_concluded(&self) -> bool {
        false
    }
    /// What it watches for, in plain words, for people who check a configuration.
    fn in_words(&self) -> String;
    /// A watch that has seen nothing yet.
    fn watch(&self) -> Box<dyn Watch>;
}

/// Who has rest after an alert, for the rule's cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The track that raised it, from the opening: for moments.
    Track,
    /// The track that raised it, from the end: for stays.
    TrackAfterEnd,
    /// The whole rule, from the end: for what concerns a place and not one track.
    RuleAfterEnd,
}

impl Rest {
    /// Whether it counts from the end of an alert.
    pub(crate) const fn is_after_end(self) -> bool {
        matches!(self, Self::TrackAfterEnd | Self::RuleAfterEnd)
    }
}

/// Which objects a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectFilter {
    /// These classes; empty means all but `Unknown` (for `object_removed`: things, not what walks away by itself).
    pub classes: Vec<ObjectClass>,
    /// Only objects that the model calls one of these; empty means any.
    pub labels: Vec<Arc<str>>,
    /// At least so sure.
    pub min_confidence: Confidence,
    /// At least so high, as a fraction of the picture.
    pub min_height: f64,
    /// At most so high, as a fraction of the picture.
    pub max_height: f64,
    /// Which point of the box counts.
    pub anchor: Anchor,
}

impl Default for ObjectFilter {
    /// Every object of a known class.
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            labels: Vec::new(),
            min_confidence: Confidence::default(),
            min_height: 0.0,
            max_height: 1.0,
            anchor: Anchor::default(),
        }
    }
}

impl ObjectFilter {
    /// Whether `track` is of a class and label that the rule looks at.
    pub fn names(&self, track: &Track) -> bool {
        let class = track.class();
        let class_fits =
            if self.classes.is_empty() { class != ObjectClass::Unknown } else { self.classes.contains(&class) };
        class_fits && (self.labels.is_empty() || track.label().is_some_and(|label| self.labels.contains(label)))
    }

    /// Whether the rule looks at `track`.
    pub fn admits(&self, track: &Track) -> bool {
        // A box may reach out of the picture; what is seen of it counts.
        let height = track.bbox().clipped().map_or(0.0, |b| b.h);
        self.names(track)
            && track.is_confirmed()
            && track.confidence() >= self.min_confidence
            && (self.min_height..=self.max_height.max(self.min_height)).contains(&height)
    }
}

/// The point of a box that stands for the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Where it stands.
    #[default]
    BottomCentre,
    /// Its middle.
    Centre,
}

impl Anchor {
    /// That point of `bbox`, moved into the picture: feet that the lower edge cuts off stand on it.
    pub fn of(self, bbox: &BBox) -> Point {
        const EDGE: f64 = 1e-6;
        let p = match self {
            Self::BottomCentre => bbox.bottom_centre(),
            Self::Centre => bbox.centre(),
        };
        Point::new(p.x.clamp(EDGE, 1.0 - EDGE), p.y.clamp(EDGE, 1.0 - EDGE))
    }
}
