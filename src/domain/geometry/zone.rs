//! Zones: polygons drawn on the picture.

use super::point::Point;
use super::segment::{distance2, meet, turn};
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
    half_breadth: f64,
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
    /// Two neighbours are the same.
    #[error("points {index} and {next} are the same")]
    Repeated {
        /// Which point, counted from 1.
        index: usize,
        /// The one after it.
        next: usize,
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

/// Below this area (a thousandth of the picture's width by a thousandth of its height) nothing can stand in a zone.
const LEAST_AREA: f64 = 1e-6;

impl ZoneShape {
    /// Checks the points and makes a zone of them. A last point equal to the first, as drawing tools write it, is dropped.
    pub fn new(mut points: Vec<Point>) -> Result<Self, InvalidZone> {
        if points.len() > 3 && points.first() == points.last() {
            points.pop();
        }
        if points.len() < 3 {
            return Err(InvalidZone::TooFewPoints { got: points.len() });
        }
        for (i, p) in points.iter().enumerate() {
            if !(0.0..=1.0).contains(&p.x) || !(0.0..=1.0).contains(&p.y) {
                return Err(InvalidZone::OutsidePicture { index: i + 1, x: p.x, y: p.y });
            }
        }
        let count = points.len();
        if let Some(i) = (0..count).find(|&i| points[i] == points[(i + 1) % count]) {
            return Err(InvalidZone::Repeated { index: i + 1, next: (i + 1) % count + 1 });
        }
        if points.iter().all(|&p| turn(points[0], points[1], p).abs() < LEAST_AREA) {
            return Err(InvalidZone::NoArea);
        }
        if let Some((first, second)) = crossing_edges(&points) {
            return Err(InvalidZone::CrossesItself { first: first + 1, second: second + 1 });
        }
        let mut shape = Self { points, half_breadth: 0.0 };
        shape.half_breadth = shape.area() / shape.edges().map(|(a, b)| (b.x - a.x).hypot(b.y - a.y)).sum::<f64>();
        if shape.area() < LEAST_AREA { Err(InvalidZone::NoArea) } else { Ok(shape) }
    }

    /// The corners, in drawing order; the last is joined to the first.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Area, in fractions of the picture.
    pub fn area(&self) -> f64 {
        self.edges().map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>().abs() / 2.0
    }

    /// Whether `p` is inside (even-odd rule).
    pub fn contains(&self, p: Point) -> bool {
        self.edges().fold(false, |inside, (a, b)| {
            let crosses = (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x;
            inside != crosses
        })
    }

    /// How deep inside `p` is: the distance to the border, negative outside.
    ///
    /// Edges that run along the picture's own edge are no border, since nothing can be seen to cross them: a zone drawn down
    /// to the lower edge is entered by feet that stand right on that edge. Infinite where no other border is left.
    pub fn depth(&self, p: Point) -> f64 {
        let nearest = self
            .edges()
            .filter(|&(a, b)| !along_picture_edge(a, b))
            .map(|(a, b)| distance2(a, b, p))
            .fold(f64::INFINITY, f64::min)
            .sqrt();
        if self.contains(p) { nearest } else { -nearest }
    }

    /// How far into the zone a border can reasonably reach: half the inner radius of a round zone of this area and girth.
    pub const fn half_breadth(&self) -> f64 {
        self.half_breadth
    }

    fn edges(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        let closing = self.points.last().copied().zip(self.points.first().copied());
        self.points.windows(2).map(|pair| (pair[0], pair[1])).chain(closing)
    }
}

fn along_picture_edge(a: Point, b: Point) -> bool {
    const NEAR: f64 = 1e-3;
    let low = |u: f64, v: f64| u < NEAR && v < NEAR;
    let high = |u: f64, v: f64| u > 1.0 - NEAR && v > 1.0 - NEAR;
    low(a.x, b.x) || high(a.x, b.x) || low(a.y, b.y) || high(a.y, b.y)
}

/// The first two edges (by the index of the point at which each begins) that meet elsewhere than in the corner they share.
fn crossing_edges(points: &[Point]) -> Option<(usize, usize)> {
    let count = points.len();
    let edge = |i: usize| (points[i], points[(i + 1) % count]);
    for i in 0..count {
        for j in i + 1..count {
            let ((a, b), (c, d)) = (edge(i), edge(j));
            let crosses = if j == i + 1 {
                folds_back(a, b, d)
            } else if i == 0 && j == count - 1 {
                folds_back(c, a, b)
            } else {
                meet(a, b, c, d)
            };
            if crosses {
                return Some((i, j));
            }
        }
    }
    None
}

/// Whether the walk `a` -> `b` -> `c` turns right back on itself.
fn folds_back(a: Point, b: Point, c: Point) -> bool {
    turn(a, b, c) == 0.0 && (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y) < 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(points: &[(f64, f64)]) -> Result<ZoneShape, InvalidZone> {
        ZoneShape::new(points.iter().map(|&(x, y)| Point::new(x, y)).collect())
    }

    #[test]
    fn a_bow_tie_names_both_edges() {
        let bow = shape(&[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)]);
        assert_eq!(bow, Err(InvalidZone::CrossesItself { first: 1, second: 3 }));
    }

    #[test]
    fn what_is_no_polygon_is_refused() {
        assert_eq!(shape(&[(0.1, 0.1), (0.2, 0.2)]), Err(InvalidZone::TooFewPoints { got: 2 }));
        assert_eq!(shape(&[(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)]), Err(InvalidZone::NoArea));
        assert!(matches!(
            shape(&[(0.1, 0.1), (1.5, 0.5), (0.9, 0.1)]),
            Err(InvalidZone::OutsidePicture { index: 2, .. })
        ));
        assert!(matches!(
            shape(&[(0.1, 0.1), (f64::NAN, 0.5), (0.9, 0.1)]),
            Err(InvalidZone::OutsidePicture { index: 2, .. })
        ));
        assert_eq!(
            shape(&[(0.1, 0.1), (0.1, 0.1), (0.9, 0.9), (0.9, 0.1)]),
            Err(InvalidZone::Repeated { index: 1, next: 2 })
        );
        let spike = shape(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.1), (0.5, 0.9)]);
        assert!(matches!(spike, Err(InvalidZone::CrossesItself { .. })), "{spike:?}");
    }

    #[test]
    fn a_closing_point_is_dropped() {
        assert_eq!(shape(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.9), (0.1, 0.1)]).unwrap().points().len(), 3);
    }

    #[test]
    fn the_pictures_edge_is_no_border() {
        let lower_half = shape(&[(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]).unwrap();
        assert!((lower_half.depth(Point::new(0.01, 0.999)) - 0.499).abs() < 1e-9);
        let all = shape(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]).unwrap();
        assert!(all.depth(Point::new(0.5, 0.5)).is_infinite());
    }

    proptest! {
        #[test]
        fn a_star_around_a_point_is_simple_and_contains_it(
            radii in proptest::collection::vec(0.1..0.45f64, 5..12), along in 0.0..0.95f64,
        ) {
            let count = radii.len();
            let corner = |i: usize| {
                let angle = i as f64 / count as f64 * std::f64::consts::TAU;
                Point::new(0.5 + radii[i] * angle.cos(), 0.5 + radii[i] * angle.sin())
            };
            let star = ZoneShape::new((0..count).map(corner).collect()).unwrap();
            prop_assert!(star.contains(Point::new(0.5, 0.5)));
            let c = corner(0);
            prop_assert!(star.contains(Point::new(0.5 + along * (c.x - 0.5), 0.5 + along * (c.y - 0.5))));
            prop_assert!(!star.contains(Point::new(0.5 + 1.05 * (c.x - 0.5), 0.5 + 1.05 * (c.y - 0.5))));
        }

        #[test]
        fn depth_has_the_sign_of_inside_and_moves_no_faster_than_the_point(
            p in (0.0..1.0f64, 0.0..1.0f64), step in (-0.05..0.05f64, -0.05..0.05f64),
        ) {
            let zone = shape(&[(0.2, 0.2), (0.8, 0.3), (0.5, 0.5), (0.7, 0.9), (0.1, 0.8)]).unwrap();
            let (a, b) = (Point::new(p.0, p.1), Point::new(p.0 + step.0, p.1 + step.1));
            prop_assert_eq!(zone.depth(a) > 0.0, zone.contains(a));
            prop_assert!((zone.depth(a) - zone.depth(b)).abs() <= step.0.hypot(step.1) + 1e-12);
        }

        #[test]
        fn no_points_make_it_panic(points in proptest::collection::vec((-0.5..1.5f64, -0.5..1.5f64), 0..9)) {
            if let Ok(zone) = shape(&points) {
                prop_assert!(zone.area() > 0.0);
            }
        }
    }
}
