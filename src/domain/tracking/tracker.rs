//! The tracker: one look after the other, detections become tracks.
//!
//! Association in stages as in `ByteTrack` (Zhang 2022): sure detections first, unsure ones may only continue what is there, then
//! newcomers; a last stage finds what reappears where it was last seen (OC-SORT, Cao 2023). Beyond these: everything is
//! measured in time, gates work without overlap (2 frames per second), and what stands keeps its place while it is hidden.
//! Memory is bounded by `MAX_TRACKS`. No appearance features, on purpose: they could identify people.

use std::time::Duration;

use super::TrackerConfig;
use super::assignment::{Pair, assign};
use super::association::{BLINK, LIMIT, cost, is_double, overlap_cost, walked_off_cost};
use super::track::Track;
use crate::domain::baseline::Baseline;
use crate::domain::detection::{Detection, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::ids::{RuleId, TrackId};
use crate::domain::time::Timestamp;

/// More objects than this at once are not told apart; the surest are kept.
const MAX_TRACKS: usize = 256;
/// A newcomer that is not seen again within so long was a flicker.
const FLICKER: Duration = Duration::from_millis(400);
/// A thing that stood and is not seen on its open place is forgotten after so long.
const STANDING_LOST_AFTER: Duration = Duration::from_secs(15);
/// A person or an animal behind something may have walked off behind it.
const LIVING_HIDDEN_FOR: Duration = Duration::from_mins(1);
/// So much of its place must be covered for a thing to count as hidden.
pub(crate) const HIDDEN_SHARE: f64 = 0.3;

/// Makes tracks of detections.
#[derive(Clone, Debug)]
pub struct Tracker {
    config: TrackerConfig,
    tracks: Vec<Track>,
    ended: Vec<Track>,
    next_id: u64,
    last: Option<Timestamp>,
    /// Whether the detector has looked at all: before, a restored thing is not missing.
    looked: bool,
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub const fn new(config: TrackerConfig) -> Self {
        Self { config, tracks: Vec::new(), ended: Vec::new(), next_id: 1, last: None, looked: false }
    }

    /// A tracker that goes on after a restart: it knows what stood.
    pub(crate) fn restored(config: TrackerConfig, baseline: Baseline) -> Self {
        let Baseline { as_of, next_track, things } = baseline;
        let things = things.into_iter().filter(|thing| thing.bbox.is_in_picture()).take(MAX_TRACKS);
        let tracks: Vec<Track> = things.map(Track::restored).collect();
        let taken = tracks.iter().map(|track| track.id().0.saturating_add(1)).max().unwrap_or(1);
        let last = (!tracks.is_empty()).then_some(as_of);
        Self { config, tracks, ended: Vec::new(), next_id: next_track.max(taken), last, looked: false }
    }

    /// What stands now; `told` gives the rules that have spoken of a track.
    pub(crate) fn baseline(&self, told: impl Fn(&Track) -> Vec<RuleId>) -> Baseline {
        let standing = self.tracks.iter().filter(|track| is_standing_thing(track));
        Baseline {
            as_of: self.last.unwrap_or_default(),
            next_track: self.next_id,
            things: standing.map(|track| track.standing(told(track))).collect(),
        }
    }

    /// Changes how it decides; tracks stay.
    pub fn reconfigure(&mut self, config: TrackerConfig) {
        self.config = config;
    }

    /// A number that no track has, for what is found without one.
    pub(crate) const fn new_id(&mut self) -> TrackId {
        let id = TrackId(self.next_id);
        self.next_id += 1;
        id
    }

    /// All tracks, unconfirmed ones too, by age.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Tracks that ended with the last call.
    pub fn ended(&self) -> &[Track] {
        &self.ended
    }

    /// Takes in the detections of a frame taken `at`; `looked_for` is how long the scene was in sight since the last look.
    pub fn observe(&mut self, at: Timestamp, looked_for: Duration, detections: &[Detection]) {
        self.ended.clear();
        self.looked = true;
        self.pass(at);
        let seen = usable(detections, self.config.keep_confidence);
        let expected: Vec<BBox> = self.tracks.iter().map(Track::bbox).collect();
        let matches = self.associate(&expected, &seen);
        let mut taken = vec![false; seen.len()];
        let mut hit = vec![false; self.tracks.len()];
        for &(t, d) in &matches {
            self.tracks[t].hit(at, seen[d]);
            (hit[t], taken[d]) = (true, true);
        }
        for (track, _) in self.tracks.iter_mut().zip(&hit).filter(|(_, hit)| !**hit) {
            track.miss(looked_for);
        }
        for track in &mut self.tracks {
            track.count_look(looked_for);
        }
        for (detection, _) in seen.iter().zip(&taken).filter(|(d, taken)| !**taken && self.config.is_sure(d)) {
            if self.tracks.len() < MAX_TRACKS {
                self.tracks.push(Track::new(TrackId(self.next_id), at, detection));
                self.next_id += 1;
            }
        }
        self.note_hidden(&seen);
        self.retire();
    }

    /// Takes in that the gate looked `at` and nothing had moved: the last look once more.
    pub fn unchanged(&mut self, at: Timestamp, looked_for: Duration) {
        self.ended.clear();
        self.last = Some(at);
        if !self.looked {
            return;
        }
        for track in &mut self.tracks {
            if track.seen_now && track.confirmed { track.stay(at) } else { track.miss(looked_for) }
        }
        self.retire();
    }

    /// Sight was lost for so long that what moved cannot be known again. Things that stand keep their places.
    pub fn lose_sight(&mut self) {
        self.ended.clear();
        let (kept, ended): (Vec<_>, Vec<_>) = self.tracks.drain(..).partition(is_standing_thing);
        self.tracks = kept;
        self.ended = ended.into_iter().filter(|t| t.confirmed).collect();
        for track in &mut self.tracks {
            track.miss(Duration::ZERO);
            track.forget_path();
        }
    }

    fn pass(&mut self, at: Timestamp) {
        let dt = self.last.map_or(0.0, |last| at.seconds_from(last).max(0.0));
        self.last = Some(at);
        for track in &mut self.tracks {
            track.filter.predict(dt);
        }
    }

    /// Pairs of (track, detection).
    fn associate(&self, expected: &[BBox], seen: &[&Detection]) -> Vec<(usize, usize)> {
        let mut free =
            Free { tracks: vec![true; self.tracks.len()], seen: vec![true; seen.len()], matches: Vec::new() };
        let sure = |d: usize| self.config.is_sure(seen[d]);
        let known = |t: usize| self.tracks[t].confirmed;
        let whole = |t: usize, d: usize| cost(&self.tracks[t], &expected[t], seen[d]);
        // What was away for longer than a blink must fit better than a newcomer who goes on from the last look.
        let newcomers: Vec<usize> = (0..self.tracks.len()).filter(|&t| !known(t) && self.tracks[t].seen_now).collect();
        let best_newcomer: Vec<f64> = (0..seen.len())
            .map(|d| newcomers.iter().filter_map(|&t| whole(t, d)).fold(f64::INFINITY, f64::min))
            .collect();
        free.run(LIMIT, |t, d| {
            let cost = if known(t) && sure(d) { whole(t, d) } else { None };
            cost.filter(|&cost| self.tracks[t].missing <= BLINK || cost < best_newcomer[d])
        });
        let fresh = |t: usize| self.tracks[t].missing <= Duration::from_millis(600) || self.tracks[t].is_stationary();
        free.run(0.8, |t, d| {
            (known(t) && fresh(t) && !sure(d))
                .then(|| overlap_cost(&self.tracks[t], &expected[t], seen[d], 0.3))
                .flatten()
        });
        free.run(LIMIT, |t, d| (!known(t) && sure(d)).then(|| whole(t, d)).flatten());
        free.run(0.9, |t, d| {
            (known(t) && sure(d))
                .then(|| overlap_cost(&self.tracks[t], &self.tracks[t].measured(), seen[d], 0.2))
                .flatten()
        });
        free.run(1.0, |t, d| {
            (known(t) && sure(d))
                .then(|| walked_off_cost(&self.tracks[t], &expected[t], &seen[d].bbox, seen[d].class))
                .flatten()
        });
        free.matches
    }

    /// Marks what is unseen because another thing that is seen covers its place.
    fn note_hidden(&mut self, seen: &[&Detection]) {
        let hidden: Vec<bool> = self
            .tracks
            .iter()
            .map(|track| {
                let place = track.bbox();
                !track.seen_now && seen.iter().any(|d| covered_share(&place, &d.bbox) >= HIDDEN_SHARE)
            })
            .collect();
        for (track, hidden) in self.tracks.iter_mut().zip(hidden) {
            track.hidden = hidden;
            if hidden && track.is_stationary() {
                // Time behind something is not time missing, but it is bounded for what can walk away unseen.
                let bound = if is_living(track.class()) { self.config.lost_after } else { STANDING_LOST_AFTER };
                track.missing = track.missing.min(bound / 2);
            }
        }
    }

    fn retire(&mut self) {
        let (config, now) = (&self.config, self.last.unwrap_or_default());
        let over = |track: &Track| {
            let moving = track.missing > config.lost_after;
            match (track.confirmed, track.is_stationary(), is_living(track.class())) {
                _ if track.seen_now => false,
                (false, ..) => track.missing >= FLICKER,
                (true, false, _) => moving,
                (true, true, false) => track.missing > STANDING_LOST_AFTER.max(config.lost_after),
                (true, true, true) => {
                    track.missing > config.lost_after * 2 || now.since(track.last_seen) > LIVING_HIDDEN_FOR
                }
            }
        };
        let ended: Vec<Track> = self.tracks.extract_if(.., |track| over(track)).filter(|t| t.confirmed).collect();
        self.ended.extend(ended);
    }
}

impl TrackerConfig {
    fn is_sure(&self, detection: &Detection) -> bool {
        detection.confidence.get() >= self.confirm_confidence
    }
}

/// What is still unmatched, and what was matched.
struct Free {
    tracks: Vec<bool>,
    seen: Vec<bool>,
    matches: Vec<(usize, usize)>,
}

impl Free {
    fn run(&mut self, limit: f64, cost: impl Fn(usize, usize) -> Option<f64>) {
        let mut pairs = Vec::new();
        for row in (0..self.tracks.len()).filter(|&t| self.tracks[t]) {
            for col in (0..self.seen.len()).filter(|&d| self.seen[d]) {
                if let Some(cost) = cost(row, col) {
                    pairs.push(Pair { row, col, cost });
                }
            }
        }
        for (t, d) in assign(&pairs, limit) {
            (self.tracks[t], self.seen[d]) = (false, false);
            self.matches.push((t, d));
        }
    }
}

/// Detections that are boxes at all, sure enough to matter, each thing once; the surest first.
fn usable(detections: &[Detection], least: f32) -> Vec<&Detection> {
    let mut seen: Vec<&Detection> =
        detections.iter().filter(|d| d.bbox.is_in_picture() && d.confidence.get() >= least).collect();
    let place = |d: &Detection| (d.bbox.x, d.bbox.y);
    seen.sort_by(|a, b| {
        let ((ax, ay), (bx, by)) = (place(a), place(b));
        b.confidence.get().total_cmp(&a.confidence.get()).then(ax.total_cmp(&bx)).then(ay.total_cmp(&by))
    });
    seen.truncate(2 * MAX_TRACKS);
    let mut kept: Vec<&Detection> = Vec::with_capacity(seen.len());
    for detection in seen {
        if !kept.iter().any(|other| is_double(other, detection)) {
            kept.push(detection);
        }
    }
    kept
}

/// How much of `place` lies under `cover`, 0..=1.
pub(crate) fn covered_share(place: &BBox, cover: &BBox) -> f64 {
    if place.area() > 0.0 { place.intersection(cover) / place.area() } else { 0.0 }
}

/// Whether it is a thing that stays where it is while nobody looks.
fn is_standing_thing(track: &Track) -> bool {
    track.confirmed && track.is_stationary() && !is_living(track.class())
}

/// What walks by itself.
pub(crate) const fn is_living(class: ObjectClass) -> bool {
    matches!(class, ObjectClass::Person | ObjectClass::Animal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::detection::Confidence;

    const RATES: [f64; 4] = [3.0, 5.0, 10.0, 25.0];

    fn thing(class: ObjectClass, x: f64, y: f64) -> Detection {
        let (w, h) = if class == ObjectClass::Person { (0.06, 0.25) } else { (0.2, 0.15) };
        Detection {
            bbox: BBox::new(x - w / 2.0, y - h, w, h),
            class,
            label: None,
            confidence: Confidence::clamped(0.8),
        }
    }

    /// Runs a tracker over what `seen` shows at each moment; gives it at the end.
    fn run(fps: f64, seconds: f64, seen: impl Fn(f64) -> Vec<Detection>) -> Tracker {
        let mut tracker = Tracker::new(TrackerConfig::default());
        for i in 0..=(seconds * fps) as u32 {
            let t = f64::from(i) / fps;
            let at = Timestamp::from_nanos((t * 1e9) as i64);
            tracker.observe(at, Duration::from_secs_f64(1.0 / fps), &seen(t));
        }
        tracker
    }

    /// The number of the track whose box has its centre nearest to `x`.
    fn number_at(tracker: &Tracker, x: f64) -> Option<u64> {
        let off = |t: &&Track| (t.bbox().centre().x - x).abs();
        let nearest = tracker.tracks().iter().filter(|t| t.is_confirmed()).min_by(|a, b| off(a).total_cmp(&off(b)));
        nearest.filter(|t| off(t) < 0.05).map(|t| t.id().0)
    }

    #[test]
    fn two_who_meet_keep_their_numbers() {
        for fps in RATES {
            let left = |t: f64| 0.1 + 0.1 * t;
            let right = |t: f64| 0.9 - 0.1 * t;
            let seen = |t: f64| {
                let mut seen = vec![thing(ObjectClass::Person, left(t), 0.80)];
                // While they overlap, the one behind is not seen.
                if (left(t) - right(t)).abs() > 0.04 {
                    seen.push(thing(ObjectClass::Person, right(t), 0.74));
                }
                seen
            };
            let (before, after) = (run(fps, 2.0, seen), run(fps, 7.0, seen));
            assert!(number_at(&before, left(2.0)).is_some());
            assert_eq!(number_at(&before, left(2.0)), number_at(&after, left(7.0)), "{fps} fps");
            assert_eq!(number_at(&before, right(2.0)), number_at(&after, right(7.0)), "{fps} fps");
        }
    }

    #[test]
    fn one_who_walks_behind_a_pillar_keeps_his_number() {
        for fps in RATES {
            let place = |t: f64| 0.1 + 0.1 * t;
            let seen = |t: f64| {
                let hidden = (3.0..4.2).contains(&t);
                if hidden { Vec::new() } else { vec![thing(ObjectClass::Person, place(t), 0.8)] }
            };
            let (before, after) = (run(fps, 2.0, seen), run(fps, 6.0, seen));
            assert_eq!(number_at(&before, place(2.0)), number_at(&after, place(6.0)), "{fps} fps");
        }
    }

    #[test]
    fn a_parked_car_keeps_its_number_behind_a_bus_and_lends_it_to_nobody() {
        for fps in RATES {
            let seen = |t: f64| {
                let bus = |x: f64| Detection { bbox: BBox::new(x, 0.4, 0.5, 0.5), ..thing(ObjectClass::Bus, 0.0, 0.0) };
                match t {
                    t if t < 6.0 => vec![thing(ObjectClass::Car, 0.5, 0.8)],
                    t if t < 30.0 => vec![bus(0.25)],
                    t if t < 34.0 => vec![thing(ObjectClass::Car, 0.15 * (t - 30.0), 0.95)],
                    _ => vec![thing(ObjectClass::Car, 0.5, 0.8)],
                }
            };
            let (before, passing, after) = (run(fps, 5.0, seen), run(fps, 32.5, seen), run(fps, 36.0, seen));
            let parked = number_at(&before, 0.5);
            assert!(parked.is_some());
            assert_ne!(number_at(&passing, 0.375), parked, "{fps} fps");
            assert_eq!(number_at(&after, 0.5), parked, "{fps} fps");
        }
    }

    #[test]
    fn what_is_nowhere_seen_ends() {
        for fps in RATES {
            let seen = |t: f64| if t < 3.0 { vec![thing(ObjectClass::Person, 0.1 + 0.1 * t, 0.8)] } else { Vec::new() };
            assert_eq!(run(fps, 4.0, seen).tracks().len(), 1, "{fps} fps");
            assert!(run(fps, 6.0, seen).tracks().is_empty(), "{fps} fps");
        }
    }
}
