//! Connected regions of a mask.

use crate::domain::geometry::BBox;

/// A thing is at least so many pixels wide and high.
const NARROWEST: usize = 3;

/// Pixels that hang together.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// Their indices, `y * width + x`.
    pub(super) pixels: Vec<usize>,
    /// First column and row.
    pub(super) from: [usize; 2],
    /// Last column and row.
    pub(super) to: [usize; 2],
}

impl Region {
    /// Its box in a picture of `width` by `height` pixels.
    pub(super) fn bbox(&self, width: usize, height: usize) -> BBox {
        let (w, h) = (width as f64, height as f64);
        let corner = |p: [usize; 2], more: usize| ((p[0] + more) as f64 / w, (p[1] + more) as f64 / h);
        let ((x0, y0), (x1, y1)) = (corner(self.from, 0), corner(self.to, 1));
        BBox::from_corners(x0, y0, x1, y1)
    }

    /// Whether it is no thing but an edge, or a line on the road.
    pub(super) fn is_narrow(&self) -> bool {
        (0..2).any(|axis| self.to[axis] - self.from[axis] + 1 < NARROWEST)
    }

    /// Takes in another.
    pub(super) fn join(&mut self, other: Self) {
        self.pixels.extend(other.pixels);
        for axis in 0..2 {
            self.from[axis] = self.from[axis].min(other.from[axis]);
            self.to[axis] = self.to[axis].max(other.to[axis]);
        }
    }
}

/// The regions of `mask` with at least `least` pixels, from the top down. Pixels within `reach` of each other hang together:
/// 1 for neighbours only, 2 where noise tears holes into what is one thing.
pub(super) fn regions(mask: &[bool], width: usize, least: usize, reach: usize) -> Vec<Region> {
    let height = mask.len().checked_div(width).unwrap_or(0);
    let mut open = mask.to_vec();
    let mut found = Vec::new();
    for start in 0..mask.len() {
        if !open[start] {
            continue;
        }
        open[start] = false;
        let mut region = Region { pixels: vec![start], from: [usize::MAX; 2], to: [0; 2] };
        let mut next = 0;
        while let Some(&pixel) = region.pixels.get(next) {
            next += 1;
            let (x, y) = (pixel % width, pixel / width);
            region.from = [region.from[0].min(x), region.from[1].min(y)];
            region.to = [region.to[0].max(x), region.to[1].max(y)];
            for ny in y.saturating_sub(reach)..(y + reach + 1).min(height) {
                for nx in x.saturating_sub(reach)..(x + reach + 1).min(width) {
                    let neighbour = ny * width + nx;
                    if open[neighbour] {
                        open[neighbour] = false;
                        region.pixels.push(neighbour);
                    }
                }
            }
        }
        if region.pixels.len() >= least {
            found.push(region);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, usize) {
        (rows.iter().flat_map(|row| row.bytes().map(|c| c == b'#')).collect(), rows[0].len())
    }

    #[test]
    fn what_hangs_together_is_one_region() {
        let (mask, width) = mask(&["##......#", "##.......", ".........", "#.#...###", "......###"]);
        let found = regions(&mask, width, 2, 2);
        let boxes: Vec<_> = found.iter().map(|r| (r.from, r.to, r.pixels.len())).collect();
        assert_eq!(boxes, [([0, 0], [2, 3], 6), ([6, 3], [8, 4], 6)]);
        assert!((found[1].bbox(9, 5).w - 3.0 / 9.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_has_no_regions() {
        assert!(regions(&[], 0, 1, 2).is_empty());
        assert!(regions(&[false; 6], 3, 1, 2).is_empty());
    }
}
