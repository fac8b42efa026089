//! `line_cross`: the anchor passes a line.
//!
//! A track is *firm* where it is farther from the line than its box trembles. Between two firm places the path is walked, and
//! what counts is how often it passed each way in sum: one passing, however much it trembled on the line, and none where it
//! turned back. The moment is where the path met the line, interpolated; a gap in sight is walked straight.

use std::collections::BTreeMap;
use std::time::Duration;

use super::presence::between;
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, quote, tremble};
use crate::domain::alert::{AlertKind, Crossing, EndReason};
use crate::domain::geometry::{CrossingDirection, Line, Point};
use crate::domain::ids::{TrackId, ZoneId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// A crossing is a moment; its alert is over when the object is gone, or after so long.
const HOLD: Duration = Duration::from_secs(10);

/// What `line_cross` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct LineCross {
    /// The line.
    pub line: ZoneId,
    /// Only this way, or either.
    pub direction: Option<CrossingDirection>,
}

impl Settings for LineCross {
    fn kind(&self) -> AlertKind {
        AlertKind::LineCross
    }
    fn line(&self) -> Option<&ZoneId> {
        Some(&self.line)
    }
    fn in_words(&self) -> String {
        format!("crossing {}, {}", self.line, way_in_words(self.direction))
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(LineWatch { direction: self.direction, paths: Paths::default() })
    }
}

/// `left to right`, or `either way`.
pub(super) const fn way_in_words(direction: Option<CrossingDirection>) -> &'static str {
    match direction {
        Some(CrossingDirection::LeftToRight) => "left to right",
        Some(CrossingDirection::RightToLeft) => "right to left",
        None => "either way",
    }
}

#[derive(Debug)]
struct LineWatch {
    direction: Option<CrossingDirection>,
    paths: Paths,
}

/// The ways of all tracks with respect to one line.
#[derive(Debug, Default)]
pub(super) struct Paths(BTreeMap<TrackId, Path>);

/// A track that passed the line: when, and which way.
pub(super) type Passing<'a> = (&'a Track, Timestamp, CrossingDirection);

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

impl Watch for LineWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let Some(named) = &post.line else { return };
        for (track, since, way) in self.paths.look(view, post, &named.line) {
            if self.direction.is_none_or(|only| only == way) {
                notices.push(crossed(track, since, Crossing { line: named.id.clone(), direction: way }));
            }
        }
        notices.extend(view.ended.iter().map(gone));
    }

    fn lose_sight(&mut self) {
        self.paths.clear();
    }
}

/// The notice of a passing.
pub(super) fn crossed(track: &Track, since: Timestamp, crossing: Crossing) -> Notice {
    let beginning = Beginning::moment(track.id(), since, quote(track, None), HOLD);
    Notice::Began(Beginning { crossing: Some(crossing), ..beginning })
}

/// The notice that a track is over.
pub(super) fn gone(track: &Track) -> Notice {
    Notice::Over {
        subject: track.id(),
        at: track.last_seen(),
        reason: EndReason::Left,
        concerned: Some(quote(track, None).into()),
    }
}

impl Paths {
    /// Takes in one look; gives who passed the line, in order of time for each track.
    pub(super) fn look<'a>(&mut self, view: &View<'a>, post: &Post, line: &Line) -> Vec<Passing<'a>> {
        let mut passings = Vec::new();
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && post.rule.filter.admits(t)) {
            let found = self.follow(track, line, post);
            passings.extend(found.into_iter().map(|(at, way)| (track, at, way)));
        }
        for track in view.ended {
            // Who passed and was gone before he was far enough passed all the same, if he did not merely touch the line.
            let Some(mut path) = self.0.remove(&track.id()) else { continue };
            if line.distance(path.place) >= tremble(&track.measured()) / 4.0 {
                passings.extend(path.conclude().map(|(at, way)| (track, at, way)));
            }
        }
        passings
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn follow(&mut self, track: &Track, line: &Line, post: &Post) -> Vec<(Timestamp, CrossingDirection)> {
        let anchor = post.rule.filter.anchor;
        let mut found = Vec::new();
        let known_until = self.0.get(&track.id()).map(|path| path.at);
        for (at, bbox) in track.trail_after(known_until.or(post.watched_since)) {
            let place = anchor.of(&bbox);
            let path = self.0.entry(track.id()).or_insert_with(|| Path::new(at, place));
            path.walk(at, place, line);
            if line.distance(place) >= tremble(&bbox) {
                found.extend(path.conclude());
            }
        }
        found
    }
}
