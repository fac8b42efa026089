//! One object with its path.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::kalman::{Kalman, extent};
use crate::domain::baseline::StandingThing;
use crate::domain::detection::{Confidence, Detection, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::ids::{RuleId, TrackId};
use crate::domain::time::Timestamp;

/// So long a thing must rest before the tracker holds its place for it.
const STATIONARY_AFTER: Duration = Duration::from_secs(3);
/// A thing is confirmed only when it was seen over at least so long (four frames at 25 per second, two at 5) ...
const CONFIRM_SPAN: Duration = Duration::from_millis(150);
/// ... and its confidences add up to so much: a flicker of one frame never does.
const CONFIRM_EVIDENCE: f32 = 0.9;
/// A resting thing unseen for so long is looked for on its place only.
const ANCHORED_AFTER: Duration = Duration::from_millis(800);
/// Boxes that do not fit the resting place for so long mean that the thing has moved.
const MOVED_AFTER: Duration = Duration::from_millis(400);
/// How fast the resting box follows what is seen, in seconds.
const REST_MEMORY: f64 = 2.0;
/// How far back it is remembered at how many looks it was seen, in seconds.
const SHARE_MEMORY: f64 = 2.0;
/// Points kept of the path: what rules have not seen yet, or the time before a track is confirmed.
const TRAIL: usize = 48;

/// An object that was seen on several frames. Only its class is known of it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all may hold at once")]
pub struct Track {
    pub(super) id: TrackId,
    votes: [f32; ObjectClass::ALL.len()],
    class: ObjectClass,
    label: Option<Arc<str>>,
    confidence: f32,
    evidence: f32,
    hits: u32,
    first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    pub(super) confirmed: bool,
    pub(super) seen_now: bool,
    pub(super) missing: Duration,
    pub(super) hidden: bool,
    seen_share: f64,
    pub(super) filter: Kalman,
    at_last_hit: Kalman,
    measured: BBox,
    rest: Rest,
    restored: bool,
    trail: VecDeque<(Timestamp, BBox)>,
}

/// Where a thing rests, if it does.
#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Timestamp,
    origin: BBox,
    bbox: BBox,
    misfit: Option<Timestamp>,
}

impl Track {
    pub(super) fn new(id: TrackId, at: Timestamp, seen: &Detection) -> Self {
        let filter = Kalman::new(&seen.bbox);
        let mut track = Self {
            id,
            votes: [0.0; ObjectClass::ALL.len()],
            class: seen.class,
            label: None,
            confidence: seen.confidence.get(),
            evidence: seen.confidence.get(),
            hits: 1,
            first_seen: at,
            last_seen: at,
            confirmed: false,
            seen_now: true,
            missing: Duration::ZERO,
            hidden: false,
            seen_share: 0.5,
            filter,
            at_last_hit: filter,
            measured: seen.bbox,
            rest: Rest { since: at, origin: seen.bbox, bbox: seen.bbox, misfit: None },
            restored: false,
            trail: VecDeque::from([(at, seen.bbox)]),
        };
        track.vote(seen);
        track
    }

    /// A thing that stood before a restart; it is looked for on its place.
    pub(super) fn restored(thing: StandingThing) -> Self {
        let seen = Detection { bbox: thing.bbox, class: thing.class, label: thing.label, confidence: thing.confidence };
        let rest = Rest { since: thing.rest_since, origin: thing.bbox, bbox: thing.bbox, misfit: None };
        Self {
            first_seen: thing.first_seen,
            last_seen: thing.last_seen,
            evidence: CONFIRM_EVIDENCE,
            confirmed: true,
            seen_now: false,
            missing: ANCHORED_AFTER,
            rest,
            seen_share: 1.0,
            restored: true,
            trail: VecDeque::new(),
            ..Self::new(thing.track, thing.first_seen, &seen)
        }
    }

    /// What is to be known of it after a restart; `told` are the rules that have spoken of it.
    pub(super) fn standing(&self, told: Vec<RuleId>) -> StandingThing {
        StandingThing {
            track: self.id,
            class: self.class,
            label: self.label.clone(),
            confidence: self.confidence(),
            bbox: self.rest.bbox,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            rest_since: self.rest.since,
            told,
        }
    }

    /// Its number.
    pub const fn id(&self) -> TrackId {
        self.id
    }

    /// What it most probably is, over all it was taken for.
    pub const fn class(&self) -> ObjectClass {
        self.class
    }

    /// The model's own name for it.
    pub const fn label(&self) -> Option<&Arc<str>> {
        self.label.as_ref()
    }

    /// How sure the detector is of it, averaged over the last frames.
    pub fn confidence(&self) -> Confidence {
        Confidence::clamped(self.confidence)
    }

    /// Where it is: smoothed where it moves, the robust mean where it rests unseen.
    pub fn bbox(&self) -> BBox {
        if !self.seen_now && self.is_stationary() { self.rest.bbox } else { self.filter.bbox() }
    }

    /// The box that the detector gave last.
    pub const fn measured(&self) -> BBox {
        self.measured
    }

    /// When it was seen first.
    pub const fn first_seen(&self) -> Timestamp {
        self.first_seen
    }

    /// When it was seen last.
    pub const fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    /// Whether it was seen at the last look.
    pub const fn is_seen_now(&self) -> bool {
        self.seen_now
    }

    /// Whether there is enough evidence that it exists at all.
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Whether it is unseen because something stands before it.
    pub const fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// At which share of the last looks it was seen, 0..=1; looks at which something stood before it do not count.
    pub const fn seen_share(&self) -> f64 {
        self.seen_share
    }

    /// Whether it rests and has been unseen for longer than a blink: it is looked for on its place only.
    pub(super) fn is_anchored(&self) -> bool {
        self.is_stationary() && self.missing >= ANCHORED_AFTER
    }

    /// Whether it stood before a restart of the service and has not moved since.
    pub const fn is_restored(&self) -> bool {
        self.restored
    }

    /// Whether it has rested so long that its place is kept for it.
    pub fn is_stationary(&self) -> bool {
        self.rested() >= STATIONARY_AFTER
    }

    /// How long it has rested, up to when it was last seen.
    pub fn rested(&self) -> Duration {
        self.last_seen.since(self.rest.since)
    }

    /// Since when it has rested.
    pub const fn rest_since(&self) -> Timestamp {
        self.rest.since
    }

    /// Where it rests: a mean that single bad boxes do not move.
    pub const fn rest_box(&self) -> BBox {
        self.rest.bbox
    }

    /// Frame widths and heights per second; nothing for what rests.
    pub fn velocity(&self) -> [f64; 2] {
        if self.is_stationary() { [0.0; 2] } else { self.filter.velocity() }
    }

    /// Where it was seen, oldest first: since the last looks, or since its first sight where it is new.
    pub fn trail(&self) -> impl DoubleEndedIterator<Item = (Timestamp, BBox)> + '_ {
        self.trail.iter().copied()
    }

    /// The part of the trail that is newer than `known`; all of it where nothing is known.
    pub(crate) fn trail_after(&self, known: Option<Timestamp>) -> impl Iterator<Item = (Timestamp, BBox)> + '_ {
        let fresh = self.trail.iter().rev().take_while(|(at, _)| known.is_none_or(|known| *at > known)).count();
        self.trail.range(self.trail.len() - fresh..).copied()
    }

    /// Takes in what was seen of it.
    pub(super) fn hit(&mut self, at: Timestamp, seen: &Detection) {
        let gap = at.seconds_from(self.last_seen);
        if !self.seen_now && gap > 0.25 {
            self.walk_the_gap(gap, seen);
        }
        // A clock that was set back while the service was down.
        self.first_seen = self.first_seen.min(at);
        self.rest.since = self.rest.since.min(at);
        self.filter.correct(&seen.bbox, seen.confidence.get());
        self.at_last_hit = self.filter;
        self.measured = seen.bbox;
        self.hits = self.hits.saturating_add(1);
        self.confidence += (seen.confidence.get() - self.confidence) / self.hits.min(10) as f32;
        self.evidence = (self.evidence + seen.confidence.get()).min(1e3);
        self.vote(seen);
        self.settle(at, &seen.bbox, gap);
        self.last_seen = at;
        self.seen_now = true;
        self.hidden = false;
        self.missing = Duration::ZERO;
        self.confirmed |= self.evidence >= CONFIRM_EVIDENCE && at.since(self.first_seen) >= CONFIRM_SPAN;
        self.remember(at, self.filter.bbox());
    }

    /// Counts a look of `dt`, at which it was seen or not.
    pub(super) fn count_look(&mut self, dt: Duration) {
        if self.seen_now || !self.hidden {
            let fresh = 1.0 - (-dt.as_secs_f64() / SHARE_MEMORY).exp();
            self.seen_share += fresh * (f64::from(u8::from(self.seen_now)) - self.seen_share);
        }
    }

    /// Notes that a look of `dt` did not show it.
    pub(super) fn miss(&mut self, dt: Duration) {
        self.seen_now = false;
        self.missing = self.missing.saturating_add(dt);
        if self.missing > Duration::from_millis(500) {
            self.filter.slow(dt.as_secs_f64());
        }
    }

    /// Notes that it was looked at again and nothing had moved.
    pub(super) fn stay(&mut self, at: Timestamp) {
        self.last_seen = at;
        self.filter.halt();
        self.at_last_hit = self.filter;
        self.remember(at, self.filter.bbox());
    }

    /// Forgets its path: what comes after is not joined to what was.
    pub(super) fn forget_path(&mut self) {
        self.trail.clear();
    }

    /// Re-walks an occlusion from its last sight to the new one on a straight line, so that a forecast gone wrong while it was
    /// hidden leaves no trace in its speed (observation-centric re-update of OC-SORT, Cao 2023).
    fn walk_the_gap(&mut self, gap: f64, seen: &Detection) {
        let steps = ((gap / 0.1) as u32).clamp(2, 8);
        let (from, to) = (self.measured, seen.bbox);
        self.filter = self.at_last_hit;
        for i in 1..steps {
            let t = f64::from(i) / f64::from(steps);
            self.filter.predict(gap / f64::from(steps));
            self.filter.correct(&blend(&from, &to, t), seen.confidence.get());
        }
        self.filter.predict(gap / f64::from(steps));
    }

    fn vote(&mut self, seen: &Detection) {
        for vote in &mut self.votes {
            *vote *= 0.97;
        }
        self.votes[seen.class as usize] += seen.confidence.get().max(0.01);
        let best = (0..self.votes.len()).max_by(|&a, &b| self.votes[a].total_cmp(&self.votes[b]).then(b.cmp(&a)));
        let before = std::mem::replace(&mut self.class, best.map_or(seen.class, |i| ObjectClass::ALL[i]));
        let better = self.label.is_none() || before != self.class || seen.confidence.get() >= self.confidence;
        if self.class == seen.class && better {
            self.label.clone_from(&seen.label);
        }
    }

    fn settle(&mut self, at: Timestamp, seen: &BBox, gap: f64) {
        let fits = near(&self.rest.bbox, seen, 0.2) && near(&self.rest.origin, seen, 0.35);
        if fits {
            self.rest.misfit = None;
            // A thing that just came to rest is known badly: its mean follows quickly at first.
            let age = at.seconds_from(self.rest.since).max(gap);
            let memory = REST_MEMORY.min(age).max(1e-3);
            self.rest.bbox = blend(&self.rest.bbox, seen, (gap / memory).clamp(0.0, 0.5));
            return;
        }
        let since = *self.rest.misfit.get_or_insert(at);
        // What moved before it had rested has nothing to lose: it starts anew at once.
        if at.since(since) >= MOVED_AFTER || self.rested() < STATIONARY_AFTER / 4 {
            self.rest = Rest { since: at, origin: *seen, bbox: *seen, misfit: None };
            self.restored = false;
        }
    }

    fn remember(&mut self, at: Timestamp, bbox: BBox) {
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back((at, bbox));
    }
}

/// Whether `seen` sits where `place` is, within `reach` object sizes, and is about as large.
fn near(place: &BBox, seen: &BBox, reach: f64) -> bool {
    let (a, b, size) = (place.centre(), seen.centre(), extent(place));
    ((a.x - b.x) / size[0]).hypot((a.y - b.y) / size[1]) <= reach && place.iou(seen) >= 0.5
}

/// The box `t` of the way from `a` to `b`.
pub(super) fn blend(a: &BBox, b: &BBox, t: f64) -> BBox {
    let mix = |u: f64, v: f64| u + t * (v - u);
    BBox::new(mix(a.x, b.x), mix(a.y, b.y), mix(a.w, b.w), mix(a.h, b.h))
}
