//! What the trails mean for each kind of rule.

use super::super::actor::Class;
use super::super::cameras::DemoCamera;
use super::super::watch::{Figure, Spot, Watch, WatchRule, What};
use super::trail::{Lens, STEP_S, Trail, passing, steps};

/// Everybody who acts before a camera, and what is drawn there.
pub(super) struct Cast<'a> {
    trails: Vec<Trail>,
    watch: &'a Watch,
}

/// Something that happens: to whom (an actor), whether to him alone, when it begins, when it is due, from when on one must have watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Happening {
    pub(super) who: usize,
    /// False for what is told of a place: who began it may be another to a slightly different look.
    pub(super) alone: bool,
    pub(super) start: f64,
    pub(super) due: f64,
    pub(super) watch_from: f64,
}

impl<'a> Cast<'a> {
    pub(super) fn of(camera: &'a DemoCamera) -> Self {
        let actors = camera.scene.actors.iter().enumerate();
        let trails = actors.filter_map(|(index, actor)| Trail::of(camera, index, actor)).collect();
        Self { trails, watch: &camera.watch }
    }

    /// What that actor is.
    pub(super) fn class(&self, who: usize) -> Option<Class> {
        self.trails.iter().find(|trail| trail.actor == who).map(|trail| trail.class)
    }

    /// All that the rule should notice in the second period.
    pub(super) fn happenings(&self, rule: &WatchRule, lens: &Lens) -> Vec<Happening> {
        let figures = |figures: &[Figure]| {
            figures.iter().find(|f| Some(f.id) == rule.what.figure()).map(|f| f.points.clone()).unwrap_or_default()
        };
        let (zone, line) = (figures(&self.watch.zones), figures(&self.watch.lines));
        let whole = if zone.is_empty() { WHOLE_PICTURE.to_vec() } else { zone.clone() };
        match rule.what {
            What::ZonePresence { dwell_s, clear_s, .. } | What::ObjectPresent { min_s: dwell_s, clear_s, .. } => {
                return Place { cast: self, rule, zone: &whole, lens }.occupations(dwell_s, clear_s);
            }
            What::Crowd { count, dwell_s, clear_s, .. } => {
                return Place { cast: self, rule, zone: &whole, lens }.crowds(count as usize, dwell_s, clear_s);
            }
            _ => {}
        }
        let admitted = self.trails.iter().filter(|trail| rule.classes.contains(&trail.class));
        admitted
            .flat_map(|trail| {
                let one = One { trail, lens };
                match rule.what {
                    What::LineCross { left_to_right, .. } | What::WrongWay { left_to_right, .. } => {
                        one.crossings(&line, left_to_right)
                    }
                    What::VehicleStopped { dwell_s, .. } => one.stops(&zone, dwell_s),
                    What::FastMove { min_speed, for_s, .. } => one.runs(&zone, min_speed, for_s),
                    What::ZoneEnter { .. } => one.turns(&zone, true),
                    What::ZoneExit { .. } => one.turns(&zone, false),
                    What::Loitering { dwell_s, .. } => one.stays(&zone, dwell_s),
                    What::ObjectRemoved { settle_s, gone_s, .. } => one.removals(&zone, settle_s, gone_s),
                    What::ObjectAbandoned { dwell_s, owner_distance, owner_absent_s, .. } => {
                        one.abandonments(&zone, dwell_s, &Owners { cast: self, owner_distance, owner_absent_s })
                    }
                    What::ZonePresence { .. } | What::Crowd { .. } | What::ObjectPresent { .. } => Vec::new(),
                }
            })
            .collect()
    }
}

const WHOLE_PICTURE: [Spot; 4] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];

/// A place that a rule watches as a whole, looked at in one way.
struct Place<'a> {
    cast: &'a Cast<'a>,
    rule: &'a WatchRule,
    zone: &'a [Spot],
    lens: &'a Lens,
}

impl Place<'_> {
    fn there(&self) -> impl Iterator<Item = &Trail> {
        self.cast.trails.iter().filter(|trail| self.rule.classes.contains(&trail.class))
    }

    fn count(&self, i: usize) -> usize {
        self.there().filter(|trail| trail.inside(i, self.zone, self.lens)).count()
    }

    /// Since when the one who has been there longest is there.
    fn longest(&self, i: usize) -> Option<usize> {
        let since = |trail: &Trail| (0..=i).rev().take_while(|&k| trail.inside(k, self.zone, self.lens)).last();
        self.there().filter_map(since).min()
    }

    /// From the coming of one who stays long enough, until nobody was there for `clear_s`.
    fn occupations(&self, dwell_s: f64, clear_s: f64) -> Vec<Happening> {
        let dwell = steps(dwell_s + self.lens.patience_s.clamp(-0.6, 0.6));
        self.episodes(clear_s, 1, |i| self.longest(i).filter(|since| i - since >= dwell), dwell_s)
    }

    /// From the coming of the one who makes them so many, if they are so many for long enough, until they were fewer by more than
    /// one for `clear_s`.
    fn crowds(&self, count: usize, dwell_s: f64, clear_s: f64) -> Vec<Happening> {
        let dwell = steps(dwell_s + self.lens.patience_s);
        let since = |i: usize| (0..=i).rev().take_while(|&k| self.count(k) >= count).last();
        self.episodes(clear_s, count.saturating_sub(1).max(1), |i| since(i).filter(|since| i - since >= dwell), dwell_s)
    }

    /// Episodes that begin where `begun` says since when, and end after fewer than `few` were there for `clear_s`.
    fn episodes(
        &self,
        clear_s: f64,
        few: usize,
        begun: impl Fn(usize) -> Option<usize>,
        dwell_s: f64,
    ) -> Vec<Happening> {
        let clear = steps(clear_s + self.lens.patience_s.clamp(-0.6, 0.6));
        let Some(first) = self.cast.trails.first() else { return Vec::new() };
        let (mut open, mut missing, mut found) = (false, 0, Vec::new());
        for i in 0..first.boxes.len() {
            if open {
                missing = if self.count(i) < few { missing + 1 } else { 0 };
                open = missing < clear;
            } else if let Some(since) = begun(i) {
                (open, missing) = (true, 0);
                let start = first.seconds(since);
                if start >= 0.0 {
                    let watch_from = start - clear_s - 2.0;
                    let came = |trail: &&Trail| {
                        trail.inside(since, self.zone, self.lens)
                            && !(since > 0 && trail.inside(since - 1, self.zone, self.lens))
                    };
                    let who = self.there().find(came).map_or(usize::MAX, |trail| trail.actor);
                    found.push(Happening { who, alone: false, start, due: start + dwell_s, watch_from });
                }
            }
        }
        found
    }
}

/// Who may own a thing, and when such a one counts as gone.
struct Owners<'a> {
    cast: &'a Cast<'a>,
    owner_distance: f64,
    owner_absent_s: f64,
}

impl Owners<'_> {
    /// The people who are near a thing.
    fn near(&self, i: usize, thing: &Trail) -> Vec<usize> {
        let Some(place) = thing.at(i) else { return Vec::new() };
        let size = ((place[2] - place[0]) * thing.aspect).max(place[3] - place[1]);
        let plain = &Lens::ALL[0];
        let near = |trail: &Trail| {
            trail
                .anchor(i, plain)
                .zip(thing.anchor(i, plain))
                .is_some_and(|(a, b)| ((a[0] - b[0]) * thing.aspect).hypot(a[1] - b[1]) <= self.owner_distance * size)
        };
        let people = self.cast.trails.iter().filter(|trail| trail.class == Class::Person);
        people.filter(|trail| near(trail)).map(|trail| trail.actor).collect()
    }
}

/// One of the cast, looked at in one way.
struct One<'a> {
    trail: &'a Trail,
    lens: &'a Lens,
}

impl One<'_> {
    fn moment(&self, i: usize, wait: f64) -> Happening {
        let start = self.trail.seconds(i);
        let (who, watch_from) = (self.trail.actor, self.trail.appeared(i));
        Happening { who, alone: true, start, due: start + wait, watch_from }
    }

    fn inside(&self, i: usize, zone: &[Spot]) -> bool {
        self.trail.inside(i, zone, self.lens)
    }

    fn crossings(&self, line: &[Spot], left_to_right: bool) -> Vec<Happening> {
        let mut found = Vec::new();
        for i in self.trail.round() {
            let (Some(a), Some(b)) = (self.trail.anchor(i - 1, self.lens), self.trail.anchor(i, self.lens)) else {
                continue;
            };
            let passed = line.windows(2).any(|edge| passing(a, b, edge[0], edge[1]) == Some(left_to_right));
            found.extend(passed.then(|| self.moment(i, 0.0)));
        }
        found
    }

    fn turns(&self, zone: &[Spot], entering: bool) -> Vec<Happening> {
        let turned = |i: &usize| self.inside(*i, zone) == entering && self.inside(*i - 1, zone) != entering;
        self.trail.round().filter(turned).map(|i| self.moment(i, 0.0)).collect()
    }

    fn stays(&self, zone: &[Spot], dwell_s: f64) -> Vec<Happening> {
        let need = steps(dwell_s + self.lens.patience_s);
        self.trail
            .round()
            .filter(|&i| self.inside(i, zone) && !self.inside(i - 1, zone))
            .filter(|&i| (i..=i + need).all(|k| self.inside(k, zone)))
            .map(|i| self.moment(i, dwell_s))
            .collect()
    }

    /// Where it came to rest in the zone, lay for `dwell_s`, and all who put it down were away for long enough.
    fn abandonments(&self, zone: &[Spot], dwell_s: f64, owners: &Owners<'_>) -> Vec<Happening> {
        let patience = self.lens.patience_s;
        let (dwell, absent) = (steps(dwell_s + patience), steps(owners.owner_absent_s + patience));
        let lies = |i: usize, place: &[f64; 4]| self.trail.is_at(i, place, 0.97);
        let mut found = Vec::new();
        for i in self.trail.round() {
            let Some(place) = self.trail.at(i).filter(|_| self.inside(i, zone)) else { continue };
            if lies(i - 1, &place) || !lies(i + 1, &place) {
                continue;
            }
            let put_down_by = owners.near(i, self.trail);
            let mut attended = i;
            for k in (i..i + self.trail.period()).take_while(|&k| lies(k, &place)) {
                if owners.near(k, self.trail).iter().any(|who| put_down_by.contains(who)) {
                    attended = k;
                } else if k - i >= dwell && k - attended >= absent {
                    let start = self.trail.seconds(i);
                    found.push(Happening {
                        who: self.trail.actor,
                        alone: true,
                        start,
                        due: start + (k - i) as f64 * STEP_S,
                        watch_from: start - 5.0,
                    });
                    break;
                }
            }
        }
        found
    }

    /// Where it came to a place in the zone and stood on it for `dwell_s`.
    fn stops(&self, zone: &[Spot], dwell_s: f64) -> Vec<Happening> {
        let need = steps(dwell_s + self.lens.patience_s);
        let stands = |i: usize, place: &[f64; 4]| self.trail.is_at(i, place, 0.97);
        let mut found = Vec::new();
        for i in self.trail.round() {
            let Some(place) = self.trail.at(i).filter(|_| self.inside(i, zone)) else { continue };
            if !stands(i - 1, &place) && (i..=i + need).all(|k| stands(k, &place)) {
                found.push(self.moment(i, dwell_s));
            }
        }
        found
    }

    /// Where it began to go so fast, in its own heights per second, and went on so for `for_s`.
    fn runs(&self, zone: &[Spot], min_speed: f64, for_s: f64) -> Vec<Happening> {
        const OVER_S: f64 = 0.5;
        // How fast is seen is as doubtful as how long.
        let need_speed = min_speed * (1.0 + 0.15 * self.lens.patience_s);
        let fast = |i: usize| {
            let (Some(a), Some(b)) = (self.trail.anchor(i, self.lens), self.trail.anchor(i + steps(OVER_S), self.lens))
            else {
                return false;
            };
            let height = self.trail.at(i).map_or(1.0, |b| b[3] - b[1]);
            let far = ((b[0] - a[0]) * self.trail.aspect).hypot(b[1] - a[1]);
            self.inside(i, zone) && far / OVER_S / height >= need_speed
        };
        let need = steps(for_s - OVER_S);
        let mut found = Vec::new();
        for i in self.trail.round().filter(|&i| fast(i) && !fast(i - 1)) {
            if (i..=i + need).all(fast) {
                found.push(self.moment(i, for_s));
            }
        }
        found
    }

    /// Where it stood still for `settle_s` in the zone and then was not there for `gone_s`.
    fn removals(&self, zone: &[Spot], settle_s: f64, gone_s: f64) -> Vec<Happening> {
        let patience = self.lens.patience_s;
        let (settle, gone) = (steps(settle_s + patience), steps(gone_s + patience));
        let mut found = Vec::new();
        for i in self.trail.round() {
            let Some(place) = self.trail.at(i - 1) else { continue };
            let rested = i > settle
                && self.inside(i - 1, zone)
                && (i - 1 - settle..i).all(|k| self.trail.is_at(k, &place, 0.97));
            if !rested || self.trail.is_at(i, &place, 0.97) {
                continue;
            }
            // It has begun to move; it is gone once it no longer overlaps its place.
            let Some(left) = (i..i + self.trail.period()).find(|&k| !self.trail.is_at(k, &place, 0.3)) else {
                continue;
            };
            if (left..left + gone).all(|k| !self.trail.is_at(k, &place, 0.3)) {
                let start = self.trail.seconds(left);
                found.push(Happening {
                    who: self.trail.actor,
                    alone: true,
                    start,
                    due: start + gone_s,
                    watch_from: start - settle_s - 2.0,
                });
            }
        }
        found
    }
}
