//! How far apart two places of the picture are.
//!
//! Coordinates are shares of width and height, so a step to the right is longer than the same step down on a wide picture: angles
//! and lengths want the picture's shape.

use super::ground::GroundPlane;
use super::point::Point;

/// The shape of most cameras' pictures, until one is seen.
const USUAL_ASPECT: f64 = 16.0 / 9.0;

/// Measures on one camera's picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    aspect: f64,
    ground: Option<GroundPlane>,
}

impl Default for Ruler {
    fn default() -> Self {
        Self { aspect: USUAL_ASPECT, ground: None }
    }
}

impl Ruler {
    /// Measures where the ground is known, or is not.
    pub fn on(ground: Option<GroundPlane>) -> Self {
        Self { ground, ..Self::default() }
    }

    /// Takes the ground before the camera, where it was measured.
    pub fn set_ground(&mut self, ground: Option<GroundPlane>) {
        self.ground = ground;
    }

    /// How far two places of the ground are apart, in metres; nothing where the ground is not known.
    pub fn metres(&self, a: Point, b: Point) -> Option<f64> {
        self.ground.as_ref()?.metres(a, b)
    }

    /// Takes the shape of the picture from its size in pixels; one without size changes nothing.
    pub fn see_picture(&mut self, width: u32, height: u32) {
        if width > 0 && height > 0 {
            self.aspect = f64::from(width) / f64::from(height);
        }
    }

    /// The way from `a` to `b` in picture heights, to the right and down.
    pub fn way(&self, a: Point, b: Point) -> [f64; 2] {
        [(b.x - a.x) * self.aspect, b.y - a.y]
    }

    /// How far `a` and `b` are apart on the screen, in picture heights.
    pub fn apart(&self, a: Point, b: Point) -> f64 {
        let [x, y] = self.way(a, b);
        x.hypot(y)
    }

    /// How many picture heights the picture is wide.
    pub const fn width(&self) -> f64 {
        self.aspect
    }
}

/// The angle between two ways, 0..=180 degrees; none where one of them has no length.
pub fn degrees_between(a: [f64; 2], b: [f64; 2]) -> Option<f64> {
    let lengths = a[0].hypot(a[1]) * b[0].hypot(b[1]);
    (lengths > 0.0).then(|| ((a[0] * b[0] + a[1] * b[1]) / lengths).clamp(-1.0, 1.0).acos().to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagonal_of_a_wide_picture_is_flatter_than_its_numbers_say() {
        let ruler = Ruler::default();
        let way = ruler.way(Point::new(0.0, 1.0), Point::new(1.0, 0.0));
        let up = degrees_between(way, [0.0, -1.0]).unwrap();
        assert!((up - 60.642).abs() < 0.01, "{up}");
        assert!(degrees_between([0.0, 0.0], way).is_none());
    }
}
