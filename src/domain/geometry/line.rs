//! Lines drawn on the picture, and which way they were crossed.

use super::point::Point;

/// A polyline of at least two points, as drawn on the screen (y down).
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    points: Vec<Point>,
}

/// Walking from a line's first point to its last as drawn on the screen, `left` is the left-hand side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossingDirection {
    /// From the left-hand side to the right-hand side.
    LeftToRight,
    /// From the right-hand side to the left-hand side.
    RightToLeft,
}

/// Why points do not make a line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidLine {
    /// Fewer than two.
    #[error("a line wants at least 2 points, got {got}")]
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
    /// Two neighbours are the same.
    #[error("points {index} and {next} are the same")]
    Repeated {
        /// Which point, counted from 1.
        index: usize,
        /// The one after it.
        next: usize,
    },
}

impl Line {
    /// Checks the points and makes a line of them.
    pub fn new(points: Vec<Point>) -> Result<Self, InvalidLine> {
        if points.len() < 2 {
            return Err(InvalidLine::TooFewPoints { got: points.len() });
        }
        for (i, p) in points.iter().enumerate() {
            if !(0.0..=1.0).contains(&p.x) || !(0.0..=1.0).contains(&p.y) {
                return Err(InvalidLine::OutsidePicture { index: i + 1, x: p.x, y: p.y });
            }
        }
        if let Some(i) = points.windows(2).position(|pair| pair[0] == pair[1]) {
            return Err(InvalidLine::Repeated { index: i + 1, next: i + 2 });
        }
        Ok(Self { points })
    }

    /// The points, in drawing order.
    pub fn points(&self) -> &[Point] {
        &self.points
    }
}
