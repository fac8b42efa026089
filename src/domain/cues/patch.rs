//! A piece of the picture, kept to be compared with later ones.

use super::ground::Ground;
use super::regions::Region;

/// Levels of a few pixels at one place.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pixels: Vec<usize>,
    levels: Vec<f32>,
}

impl Patch {
    /// What `levels` show at `pixels`.
    pub(super) fn of(pixels: &[usize], levels: &[f32]) -> Self {
        let mut pixels: Vec<usize> = pixels.iter().copied().filter(|&p| p < levels.len()).collect();
        pixels.sort_unstable();
        let levels = pixels.iter().map(|&p| levels[p]).collect();
        Self { pixels, levels }
    }

    /// Takes in another; where both have a pixel, the newer counts.
    pub(super) fn join(&mut self, newer: Self) {
        let mut all: std::collections::BTreeMap<usize, f32> =
            self.pixels.drain(..).zip(self.levels.drain(..)).collect();
        all.extend(newer.pixels.into_iter().zip(newer.levels));
        (self.pixels, self.levels) = all.into_iter().unzip();
    }

    /// How many pixels it has.
    pub(super) const fn len(&self) -> usize {
        self.pixels.len()
    }

    /// The share of `part` that lies within this patch and shows the same there.
    pub(super) fn share_of(&self, part: &Self, ground: &Ground) -> f64 {
        let same = part.pixels.iter().zip(&part.levels).filter(|&(&pixel, level)| {
            let here = self.pixels.binary_search(&pixel);
            here.is_ok_and(|i| (self.levels[i] - level).abs() <= ground.tolerance(pixel))
        });
        same.count() as f64 / part.len().max(1) as f64
    }

    /// The share of its pixels that look as they did.
    pub(super) fn share_like(&self, ground: &Ground) -> f64 {
        let like = self.each(&ground.picture).filter(|(pixel, was, is)| (is - was).abs() <= ground.tolerance(*pixel));
        like.count() as f64 / self.pixels.len().max(1) as f64
    }

    /// The share of its pixels that moved a moment ago.
    pub(super) fn share_moving(&self, ground: &Ground) -> f64 {
        let moving = self.pixels.iter().filter(|&&p| ground.now - ground.moved_at[p] < 0.5);
        moving.count() as f64 / self.pixels.len().max(1) as f64
    }

    /// How alike the structure is, whatever the light: the correlation of levels, -1 to 1; `None` where there is no structure.
    pub(super) fn likeness(&self, picture: &[f32]) -> Option<f64> {
        let count = self.pixels.len() as f64;
        let (mut a, mut b) = (0.0, 0.0);
        for (_, was, is) in self.each(picture) {
            a += f64::from(was);
            b += f64::from(is);
        }
        let (mean_a, mean_b) = (a / count.max(1.0), b / count.max(1.0));
        let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
        for (_, was, is) in self.each(picture) {
            let (u, v) = (f64::from(was) - mean_a, f64::from(is) - mean_b);
            aa += u * u;
            bb += v * v;
            ab += u * v;
        }
        // Less than two levels of deviation is noise.
        let structured = |sum: f64| sum / count.max(1.0) > 4.0;
        (count > 8.0 && structured(aa) && structured(bb)).then(|| ab / (aa * bb).sqrt())
    }

    fn each<'a>(&'a self, picture: &'a [f32]) -> impl Iterator<Item = (usize, f32, f32)> + 'a {
        self.pixels.iter().zip(&self.levels).filter_map(|(&p, &was)| picture.get(p).map(|&is| (p, was, is)))
    }
}

/// To which of two pictures the edges of their difference belong: 1 to `after` (something has come), 0 to `before` (it has
/// gone). The edges of a thing stand where it stands and not where it has left (San Miguel and Martinez 2008); their share is
/// the projection of each picture's gradient on that of the difference, along the border of the region.
pub(super) fn edge_owner(region: &Region, width: usize, before: &[f32], after: &[f32]) -> f64 {
    let height = before.len() / width.max(1);
    let mut inside = vec![false; before.len()];
    for &pixel in &region.pixels {
        inside[pixel] = true;
    }
    let (x0, x1) = (region.from[0].saturating_sub(2).max(1), (region.to[0] + 3).min(width.saturating_sub(1)));
    let (y0, y1) = (region.from[1].saturating_sub(2).max(1), (region.to[1] + 3).min(height.saturating_sub(1)));
    let (mut of_after, mut whole) = (0.0f64, 1e-6f64);
    for y in y0..y1 {
        for x in x0..x1 {
            let i = y * width + x;
            let near = |j: usize| inside[j] != inside[i];
            let border = near(i - 1) || near(i + 1) || near(i - width) || near(i + width);
            if !border {
                continue;
            }
            let slope = |levels: &[f32]| [levels[i + 1] - levels[i - 1], levels[i + width] - levels[i - width]];
            let (b, a) = (slope(before), slope(after));
            let d = [a[0] - b[0], a[1] - b[1]];
            of_after += f64::from(a[0] * d[0] + a[1] * d[1]);
            whole += f64::from(d[0] * d[0] + d[1] * d[1]);
        }
    }
    of_after / whole
}
