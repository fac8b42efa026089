//! Lines drawn on the picture, and which way they were crossed.

use super::point::Point;
use super::polygon::pixels;
use super::segment::{Piece, turn};

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
    #[error("point {index} is outside the picture: ({x}, {y}); coordinates are 0..1 of width and height{}", pixels(*x, *y))]
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

    /// Where the straight move `from` -> `to` passes the line: how far along the move (0..=1), and which way.
    ///
    /// A point exactly on the line counts as right of it, so that a move which ends on the line and one which begins there
    /// make one crossing together, and a path that touches and turns back makes two that cancel. Passing beyond the ends of
    /// the line is no crossing.
    pub fn crossings(&self, from: Point, to: Point) -> impl Iterator<Item = (f64, CrossingDirection)> + '_ {
        self.points.windows(2).filter_map(move |piece| {
            let (a, b) = (piece[0], piece[1]);
            let (before, after) = (turn(a, b, from), turn(a, b, to));
            let passes = (before < 0.0) != (after < 0.0);
            let between_ends = (turn(from, to, a) < 0.0) != (turn(from, to, b) < 0.0);
            (passes && between_ends).then(|| {
                let way = if before < 0.0 { CrossingDirection::LeftToRight } else { CrossingDirection::RightToLeft };
                (before / (before - after), way)
            })
        })
    }

    /// Distance from `p` to the nearest point of the line.
    pub fn distance(&self, p: Point) -> f64 {
        self.points
            .windows(2)
            .map(|piece| Piece::new(piece[0], piece[1]).distance2(p))
            .fold(f64::INFINITY, f64::min)
            .sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use CrossingDirection::{LeftToRight, RightToLeft};

    fn line(points: &[(f64, f64)]) -> Line {
        Line::new(points.iter().map(|&(x, y)| Point::new(x, y)).collect()).unwrap()
    }

    fn ways(line: &Line, path: &[(f64, f64)]) -> Vec<CrossingDirection> {
        path.windows(2)
            .flat_map(|m| {
                line.crossings(Point::new(m[0].0, m[0].1), Point::new(m[1].0, m[1].1)).map(|c| c.1).collect::<Vec<_>>()
            })
            .collect()
    }

    fn net(ways: &[CrossingDirection]) -> i32 {
        ways.iter().map(|w| if *w == LeftToRight { 1 } else { -1 }).sum()
    }

    #[test]
    fn left_is_the_left_hand_of_one_who_walks_the_line_on_the_screen() {
        let up = line(&[(0.5, 1.0), (0.5, 0.0)]);
        assert_eq!(ways(&up, &[(0.2, 0.5), (0.8, 0.5)]), [LeftToRight]);
        assert_eq!(ways(&up, &[(0.8, 0.5), (0.2, 0.5)]), [RightToLeft]);
        let rightward = line(&[(0.0, 0.5), (1.0, 0.5)]);
        assert_eq!(ways(&rightward, &[(0.3, 0.2), (0.3, 0.8)]), [LeftToRight], "downwards on the screen");
    }

    #[test]
    fn beyond_the_ends_is_no_crossing() {
        let short = line(&[(0.5, 0.6), (0.5, 0.4)]);
        assert!(ways(&short, &[(0.2, 0.3), (0.8, 0.3)]).is_empty());
        assert_eq!(ways(&short, &[(0.2, 0.5), (0.8, 0.5)]).len(), 1);
    }

    #[test]
    fn touching_and_turning_back_cancels() {
        let up = line(&[(0.5, 1.0), (0.5, 0.0)]);
        assert_eq!(net(&ways(&up, &[(0.2, 0.5), (0.5, 0.5), (0.2, 0.6)])), 0);
        assert_eq!(net(&ways(&up, &[(0.8, 0.5), (0.5, 0.5), (0.8, 0.6)])), 0);
        assert_eq!(net(&ways(&up, &[(0.2, 0.5), (0.5, 0.5), (0.8, 0.5)])), 1);
        assert_eq!(net(&ways(&up, &[(0.8, 0.5), (0.5, 0.5), (0.2, 0.5)])), -1);
    }

    #[test]
    fn a_bend_is_crossed_once() {
        let bent = line(&[(0.2, 0.8), (0.5, 0.5), (0.8, 0.8)]);
        assert_eq!(net(&ways(&bent, &[(0.5, 0.2), (0.5, 0.9)])), 1);
    }

    proptest! {
        #[test]
        fn a_reversed_line_swaps_the_direction(
            a in (0.0..1.0f64, 0.0..1.0f64), b in (0.0..1.0f64, 0.0..1.0f64),
            p in (0.0..1.0f64, 0.0..1.0f64), q in (0.0..1.0f64, 0.0..1.0f64),
        ) {
            prop_assume!(a != b);
            let there = net(&ways(&line(&[a, b]), &[p, q]));
            let back = net(&ways(&line(&[b, a]), &[p, q]));
            prop_assert_eq!(there, -back);
        }

        #[test]
        fn a_closed_walk_around_nothing_nets_zero_over_a_line_through_the_whole_picture(
            walk in proptest::collection::vec((0.0..1.0f64, 0.001..0.999f64), 2..20),
        ) {
            let whole = line(&[(0.5, 1.0), (0.5, 0.0)]);
            let mut closed = walk.clone();
            closed.push(walk[0]);
            prop_assert_eq!(net(&ways(&whole, &closed)), 0);
        }

        #[test]
        fn the_crossing_lies_on_the_line(p in (0.0..0.49f64, 0.01..0.99f64), q in (0.51..1.0f64, 0.01..0.99f64)) {
            let whole = line(&[(0.5, 1.0), (0.5, 0.0)]);
            let (t, _) = whole.crossings(Point::new(p.0, p.1), Point::new(q.0, q.1)).next().unwrap();
            prop_assert!((p.0 + t * (q.0 - p.0) - 0.5).abs() < 1e-9);
        }
    }
}
