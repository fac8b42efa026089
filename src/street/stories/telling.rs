//! A story told again is never quite the same: times, paces, places, clothes, light and the camera's own stand differ from telling
//! to telling. The truth is computed from what was told, so it stays true.

use super::super::actor::Actor;
use super::super::cameras::PERIOD_S;
use super::super::rng::Rng;
use super::super::scene::Light;
use super::super::view::View;

/// How a telling differs from the first one, which is told as it is written.
pub(super) struct Telling {
    chance: Option<Rng>,
    /// Left and right are swapped.
    pub(super) mirrored: bool,
}

impl Telling {
    /// Telling 0 is the demo's own; every other number gives a telling of its own for each camera.
    pub(super) fn of(seed: u64, camera: u64) -> Self {
        let mut chance = (seed > 0).then(|| Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ camera));
        let mirrored = chance.as_mut().is_some_and(|rng| rng.chance(0.5));
        Self { chance, mirrored }
    }

    /// A number that differs between tellings; 0 in the first.
    pub(super) fn salt(&mut self) -> u64 {
        self.chance.as_mut().map_or(0, Rng::bits)
    }

    pub(super) fn view(&mut self, view: View) -> View {
        let Some(rng) = &mut self.chance else { return view };
        let [x, y, z] = view.eye;
        View {
            focal: view.focal * rng.range(0.96, 1.04),
            eye: [x + rng.range(-0.2, 0.2), y + rng.range(-0.25, 0.25), z],
            pitch: view.pitch + rng.range(-0.015, 0.015),
            yaw: view.yaw + rng.range(-0.02, 0.02),
            ..view
        }
    }

    pub(super) fn light(&mut self, light: Light) -> Light {
        let Some(rng) = &mut self.chance else { return light };
        Light { gain: rng.range(0.85, 1.08), warmth: rng.range(-0.05, 0.07), sway: rng.range(0.02, 0.08), ..light }
    }

    /// Moves those who belong together, in time and place, by the same amounts; what begins or ends a round stays at its seam.
    /// `within` are the seconds of the round between which they are to act.
    pub(super) fn vary(&mut self, group: &mut [Actor], within: [f32; 2]) {
        let Some(rng) = &mut self.chance else { return };
        let inner = |t: f32| t > 0.0 && t < PERIOD_S;
        let (dx, dz) = (rng.range(-0.35, 0.35), rng.range(-0.2, 0.2));
        let acts = group.iter().filter(|a| a.path.len() > 1).flat_map(|a| &a.path).map(|w| w.t).filter(|t| inner(*t));
        let (from, until) = acts.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), t| (a.min(t), b.max(t)));
        let pace = rng.range(0.92, 1.1).min((within[1] - within[0]) / (until - from).max(0.1));
        let middle = f32::midpoint(from, until);
        let half = (until - from) / 2.0 * pace;
        let low = (within[0] + half - middle).max(-2.0);
        let high = (within[1] - half - middle).min(2.0);
        let shift = if low < high { rng.range(low, high) } else { f32::midpoint(low, high) };
        for actor in group {
            let moves = actor.path.len() > 1;
            for w in &mut actor.path {
                (w.x, w.z) = (w.x + dx, w.z + dz);
                if moves && inner(w.t) {
                    w.t = middle + (w.t - middle) * pace + shift;
                }
            }
        }
    }
}
