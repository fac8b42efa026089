//! Zones: polygons drawn on the picture.

use super::point::Point;
use crate::domain::ids::ZoneId;

/// A named zone of a camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its id within the camera.
    pub id: ZoneId,
    /// Counts up with each change of its shape.
    pub rev: u32,
    /// A name for people.
    pub name: Option<String>,
    /// The site's own category, e.g. `bicycle_parking`.
    pub category: Option<String>,
    /// Where it is.
    pub shape: ZoneShape,
}

/// A simple polygon (no edge crosses another), of at least three points.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneShape {
    points: Vec<Point>,
}

/// Why points do not make a zone.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidZone {
    /// Fewer than three.
    #[error("a zone wants at least 3 points, got {got}")]
    TooFewPoints {
        /// How many there were.
        got: usize,
    },
    /// A coordinate is not a number between 0 and 1.
    #[error("point {index} is outside the picture: ({x}, {y}); coordinates are 0..1 of width and height")]
    OutsidePicture {
        /// Which point, counted from 1.
        index: usize,
        /// Its x.
        x: f64,
        /// Its y.
        y: f64,
    },
    /// Two edges cross.
    #[error("polygon crosses itself: the edge after point {first} meets the edge after point {second}")]
    CrossesItself {
        /// The point at which the first edge begins, counted from 1.
        first: usize,
        /// The point at which the second edge begins, counted from 1.
        second: usize,
    },
    /// All points on one line.
    #[error("polygon has no area")]
    NoArea,
}

impl ZoneShape {
    /// The corners, in drawing order; the last is joined to the first.
    pub fn points(&self) -> &[Point] {
        &self.points
    }
}
