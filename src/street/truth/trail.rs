//! Where one actor is over a round and the round before it.

use super::super::actor::{Actor, Class};
use super::super::cameras::{DemoCamera, PERIOD_S};
use super::super::scene::outline;
use super::super::watch::Spot;

/// How often the actors' places are looked at.
pub(super) const STEP_S: f64 = 0.05;

/// A way of looking: how far the anchor is seen beside its true place, in sizes of the box, and how patient one is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens {
    dx: f64,
    dy: f64,
    /// Added to what a rule waits for.
    pub(super) patience_s: f64,
}

impl Lens {
    /// The plain look first, then those that lean to a side, are impatient, or slow.
    pub(super) const ALL: [Self; 7] = [
        Self { dx: 0.0, dy: 0.0, patience_s: 0.0 },
        Self { dx: -0.12, dy: 0.0, patience_s: 0.0 },
        Self { dx: 0.12, dy: 0.0, patience_s: 0.0 },
        Self { dx: 0.0, dy: -0.06, patience_s: 0.0 },
        Self { dx: 0.0, dy: 0.06, patience_s: 0.0 },
        Self { dx: 0.0, dy: 0.0, patience_s: -1.2 },
        Self { dx: 0.0, dy: 0.0, patience_s: 1.2 },
    ];
}

/// An actor's outline over two periods; the second is the one that counts, the first is its past.
pub(super) struct Trail {
    /// Which actor.
    pub(super) actor: usize,
    /// What it is.
    pub(super) class: Class,
    pub(super) boxes: Vec<Option<[f64; 4]>>,
    /// Width of the picture by its height.
    pub(super) aspect: f64,
}

impl Trail {
    /// The actor's, if it has a class.
    pub(super) fn of(camera: &DemoCamera, index: usize, actor: &Actor) -> Option<Self> {
        let class = actor.kind.class()?;
        let steps = (f64::from(PERIOD_S) / STEP_S).round() as usize;
        let at = |i: usize| outline(&camera.scene.view, actor, (i as f64 * STEP_S) as f32).map(|b| b.map(f64::from));
        let once: Vec<_> = if actor.path.len() == 1 { vec![at(0); steps] } else { (0..steps).map(at).collect() };
        let aspect = camera.scene.view.width as f64 / camera.scene.view.height as f64;
        Some(Self { actor: index, class, boxes: [once.clone(), once].concat(), aspect })
    }

    /// The steps of the second period.
    pub(super) fn round(&self) -> std::ops::Range<usize> {
        self.boxes.len() / 2..self.boxes.len()
    }

    /// Steps in a period.
    pub(super) fn period(&self) -> usize {
        self.boxes.len() / 2
    }

    /// Seconds of the second period.
    pub(super) fn seconds(&self, i: usize) -> f64 {
        (i as f64 - self.period() as f64) * STEP_S
    }

    /// The box at a step; steps beyond the second period are those of the next, which is like it.
    pub(super) fn at(&self, i: usize) -> Option<[f64; 4]> {
        self.boxes[if i < self.boxes.len() { i } else { self.period() + i % self.period() }]
    }

    /// The bottom centre.
    pub(super) fn anchor(&self, i: usize, lens: &Lens) -> Option<Spot> {
        self.at(i).map(|b| {
            [f64::midpoint(b[0], b[2]) + lens.dx * (b[2] - b[0]), (b[3] + lens.dy * (b[3] - b[1])).clamp(0.0, 0.9999)]
        })
    }

    /// Whether its anchor lies in the zone.
    pub(super) fn inside(&self, i: usize, zone: &[Spot], lens: &Lens) -> bool {
        self.anchor(i, lens).is_some_and(|p| contains(zone, p))
    }

    /// Where this appearance in the picture began.
    pub(super) fn appeared(&self, i: usize) -> f64 {
        let first = (0..=i).rev().take_while(|&k| self.at(k).is_some()).last().unwrap_or(i);
        self.seconds(first)
    }

    /// Whether it is where it was `place`, by at least that share of common area.
    pub(super) fn is_at(&self, i: usize, place: &[f64; 4], share: f64) -> bool {
        self.at(i).is_some_and(|b| {
            let w = (b[2].min(place[2]) - b[0].max(place[0])).max(0.0);
            let h = (b[3].min(place[3]) - b[1].max(place[1])).max(0.0);
            let area = |r: &[f64; 4]| (r[2] - r[0]) * (r[3] - r[1]);
            w * h / (area(&b) + area(place) - w * h).max(1e-12) >= share
        })
    }
}

/// How many steps so many seconds are.
pub(super) fn steps(seconds: f64) -> usize {
    (seconds.max(0.0) / STEP_S).round() as usize
}

/// On which side of the way from `a` to `b` a point lies, y down: negative is the left hand.
fn side(a: Spot, b: Spot, p: Spot) -> f64 {
    (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
}

/// Whether the step from `p` to `q` passes the line from `a` to `b`: `Some(true)` from its left to its right.
pub(super) fn passing(p: Spot, q: Spot, a: Spot, b: Spot) -> Option<bool> {
    let (before, after) = (side(a, b, p), side(a, b, q));
    let (first, last) = (side(p, q, a), side(p, q, b));
    ((before < 0.0) != (after < 0.0) && (first < 0.0) != (last < 0.0)).then_some(before < 0.0)
}

fn contains(zone: &[Spot], p: Spot) -> bool {
    let mut inside = false;
    for (i, a) in zone.iter().enumerate() {
        let b = zone[(i + 1) % zone.len()];
        if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
            inside = !inside;
        }
    }
    inside
}
