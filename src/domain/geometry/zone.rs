//! Zones: one or more polygons drawn on the picture, less their holes.

use super::point::Point;
use super::polygon::{InvalidPolygon, Polygon};
use super::segment::{Piece, meeting};
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

/// All that lies in one of the polygons and in no hole. Polygons may overlap or touch: the zone is one, without a border between.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneShape {
    polygons: Vec<Polygon>,
    holes: Vec<Polygon>,
    /// The pieces of edges that separate inside from outside, without those along the picture's edge.
    border: Vec<Piece>,
    half_breadth: f64,
}

/// Why polygons and holes do not make a zone.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidZone {
    /// No polygon.
    #[error("a zone wants at least one polygon")]
    NoPolygon,
    /// Too many.
    #[error("got {got} polygons and holes, wants at most {MAX_PARTS}")]
    TooManyParts {
        /// How many there were.
        got: usize,
    },
    /// A polygon is wrong. Of a lone one, nobody needs its number.
    #[error("{}{source}", if *of == 1 { String::new() } else { format!("polygon {number}: ") })]
    Polygon {
        /// Which one, counted from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// What is wrong with it.
        source: InvalidPolygon,
    },
    /// A hole is wrong.
    #[error("hole {number}: {source}")]
    Hole {
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: InvalidPolygon,
    },
    /// A hole takes nothing away.
    #[error("hole {number} lies outside the zone: it takes nothing away")]
    HoleOutside {
        /// Which one, counted from 1.
        number: usize,
    },
    /// The holes take all away.
    #[error("the holes leave nothing of the zone")]
    NothingLeft,
}

/// Polygons and holes of a zone at most.
const MAX_PARTS: usize = 32;
/// To both sides of an edge so far is looked, to see whether it is a border.
const BESIDE: f64 = 1e-7;

impl ZoneShape {
    /// A zone of one polygon.
    pub fn new(points: Vec<Point>) -> Result<Self, InvalidZone> {
        Self::of_parts(vec![points], Vec::new())
    }

    /// Checks the polygons and holes and makes a zone of them.
    pub fn of_parts(polygons: Vec<Vec<Point>>, holes: Vec<Vec<Point>>) -> Result<Self, InvalidZone> {
        let (of, parts) = (polygons.len(), polygons.len() + holes.len());
        if of == 0 {
            return Err(InvalidZone::NoPolygon);
        }
        if parts > MAX_PARTS {
            return Err(InvalidZone::TooManyParts { got: parts });
        }
        let polygons = numbered(polygons, |number, source| InvalidZone::Polygon { number, of, source })?;
        let holes = numbered(holes, |number, source| InvalidZone::Hole { number, source })?;
        let half_breadth = half_breadth(&polygons, &holes);
        let mut shape = Self { polygons, holes: Vec::new(), border: Vec::new(), half_breadth };
        if let Some(index) = holes.iter().position(|hole| !shape.overlaps(hole)) {
            return Err(InvalidZone::HoleOutside { number: index + 1 });
        }
        shape.holes = holes;
        let mut border = shape.find_border();
        if border.is_empty() {
            return Err(InvalidZone::NothingLeft);
        }
        border.retain(|&(a, b)| !along_picture_edge(a, b));
        shape.border = border.into_iter().map(|(a, b)| Piece::new(a, b)).collect();
        Ok(shape)
    }

    /// The polygons, in drawing order.
    pub fn polygons(&self) -> &[Polygon] {
        &self.polygons
    }

    /// The holes, in drawing order.
    pub fn holes(&self) -> &[Polygon] {
        &self.holes
    }

    /// Whether `p` is inside: in a polygon, and in no hole.
    pub fn contains(&self, p: Point) -> bool {
        self.polygons.iter().any(|polygon| polygon.contains(p)) && !self.holes.iter().any(|hole| hole.contains(p))
    }

    /// How deep inside `p` is: the distance to the border, negative outside.
    ///
    /// Edges that run along the picture's own edge are no border, since nothing can be seen to cross them: a zone drawn down
    /// to the lower edge is entered by feet that stand right on that edge. Infinite where no other border is left.
    pub fn depth(&self, p: Point) -> f64 {
        let nearest = self.border.iter().map(|piece| piece.distance2(p)).fold(f64::INFINITY, f64::min).sqrt();
        if self.contains(p) { nearest } else { -nearest }
    }

    /// How far into the zone a border can reasonably reach: half the inner radius of a round zone of this area and girth, of
    /// the narrowest polygon.
    pub const fn half_breadth(&self) -> f64 {
        self.half_breadth
    }

    /// Whether some of `other` lies in the zone: a corner or an edge's middle does, or an edge of one crosses one of the other.
    fn overlaps(&self, other: &Polygon) -> bool {
        let touches = |polygon: &Polygon| {
            let corner = |p: &Point| other.contains(*p);
            let edge = |(a, b): (Point, Point)| polygon.contains(a) || polygon.contains(middle(a, b));
            let crossed = |(a, b): (Point, Point)| polygon.edges().any(|(c, d)| !meeting(a, b, c, d).is_empty());
            polygon.points().iter().any(corner) || other.edges().any(|e| edge(e) || crossed(e))
        };
        self.polygons.iter().any(touches)
    }

    /// Each edge, cut where others meet it; those pieces that have inside on one hand and outside on the other.
    fn find_border(&self) -> Vec<(Point, Point)> {
        let edges: Vec<(Point, Point)> = self.polygons.iter().chain(&self.holes).flat_map(Polygon::edges).collect();
        let mut border: Vec<(Point, Point)> = Vec::new();
        for &(a, b) in &edges {
            let mut cuts: Vec<f64> = edges.iter().flat_map(|&(c, d)| meeting(a, b, c, d)).collect();
            cuts.extend([0.0, 1.0]);
            cuts.sort_by(f64::total_cmp);
            cuts.dedup_by(|x, y| (*x - *y).abs() < 1e-9);
            let at = |share: f64| Point::new(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y));
            let pieces = cuts.windows(2).map(|pair| (at(pair[0]), at(pair[1])));
            border.extend(pieces.filter(|&(from, to)| self.separates(from, to)));
        }
        // Two parts that share a piece of their border each gave it.
        border.sort_by(|p, q| p.0.x.total_cmp(&q.0.x).then(p.0.y.total_cmp(&q.0.y)));
        border.dedup();
        border
    }

    fn separates(&self, a: Point, b: Point) -> bool {
        let (m, length) = (middle(a, b), (b.x - a.x).hypot(b.y - a.y));
        if length < 1e-12 {
            return false;
        }
        let (nx, ny) = ((b.y - a.y) / length * BESIDE, (a.x - b.x) / length * BESIDE);
        self.contains(Point::new(m.x + nx, m.y + ny)) != self.contains(Point::new(m.x - nx, m.y - ny))
    }
}

fn numbered(
    parts: Vec<Vec<Point>>,
    wrong: impl Fn(usize, InvalidPolygon) -> InvalidZone,
) -> Result<Vec<Polygon>, InvalidZone> {
    let check = |(i, points)| Polygon::new(points).map_err(|source| wrong(i + 1, source));
    parts.into_iter().enumerate().map(check).collect()
}

fn half_breadth(polygons: &[Polygon], holes: &[Polygon]) -> f64 {
    let narrowest = polygons.iter().map(|polygon| polygon.area() / polygon.girth()).fold(f64::INFINITY, f64::min);
    let (area, girth) = (polygons.iter().map(Polygon::area), polygons.iter().chain(holes).map(Polygon::girth));
    let left = area.sum::<f64>() - holes.iter().map(Polygon::area).sum::<f64>();
    // Holes may reach out of the zone, so what is left can look like nothing.
    if left > 0.0 { narrowest.min(left / girth.sum::<f64>()) } else { narrowest }
}

fn middle(a: Point, b: Point) -> Point {
    Point::new(f64::midpoint(a.x, b.x), f64::midpoint(a.y, b.y))
}

fn along_picture_edge(a: Point, b: Point) -> bool {
    const NEAR: f64 = 1e-3;
    let low = |u: f64, v: f64| u < NEAR && v < NEAR;
    let high = |u: f64, v: f64| u > 1.0 - NEAR && v > 1.0 - NEAR;
    low(a.x, b.x) || high(a.x, b.x) || low(a.y, b.y) || high(a.y, b.y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Corners<'a> = &'a [(f64, f64)];

    fn points(corners: Corners<'_>) -> Vec<Point> {
        corners.iter().map(|&(x, y)| Point::new(x, y)).collect()
    }

    fn zone(polygons: &[Corners<'_>], holes: &[Corners<'_>]) -> Result<ZoneShape, InvalidZone> {
        let all = |parts: &[Corners<'_>]| parts.iter().map(|part| points(part)).collect();
        ZoneShape::of_parts(all(polygons), all(holes))
    }

    fn rectangle(x0: f64, y0: f64, x1: f64, y1: f64) -> [(f64, f64); 4] {
        [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    }

    #[test]
    fn the_pictures_edge_is_no_border() {
        let lower_half = zone(&[&rectangle(0.0, 0.5, 1.0, 1.0)], &[]).unwrap();
        assert!((lower_half.depth(Point::new(0.01, 0.999)) - 0.499).abs() < 1e-9);
        let all = zone(&[&rectangle(0.0, 0.0, 1.0, 1.0)], &[]).unwrap();
        assert!(all.depth(Point::new(0.5, 0.5)).is_infinite());
    }

    #[test]
    fn polygons_that_touch_or_overlap_have_no_border_between_them() {
        let touching = zone(&[&rectangle(0.1, 0.1, 0.5, 0.9), &rectangle(0.5, 0.1, 0.9, 0.9)], &[]).unwrap();
        let overlapping = zone(&[&rectangle(0.1, 0.1, 0.6, 0.9), &rectangle(0.4, 0.1, 0.9, 0.9)], &[]).unwrap();
        for shape in [touching, overlapping] {
            for x in [0.45, 0.5, 0.55] {
                let depth = shape.depth(Point::new(x, 0.5));
                assert!((depth - 0.4f64.min(x - 0.1).min(0.9 - x)).abs() < 1e-9, "{x}: {depth}");
            }
        }
    }

    #[test]
    fn a_hole_is_outside_and_its_edge_a_border() {
        let ring = zone(&[&rectangle(0.1, 0.1, 0.9, 0.9)], &[&rectangle(0.4, 0.4, 0.6, 0.6)]).unwrap();
        assert!((ring.depth(Point::new(0.5, 0.5)) + 0.1).abs() < 1e-9);
        assert!((ring.depth(Point::new(0.5, 0.35)) - 0.05).abs() < 1e-9);
        assert!(!ring.contains(Point::new(0.05, 0.5)) && ring.contains(Point::new(0.2, 0.5)));
        // A hole may reach out of the zone: it is a bay then.
        let bay = zone(&[&rectangle(0.1, 0.1, 0.9, 0.9)], &[&rectangle(0.8, 0.4, 1.0, 0.6)]).unwrap();
        assert!(!bay.contains(Point::new(0.85, 0.5)) && (bay.depth(Point::new(0.95, 0.5)) + 0.1118).abs() < 1e-3);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_number() {
        let square = rectangle(0.1, 0.1, 0.5, 0.5);
        let told = |shape: Result<ZoneShape, InvalidZone>| shape.unwrap_err().to_string();
        assert_eq!(told(zone(&[], &[])), "a zone wants at least one polygon");
        assert_eq!(told(zone(&[&square[..2]], &[])), "a zone wants at least 3 points, got 2");
        assert_eq!(told(zone(&[&square, &square[..2]], &[])), "polygon 2: a zone wants at least 3 points, got 2");
        assert!(
            told(zone(&[&square], &[&[(0.1, 0.1), (0.4, 0.4), (0.4, 0.1), (0.1, 0.4)]]))
                .starts_with("hole 1: polygon crosses itself: the edge after point 1 meets")
        );
        let outside = told(zone(&[&square], &[&rectangle(0.2, 0.2, 0.3, 0.3), &rectangle(0.6, 0.6, 0.9, 0.9)]));
        assert_eq!(outside, "hole 2 lies outside the zone: it takes nothing away");
        assert_eq!(told(zone(&[&square], &[&rectangle(0.0, 0.0, 0.6, 0.6)])), "the holes leave nothing of the zone");
        assert_eq!(told(zone(&[&square], &[&square])), "the holes leave nothing of the zone");
        assert!(told(zone(&[&square[..]; 40], &[])).contains("got 40 polygons and holes, wants at most 32"));
    }

    fn any_rectangle() -> impl Strategy<Value = [(f64, f64); 4]> {
        (0..8u8, 0..8u8, 1..6u8, 1..6u8).prop_map(|(x, y, w, h)| {
            let at = |k: u8| f64::from(k) / 16.0 + 0.1;
            rectangle(at(x), at(y), at(x + w), at(y + h))
        })
    }

    proptest! {
        #[test]
        fn depth_has_the_sign_of_inside_and_moves_no_faster_than_the_point(
            p in (0.0..1.0f64, 0.0..1.0f64), step in (-0.05..0.05f64, -0.05..0.05f64),
        ) {
            let zone = zone(&[&[(0.2, 0.2), (0.8, 0.3), (0.5, 0.5), (0.7, 0.9), (0.1, 0.8)]], &[]).unwrap();
            let (a, b) = (Point::new(p.0, p.1), Point::new(p.0 + step.0, p.1 + step.1));
            prop_assert_eq!(zone.depth(a) > 0.0, zone.contains(a));
            prop_assert!((zone.depth(a) - zone.depth(b)).abs() <= step.0.hypot(step.1) + 1e-12);
        }

        #[test]
        fn a_union_with_holes_is_what_its_parts_say_and_its_depth_is_a_distance(
            polygons in proptest::collection::vec(any_rectangle(), 1..5),
            holes in proptest::collection::vec(any_rectangle(), 0..3),
            p in (0.0..1.0f64, 0.0..1.0f64), step in (-0.05..0.05f64, -0.05..0.05f64),
        ) {
            let refs = |parts: &[[(f64, f64); 4]]| parts.iter().map(|part| points(part)).collect::<Vec<_>>();
            let Ok(shape) = ZoneShape::of_parts(refs(&polygons), refs(&holes)) else { return Ok(()) };
            let (a, b) = (Point::new(p.0, p.1), Point::new(p.0 + step.0, p.1 + step.1));
            let within = |part: &[(f64, f64); 4]| part[0].0 < a.x && a.x < part[2].0 && part[0].1 < a.y && a.y < part[2].1;
            let inside = polygons.iter().any(within) && !holes.iter().any(within);
            prop_assert_eq!(shape.contains(a), inside);
            prop_assert_eq!(shape.depth(a) > 0.0, inside);
            // A distance to one border: it changes no faster than one moves, across every part's edge.
            prop_assert!((shape.depth(a) - shape.depth(b)).abs() <= step.0.hypot(step.1) + 1e-9, "{} {}", shape.depth(a), shape.depth(b));
        }

        #[test]
        fn no_parts_make_it_panic(
            polygons in proptest::collection::vec(proptest::collection::vec((-0.2..1.2f64, -0.2..1.2f64), 0..6), 0..4),
            holes in proptest::collection::vec(proptest::collection::vec((-0.2..1.2f64, -0.2..1.2f64), 0..6), 0..3),
            p in (-1.0..2.0f64, -1.0..2.0f64),
        ) {
            let all = |parts: &[Vec<(f64, f64)>]| parts.iter().map(|part| points(part)).collect();
            if let Ok(shape) = ZoneShape::of_parts(all(&polygons), all(&holes)) {
                prop_assert!(!shape.depth(Point::new(p.0, p.1)).is_nan());
            }
        }
    }
}
