//! `line_cross`: the anchor passes a line.
//!
//! A track is *firm* where it is farther from the line than its box trembles. Between two firm places the path is walked, and
//! what counts is how often it passed each way in sum: one passing, however much it trembled on the line, and none where it
//! turned back. The moment is where the path met the line, interpolated; a gap in sight is walked straight.

use std::collections::BTreeMap;
use std::time::Duration;

use super::presence::between;
use super::watch::{Notice, Post, View, Watch, quote, tremble};
use crate::domain::alert::{Crossing, EndReason};
use crate::domain::geometry::{CrossingDirection, Line, Point};
use crate::domain::ids::TrackId;
use crate::domain::rules::RuleSpec;
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// A crossing is a moment; its alert is over when the object is gone, or after so long.
const HOLD: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct LineCross {
    paths: BTreeMap<TrackId, Path>,
}

/// A track's way since it was last firm.
#[derive(Clone, Copy, Debug)]
struct Path {
    at: Timestamp,
    place: Point,
    /// Passings from left to right less those from right to left.
    net: i32,
    last_right: Timestamp,
    last_left: Timestamp,
}

impl Path {
    const fn new(at: Timestamp, place: Point) -> Self {
        Self { at, place, net: 0, last_right: at, last_left: at }
    }

    fn walk(&mut self, at: Timestamp, to: Point, line: &Line) {
        for (share, way) in line.crossings(self.place, to) {
            let moment = between(self.at, at, share);
            match way {
                CrossingDirection::LeftToRight => (self.net, self.last_right) = (self.net + 1, moment),
                CrossingDirection::RightToLeft => (self.net, self.last_left) = (self.net - 1, moment),
            }
        }
        (self.at, self.place) = (at, to);
    }

    /// What the way since the last firm place amounts to; begins a new one.
    fn conclude(&mut self) -> Option<(Timestamp, CrossingDirection)> {
        let found = match self.net.signum() {
            1 => Some((self.last_right, CrossingDirection::LeftToRight)),
            -1 => Some((self.last_left, CrossingDirection::RightToLeft)),
            _ => None,
        };
        *self = Self::new(self.at, self.place);
        found
    }
}

impl Watch for LineCross {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let RuleSpec::LineCross { direction, .. } = post.rule.spec else { return };
        let Some(named) = &post.line else { return };
        let mut tell = |track: &Track, found: Option<(Timestamp, CrossingDirection)>| {
            let Some((since, way)) = found.filter(|(_, way)| direction.is_none_or(|only| only == *way)) else { return };
            let crossing = Some(Crossing { line: named.id.clone(), direction: way });
            notices.push(Notice::Began {
                subject: track.id(),
                since,
                object: quote(track, None),
                crossing,
                hold: Some(HOLD),
            });
        };
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && post.rule.filter.admits(t)) {
            for found in self.follow(track, &named.line, post) {
                tell(track, Some(found));
            }
        }
        for track in view.ended {
            // Who passed and was gone before he was far enough passed all the same, if he did not merely touch the line.
            let Some(mut path) = self.paths.remove(&track.id()) else { continue };
            if named.line.distance(path.place) >= tremble(&track.measured()) / 4.0 {
                tell(track, path.conclude());
            }
        }
        for track in view.ended {
            notices.push(Notice::Over {
                subject: track.id(),
                at: track.last_seen(),
                reason: EndReason::Left,
                object: Some(quote(track, None)),
            });
        }
    }

    fn lose_sight(&mut self) {
        self.paths.clear();
    }
}

impl LineCross {
    fn follow(&mut self, track: &Track, line: &Line, post: &Post) -> Vec<(Timestamp, CrossingDirection)> {
        let anchor = post.rule.filter.anchor;
        let mut found = Vec::new();
        let known_until = self.paths.get(&track.id()).map(|path| path.at);
        for (at, bbox) in track.trail_after(known_until) {
            let place = anchor.of(&bbox);
            let path = self.paths.entry(track.id()).or_insert_with(|| Path::new(at, place));
            path.walk(at, place, line);
            if line.distance(place) >= tremble(&bbox) {
                found.extend(path.conclude());
            }
        }
        found
    }
}
