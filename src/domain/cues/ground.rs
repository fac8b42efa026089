//! What the picture looks like when nothing happens, and what differs from it now.
//!
//! Two models of different speed per pixel (after Porikli, Ivanov and Haga 2008, and the state machine of Evangelio and Sikora 2011):
//! the *accepted* level follows slowly and only where it fits, so that what stands for a while does not sink into it; the *fresh* level
//! is what the pixel has shown lately, and since when without a break. A pixel *differs* when the picture, freed of a change of
//! light over the whole of it, lies outside what the accepted level shows within a pixel around, by more than this pixel's own
//! unrest: a trembling camera, noise, swaying leaves and rain stay within. It is *still* when its fresh level holds.
//!
//! Time is data; a look after a gap begins stillness anew. Memory is a few numbers per pixel of a picture of bounded size.

use super::light::Light;
use super::luma::SmallLuma;

/// Hardly brighter than black in video range.
const DARK: f32 = 28.0;
/// Keeps the ratios of dark levels finite.
const LIFT: f32 = 8.0;
/// A jump of the ratio between neighbours by so much is no light.
const ROUGH: f32 = 0.12;
/// How slowly the accepted level follows where it fits, in seconds.
const ACCEPTED_MEMORY: f32 = 15.0;
/// How slowly the models are carried along with the light, in seconds.
const LIGHT_MEMORY: f32 = 4.0;
/// How slowly a pixel's unrest is learned, in seconds.
const UNREST_MEMORY: f32 = 12.0;
/// Less than this is never a difference, in levels.
const LEAST_DIFFERENCE: f32 = 7.0;
/// Less than this from look to look is never motion, in levels: lamps and exposure flicker.
const LEAST_MOTION: f32 = 11.0;
/// Beyond so many times its own unrest a pixel differs.
const UNREST_FACTOR: f32 = 3.2;
/// A pixel's unrest is never taken for more than this, or the cars of a busy road would hide each other, in levels.
const MOST_UNREST: f32 = 20.0;
/// A pixel that was different for less than this has swung, in seconds.
const SWING: f64 = 3.0;
/// How much of its way a swing teaches.
const SWING_TEACHES: f32 = 0.06;
/// A look after so long a gap does not continue the one before, in seconds.
const GAP: f64 = 2.0;
/// When more than this share of the picture differs, it is the light, the view or the lens, and not a thing in it.
const UPHEAVAL_SHARE: f64 = 0.45;
/// Upheaval that has come to rest for so long is the new normal, in seconds.
const UPHEAVAL_RESTS: f64 = 2.0;

/// The models of one camera's picture.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Seconds since the first look.
    pub(super) now: f64,
    /// Seconds since the look before.
    pub(super) step: f64,
    /// The picture, freed of the light's change.
    pub(super) picture: Vec<f32>,
    /// The accepted level.
    pub(super) accepted: Vec<f32>,
    /// Since when it is accepted.
    pub(super) accepted_since: Vec<f64>,
    /// The fresh level.
    pub(super) fresh: Vec<f32>,
    /// Since when the fresh level holds.
    pub(super) still_since: Vec<f64>,
    /// Since when the pixel differs without a break; meaningless where it does not.
    pub(super) differs_since: Vec<f64>,
    /// When the pixel last moved.
    pub(super) moved_at: Vec<f64>,
    /// Which pixels differ.
    pub(super) differs: Vec<bool>,
    /// The least and greatest accepted level within a pixel around.
    bounds: [Vec<f32>; 2],
    unrest: Vec<f32>,
    before: Vec<f32>,
    scratch: Vec<f32>,
    pub(super) noise: f32,
    pub(super) light: Light,
    upheaval: Option<Upheaval>,
}

/// A picture that differs nearly everywhere.
#[derive(Clone, Copy, Debug)]
struct Upheaval {
    /// Since when it has been quiet.
    quiet_since: f64,
}

/// What a look found of the whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// Things can be told apart.
    Clear,
    /// Too much differs: nothing can be told.
    Upheaval,
    /// What differed nearly everywhere has become the new normal with this look.
    Relearned,
}

impl Ground {
    /// Takes the first picture as normal.
    pub(super) fn new(luma: &SmallLuma) -> Self {
        let levels: Vec<f32> = luma.pixels().iter().map(|&level| f32::from(level)).collect();
        let count = levels.len();
        Self {
            width: luma.width(),
            height: luma.height(),
            now: 0.0,
            step: 0.0,
            picture: levels.clone(),
            accepted: levels.clone(),
            accepted_since: vec![0.0; count],
            fresh: levels.clone(),
            still_since: vec![0.0; count],
            differs_since: vec![0.0; count],
            moved_at: vec![f64::NEG_INFINITY; count],
            differs: vec![false; count],
            bounds: [levels.clone(), levels.clone()],
            unrest: vec![2.0; count],
            before: levels.clone(),
            scratch: levels,
            noise: 1.0,
            light: Light::SAME,
            upheaval: None,
        }
    }

    /// Takes the next picture, of the same size, `now` seconds after the first.
    pub(super) fn look(&mut self, luma: &SmallLuma, now: f64) -> Whole {
        self.step = (now - self.now).max(0.0);
        self.now = self.now.max(now);
        let gap = self.step > GAP;
        std::mem::swap(&mut self.before, &mut self.picture);
        self.free_of_light(luma);
        self.measure_noise();
        self.spread_bounds();
        let share = self.compare();
        self.follow_fresh(gap);
        let whole = self.weigh(share);
        if whole == Whole::Clear {
            self.follow_accepted();
            self.follow_light();
        }
        whole
    }

    /// How much levels may differ at `pixel` and still be the same.
    pub(super) fn tolerance(&self, pixel: usize) -> f32 {
        LEAST_DIFFERENCE.max(4.0 * self.noise).max(UNREST_FACTOR * self.unrest[pixel])
    }

    /// Whether the ratio of `levels` to what is accepted jumps at `pixel`: light and shadow scale what is there, smoothly.
    pub(super) fn is_rough(&self, levels: &[f32], pixel: usize) -> bool {
        let (width, count) = (self.width, levels.len());
        let here = self.ratio(levels, pixel);
        let neighbours = [pixel.checked_sub(1), Some(pixel + 1), pixel.checked_sub(width), Some(pixel + width)];
        // In the dark noise alone makes ratios jump.
        let least = ROUGH.max(5.0 * self.noise.max(1.0) / (levels[pixel].max(0.0) + LIFT));
        let rough = |n: usize| n < count && (self.ratio(levels, n) / here - 1.0).abs() > least;
        neighbours.into_iter().flatten().any(rough)
    }

    /// How much brighter `levels` are at `pixel` than what is accepted.
    pub(super) fn ratio(&self, levels: &[f32], pixel: usize) -> f32 {
        (levels[pixel].max(0.0) + LIFT) / (self.accepted[pixel].max(0.0) + LIFT)
    }

    /// Whether there is light enough to tell anything: some contrast that is more than noise.
    pub(super) fn is_dark(&self) -> bool {
        let bright = self.picture.iter().filter(|&&level| level * self.light.gain + self.light.offset > DARK).count();
        bright * 20 < self.picture.len()
    }

    /// Accepts what is fresh at `pixel`.
    pub(super) fn accept(&mut self, pixel: usize) {
        self.accepted[pixel] = self.fresh[pixel];
        self.accepted_since[pixel] = self.still_since[pixel];
        self.differs[pixel] = false;
    }

    /// Shows the picture in the light in which it was learned.
    fn free_of_light(&mut self, luma: &SmallLuma) {
        self.light = Light::between(&self.accepted, luma.pixels(), self.width);
        for (out, &level) in self.picture.iter_mut().zip(luma.pixels()) {
            *out = self.light.undo(f32::from(level));
        }
    }

    /// The picture's own noise: what most pixels change by from look to look.
    fn measure_noise(&mut self) {
        let mut counts = [0usize; 64];
        for (now, before) in self.picture.iter().zip(&self.before).step_by(3) {
            counts[((now - before).abs() * 4.0).min(63.0) as usize] += 1;
        }
        let total: usize = counts.iter().sum();
        let mut below = 0;
        let median = counts.iter().position(|count| {
            below += count;
            below * 2 >= total
        });
        let noise = (median.unwrap_or(0) as f32 + 0.5) / 4.0;
        self.noise += 0.2 * (noise.clamp(0.25, 8.0) - self.noise);
    }

    fn spread_bounds(&mut self) {
        let [least, greatest] = &mut self.bounds;
        spread(&self.accepted, self.width, f32::min, &mut self.scratch, least);
        spread(&self.accepted, self.width, f32::max, &mut self.scratch, greatest);
    }

    /// Marks what differs and what moves; gives the share that differs.
    fn compare(&mut self) -> f64 {
        let floor = LEAST_DIFFERENCE.max(4.0 * self.noise);
        let moves = LEAST_MOTION.max(5.0 * self.noise);
        let mut count = 0usize;
        for i in 0..self.picture.len() {
            let level = self.picture[i];
            let beyond = (level - self.bounds[1][i]).max(self.bounds[0][i] - level);
            let differs = beyond > floor.max(UNREST_FACTOR * self.unrest[i]);
            match (self.differs[i], differs) {
                (false, true) => self.differs_since[i] = self.now,
                // It has swung out and back: leaves do so again and again, who walks by does it once.
                (true, false) if self.now - self.differs_since[i] < SWING => {
                    let off = (self.before[i] - self.accepted[i]).abs();
                    self.unrest[i] = (self.unrest[i] + SWING_TEACHES * (off - self.unrest[i])).min(MOST_UNREST);
                }
                _ => {}
            }
            self.differs[i] = differs;
            count += usize::from(differs);
            if (level - self.before[i]).abs() > moves.max(1.5 * self.unrest[i]) {
                self.moved_at[i] = self.now;
            }
        }
        count as f64 / self.picture.len().max(1) as f64
    }

    fn follow_fresh(&mut self, gap: bool) {
        let share = (self.step as f32 / 0.8).clamp(0.05, 0.5);
        let floor = LEAST_MOTION.max(5.0 * self.noise);
        for i in 0..self.picture.len() {
            let off = self.picture[i] - self.fresh[i];
            if gap || off.abs() > floor.max(1.5 * self.unrest[i]) {
                self.fresh[i] = self.picture[i];
                self.still_since[i] = self.now;
            } else {
                self.fresh[i] += share * off;
            }
        }
    }

    fn weigh(&mut self, share: f64) -> Whole {
        if share < UPHEAVAL_SHARE {
            self.upheaval = None;
            return Whole::Clear;
        }
        let moving = self.moved_at.iter().filter(|&&at| at >= self.now).count();
        let quiet = moving * 10 < self.picture.len();
        let upheaval = self.upheaval.get_or_insert(Upheaval { quiet_since: self.now });
        if !quiet {
            upheaval.quiet_since = self.now;
        }
        if self.now - upheaval.quiet_since < UPHEAVAL_RESTS {
            return Whole::Upheaval;
        }
        self.upheaval = None;
        self.accepted.copy_from_slice(&self.picture);
        self.fresh.copy_from_slice(&self.picture);
        self.accepted_since.fill(self.now);
        self.differs.fill(false);
        Whole::Relearned
    }

    /// Carries the models along with the light, so that what is known stays in the terms of what is seen.
    fn follow_light(&mut self) {
        let share = (self.step as f32 / LIGHT_MEMORY).clamp(0.0, 0.5);
        let (gain, offset) = (1.0 + share * (self.light.gain - 1.0), share * self.light.offset);
        for levels in [&mut self.accepted, &mut self.fresh, &mut self.picture] {
            for level in levels.iter_mut() {
                *level = *level * gain + offset;
            }
        }
    }

    fn follow_accepted(&mut self) {
        let age = (self.now as f32).max(0.2);
        let level = (self.step as f32 / ACCEPTED_MEMORY.min(age)).clamp(0.0, 0.5);
        let learn = (self.step as f32 / UNREST_MEMORY.min(age)).clamp(0.0, 0.5);
        for i in 0..self.picture.len() {
            let off = self.picture[i] - self.accepted[i];
            if !self.differs[i] {
                self.accepted[i] += level * off;
            }
            // Bounded per look: what passes once teaches little, what trembles for ever teaches all.
            let change = (self.picture[i] - self.before[i]).abs().min(2.0 * self.unrest[i] + 1.0);
            self.unrest[i] = (self.unrest[i] + learn * (change - self.unrest[i])).clamp(0.5, MOST_UNREST);
        }
    }
}

/// The least or greatest within a pixel around, as `pick` says.
fn spread(from: &[f32], width: usize, pick: impl Fn(f32, f32) -> f32, rows: &mut [f32], to: &mut [f32]) {
    for (row, out) in from.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        out.copy_from_slice(row);
        for x in 1..width {
            out[x] = pick(out[x], row[x - 1]);
            out[x - 1] = pick(out[x - 1], row[x]);
        }
    }
    to.copy_from_slice(rows);
    for (y, row) in rows.chunks_exact(width).enumerate() {
        for other in [y.checked_sub(1), Some(y + 1)].into_iter().flatten() {
            if let Some(out) = to.get_mut(other * width..(other + 1) * width) {
                for (o, &level) in out.iter_mut().zip(row) {
                    *o = pick(*o, level);
                }
            }
        }
    }
}
