//! One camera's scene: observations in, alert changes out. The heart of the service.
//!
//! Sans-I/O. Time is what the observations say; `tick` lets time pass when nothing is seen, so that a dead camera still ends
//! its alerts. Never drops an alert, knows nothing of Kafka, SQLite or GStreamer.

use crate::domain::alert::AlertChange;
use crate::domain::detection::Detection;
use crate::domain::geometry::{Line, Zone};
use crate::domain::ids::{CameraId, IdSeed, ZoneId};
use crate::domain::rules::Rule;
use crate::domain::time::Timestamp;
use crate::domain::tracking::TrackerConfig;

/// What a scene needs to know of its camera.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneConfig {
    /// Which camera.
    pub camera: CameraId,
    /// Its zones.
    pub zones: Vec<Zone>,
    /// Its lines.
    pub lines: Vec<NamedLine>,
    /// Its rules; each names only zones and lines that are there (`config/` sees to it).
    pub rules: Vec<Rule>,
    /// How tracks are made.
    pub tracker: TrackerConfig,
}

/// A line with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedLine {
    /// Its id within the camera.
    pub id: ZoneId,
    /// Counts up with each change of its shape.
    pub rev: u32,
    /// A name for people.
    pub name: Option<String>,
    /// Where it is.
    pub line: Line,
}

/// What was seen at a moment.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A frame was looked at.
    Analysed {
        /// What the detector found on it, in any order, after non-maximum suppression.
        detections: &'a [Detection],
    },
    /// The gate looked and nothing moved: tracks stay as they are.
    LookedUnchanged,
    /// Nobody looked. Absence of sight is not absence of objects.
    Blind {
        /// Why not.
        cause: BlindCause,
    },
}

/// Why nobody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlindCause {
    /// The service has started and the camera has not given a picture yet.
    Starting,
    /// No connection.
    Unreachable,
    /// The camera refused the credentials.
    Unauthorized,
    /// Connected, but nothing comes.
    Stalled,
    /// What comes cannot be used (no video track, a codec that is not supported).
    Unusable,
    /// What comes cannot be decoded.
    Undecodable,
    /// The machine was too busy to look.
    Overload,
    /// The service was not running.
    ServiceDown,
    /// The camera was taken out by configuration.
    Disabled,
}

impl BlindCause {
    /// All causes.
    pub const ALL: [Self; 9] = [
        Self::Starting, Self::Unreachable, Self::Unauthorized, Self::Stalled, Self::Unusable, Self::Undecodable,
        Self::Overload, Self::ServiceDown, Self::Disabled,
    ];

    /// The word for it in metrics, logs and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Stalled => "stalled",
            Self::Unusable => "unusable",
            Self::Undecodable => "undecodable",
            Self::Overload => "overload",
            Self::ServiceDown => "service_down",
            Self::Disabled => "disabled",
        }
    }
}

/// One camera's scene.
#[derive(Debug)]
pub struct Scene {
    config: SceneConfig,
    ids: IdSeed,
}

impl Scene {
    /// An empty scene: nothing seen yet.
    pub fn new(config: SceneConfig, ids: IdSeed) -> Self {
        Self { config, ids }
    }

    /// Takes in what was seen `at` a moment not before the last one; gives what changed, in order.
    pub fn observe(&mut self, at: Timestamp, seen: Observation<'_>) -> Vec<AlertChange> {
        let _unbuilt = (at, seen, &self.ids, &self.config);
        Vec::new()
    }

    /// Lets time pass until `now` without anything seen.
    pub fn tick(&mut self, now: Timestamp) -> Vec<AlertChange> {
        let _unbuilt = now;
        Vec::new()
    }

    /// Ends every open alert, because the service stops, the camera is removed or its rules change.
    pub fn end_all(&mut self, at: Timestamp, reason: crate::domain::alert::EndReason) -> Vec<AlertChange> {
        let _unbuilt = (at, reason);
        Vec::new()
    }
}
