//! The ground before a camera: which metre each place of the picture is.
//!
//! A homography, found by least squares over four or more points whose places on the ground were measured. It holds on the ground
//! only, so for where things stand; and not near or above the horizon, where a pixel is a hundred metres: there is no place then
//! rather than a guess.

use super::point::Point;

/// A plane of which places in the picture are known in metres.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundPlane {
    /// Rows of the homography, from centred picture coordinates to metres.
    rows: [[f64; 3]; 3],
    centre: Point,
    /// How near the measured points come to the horizon.
    nearest: f64,
}

/// A place in the picture that was measured on the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundPoint {
    /// Where it is in the picture.
    pub seen: Point,
    /// Where it is on the ground, in metres from any corner, along any two axes at a right angle.
    pub metres: [f64; 2],
}

/// Why points do not make a ground plane.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidGround {
    /// Fewer than four.
    #[error("a ground plane wants at least 4 points [x, y, X, Y], got {got}")]
    TooFewPoints {
        /// How many there were.
        got: usize,
    },
    /// A number that is none, or out of reason.
    #[error(
        "point {index} is not usable: x and y are 0..1 of width and height, metres within a kilometre or ten; got {got}"
    )]
    OutOfReason {
        /// Which point, counted from 1.
        index: usize,
        /// What it was.
        got: String,
    },
    /// Two or three of them say too little.
    #[error(
        "the points say too little: three of any four must not lie on a line, in the picture or on the ground, nor two be the same"
    )]
    Degenerate,
    /// Some lie behind the horizon that the others make.
    #[error(
        "the points contradict one another: point {index} would lie behind the camera; are two of them swapped, or x and y?"
    )]
    Swapped {
        /// Which point, counted from 1.
        index: usize,
    },
    /// More than four, and they do not fit together.
    #[error("point {index} is {off} m off where the others put it; measure it again, or leave it out")]
    DoesNotFit {
        /// Which point, counted from 1.
        index: usize,
        /// By how many metres.
        off: f64,
    },
}

/// Metres farther from the camera's ground than this are a slip of the pen.
const FARTHEST_METRES: f64 = 10_000.0;
/// A measured point may be off by this share of how far the points lie apart.
const MISFIT: f64 = 0.1;
/// Nearer to the horizon than this share of the nearest measured point, nothing is said.
const HORIZON: f64 = 0.2;

impl GroundPlane {
    /// Finds the plane on which the points lie.
    pub fn new(points: &[GroundPoint]) -> Result<Self, InvalidGround> {
        if points.len() < 4 {
            return Err(InvalidGround::TooFewPoints { got: points.len() });
        }
        if let Some(i) = points.iter().position(|p| !p.is_reasonable()) {
            let GroundPoint { seen, metres } = points[i];
            let got = format!("[{}, {}, {}, {}]", seen.x, seen.y, metres[0], metres[1]);
            return Err(InvalidGround::OutOfReason { index: i + 1, got });
        }
        if !has_a_quadrangle(points) {
            return Err(InvalidGround::Degenerate);
        }
        let count = points.len() as f64;
        let mean = |of: fn(&GroundPoint) -> f64| points.iter().map(of).sum::<f64>() / count;
        let centre = Point::new(mean(|p| p.seen.x), mean(|p| p.seen.y));
        let origin = [mean(|p| p.metres[0]), mean(|p| p.metres[1])];
        let spread = points.iter().map(|p| apart(p.metres, origin)).fold(0.0, f64::max).max(1e-9);
        let mut equations = Equations::default();
        for p in points {
            let (x, y) = (p.seen.x - centre.x, p.seen.y - centre.y);
            let [u, v] = [(p.metres[0] - origin[0]) / spread, (p.metres[1] - origin[1]) / spread];
            equations.add([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u);
            equations.add([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v);
        }
        let h = equations.solve().ok_or(InvalidGround::Degenerate)?;
        let depth = [h[6], h[7], 1.0];
        let row = |first: usize, origin: f64| -> [f64; 3] {
            std::array::from_fn(|i| spread * h[first + i] + origin * depth[i])
        };
        let mut plane = Self { rows: [row(0, origin[0]), row(3, origin[1]), depth], centre, nearest: 0.0 };
        plane.check(points, spread)?;
        Ok(plane)
    }

    fn check(&mut self, points: &[GroundPoint], spread: f64) -> Result<(), InvalidGround> {
        if let Some(i) = points.iter().position(|p| self.depth(p.seen) <= 1e-6) {
            return Err(InvalidGround::Swapped { index: i + 1 });
        }
        self.nearest = points.iter().map(|p| self.depth(p.seen)).fold(f64::INFINITY, f64::min);
        let off = |p: &GroundPoint| self.place(p.seen).map_or(f64::INFINITY, |at| apart(at, p.metres));
        let worst = points.iter().map(off).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        match worst {
            Some((i, off)) if off > MISFIT * spread => {
                Err(InvalidGround::DoesNotFit { index: i + 1, off: (off * 100.0).round() / 100.0 })
            }
            _ => Ok(()),
        }
    }

    /// Where on the ground `p` is, in metres; nothing near or above the horizon.
    pub fn place(&self, p: Point) -> Option<[f64; 2]> {
        let depth = self.depth(p);
        (depth > HORIZON * self.nearest && depth.is_finite())
            .then(|| [self.along(0, p) / depth, self.along(1, p) / depth])
    }

    /// How far two places of the ground are apart, in metres.
    pub fn metres(&self, a: Point, b: Point) -> Option<f64> {
        Some(apart(self.place(a)?, self.place(b)?))
    }

    fn along(&self, row: usize, p: Point) -> f64 {
        let [a, b, c] = self.rows[row];
        a * (p.x - self.centre.x) + b * (p.y - self.centre.y) + c
    }

    /// 1 at the points' centre, 0 at the horizon, negative beyond.
    fn depth(&self, p: Point) -> f64 {
        self.along(2, p)
    }
}

impl GroundPoint {
    fn is_reasonable(&self) -> bool {
        let seen = [self.seen.x, self.seen.y].iter().all(|v| (0.0..=1.0).contains(v));
        seen && self.metres.iter().all(|v| v.abs() <= FARTHEST_METRES)
    }
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Whether some four of the points have no three on a line, in the picture and on the ground.
fn has_a_quadrangle(points: &[GroundPoint]) -> bool {
    let seen = |i: usize| [points[i].seen.x, points[i].seen.y];
    let metres = |i: usize| points[i].metres;
    let flat = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        let longest = apart(a, b).max(apart(b, c)).max(apart(a, c));
        // A triangle less high than a fiftieth of its length.
        area.abs() <= 0.02 * longest * longest
    };
    let good =
        |i: usize, j: usize, k: usize| !flat(seen(i), seen(j), seen(k)) && !flat(metres(i), metres(j), metres(k));
    // Nobody measures more points than this; of more, the first ones must do.
    let n = points.len().min(16);
    for i in 0..n {
        for j in i + 1..n {
            for k in j + 1..n {
                let fourth = |l: usize| good(i, j, l) && good(i, k, l) && good(j, k, l);
                if good(i, j, k) && (k + 1..n).any(fourth) {
                    return true;
                }
            }
        }
    }
    false
}

/// Normal equations of a linear least-squares problem in eight unknowns.
#[derive(Default)]
struct Equations {
    left: [[f64; 8]; 8],
    right: [f64; 8],
}

impl Equations {
    fn add(&mut self, factors: [f64; 8], result: f64) {
        for (i, &factor) in factors.iter().enumerate() {
            for (j, &other) in factors.iter().enumerate() {
                self.left[i][j] += factor * other;
            }
            self.right[i] += factor * result;
        }
    }

    /// Gaussian elimination with the largest pivot of each column; nothing where there is no one solution.
    fn solve(mut self) -> Option<[f64; 8]> {
        for column in 0..8 {
            let pivot =
                (column..8).max_by(|&a, &b| self.left[a][column].abs().total_cmp(&self.left[b][column].abs()))?;
            self.left.swap(column, pivot);
            self.right.swap(column, pivot);
            let head = self.left[column][column];
            if head.abs() < 1e-13 {
                return None;
            }
            for row in column + 1..8 {
                let share = self.left[row][column] / head;
                for k in column..8 {
                    self.left[row][k] -= share * self.left[column][k];
                }
                self.right[row] -= share * self.right[column];
            }
        }
        let mut solution = [0.0; 8];
        for row in (0..8).rev() {
            let known: f64 = (row + 1..8).map(|k| self.left[row][k] * solution[k]).sum();
            solution[row] = (self.right[row] - known) / self.left[row][row];
        }
        solution.iter().all(|x: &f64| x.is_finite()).then_some(solution)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A camera at a height that looks down by an angle: where a place of the ground is in its picture.
    fn seen(height: f64, tilt: f64, [east, north]: [f64; 2]) -> Point {
        let (sin, cos) = tilt.sin_cos();
        let depth = north * cos + height * sin;
        Point::new(0.5 + 0.8 * east / depth, 0.5 + 1.4 * (height * cos - north * sin) / depth)
    }

    fn measured(height: f64, tilt: f64, places: &[[f64; 2]]) -> Vec<GroundPoint> {
        places.iter().map(|&metres| GroundPoint { seen: seen(height, tilt, metres), metres }).collect()
    }

    const CORNERS: [[f64; 2]; 4] = [[-3.0, 8.0], [3.0, 8.0], [4.0, 20.0], [-4.0, 20.0]];

    #[test]
    fn metres_are_metres_away_from_the_measured_points_too() {
        let plane = GroundPlane::new(&measured(5.0, 0.45, &CORNERS)).unwrap();
        let (a, b) = (seen(5.0, 0.45, [1.0, 12.0]), seen(5.0, 0.45, [1.0, 15.0]));
        assert!((plane.metres(a, b).unwrap() - 3.0).abs() < 1e-6);
        let far = plane.place(seen(5.0, 0.45, [2.0, 30.0])).unwrap();
        assert!(apart(far, [2.0, 30.0]) < 1e-6, "{far:?}");
    }

    #[test]
    fn above_the_horizon_there_is_no_place() {
        let plane = GroundPlane::new(&measured(5.0, 0.45, &CORNERS)).unwrap();
        let horizon = 0.5 - 1.4 * 0.45f64.tan();
        assert_eq!(plane.place(Point::new(0.5, horizon - 0.01)), None);
        assert_eq!(plane.place(Point::new(0.5, horizon + 0.002)), None, "a pixel is a hundred metres here");
        assert!(plane.place(Point::new(0.5, 0.9)).is_some());
    }

    #[test]
    fn points_that_say_too_little_or_contradict_are_refused() {
        use InvalidGround as I;
        let good = measured(5.0, 0.45, &CORNERS);
        assert_eq!(GroundPlane::new(&good[..3]), Err(I::TooFewPoints { got: 3 }));
        let line = measured(5.0, 0.45, &[[-3.0, 10.0], [0.0, 10.0], [3.0, 10.0], [0.0, 20.0]]);
        assert_eq!(GroundPlane::new(&line), Err(I::Degenerate));
        let twice = [good[0], good[0], good[2], good[3]];
        assert_eq!(GroundPlane::new(&twice), Err(I::Degenerate));
        let mut swapped = good.clone();
        (swapped[0].metres, swapped[1].metres) = (good[1].metres, good[0].metres);
        assert!(matches!(GroundPlane::new(&swapped), Err(I::Swapped { .. })), "{:?}", GroundPlane::new(&swapped));
        let mut odd = measured(5.0, 0.45, &[CORNERS[0], CORNERS[1], CORNERS[2], CORNERS[3], [0.0, 12.0], [1.0, 16.0]]);
        odd[4].metres = [5.0, 12.0];
        assert!(matches!(GroundPlane::new(&odd), Err(I::DoesNotFit { index: 5, .. })), "{:?}", GroundPlane::new(&odd));
        let mut far = good;
        far[2].metres[0] = f64::NAN;
        assert!(matches!(GroundPlane::new(&far), Err(I::OutOfReason { index: 3, .. })));
    }

    proptest! {
        #[test]
        fn any_camera_s_ground_is_found(
            height in 2.5..12.0f64, tilt in 0.35..0.9f64, east in -2.0..2.0f64, ahead in 0.0..6.0f64,
        ) {
            // A square around where the camera's middle looks.
            let middle = height / tilt.tan();
            let places = [[-2.0, middle - 1.5], [2.0, middle - 1.5], [2.0, middle + 2.0], [-2.0, middle + 2.0]];
            let points = measured(height, tilt, &places);
            prop_assume!(points.iter().all(GroundPoint::is_reasonable));
            let plane = GroundPlane::new(&points).unwrap();
            let place = [east, middle - 1.5 + ahead];
            if let Some(found) = plane.place(seen(height, tilt, place)) {
                prop_assert!(apart(found, place) < 1e-4, "{found:?} {place:?}");
            }
        }

        #[test]
        fn no_points_make_it_panic(
            points in proptest::collection::vec((-0.1..1.1f64, -0.1..1.1f64, -100.0..100.0f64, -100.0..100.0f64), 0..7),
            p in (-1.0..2.0f64, -1.0..2.0f64),
        ) {
            let points: Vec<GroundPoint> = points
                .iter()
                .map(|&(x, y, east, north)| GroundPoint { seen: Point::new(x, y), metres: [east, north] })
                .collect();
            if let Ok(plane) = GroundPlane::new(&points) {
                prop_assert!(plane.place(Point::new(p.0, p.1)).is_none_or(|place| place.iter().all(|v| v.is_finite())));
            }
        }
    }
}
