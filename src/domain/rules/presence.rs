//! Inside or outside a zone, without trembling.

use std::collections::BTreeMap;
use std::time::Duration;

use super::watch::{Post, View, tremble};
use crate::domain::geometry::ZoneShape;
use crate::domain::ids::TrackId;
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// Who stays beyond a border for so long without a break is beyond it, even if he is nearer to it than his box trembles ...
const SURE_AFTER: Duration = Duration::from_millis(1500);
/// ... though not by less than this share of the tremble: who stands right on it may lean either way for long.
const SURE_SHARE: f64 = 0.25;

/// Where one track is with respect to one zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence {
    pub(super) inside: bool,
    /// Since when it is inside or outside: the moment at which the anchor passed the border, between two looks.
    pub(super) since: Timestamp,
    /// When its anchor passed the border the other way, not surely enough yet.
    turned_at: Option<Timestamp>,
    last: (Timestamp, f64),
}

/// What a look changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    /// First seen, inside or outside.
    Appeared,
    /// Came in.
    Entered,
    /// Went out.
    Left,
}

impl Presence {
    fn new(at: Timestamp, depth: f64) -> Self {
        Self { inside: depth > 0.0, since: at, turned_at: None, last: (at, depth) }
    }

    fn pass(&mut self, at: Timestamp, depth: f64, margin: f64) -> Option<Turn> {
        let (before, was) = self.last;
        self.last = (at, depth);
        if (depth > 0.0) == self.inside {
            self.turned_at = None;
            return None;
        }
        let turned = *self.turned_at.get_or_insert_with(|| between(before, at, was / (was - depth)));
        let sure = depth.abs() >= margin || depth.abs() >= SURE_SHARE * margin && at.since(turned) >= SURE_AFTER;
        if !sure {
            return None;
        }
        self.inside = depth > 0.0;
        self.since = turned;
        self.turned_at = None;
        Some(if self.inside { Turn::Entered } else { Turn::Left })
    }
}

/// The moment a `share` of the way from `a` to `b`; `b` where the share is no number (a border infinitely far away).
pub(super) fn between(a: Timestamp, b: Timestamp, share: f64) -> Timestamp {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 };
    a.plus(b.since(a).mul_f64(share))
}

/// The presence of all tracks in a rule's zone.
#[derive(Clone, Debug, Default)]
pub(super) struct Presences(BTreeMap<TrackId, Presence>);

impl Presences {
    /// Takes in one look; gives the turns of the tracks that the rule looks at, in order of time for each track.
    pub(super) fn look<'a>(&mut self, view: &View<'a>, post: &Post) -> Vec<(&'a Track, Turn, Presence)> {
        let mut turns = Vec::new();
        let Some(zone) = &post.zone else { return turns };
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && post.rule.filter.admits(t)) {
            self.follow(track, &zone.shape, post, &mut turns);
        }
        turns
    }

    fn follow<'a>(
        &mut self,
        track: &'a Track,
        zone: &ZoneShape,
        post: &Post,
        turns: &mut Vec<(&'a Track, Turn, Presence)>,
    ) {
        let anchor = post.rule.filter.anchor;
        let reach = zone.half_breadth();
        let known_until = self.0.get(&track.id()).map(|p| p.last.0);
        for (at, bbox) in track.trail_after(known_until.or(post.watched_since)) {
            let depth = zone.depth(anchor.of(&bbox));
            let turned = if let Some(presence) = self.0.get_mut(&track.id()) {
                presence.pass(at, depth, tremble(&bbox).min(reach)).map(|turn| (turn, *presence))
            } else {
                let presence = Presence::new(at, depth);
                self.0.insert(track.id(), presence);
                Some((Turn::Appeared, presence))
            };
            turns.extend(turned.map(|(turn, presence)| (track, turn, presence)));
        }
    }

    /// Where `track` is.
    pub(super) fn of(&self, track: TrackId) -> Option<&Presence> {
        self.0.get(&track)
    }

    /// Forgets `track`, giving where it was.
    pub(super) fn forget(&mut self, track: TrackId) -> Option<Presence> {
        self.0.remove(&track)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn trembling_on_the_border_is_no_entering() {
        let mut presence = Presence::new(at(0), -0.1);
        for i in 1..50 {
            assert_eq!(presence.pass(at(200 * i), if i % 2 == 0 { 0.005 } else { -0.005 }, 0.02), None);
        }
    }

    #[test]
    fn entering_is_dated_to_the_border_and_told_once() {
        let mut presence = Presence::new(at(0), -0.1);
        assert_eq!(presence.pass(at(1000), -0.01, 0.02), None);
        assert_eq!(presence.pass(at(2000), 0.01, 0.02), None);
        assert_eq!(presence.pass(at(2200), 0.05, 0.02), Some(Turn::Entered));
        assert_eq!(presence.since, at(1500));
        assert_eq!(presence.pass(at(2400), 0.06, 0.02), None);
    }

    #[test]
    fn staying_near_the_border_counts_after_a_while() {
        let mut presence = Presence::new(at(0), -0.01);
        assert_eq!(presence.pass(at(1000), 0.01, 0.02), None);
        assert_eq!(presence.pass(at(1400), 0.01, 0.02), None);
        assert_eq!(presence.pass(at(2100), 0.001, 0.02), None);
        assert_eq!(presence.pass(at(2200), 0.01, 0.02), Some(Turn::Entered));
    }
}
