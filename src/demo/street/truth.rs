//! What happens in front of a camera, as the rules ought to see it: computed from the actors' outlines, never typed in.
//!
//! Independent of the service's own geometry and rules, since it judges them.

use super::actor::{Actor, Class, Kind};
use super::cameras::{DemoCamera, PERIOD_S};
use super::scene::outline;
use super::watch::{Spot, Watch, WatchRule, What};

/// How often the actors' places are looked at.
const STEP_S: f64 = 0.05;

/// Something that happens once per period.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthEvent {
    /// Which camera sees it.
    pub camera: &'static str,
    /// The contract's word for it.
    pub kind: &'static str,
    /// The rule that waits for it; absent for what speaks of the stream.
    pub rule: Option<&'static str>,
    /// The zone or line.
    pub figure: Option<&'static str>,
    /// Whom it concerns.
    pub class: Option<Class>,
    /// For a crossing: from left to right.
    pub left_to_right: Option<bool>,
    /// When it begins, in seconds of the period (of the next one, where beyond it).
    pub start_s: f64,
    /// When it is to be told.
    pub due_s: f64,
    /// How far the told beginning may be from `start_s`.
    pub tolerance_s: f64,
    /// From when on one must have watched to know it; may lie in the period before (negative).
    pub watch_from_s: f64,
}

/// All events of a camera in one period, in order of time.
pub fn events(camera: &DemoCamera) -> Vec<TruthEvent> {
    let mut found = Vec::new();
    for actor in &camera.scene.actors {
        let trail = Trail::new(camera, actor);
        for rule in camera.watch.rules.iter().filter(|r| actor.kind.class().is_some_and(|c| r.classes.contains(&c))) {
            let of_rule = trail.events(&camera.watch, rule);
            found.extend(of_rule.into_iter().map(|happening| event(camera, rule, actor, &happening)));
        }
    }
    if let Some([from, _]) = camera.outage_s {
        let start_s = f64::from(from);
        found.push(TruthEvent {
            camera: camera.id,
            kind: "video_loss",
            rule: None,
            figure: None,
            class: None,
            left_to_right: None,
            start_s,
            due_s: start_s + VIDEO_LOSS_AFTER_S,
            tolerance_s: 2.0,
            watch_from_s: start_s - 2.0,
        });
    }
    found.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    found
}

/// When the loss of a stream is to be told: the service's own default.
const VIDEO_LOSS_AFTER_S: f64 = 5.0;

/// A beginning, when it is due, and from when on one must have watched.
struct Happening {
    start: f64,
    due: f64,
    watch_from: f64,
}

fn event(camera: &DemoCamera, rule: &WatchRule, actor: &Actor, happening: &Happening) -> TruthEvent {
    let left_to_right = if let What::LineCross { left_to_right, .. } = rule.what { Some(left_to_right) } else { None };
    // A box trembles with the walk, and is seen five times a second; a thing on its way out is still near its place for a moment.
    let tolerance_s = if matches!(rule.what, What::ObjectRemoved { .. }) { 2.0 } else { 1.2 };
    TruthEvent {
        camera: camera.id,
        kind: rule.what.kind(),
        rule: Some(rule.id),
        figure: Some(rule.what.figure()),
        class: actor.kind.class(),
        left_to_right,
        start_s: happening.start,
        due_s: happening.due,
        tolerance_s,
        watch_from_s: happening.watch_from,
    }
}

/// An actor's outline over two periods; the second is the one that counts, the first is its past.
struct Trail {
    boxes: Vec<Option<[f64; 4]>>,
}

impl Trail {
    fn new(camera: &DemoCamera, actor: &Actor) -> Self {
        let steps = (f64::from(PERIOD_S) / STEP_S).round() as usize;
        let at = |i: usize| {
            outline(&camera.scene.view, actor, ((i % steps) as f64 * STEP_S) as f32).map(|b| b.map(f64::from))
        };
        let once: Vec<_> = (0..steps).map(at).collect();
        let boxes = match actor.kind {
            Kind::Person(_) | Kind::Bicycle(_) | Kind::Car { .. } | Kind::Bag { .. } => [once.clone(), once].concat(),
            _ => Vec::new(),
        };
        Self { boxes }
    }

    fn period_steps(&self) -> usize {
        self.boxes.len() / 2
    }

    /// Seconds of the second period.
    fn seconds(&self, i: usize) -> f64 {
        (i as f64 - self.period_steps() as f64) * STEP_S
    }

    fn anchor(&self, i: usize) -> Option<Spot> {
        self.boxes.get(i).copied().flatten().map(|b| [f64::midpoint(b[0], b[2]), b[3]])
    }

    fn events(&self, watch: &Watch, rule: &WatchRule) -> Vec<Happening> {
        let figure = |figures: &[super::watch::Figure]| {
            figures.iter().find(|f| f.id == rule.what.figure()).map(|f| f.points.clone()).unwrap_or_default()
        };
        match rule.what {
            What::LineCross { left_to_right, .. } => self.crossings(&figure(&watch.lines), left_to_right),
            What::ZoneEnter { .. } => self.turns(&figure(&watch.zones), true),
            What::ZoneExit { .. } => self.turns(&figure(&watch.zones), false),
            What::Loitering { dwell_s, .. } => self.stays(&figure(&watch.zones), dwell_s),
            What::ObjectRemoved { settle_s, gone_s, .. } => self.removals(&figure(&watch.zones), settle_s, gone_s),
        }
    }

    /// When this appearance in the picture began.
    fn appeared(&self, i: usize) -> f64 {
        let first = (0..=i).rev().take_while(|&k| self.boxes[k].is_some()).last().unwrap_or(i);
        self.seconds(first)
    }

    fn moment(&self, i: usize, wait: f64) -> Happening {
        let start = self.seconds(i);
        Happening { start, due: start + wait, watch_from: self.appeared(i) }
    }

    fn crossings(&self, line: &[Spot], left_to_right: bool) -> Vec<Happening> {
        let mut found = Vec::new();
        for i in self.period_steps()..self.boxes.len() {
            let (Some(a), Some(b)) = (self.anchor(i - 1), self.anchor(i)) else { continue };
            for edge in line.windows(2) {
                if passing(a, b, edge[0], edge[1]) == Some(left_to_right) {
                    found.push(self.moment(i, 0.0));
                }
            }
        }
        found
    }

    fn inside(&self, i: usize, zone: &[Spot]) -> bool {
        self.anchor(i).is_some_and(|p| contains(zone, p))
    }

    fn turns(&self, zone: &[Spot], entering: bool) -> Vec<Happening> {
        (self.period_steps()..self.boxes.len())
            .filter(|&i| self.inside(i, zone) == entering && self.inside(i - 1, zone) != entering)
            .map(|i| self.moment(i, 0.0))
            .collect()
    }

    fn stays(&self, zone: &[Spot], dwell_s: f64) -> Vec<Happening> {
        let need = (dwell_s / STEP_S).round() as usize;
        (self.period_steps()..self.boxes.len())
            .filter(|&i| self.inside(i, zone) && !self.inside(i - 1, zone))
            .filter(|&i| (i..=i + need).all(|k| self.inside(k % self.boxes.len(), zone)))
            .map(|i| self.moment(i, dwell_s))
            .collect()
    }

    /// Where it stood still for `settle_s` in the zone and then was not there for `gone_s`.
    fn removals(&self, zone: &[Spot], settle_s: f64, gone_s: f64) -> Vec<Happening> {
        let (settle, gone) = ((settle_s / STEP_S) as usize, (gone_s / STEP_S) as usize);
        let n = self.boxes.len();
        let mut found = Vec::new();
        for i in self.period_steps()..n {
            let (Some(place), Some(next)) = (self.boxes[i - 1], Some(self.boxes[i])) else { continue };
            let rested = self.inside(i - 1, zone) && (i - 1 - settle..i).all(|k| same(self.boxes[k], &place, 0.97));
            if !rested || same(next, &place, 0.97) {
                continue;
            }
            // It has begun to move; it is gone once it no longer overlaps its place.
            let Some(left) = (i..i + n / 2).find(|&k| !same(self.boxes[k % n], &place, 0.3)) else { continue };
            if (left..left + gone).all(|k| !same(self.boxes[k % n], &place, 0.3)) {
                let start = self.seconds(left);
                found.push(Happening { start, due: start + gone_s, watch_from: start - settle_s - 2.0 });
            }
        }
        found
    }
}

fn same(seen: Option<[f64; 4]>, place: &[f64; 4], share: f64) -> bool {
    seen.is_some_and(|b| {
        let w = (b[2].min(place[2]) - b[0].max(place[0])).max(0.0);
        let h = (b[3].min(place[3]) - b[1].max(place[1])).max(0.0);
        let area = |r: &[f64; 4]| (r[2] - r[0]) * (r[3] - r[1]);
        w * h / (area(&b) + area(place) - w * h).max(1e-12) >= share
    })
}

/// On which side of the way from `a` to `b` a point lies, y down: negative is the left hand.
fn side(a: Spot, b: Spot, p: Spot) -> f64 {
    (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
}

/// Whether the step from `p` to `q` passes the line from `a` to `b`: `Some(true)` from its left to its right.
fn passing(p: Spot, q: Spot, a: Spot, b: Spot) -> Option<bool> {
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
