//! `wrong_way`: against the direction that is allowed, over a line or within a zone.
//!
//! Over a line it is `line_cross` with the forbidden direction. Within a zone, the way is walked in steps longer than the box trembles.
//! A step in the allowed direction begins a new run; a run of two wrong steps or more that has led far enough is told. One
//! long wrong step alone is rather a box that jumped to another object than a vehicle.

use std::collections::BTreeMap;
use std::time::Duration;

use super::line_cross::{Paths, crossed, gone, way_in_words};
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, quote, tremble};
use crate::domain::alert::{AlertKind, Crossing, EndReason};
use crate::domain::geometry::ruler::degrees_between;
use crate::domain::geometry::{BBox, CrossingDirection, Point, Ruler};
use crate::domain::ids::{TrackId, ZoneId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// Who drives on the wrong way is no news for longer than this.
const HOLD: Duration = Duration::from_secs(30);

/// What `wrong_way` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub enum WrongWay {
    /// A line that must not be crossed one way.
    OverLine {
        /// The line.
        line: ZoneId,
        /// The way that is forbidden.
        forbidden: CrossingDirection,
    },
    /// A zone in which one goes one way only.
    InZone {
        /// The zone.
        zone: ZoneId,
        /// What is allowed.
        allowed: Heading,
    },
}

/// A direction on the picture, and how strictly it is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// Where an arrow drawn on the picture begins ...
    pub from: Point,
    /// ... and where it points to.
    pub to: Point,
    /// How many degrees one may deviate from it.
    pub tolerance: f64,
    /// How far one must have gone the wrong way, in picture heights.
    pub min_travel: f64,
}

impl Settings for WrongWay {
    fn kind(&self) -> AlertKind {
        AlertKind::WrongWay
    }
    fn zone(&self) -> Option<&ZoneId> {
        match self {
            Self::InZone { zone, .. } => Some(zone),
            Self::OverLine { .. } => None,
        }
    }
    fn line(&self) -> Option<&ZoneId> {
        match self {
            Self::OverLine { line, .. } => Some(line),
            Self::InZone { .. } => None,
        }
    }
    fn threshold(&self) -> Option<f64> {
        match self {
            Self::OverLine { .. } => None,
            Self::InZone { allowed, .. } => Some(allowed.min_travel),
        }
    }
    fn in_words(&self) -> String {
        match self {
            Self::OverLine { line, forbidden } => format!("crossing {line} {}", way_in_words(Some(*forbidden))),
            Self::InZone { zone, allowed } => format!(
                "going in {zone} by more than {} degrees off the allowed direction, for {} of the picture's height",
                allowed.tolerance, allowed.min_travel
            ),
        }
    }
    fn watch(&self) -> Box<dyn Watch> {
        match self {
            Self::OverLine { forbidden, .. } => {
                Box::new(OverLineWatch { forbidden: *forbidden, paths: Paths::default() })
            }
            Self::InZone { allowed, .. } => {
                Box::new(InZoneWatch { allowed: allowed.clone(), ways: BTreeMap::new(), looked: BTreeMap::new() })
            }
        }
    }
}

#[derive(Debug)]
struct OverLineWatch {
    forbidden: CrossingDirection,
    paths: Paths,
}

impl Watch for OverLineWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let Some(named) = &post.line else { return };
        for (track, since, way) in self.paths.look(view, post, &named.line) {
            if way == self.forbidden {
                notices.push(crossed(track, since, Crossing { line: named.id.clone(), direction: way }));
            }
        }
        notices.extend(view.ended.iter().map(gone));
    }

    fn lose_sight(&mut self) {
        self.paths.clear();
    }
}

#[derive(Debug)]
struct InZoneWatch {
    allowed: Heading,
    /// Of those in the zone.
    ways: BTreeMap<TrackId, Way>,
    /// Of all: what lies before was walked already.
    looked: BTreeMap<TrackId, Timestamp>,
}

/// How a track went within the zone.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Where it last was beyond tremble.
    firm: Point,
    /// Where and when the run of wrong steps began.
    run_from: (Timestamp, Point),
    wrong_steps: u32,
    told: bool,
}

impl Way {
    const fn new(at: Timestamp, place: Point) -> Self {
        Self { firm: place, run_from: (at, place), wrong_steps: 0, told: false }
    }

    fn go(&mut self, at: Timestamp, place: Point, step: f64, (ruler, allowed): (&Ruler, &Heading)) {
        if ruler.apart(self.firm, place) < step {
            return;
        }
        if allowed.is_wrong(ruler, self.firm, place) {
            self.wrong_steps += 1;
        } else {
            self.run_from = (at, place);
            self.wrong_steps = 0;
        }
        self.firm = place;
    }

    fn is_wrong(&self, ruler: &Ruler, allowed: &Heading) -> bool {
        let from = self.run_from.1;
        self.wrong_steps >= 2
            && ruler.apart(from, self.firm) >= allowed.min_travel
            && allowed.is_wrong(ruler, from, self.firm)
    }
}

impl Heading {
    fn is_wrong(&self, ruler: &Ruler, from: Point, to: Point) -> bool {
        degrees_between(ruler.way(self.from, self.to), ruler.way(from, to)).is_some_and(|off| off > self.tolerance)
    }
}

impl Watch for InZoneWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && post.rule.filter.admits(t)) {
            if let Some(ended_at) = self.follow(track, view.ruler, post) {
                notices.push(over(track, ended_at));
            }
            let Some(way) = self.ways.get_mut(&track.id()) else { continue };
            let wrong = way.is_wrong(view.ruler, &self.allowed);
            if wrong && !way.told {
                way.told = true;
                let beginning = Beginning::moment(track.id(), way.run_from.0, quote(track, None), HOLD);
                notices.push(Notice::Began(beginning));
            } else if way.told && way.wrong_steps == 0 {
                way.told = false;
                notices.push(over(track, way.run_from.0));
            }
        }
        for track in view.ended {
            self.looked.remove(&track.id());
            if self.ways.remove(&track.id()).is_some_and(|way| way.told) {
                notices.push(over(track, track.last_seen()));
            }
        }
    }

    fn lose_sight(&mut self) {
        self.ways.clear();
        self.looked.clear();
    }
}

impl InZoneWatch {
    /// Walks on with a track; gives when it left the zone, if an alert about it is open.
    fn follow(&mut self, track: &Track, ruler: &Ruler, post: &Post) -> Option<Timestamp> {
        let zone = &post.zone.as_ref()?.shape;
        let mut left = None;
        let known_until = self.looked.insert(track.id(), track.last_seen());
        for (at, bbox) in track.trail_after(known_until.or(post.watched_since)) {
            let place = post.rule.filter.anchor.of(&bbox);
            let depth = zone.depth(place);
            if depth > 0.0 {
                let way = self.ways.entry(track.id()).or_insert_with(|| Way::new(at, place));
                way.go(at, place, step(&bbox), (ruler, &self.allowed));
            } else if -depth >= tremble(&bbox) && self.ways.remove(&track.id()).is_some_and(|way| way.told) {
                left = Some(at);
            }
        }
        left
    }
}

/// How long a step must be to say which way it goes, in picture heights: a share of the object's size, as its box trembles.
fn step(bbox: &BBox) -> f64 {
    (0.15 * bbox.area().max(0.0).sqrt()).clamp(0.008, 0.06)
}

fn over(track: &Track, at: Timestamp) -> Notice {
    let concerned = Some(quote(track, None).into());
    Notice::Over { subject: track.id(), at, reason: EndReason::Left, concerned }
}
