//! A detector that is not very good, by chance: what it would find of what is really there.
//!
//! Call [`Detector::new`] once per sequence and [`Detector::look`] for each frame, in order of time, with the frame's truth (from
//! [`Painter::paint`](super::scene::Painter::paint)). It misses things (in spells, as detectors do, not by a coin for each
//! frame), is unsure of what is small, dim or half hidden, draws boxes that tremble and are cut off where something hides the
//! thing, takes one class for another, and sees things that are not there: some anywhere, some again and again in the same
//! places. All of it runs on time, so a frame rate changes how often it looks and nothing else. Pure: a seed gives the same boxes.

use super::actor::Class;
use super::rng::{Rng, mix};
use super::scene::Sighting;
use crate::domain::detection::{Confidence, Detection, ObjectClass};
use crate::domain::geometry::BBox;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Degradation {
    /// Share of what is in full sight that it finds.
    pub recall: f32,
    /// Standard deviation of a box's edge, in sizes of the box.
    pub jitter: f32,
    /// Boxes around nothing, per frame.
    pub false_per_frame: f32,
    /// Share of finds that are called by the name of something similar.
    pub class_flicker: f32,
    /// 1 is day; at dusk (0.5) it finds less of what is small and is less sure of all.
    pub light: f32,
}

impl Default for Degradation {
    fn default() -> Self {
        Self { recall: 0.7, jitter: 0.05, false_per_frame: 0.5, class_flicker: 0.1, light: 1.0 }
    }
}

/// So long a spell of good or bad finding lasts, in seconds.
const SPELL_S: f32 = 0.5;
/// How much better or worse than usual a spell is.
const SPELL: f32 = 0.28;
/// Less of a thing than this is never found.
const LEAST_VISIBLE: f32 = 0.15;
/// Nothing lower than this share of the picture's height is found.
const LEAST_HEIGHT: f32 = 0.015;
/// Places at which it sees things that are not there.
const HAUNTED: usize = 3;

/// The detector over one sequence.
#[derive(Clone, Debug)]
pub struct Detector {
    how: Degradation,
    seed: u64,
    rng: Rng,
    haunted: [Ghost; HAUNTED],
}

#[derive(Clone, Copy, Debug)]
struct Ghost {
    bbox: [f32; 4],
    class: Class,
}

impl Detector {
    /// A detector of that seed.
    pub fn new(seed: u64, how: Degradation) -> Self {
        let mut rng = Rng::new(mix(seed ^ 0xdef3_c7ed));
        let haunted = std::array::from_fn(|_| Ghost::anywhere(&mut rng));
        Self { how, seed, rng, haunted }
    }

    /// What it finds at the moment `t` (seconds) of what is `there`.
    pub fn look(&mut self, t: f32, there: &[Sighting]) -> Vec<Detection> {
        let mut found: Vec<Detection> = there.iter().filter_map(|thing| self.find(t, thing)).collect();
        self.imagine(&mut found);
        found
    }

    fn find(&mut self, t: f32, thing: &Sighting) -> Option<Detection> {
        // The same numbers are drawn whether it is found or not.
        let draws: [f32; 7] = std::array::from_fn(|_| self.rng.unit());
        let height = thing.bbox[3] - thing.bbox[1];
        if thing.visible < LEAST_VISIBLE || height < LEAST_HEIGHT {
            return None;
        }
        let seen = ((thing.visible - LEAST_VISIBLE) / (0.6 - LEAST_VISIBLE)).min(1.0);
        let small = (height / 0.12).min(1.0);
        let clear = seen * (1.0 - (1.0 - self.how.light) * (0.25 + 0.5 * (1.0 - small)));
        let chance = (self.how.recall + SPELL * self.mood(thing.actor, t)).clamp(0.02, 0.99) * clear;
        if draws[0] >= chance {
            return None;
        }
        let sure = 0.18 + 0.68 * chance + 0.09 * bell(draws[1], draws[2]);
        Some(Detection {
            bbox: self.boxed(thing, t, &draws, clear),
            class: self.named(thing.class, draws[6]),
            label: None,
            confidence: Confidence::clamped(sure.clamp(0.05, 0.97)),
        })
    }

    /// -1..1, the same for a thing over a spell, passing smoothly into the next.
    fn mood(&self, actor: usize, t: f32) -> f32 {
        let at = t / SPELL_S + 1000.0;
        let spell = |n: f32| {
            let bits = mix(self.seed ^ mix(actor as u64 ^ ((n as u64) << 20)));
            (bits >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        let k = at.fract();
        spell(at.floor()) * (1.0 - k) + spell(at.floor() + 1.0) * k
    }

    /// The thing's box as it draws it: trembling, and short of what is hidden.
    fn boxed(&self, thing: &Sighting, t: f32, draws: &[f32; 7], clear: f32) -> BBox {
        let [mut left, mut top, mut right, mut bottom] = thing.bbox;
        let (w, h) = (right - left, bottom - top);
        let cut = (0.85 - thing.visible).max(0.0) * 0.6;
        match mix(self.seed ^ thing.actor as u64 ^ ((t / 2.0) as u64) << 32) % 3 {
            0 => left += cut * w,
            1 => right -= cut * w,
            _ => bottom -= cut * h,
        }
        let by = self.how.jitter * (1.6 - 0.6 * clear);
        left += by * w * bell(draws[2], draws[3]);
        right += by * w * bell(draws[3], draws[4]);
        top += by * h * bell(draws[4], draws[5]);
        bottom += by * h * bell(draws[5], draws[1]);
        rect([left, top, right, bottom])
    }

    fn named(&self, class: Class, draw: f32) -> ObjectClass {
        let flickers = draw < self.how.class_flicker;
        match class {
            Class::Person => ObjectClass::Person,
            Class::Bicycle if flickers => ObjectClass::Motorcycle,
            Class::Bicycle => ObjectClass::Bicycle,
            Class::Car if flickers && draw < self.how.class_flicker / 2.0 => ObjectClass::Van,
            Class::Car if flickers => ObjectClass::Truck,
            Class::Car => ObjectClass::Car,
            Class::Bag => ObjectClass::Bag,
        }
    }

    fn imagine(&mut self, found: &mut Vec<Detection>) {
        let each = self.how.false_per_frame / (HAUNTED + 2) as f32;
        for i in 0..HAUNTED + 2 {
            let (happens, sure) = (self.rng.unit() < each, 0.1 + 0.5 * self.rng.unit().powi(2));
            let anywhere = Ghost::anywhere(&mut self.rng);
            let draws: [f32; 7] = std::array::from_fn(|_| self.rng.unit());
            if !happens {
                continue;
            }
            let ghost = self.haunted.get(i).copied().unwrap_or(anywhere);
            let thing = Sighting { actor: usize::MAX - i, class: ghost.class, bbox: ghost.bbox, visible: 1.0 };
            found.push(Detection {
                bbox: self.boxed(&thing, 0.0, &draws, 0.3),
                class: self.named(ghost.class, 1.0),
                label: None,
                confidence: Confidence::clamped(sure),
            });
        }
    }
}

impl Ghost {
    fn anywhere(rng: &mut Rng) -> Self {
        let class = Class::ALL[rng.below(Class::ALL.len())];
        let aspect = match class {
            Class::Person => 0.24,
            Class::Bicycle | Class::Bag => 0.6,
            Class::Car => 1.1,
        };
        let (h, x, bottom) = (rng.range(0.05, 0.25), rng.unit(), rng.range(0.3, 1.0));
        Self { bbox: [x - h * aspect / 2.0, bottom - h, x + h * aspect / 2.0, bottom], class }
    }
}

/// About standard normal.
fn bell(a: f32, b: f32) -> f32 {
    (a + b - 1.0) * 2.45
}

/// The box within the picture, not empty.
fn rect([left, top, right, bottom]: [f32; 4]) -> BBox {
    let (left, top) = (f64::from(left.clamp(0.0, 0.999)), f64::from(top.clamp(0.0, 0.999)));
    let (right, bottom) = (f64::from(right.clamp(0.0, 1.0)), f64::from(bottom.clamp(0.0, 1.0)));
    BBox::new(left, top, (right - left).max(0.001), (bottom - top).max(0.001))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(visible: f32) -> Sighting {
        Sighting { actor: 3, class: Class::Car, bbox: [0.4, 0.4, 0.6, 0.6], visible }
    }

    fn finds(how: Degradation, fps: u32, there: &[Sighting]) -> (usize, Vec<Detection>) {
        let mut detector = Detector::new(9, how);
        let looks = 400 * fps;
        let found: Vec<Detection> = (0..looks).flat_map(|i| detector.look(i as f32 / fps as f32, there)).collect();
        (looks as usize, found)
    }

    #[test]
    fn it_finds_the_share_that_was_asked_for_at_any_frame_rate() {
        let how = Degradation { false_per_frame: 0.0, ..Degradation::default() };
        for fps in [2, 5, 25] {
            let (looks, found) = finds(how, fps, &[thing(1.0)]);
            let recall = found.len() as f32 / looks as f32;
            assert!((recall - 0.7).abs() < 0.05, "{fps} fps: {recall}");
            let renamed = found.iter().filter(|d| d.class != ObjectClass::Car).count() as f32 / found.len() as f32;
            assert!((renamed - 0.1).abs() < 0.04, "{fps} fps: {renamed}");
        }
    }

    #[test]
    fn it_imagines_as_much_as_was_asked_for() {
        let (looks, found) = finds(Degradation::default(), 5, &[]);
        let rate = found.len() as f32 / looks as f32;
        assert!((rate - 0.5).abs() < 0.05, "{rate}");
        assert!(found.iter().all(|d| d.bbox.is_in_picture()));
    }

    #[test]
    fn what_is_hidden_or_dim_is_found_less() {
        let how = Degradation { false_per_frame: 0.0, ..Degradation::default() };
        let count = |how, visible| finds(how, 5, &[thing(visible)]).1.len();
        assert_eq!(count(how, 0.1), 0);
        assert!(count(how, 0.3) < count(how, 1.0) / 2);
        assert!(count(Degradation { light: 0.5, ..how }, 1.0) < count(how, 1.0));
    }
}
