//! What a scene is told of its camera: where it looks, what is drawn on its picture, and which rules hold.

use std::time::Duration;

use crate::domain::cues::CueConfig;
use crate::domain::detection::ObjectClass;
use crate::domain::geometry::{GroundPlane, Line, Zone};
use crate::domain::ids::{CameraId, ZoneId};
use crate::domain::rules::Rule;
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
    /// How long blindness is borne.
    pub sight: SightConfig,
    /// What is looked at beside the detector's boxes.
    pub cues: CueConfig,
    /// The ground before it, where that was measured.
    pub ground: Option<GroundPlane>,
}

impl SceneConfig {
    /// A camera on whose picture nothing is drawn and for which no rule holds.
    pub fn new(camera: CameraId) -> Self {
        Self {
            camera,
            zones: Vec::new(),
            lines: Vec::new(),
            rules: Vec::new(),
            tracker: TrackerConfig::default(),
            sight: SightConfig::default(),
            cues: CueConfig::default(),
            ground: None,
        }
    }

    /// Whether any rule or setting needs the small grey picture of each frame.
    pub fn needs_luma(&self) -> bool {
        self.watches_view() || self.watches_motion() || self.rules.iter().any(Rule::watches_places)
    }

    /// Whether there is anything that a moved view would make invalid.
    pub(crate) const fn watches_view(&self) -> bool {
        self.cues.watch_view && !(self.zones.is_empty() && self.lines.is_empty())
    }

    /// Whether a rule asks for what moves and has no name.
    pub(crate) fn watches_motion(&self) -> bool {
        let unnamed = |rule: &&Rule| rule.filter.classes.contains(&ObjectClass::Unknown);
        self.rules.iter().filter(unnamed).any(|rule| !rule.watches_places())
    }
}

/// How long blindness is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SightConfig {
    /// A stream lost for so long raises `video_loss`.
    pub video_loss_after: Duration,
    /// After so long without a look, what moved is given up and alerts about what is in the picture end as `camera_lost`.
    pub blind_grace: Duration,
}

impl Default for SightConfig {
    fn default() -> Self {
        Self { video_loss_after: Duration::from_secs(10), blind_grace: Duration::from_secs(10) }
    }
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
