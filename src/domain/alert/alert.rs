//! One alert at one revision. Never serialized here: the wire form is `contract/alert_v1.rs`.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::geometry::{BBox, CrossingDirection};
use crate::domain::ids::{AlertId, CameraId, RuleId, TrackId, ZoneId};
use crate::domain::rules::Deliver;
use crate::domain::time::Timestamp;

/// An alert as it is after a change: what the store records and Kafka carries, whole, once per revision.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertChange {
    /// Which alert.
    pub id: AlertId,
    /// 1 when it opens, one more with each change.
    pub revision: u32,
    /// Where it is in its physical life.
    pub phase: Phase,
    /// Real, or a drill, or of the system itself.
    pub status: Status,
    /// Whether people are told; the same for all revisions.
    pub deliver: Deliver,
    /// Whether it would be an alert, but for the rule's limit per hour.
    pub held_back: bool,
    /// The order to watch this thing, where there was one; only in an `Opened`.
    pub watched: Option<i64>,
    /// What happened.
    pub kind: AlertKind,
    /// What spoke.
    pub cues: Vec<Cue>,
    /// Which camera saw it.
    pub camera: CameraId,
    /// The rule that raised it; absent for what speaks of the stream itself.
    pub rule: Option<RuleRef>,
    /// The zone it concerns.
    pub zone: Option<ZoneRef>,
    /// Capture time of the frame that caused this change.
    pub captured_at: Timestamp,
    /// When the condition began (a loiterer's entering), at or before the opening.
    pub started_at: Timestamp,
    /// When it was over; only in an `Ended`.
    pub ended_at: Option<Timestamp>,
    /// Why it was over; only in an `Ended`.
    pub end_reason: Option<EndReason>,
    /// How bad (CAP).
    pub severity: Severity,
    /// How soon (CAP).
    pub urgency: Urgency,
    /// How sure (CAP).
    pub certainty: Certainty,
    /// The confidence behind it, where a detector or cue spoke.
    pub confidence: Option<Confidence>,
    /// How many objects are concerned.
    pub count: u32,
    /// The objects concerned; empty only for what speaks of the stream.
    pub objects: Vec<AlertObject>,
    /// Which line was crossed which way.
    pub crossing: Option<Crossing>,
}

/// The rule behind an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRef {
    /// Its id within the camera.
    pub id: RuleId,
    /// Its revision.
    pub rev: u32,
    /// The threshold that was crossed, in the rule's own unit (seconds for dwell).
    pub threshold: Option<f64>,
    /// The name of the hours in which the rule runs.
    pub hours: Option<Arc<str>>,
    /// How long the alert may be acted on, where the rule says so.
    pub expires_after: Option<Duration>,
}

/// The zone behind an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneRef {
    /// Its id within the camera.
    pub id: ZoneId,
    /// Its revision.
    pub rev: u32,
    /// A name for people.
    pub name: Option<String>,
    /// The site's own category.
    pub category: Option<String>,
}

/// A line and a direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// The line's id.
    pub line: ZoneId,
    /// Which way.
    pub direction: CrossingDirection,
}

/// A tracked object as an alert quotes it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertObject {
    /// Its track.
    pub track: TrackId,
    /// What it is.
    pub class: ObjectClass,
    /// The model's own name for it, where that says more.
    pub label: Option<Arc<str>>,
    /// How sure the tracker is of it.
    pub confidence: Confidence,
    /// Where it is (for a removed object: where it was), within the picture.
    pub bbox: BBox,
    /// When the track began.
    pub first_seen_at: Timestamp,
    /// When it was last really seen.
    pub last_seen_at: Timestamp,
    /// How long it has been in the zone, or has stood.
    pub dwell: Option<Duration>,
    /// Frame widths and heights per second, x right, y down.
    pub velocity: [f64; 2],
    /// How fast it moves over the ground, in metres per second, where the ground was measured.
    pub speed: Option<f64>,
}

/// The physical life of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the contract's own words")]
pub enum Phase {
    Opened,
    Updated,
    Ended,
}

impl Phase {
    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Ended => "ended",
        }
    }
}

/// Whether an alert is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are CAP's own words")]
pub enum Status {
    Actual,
    Exercise,
    System,
    Test,
}

/// What spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// A detector's tracks.
    Detector,
    /// The motion cue.
    Motion,
    /// The static-change cue.
    StaticChange,
    /// The stream itself.
    Stream,
    /// A person.
    Person,
}

/// Why an alert was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The condition no longer holds.
    Left,
    /// It was over by the clock.
    Timeout,
    /// The camera stopped seeing.
    CameraLost,
    /// The service was restarted.
    Restart,
    /// The rule was changed or removed.
    RuleChanged,
    /// A person raised it, and people have resolved, dismissed or closed it: nothing else could know that it is over.
    Closed,
}

/// What happened. Kinds that no rule raises yet are known here all the same, since the contract promises their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the contract's own words")]
pub enum AlertKind {
    LineCross,
    ZoneEnter,
    ZoneExit,
    ZonePresence,
    Loitering,
    WrongWay,
    Crowd,
    ObjectAbandoned,
    ObjectRemoved,
    VehicleStopped,
    ObjectPresent,
    FastMove,
    CameraTamper,
    VideoDegraded,
    VideoLoss,
    Storm,
    Overload,
    Store,
    Manual,
}

impl AlertKind {
    /// All kinds, in the contract's order.
    pub const ALL: [Self; 19] = [
        Self::LineCross,
        Self::ZoneEnter,
        Self::ZoneExit,
        Self::ZonePresence,
        Self::Loitering,
        Self::WrongWay,
        Self::Crowd,
        Self::ObjectAbandoned,
        Self::ObjectRemoved,
        Self::VehicleStopped,
        Self::ObjectPresent,
        Self::FastMove,
        Self::CameraTamper,
        Self::VideoDegraded,
        Self::VideoLoss,
        Self::Storm,
        Self::Overload,
        Self::Store,
        Self::Manual,
    ];

    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LineCross => "line_cross",
            Self::ZoneEnter => "zone_enter",
            Self::ZoneExit => "zone_exit",
            Self::ZonePresence => "zone_presence",
            Self::Loitering => "loitering",
            Self::WrongWay => "wrong_way",
            Self::Crowd => "crowd",
            Self::ObjectAbandoned => "object_abandoned",
            Self::ObjectRemoved => "object_removed",
            Self::VehicleStopped => "vehicle_stopped",
            Self::ObjectPresent => "object_present",
            Self::FastMove => "fast_move",
            Self::CameraTamper => "camera_tamper",
            Self::VideoDegraded => "video_degraded",
            Self::VideoLoss => "video_loss",
            Self::Storm => "storm",
            Self::Overload => "overload",
            Self::Store => "store",
            Self::Manual => "manual",
        }
    }

    /// The contract's default severity and urgency for it.
    pub const fn defaults(self) -> (Severity, Urgency) {
        use AlertKind as K;
        match self {
            K::WrongWay | K::ObjectAbandoned => (Severity::Severe, Urgency::Immediate),
            K::Crowd => (Severity::Severe, Urgency::Expected),
            K::LineCross | K::ZoneEnter | K::ObjectRemoved | K::CameraTamper | K::VideoLoss => {
                (Severity::Moderate, Urgency::Immediate)
            }
            K::ZonePresence | K::VehicleStopped => (Severity::Moderate, Urgency::Expected),
            K::FastMove => (Severity::Minor, Urgency::Immediate),
            K::ZoneExit | K::Loitering | K::ObjectPresent | K::VideoDegraded | K::Storm | K::Overload | K::Store => {
                (Severity::Minor, Urgency::Expected)
            }
            K::Manual => (Severity::Unknown, Urgency::Unknown),
        }
    }
}

/// CAP severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are CAP's own words")]
pub enum Severity {
    Unknown,
    Minor,
    Moderate,
    Severe,
    Extreme,
}

/// CAP urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are CAP's own words")]
pub enum Urgency {
    Immediate,
    Expected,
    Future,
    Past,
    Unknown,
}

/// CAP certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are CAP's own words")]
pub enum Certainty {
    Observed,
    Likely,
    Possible,
    Unlikely,
    Unknown,
}
