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
    /// A thing was put down, and whoever did so is gone.
    ObjectAbandoned {
        /// The zone.
        zone: &'static str,
        /// It has lain for so long.
        dwell_s: f64,
        /// Farther away than so many sizes of the thing.
        owner_distance: f64,
        /// For so long.
        owner_absent_s: f64,
    },
    /// A zone is occupied.
    ZonePresence {
        /// The zone.
        zone: &'static str,
        /// By one who has been in it for so long.
        dwell_s: f64,
        /// Until it was empty for so long.
        clear_s: f64,
    },
    /// Many at once.
    Crowd {
        /// The zone.
        zone: &'static str,
        /// So many.
        count: u32,
        /// For so long.
        dwell_s: f64,
        /// Until they were fewer for so long.
        clear_s: f64,
    },
    /// A passing of the line the way that is forbidden.
    WrongWay {
        /// The line.
        line: &'static str,
        /// The forbidden way.
        left_to_right: bool,
    },
    /// A vehicle comes to rest.
    VehicleStopped {
        /// The zone.
        zone: &'static str,
        /// For so long.
        dwell_s: f64,
    },
    /// Something moves faster than is usual.
    FastMove {
        /// The zone.
        zone: &'static str,
        /// At least so many of its own heights per second.
        min_speed: f64,
        /// For so long.
        for_s: f64,
    },
    /// Something of the class is there at all.
    ObjectPresent {
        /// Only there, or anywhere.
        zone: Option<&'static str>,
        /// For so long.
        min_s: f64,
        /// Until none was there for so long.
        clear_s: f64,
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
            Self::ObjectAbandoned { .. } => "object_abandoned",
            Self::ZonePresence { .. } => "zone_presence",
            Self::Crowd { .. } => "crowd",
            Self::ObjectPresent { .. } => "object_present",
            Self::WrongWay { .. } => "wrong_way",
            Self::VehicleStopped { .. } => "vehicle_stopped",
            Self::FastMove { .. } => "fast_move",
        }
    }

    /// The same on a picture whose left and right are swapped.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::LineCross { line, left_to_right } => Self::LineCross { line, left_to_right: !left_to_right },
            Self::WrongWay { line, left_to_right } => Self::WrongWay { line, left_to_right: !left_to_right },
            other => other,
        }
    }

    /// Which way, for a crossing.
    pub const fn left_to_right(&self) -> Option<bool> {
        match self {
            Self::LineCross { left_to_right, .. } | Self::WrongWay { left_to_right, .. } => Some(*left_to_right),
            _ => None,
        }
    }

    /// The zone or line; none where it may be anywhere.
    pub const fn figure(&self) -> Option<&'static str> {
        match self {
            Self::LineCross { line, .. } | Self::WrongWay { line, .. } => Some(line),
            Self::ZoneEnter { zone }
            | Self::ZoneExit { zone }
            | Self::Loitering { zone, .. }
            | Self::ZonePresence { zone, .. }
            | Self::Crowd { zone, .. }
            | Self::ObjectAbandoned { zone, .. }
            | Self::VehicleStopped { zone, .. }
            | Self::FastMove { zone, .. }
            | Self::ObjectRemoved { zone, .. } => Some(zone),
            Self::ObjectPresent { zone, .. } => *zone,
        }
    }

    /// As the configuration writes it.
    pub fn to_toml(&self) -> String {
        let figure = match (self, self.figure()) {
            (Self::LineCross { .. } | Self::WrongWay { .. }, Some(line)) => format!("line = {line:?}\n"),
            (_, Some(zone)) => format!("zone = {zone:?}\n"),
            (_, None) => String::new(),
        };
        let own = match *self {
            Self::LineCross { left_to_right, .. } | Self::WrongWay { left_to_right, .. } => {
                format!("direction = {:?}", if left_to_right { "left_to_right" } else { "right_to_left" })
            }
            Self::ZoneEnter { .. } | Self::ZoneExit { .. } => String::new(),
            Self::Loitering { dwell_s, .. } | Self::VehicleStopped { dwell_s, .. } => format!("dwell_s = {dwell_s:?}"),
            Self::FastMove { min_speed, for_s, .. } => format!("min_speed = {min_speed:?}\nfor_s = {for_s:?}"),
            // Mostly the owner, so rules of this kind only record where nothing is said; the street's thieves are alerts.
            Self::ObjectRemoved { settle_s, gone_s, .. } => {
                format!("settle_s = {settle_s:?}\ngone_s = {gone_s:?}\ndeliver = \"alert\"")
            }
            Self::ObjectAbandoned { dwell_s, owner_distance, owner_absent_s, .. } => format!(
                "dwell_s = {dwell_s:?}\nowner_distance = {owner_distance:?}\nowner_absent_s = {owner_absent_s:?}"
            ),
            Self::ZonePresence { dwell_s, clear_s, .. } => {
                format!("dwell_s = {dwell_s:?}\nclear_s = {clear_s:?}\ncooldown_s = 0")
            }
            Self::Crowd { count, dwell_s, clear_s, .. } => {
                format!("count = {count}\nslack = 1\ndwell_s = {dwell_s:?}\nclear_s = {clear_s:?}\ncooldown_s = 0")
            }
            Self::ObjectPresent { min_s, clear_s, .. } => {
                format!("min_s = {min_s:?}\nclear_s = {clear_s:?}\ncooldown_s = 0")
            }
        };
        figure + &own
    }
}
