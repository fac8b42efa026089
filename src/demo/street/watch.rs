//! What Lightbar is told to watch for on the street's cameras. Configuration and truth are both made from this.

use super::actor::Class;
use super::view::{P3, View};

/// A point of the picture, 0..1.
pub type Spot = [f64; 2];

/// What a camera watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    /// Zones: id, name for people, corners.
    pub zones: Vec<Figure>,
    /// Lines.
    pub lines: Vec<Figure>,
    /// Rules.
    pub rules: Vec<WatchRule>,
}

/// A zone or a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its id.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its points.
    pub points: Vec<Spot>,
}

impl Figure {
    /// A figure that lies on the ground, given in metres (x, z), as it falls onto the picture; rounded, since a configuration is read by people.
    pub fn on_ground(id: &'static str, name: &'static str, view: &View, places: &[[f32; 2]]) -> Self {
        let corners: Vec<P3> = places.iter().map(|p| [p[0], 0.0, p[1]]).collect();
        let round = |v: f32, of: usize| (f64::from((v / of as f32).clamp(0.0, 1.0)) * 1000.0).round() / 1000.0;
        let points =
            view.outline(&corners).iter().map(|p| [round(p[0], view.width), round(p[1], view.height)]).collect();
        Self { id, name, points }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchRule {
    /// Its id.
    pub id: &'static str,
    /// Only these.
    pub classes: Vec<Class>,
    /// What for.
    pub what: What,
}

/// What a rule waits for; seconds as configured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A passing of the line one way.
    LineCross {
        /// The line.
        line: &'static str,
        /// From the left-hand side to the right-hand side as one walks from its first to its last point.
        left_to_right: bool,
    },
    /// Coming into a zone.
    ZoneEnter {
        /// The zone.
        zone: &'static str,
    },
    /// Leaving it.
    ZoneExit {
        /// The zone.
        zone: &'static str,
    },
    /// Staying in it.
    Loitering {
        /// The zone.
        zone: &'static str,
        /// For so long.
        dwell_s: f64,
    },
    /// A thing that stood there is gone.
    ObjectRemoved {
        /// The zone.
        zone: &'static str,
        /// After standing for so long.
        settle_s: f64,
        /// Gone for so long.
        gone_s: f64,
    },
}

impl What {
    /// The contract's word for the kind of alert.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LineCross { .. } => "line_cross",
            Self::ZoneEnter { .. } => "zone_enter",
            Self::ZoneExit { .. } => "zone_exit",
            Self::Loitering { .. } => "loitering",
            Self::ObjectRemoved { .. } => "object_removed",
        }
    }

    /// The zone or line.
    pub const fn figure(&self) -> &'static str {
        match self {
            Self::LineCross { line, .. } => line,
            Self::ZoneEnter { zone }
            | Self::ZoneExit { zone }
            | Self::Loitering { zone, .. }
            | Self::ObjectRemoved { zone, .. } => zone,
        }
    }
}
