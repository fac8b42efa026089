//! When is looked: as often as asked for, or as irregularly as a busy machine looks.

use super::super::rng::Rng;

/// How often is looked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times a second.
    Regular(f64),
    /// After 0.1 to 0.5 s, without order; five looks in 1.5 s on average.
    Irregular,
}

impl Pace {
    /// The longest time between two looks, in seconds.
    pub const fn longest_gap_s(self) -> f64 {
        match self {
            Self::Regular(fps) => 1.0 / fps,
            Self::Irregular => 0.5,
        }
    }

    /// How it is called: `5 fps`, `irregular`.
    pub fn name(self) -> String {
        match self {
            Self::Regular(fps) => format!("{fps} fps"),
            Self::Irregular => "irregular".to_owned(),
        }
    }

    /// The moments of the looks, in seconds, up to `seconds`.
    pub fn moments(self, seed: u64, seconds: f64) -> Vec<f64> {
        match self {
            Self::Regular(fps) => (0..(seconds * fps) as u32).map(|i| f64::from(i) / fps).collect(),
            Self::Irregular => {
                let (mut rng, mut t, mut moments) = (Rng::new(seed), 0.0, Vec::new());
                while t < seconds {
                    moments.push(t);
                    t += f64::from(rng.range(0.1, 0.5));
                }
                moments
            }
        }
    }
}
