//! One simple polygon: what zones are made of.

use super::point::Point;
use super::segment::{meet, turn};

/// A simple polygon (no edge crosses another), of at least three points, with an area.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    points: Vec<Point>,
    /// The corners of the upright box around it.
    around: (Point, Point),
}

/// Why points do not make a polygon.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidPolygon {
    /// Fewer than three.
    #[error("a zone wants at least 3 points, got {got}")]
    TooFewPoints {
        /// How many there were.
        got: usize,
    },
    /// More than anyone draws.
    #[error("got {got} points, wants at most {MAX_POINTS}")]
    TooManyPoints {
        /// How many there were.
        got: usize,
    },
    /// A coordinate is not a number between 0 and 1.
    #[error("point {index} is outside the picture: ({x}, {y}); coordinates are 0..1 of width and height{}", pixels(*x, *y))]
    OutsidePicture {
        /// Which point, counted from 1.
        index: usize,
        /// Its x.
        x: f64,
        /// Its y.
        y: f64,
    },
    /// Nothing of it lies in the picture.
    #[error("it lies wholly outside the picture, beginning with point 1: ({x}, {y}); coordinates are 0..1 of width and height{}", pixels(*x, *y))]
    WhollyOutside {
        /// The first point's x.
        x: f64,
        /// The first point's y.
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

/// What is most probably meant by numbers far above 1.
pub(super) fn pixels(x: f64, y: f64) -> &'static str {
    if x.max(y) >= 2.0 { " (pixels? divide x by the picture's width and y by its height)" } else { "" }
}

/// Below this area (a thousandth of the picture's width by a thousandth of its height) nothing can stand in a zone.
const LEAST_AREA: f64 = 1e-6;
/// Points of a polygon at most: each look costs time for each of them.
const MAX_POINTS: usize = 256;

impl Polygon {
    /// Checks the points and makes a polygon of them. A last point equal to the first, as drawing tools write it, is dropped.
    pub fn new(mut points: Vec<Point>) -> Result<Self, InvalidPolygon> {
        if points.len() > 3 && points.first() == points.last() {
            points.pop();
        }
        if points.len() < 3 {
            return Err(InvalidPolygon::TooFewPoints { got: points.len() });
        }
        if points.len() > MAX_POINTS {
            return Err(InvalidPolygon::TooManyPoints { got: points.len() });
        }
        check_inside(&points)?;
        let count = points.len();
        if let Some(i) = (0..count).find(|&i| points[i] == points[(i + 1) % count]) {
            return Err(InvalidPolygon::Repeated { index: i + 1, next: (i + 1) % count + 1 });
        }
        if points.iter().all(|&p| turn(points[0], points[1], p).abs() < LEAST_AREA) {
            return Err(InvalidPolygon::NoArea);
        }
        if let Some((first, second)) = crossing_edges(&points) {
            return Err(InvalidPolygon::CrossesItself { first: first + 1, second: second + 1 });
        }
        let corner = |pick: fn(f64, f64) -> f64| {
            let first = points[0];
            points.iter().fold(first, |at, p| Point::new(pick(at.x, p.x), pick(at.y, p.y)))
        };
        let polygon = Self { around: (corner(f64::min), corner(f64::max)), points };
        if polygon.area() < LEAST_AREA { Err(InvalidPolygon::NoArea) } else { Ok(polygon) }
    }

    /// The corners, in drawing order; the last is joined to the first.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Area, in fractions of the picture.
    pub fn area(&self) -> f64 {
        self.edges().map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>().abs() / 2.0
    }

    /// The way around it.
    pub fn girth(&self) -> f64 {
        self.edges().map(|(a, b)| (b.x - a.x).hypot(b.y - a.y)).sum()
    }

    /// Whether `p` is inside (even-odd rule).
    pub fn contains(&self, p: Point) -> bool {
        let (least, most) = self.around;
        // Most are far from most zones.
        if p.x < least.x || p.x > most.x || p.y < least.y || p.y > most.y {
            return false;
        }
        self.edges().fold(false, |inside, (a, b)| {
            let crosses = (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x;
            inside != crosses
        })
    }

    /// Its edges, in drawing order.
    pub fn edges(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        let closing = self.points.last().copied().zip(self.points.first().copied());
        self.points.windows(2).map(|pair| (pair[0], pair[1])).chain(closing)
    }
}

fn check_inside(points: &[Point]) -> Result<(), InvalidPolygon> {
    let outside = |p: &Point| !(0.0..=1.0).contains(&p.x) || !(0.0..=1.0).contains(&p.y);
    let beyond = |side: fn(&Point) -> bool| points.iter().all(side);
    if beyond(|p| p.x < 0.0) || beyond(|p| p.x > 1.0) || beyond(|p| p.y < 0.0) || beyond(|p| p.y > 1.0) {
        return Err(InvalidPolygon::WhollyOutside { x: points[0].x, y: points[0].y });
    }
    match points.iter().position(outside) {
        Some(i) => Err(InvalidPolygon::OutsidePicture { index: i + 1, x: points[i].x, y: points[i].y }),
        None => Ok(()),
    }
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

    fn polygon(points: &[(f64, f64)]) -> Result<Polygon, InvalidPolygon> {
        Polygon::new(points.iter().map(|&(x, y)| Point::new(x, y)).collect())
    }

    #[test]
    fn a_bow_tie_names_both_edges() {
        let bow = polygon(&[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)]);
        assert_eq!(bow, Err(InvalidPolygon::CrossesItself { first: 1, second: 3 }));
    }

    #[test]
    fn what_is_no_polygon_is_refused() {
        use InvalidPolygon as I;
        assert_eq!(polygon(&[(0.1, 0.1), (0.2, 0.2)]), Err(I::TooFewPoints { got: 2 }));
        assert_eq!(polygon(&[(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)]), Err(I::NoArea));
        for odd in [(1.5, 0.5), (f64::NAN, 0.5), (0.5, f64::INFINITY)] {
            let refused = polygon(&[(0.1, 0.1), odd, (0.9, 0.1)]);
            assert!(matches!(refused, Err(I::OutsidePicture { index: 2, .. })), "{refused:?}");
        }
        assert_eq!(polygon(&[(0.1, 0.1), (0.1, 0.1), (0.9, 0.9), (0.9, 0.1)]), Err(I::Repeated { index: 1, next: 2 }));
        let spike = polygon(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.1), (0.5, 0.9)]);
        assert!(matches!(spike, Err(I::CrossesItself { .. })), "{spike:?}");
        assert_eq!(polygon(&vec![(0.5, 0.5); 300]), Err(I::TooManyPoints { got: 299 }));
    }

    #[test]
    fn one_that_is_nowhere_in_the_picture_is_told_so_and_pixels_are_recognized() {
        let beside = polygon(&[(1.1, 0.1), (1.5, 0.2), (1.2, 0.9)]).unwrap_err().to_string();
        assert!(beside.contains("wholly outside the picture") && !beside.contains("pixels"), "{beside}");
        let pixels = polygon(&[(0.0, 0.0), (1920.0, 0.0), (1920.0, 1080.0)]).unwrap_err().to_string();
        assert!(pixels.contains("point 2 is outside the picture: (1920, 0)") && pixels.contains("pixels?"), "{pixels}");
    }

    #[test]
    fn a_closing_point_is_dropped() {
        assert_eq!(polygon(&[(0.1, 0.1), (0.9, 0.1), (0.5, 0.9), (0.1, 0.1)]).unwrap().points().len(), 3);
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
            let star = Polygon::new((0..count).map(corner).collect()).unwrap();
            prop_assert!(star.contains(Point::new(0.5, 0.5)));
            let c = corner(0);
            prop_assert!(star.contains(Point::new(0.5 + along * (c.x - 0.5), 0.5 + along * (c.y - 0.5))));
            prop_assert!(!star.contains(Point::new(0.5 + 1.05 * (c.x - 0.5), 0.5 + 1.05 * (c.y - 0.5))));
        }

        #[test]
        fn no_points_make_it_panic(points in proptest::collection::vec((-0.5..1.5f64, -0.5..1.5f64), 0..9)) {
            if let Ok(polygon) = polygon(&points) {
                prop_assert!(polygon.area() > 0.0);
            }
        }
    }
}
