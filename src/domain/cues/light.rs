//! The light over the whole picture: how levels as they are now relate to levels as they were learned.
//!
//! Exposure, gain, dusk and clouds move all levels along one curve, near enough a straight line. It is found from the medians of
//! what each band of learned levels has become, so that no thing that covers less than half of a band's pixels can bend it, and the
//! bands are weighed anew by how well they fit the line.

/// Bands of learned levels.
const BANDS: usize = 16;
/// A band with fewer pixels than this says nothing.
const LEAST_COUNT: u32 = 24;
/// How much a level may be off for a band to count in full, in the line's search.
const DOUBT: f32 = 4.0;
/// Where all levels are alike, their slope is anybody's guess: by so much weight it stays near what it was.
const STEADY: f32 = 60.0;

/// `now = gain * learned + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Light {
    pub(super) gain: f32,
    pub(super) offset: f32,
}

impl Light {
    /// The light as it was learned.
    pub(super) const SAME: Self = Self { gain: 1.0, offset: 0.0 };

    /// What `now` says of the light, against `learned`; rows of `width` pixels.
    pub(super) fn between(learned: &[f32], now: &[u8], width: usize) -> Self {
        let mut counts = [[0u16; 256]; BANDS];
        for (known, seen) in learned.chunks_exact(width).zip(now.chunks_exact(width)).step_by(2) {
            for (&known, &seen) in known.iter().zip(seen).step_by(2) {
                let saturated = seen >= 250 || known >= 250.0;
                if !saturated {
                    let band = (known as usize / (256 / BANDS)).min(BANDS - 1);
                    counts[band][usize::from(seen)] += 1;
                }
            }
        }
        let bands: Vec<(f32, f32, f32)> = counts.iter().enumerate().filter_map(|(i, of)| band(i, of)).collect();
        fit(&bands)
    }

    /// A level as it would have been in the learned light.
    pub(super) fn undo(self, level: f32) -> f32 {
        (level - self.offset) / self.gain
    }
}

/// A band's middle, the median of what it has become, and its weight.
fn band(index: usize, counts: &[u16; 256]) -> Option<(f32, f32, f32)> {
    let total: u32 = counts.iter().map(|&count| u32::from(count)).sum();
    if total < LEAST_COUNT {
        return None;
    }
    let mut below = 0;
    let median = counts.iter().position(|&count| {
        below += u32::from(count);
        below * 2 >= total
    })?;
    let here = u32::from(counts[median]).max(1);
    let within = (total as f32 / 2.0 - (below - here) as f32) / here as f32 - 0.5;
    let width = 256.0 / BANDS as f32;
    Some(((index as f32 + 0.5) * width, median as f32 + within, (total as f32).sqrt()))
}

/// The line through the bands, those that do not fit it weighing little.
fn fit(bands: &[(f32, f32, f32)]) -> Light {
    if bands.is_empty() {
        return Light::SAME;
    }
    let mut light = Light::SAME;
    let mut trust = vec![1.0f32; bands.len()];
    for _ in 0..6 {
        let weights = || bands.iter().zip(&trust).map(|((.., w), t)| w * t);
        let whole: f32 = weights().sum::<f32>().max(1e-6);
        let (mut x, mut y) = (0.0, 0.0);
        for (weight, (known, seen, _)) in weights().zip(bands) {
            x += weight * known / whole;
            y += weight * seen / whole;
        }
        let (mut xx, mut xy) = (0.0, 0.0);
        for (weight, (known, seen, _)) in weights().zip(bands) {
            xx += weight * (known - x).powi(2) / whole;
            xy += weight * (known - x) * (seen - y) / whole;
        }
        light.gain = ((xy + STEADY) / (xx + STEADY)).clamp(0.2, 5.0);
        light.offset = y - light.gain * x;
        for (trust, (known, seen, _)) in trust.iter_mut().zip(bands) {
            let off = (seen - light.gain * known - light.offset).abs();
            *trust = (DOUBT / off.max(DOUBT)).powi(2);
        }
    }
    light
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(count: usize) -> Vec<f32> {
        (0..count).map(|i| 30.0 + (i * 37 % 170) as f32).collect()
    }

    fn seen(learned: &[f32], f: impl Fn(f32) -> f32) -> Vec<u8> {
        learned.iter().map(|&level| f(level).round().clamp(0.0, 255.0) as u8).collect()
    }

    #[test]
    fn gain_and_offset_are_found() {
        let learned = ramp(160 * 90);
        for (gain, offset) in [(1.0, 0.0), (0.5, 8.0), (1.0, -20.0), (1.2, 5.0)] {
            let light = Light::between(&learned, &seen(&learned, |level| gain * level + offset), 160);
            assert!((light.gain - gain).abs() < 0.05 && (light.offset - offset).abs() < 4.0, "{light:?}");
        }
    }

    #[test]
    fn a_thing_that_covers_a_third_does_not_bend_it() {
        let learned = ramp(160 * 90);
        let mut now = seen(&learned, |level| 0.8 * level + 6.0);
        for (i, level) in now.iter_mut().enumerate() {
            if i % 160 < 53 {
                *level = 230;
            }
        }
        let light = Light::between(&learned, &now, 160);
        let off = |level: f32| light.undo(0.8 * level + 6.0) - level;
        assert!(off(40.0).abs() < 5.0 && off(180.0).abs() < 5.0, "{light:?}");
    }

    #[test]
    fn no_light_is_no_change() {
        assert_eq!(Light::between(&[], &[], 160), Light::SAME);
    }
}
