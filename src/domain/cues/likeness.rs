//! How alike two pictures are, whatever their light, and which shift makes them so: sums for a correlation, kept in lanes.
//!
//! The search over shifts is the dearest thing that the cues ever do, some thousand correlations at a time. Pictures are laid out
//! for it so that what is multiplied lies side by side, and sums run in lanes that a compiler can keep in one register each.

use std::ops::Range;

/// Sums kept side by side.
const LANES: usize = 4;
/// The search looks at each so many-th pixel of each so many-th row of one picture.
const STRIDE: usize = 3;
/// Shifts that are looked for, in pixels each way.
const REACH: [isize; 2] = [28, 16];
/// Fewer pixels than this say nothing.
const LEAST_COUNT: usize = 16;
/// Less than this, as a sum of squares, is no structure.
const FLAT: f32 = 1e-3;

/// What a correlation is made of: sums of two series `a` and `b`.
#[derive(Default)]
pub(super) struct Sums {
    count: usize,
    a: [f32; LANES],
    b: [f32; LANES],
    aa: [f32; LANES],
    bb: [f32; LANES],
    ab: [f32; LANES],
}

impl Sums {
    /// Takes in pairs; both series are equally long.
    pub(super) fn add(&mut self, a: &[f32], b: &[f32]) {
        self.count += a.len();
        let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        for (lane, (&u, &v)) in a_lanes.remainder().iter().zip(b_lanes.remainder()).enumerate() {
            self.add_pair(lane, u, v);
        }
        for (us, vs) in a_lanes.zip(b_lanes) {
            for lane in 0..LANES {
                self.add_pair(lane, us[lane], vs[lane]);
            }
        }
    }

    fn add_pair(&mut self, lane: usize, u: f32, v: f32) {
        self.a[lane] += u;
        self.b[lane] += v;
        self.aa[lane] += u * u;
        self.bb[lane] += v * v;
        self.ab[lane] += u * v;
    }

    /// The correlation, -1 to 1; 0 where there is too little to tell.
    pub(super) fn correlation(&self) -> f32 {
        let sum = |lanes: &[f32; LANES]| lanes.iter().sum::<f32>();
        let (count, a, b) = (self.count.max(1) as f32, sum(&self.a), sum(&self.b));
        let (va, vb) = (sum(&self.aa) - a * a / count, sum(&self.bb) - b * b / count);
        if self.count < LEAST_COUNT || va <= FLAT || vb <= FLAT {
            return 0.0;
        }
        (sum(&self.ab) - a * b / count) / (va * vb).sqrt()
    }
}

/// The part of `from..to` that, moved by `shift`, lies within `0..length`.
pub(super) fn overlap(from: usize, to: usize, shift: isize, length: usize) -> Range<usize> {
    let least = from.max(shift.min(0).unsigned_abs());
    let most = to.min(length.saturating_add_signed(-shift));
    least..most.max(least)
}

/// `at`, moved by `shift`, where that is known to be within.
pub(super) fn moved(at: usize, shift: isize) -> usize {
    at.saturating_add_signed(shift)
}

/// A picture whose columns are sorted by what remains of them on division by the stride: every third pixel of a row, from any
/// column on, lies side by side.
pub(super) struct Combed {
    width: usize,
    height: usize,
    columns: usize,
    levels: Vec<f32>,
}

impl Combed {
    /// Sorts rows of `width` pixels.
    pub(super) fn of(levels: &[f32], width: usize) -> Self {
        let columns = width.div_ceil(STRIDE);
        let height = levels.len().checked_div(width).unwrap_or(0);
        let mut combed = vec![0.0; height * columns * STRIDE];
        for (row, out) in levels.chunks_exact(width.max(1)).zip(combed.chunks_exact_mut((columns * STRIDE).max(1))) {
            for (x, &level) in row.iter().enumerate() {
                out[x % STRIDE * columns + x / STRIDE] = level;
            }
        }
        Self { width, height, columns, levels: combed }
    }

    /// The shift with which the other fits best; none at all where it fits nowhere.
    pub(super) fn best_shift(&self, other: &Self) -> [isize; 2] {
        let mut best = (0.0f32, [0isize; 2]);
        for dy in -REACH[1]..=REACH[1] {
            for dx in -REACH[0]..=REACH[0] {
                let fit = self.correlation(other, [dx, dy]);
                if fit > best.0 {
                    best = (fit, [dx, dy]);
                }
            }
        }
        best.1
    }

    fn correlation(&self, other: &Self, shift: [isize; 2]) -> f32 {
        let mut sums = Sums::default();
        let columns = overlap(0, self.width, shift[0], other.width);
        let first = columns.start.next_multiple_of(STRIDE);
        let count = columns.end.saturating_sub(first).div_ceil(STRIDE);
        if count == 0 {
            return 0.0;
        }
        let there = moved(first, shift[0]);
        for y in overlap(0, self.height, shift[1], other.height).filter(|y| y % STRIDE == 0) {
            let a = self.row(y, first);
            let b = other.row(moved(y, shift[1]), there);
            sums.add(&a[..count], &b[..count]);
        }
        sums.correlation()
    }

    /// Every third pixel of a row, from column `x` on.
    fn row(&self, y: usize, x: usize) -> &[f32] {
        let comb = (y * STRIDE + x % STRIDE) * self.columns;
        &self.levels[comb + x / STRIDE..comb + self.columns]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 50;

    fn texture(shift: [isize; 2]) -> Vec<f32> {
        let level =
            |x: isize, y: isize| ((x * x * 31 + x * y * 17 + y * y * 13 + x * 7 + y * 3).rem_euclid(211) / 3) as f32;
        let rows = (0..40).flat_map(|y| (0..WIDTH as isize).map(move |x| [x, y]));
        rows.map(|[x, y]| level(x - shift[0], y - shift[1])).collect()
    }

    /// The definition, pair by pair.
    fn plainly(a: &[f32], b: &[f32]) -> f32 {
        let mean = |of: &[f32]| of.iter().sum::<f32>() / of.len() as f32;
        let product =
            |p: &[f32], q: &[f32]| -> f32 { p.iter().zip(q).map(|(u, v)| (u - mean(p)) * (v - mean(q))).sum() };
        product(a, b) / (product(a, a) * product(b, b)).sqrt()
    }

    #[test]
    fn the_correlation_is_what_its_definition_says() {
        let (a, b) = (texture([0, 0]), texture([2, 1]));
        for length in [16, 17, 18, 19, 200] {
            let mut sums = Sums::default();
            sums.add(&a[..length], &b[..length]);
            assert!((sums.correlation() - plainly(&a[..length], &b[..length])).abs() < 1e-3, "{length}");
        }
    }

    #[test]
    fn too_little_or_flat_says_nothing() {
        let mut few = Sums::default();
        few.add(&texture([0, 0])[..15], &texture([0, 0])[..15]);
        let mut flat = Sums::default();
        flat.add(&[3.0; 40], &texture([0, 0])[..40]);
        assert_eq!((few.correlation(), flat.correlation()), (0.0, 0.0));
    }

    #[test]
    fn each_shift_within_reach_is_found() {
        let here = Combed::of(&texture([0, 0]), WIDTH);
        for shift in [[0, 0], [1, 0], [-1, 2], [5, -7], [-28, 16], [27, -16]] {
            assert_eq!(here.best_shift(&Combed::of(&texture(shift), WIDTH)), shift);
        }
    }

    #[test]
    fn a_picture_smaller_than_the_reach_is_where_it_is() {
        for width in [1, 2, 5] {
            let small = Combed::of(&texture([0, 0])[..width * 3], width);
            assert_eq!(small.best_shift(&small), [0, 0], "{width}");
        }
    }

    #[test]
    fn what_overlaps_lies_within_both() {
        assert_eq!(overlap(0, 10, 3, 10), 0..7);
        assert_eq!(overlap(0, 10, -3, 10), 3..10);
        assert_eq!(overlap(4, 8, -6, 10), 6..8);
        assert!(overlap(0, 10, 30, 10).is_empty() && overlap(0, 10, -30, 10).is_empty());
    }
}
