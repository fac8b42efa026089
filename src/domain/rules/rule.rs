//! A rule as configured: checked by `config/`, run by the engine.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::alert::{AlertKind, Severity, Urgency};
use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::geometry::{BBox, CrossingDirection, Point};
use crate::domain::ids::{RuleId, ZoneId};
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
    /// What it watches for.
    pub spec: RuleSpec,
}

/// What a rule watches for.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleSpec {
    /// The anchor passes a line.
    LineCross {
        /// The line.
        line: ZoneId,
        /// Only this way, or either.
        direction: Option<CrossingDirection>,
    },
    /// The anchor comes into a zone.
    ZoneEnter {
        /// The zone.
        zone: ZoneId,
    },
    /// The anchor leaves a zone.
    ZoneExit {
        /// The zone.
        zone: ZoneId,
    },
    /// The anchor stays in a zone.
    Loitering {
        /// The zone.
        zone: ZoneId,
        /// For at least so long.
        dwell: Duration,
    },
    /// A thing that stood is gone.
    ObjectRemoved {
        /// Only things in this zone, or anywhere.
        zone: Option<ZoneId>,
        /// It must have stood so long to count as standing.
        settle: Duration,
        /// It must be visibly gone (not hidden) for so long.
        gone: Duration,
    },
}

impl RuleSpec {
    /// The kind of alert it raises.
    pub const fn kind(&self) -> AlertKind {
        match self {
            Self::LineCross { .. } => AlertKind::LineCross,
            Self::ZoneEnter { .. } => AlertKind::ZoneEnter,
            Self::ZoneExit { .. } => AlertKind::ZoneExit,
            Self::Loitering { .. } => AlertKind::Loitering,
            Self::ObjectRemoved { .. } => AlertKind::ObjectRemoved,
        }
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
    /// Whether the rule looks at `track`.
    pub fn admits(&self, track: &Track) -> bool {
        let class = track.class();
        let class_fits =
            if self.classes.is_empty() { class != ObjectClass::Unknown } else { self.classes.contains(&class) };
        let label_fits = self.labels.is_empty() || track.label().is_some_and(|label| self.labels.contains(label));
        // A box may reach out of the picture; what is seen of it counts.
        let height = track.bbox().clipped().map_or(0.0, |b| b.h);
        class_fits
            && label_fits
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
