//! Straight pieces: sides, distances and crossings. What `line` and `zone` are made of; nothing outside geometry uses it.

use super::point::Point;

/// Twice the signed area of (`a`, `b`, `p`): negative when `p` is to the left of the walk from `a` to `b` as seen on the
/// screen (y down), positive to the right, zero on the line.
pub(super) fn turn(a: Point, b: Point, p: Point) -> f64 {
    (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)
}

/// A straight piece, ready to be asked how far away it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    from: Point,
    dx: f64,
    dy: f64,
    /// One by the square of its length; nothing where it has none.
    per_length2: f64,
}

impl Piece {
    pub(super) fn new(a: Point, b: Point) -> Self {
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length2 = dx * dx + dy * dy;
        Self { from: a, dx, dy, per_length2: if length2 > 0.0 { 1.0 / length2 } else { 0.0 } }
    }

    /// Square of the distance from `p`: the nearest of many is found without a root each.
    pub(super) fn distance2(&self, p: Point) -> f64 {
        let (x, y) = (p.x - self.from.x, p.y - self.from.y);
        let along = ((x * self.dx + y * self.dy) * self.per_length2).clamp(0.0, 1.0);
        let (ox, oy) = (x - along * self.dx, y - along * self.dy);
        ox * ox + oy * oy
    }
}

/// Whether the closed pieces `a`-`b` and `c`-`d` share a point.
pub(super) fn meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let (ta, tb, tc, td) = (turn(c, d, a), turn(c, d, b), turn(a, b, c), turn(a, b, d));
    if ta * tb < 0.0 && tc * td < 0.0 {
        return true;
    }
    let on = |t: f64, p: Point, from: Point, to: Point| t == 0.0 && within_box(p, from, to);
    on(ta, a, c, d) || on(tb, b, c, d) || on(tc, c, a, b) || on(td, d, a, b)
}

/// Where along `a`-`b` (0..=1) it meets `c`-`d`: one place, or both ends of what they share where they lie upon each other.
pub(super) fn meeting(a: Point, b: Point, c: Point, d: Point) -> Vec<f64> {
    let length2 = (b.x - a.x).powi(2) + (b.y - a.y).powi(2);
    let along = |p: Point| ((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length2;
    let (tc, td) = (turn(a, b, c), turn(a, b, d));
    let flat = 1e-12;
    if tc.abs() < flat && td.abs() < flat {
        let mut shared = vec![along(c), along(d)];
        shared.retain(|share| (0.0..=1.0).contains(share));
        return shared;
    }
    if (tc > flat) == (td > flat) && (tc < -flat) == (td < -flat) {
        return Vec::new();
    }
    let share = tc / (tc - td);
    let place = along(Point::new(c.x + share * (d.x - c.x), c.y + share * (d.y - c.y)));
    if (0.0..=1.0).contains(&place) && (0.0..=1.0).contains(&share) { vec![place] } else { Vec::new() }
}

fn within_box(p: Point, a: Point, b: Point) -> bool {
    (a.x.min(b.x)..=a.x.max(b.x)).contains(&p.x) && (a.y.min(b.y)..=a.y.max(b.y)).contains(&p.y)
}
