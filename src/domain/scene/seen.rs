//! What goes into a scene, and what a live view draws of it.

use std::sync::Arc;

use crate::domain::cues::SmallLuma;
use crate::domain::detection::{Confidence, Detection, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::ids::TrackId;

/// What was seen at a moment.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A frame was looked at.
    Analysed {
        /// What the detector found on it, in any order, after non-maximum suppression.
        detections: &'a [Detection],
        /// Its small grey picture, where the scene's configuration needs one.
        luma: Option<&'a SmallLuma>,
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
    /// The camera looks elsewhere than where its zones and lines were drawn.
    ViewMoved,
}

impl BlindCause {
    /// All causes.
    pub const ALL: [Self; 10] = [
        Self::Starting,
        Self::Unreachable,
        Self::Unauthorized,
        Self::Stalled,
        Self::Unusable,
        Self::Undecodable,
        Self::Overload,
        Self::ServiceDown,
        Self::Disabled,
        Self::ViewMoved,
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
            Self::ViewMoved => "view_moved",
        }
    }
}

/// An object of the scene as a live view draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneObject {
    /// Its track.
    pub track: TrackId,
    /// What it is.
    pub class: ObjectClass,
    /// The model's own name for it.
    pub label: Option<Arc<str>>,
    /// How sure the detector is of it.
    pub confidence: Confidence,
    /// Where it is.
    pub bbox: BBox,
    /// Whether it was seen at the last look, or is only remembered.
    pub seen: bool,
    /// Whether it stands.
    pub stationary: bool,
    /// Whether something stands before it.
    pub hidden: bool,
}
