//! `fast_move`: something moves faster than is usual there: runs on a platform, races through a yard.
//!
//! Speed is the median over `for`, of steps long enough that a box's tremble does not count, and the object must have got somewhere
//! meanwhile: a box that jumps once, or trembles on the spot, is not fast. Measured in the object's own heights a rule holds near
//! and far alike.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::presence::Presences;
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, quote};
use crate::domain::alert::{AlertKind, EndReason};
use crate::domain::geometry::{Point, Ruler};
use crate::domain::ids::{TrackId, ZoneId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// A step over less than this says more about the box than about its speed.
const STEP: Duration = Duration::from_millis(190);
/// It is over when the speed has fallen below this share of the threshold.
const SLOWER: f64 = 0.8;
/// In a straight line one gets at least so far of what the steps add up to.
const STRAIGHT: f64 = 0.5;
/// Looks kept of a track at most.
const MAX_SAMPLES: usize = 64;

/// What `fast_move` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct FastMove {
    /// Only in this zone, or anywhere.
    pub zone: Option<ZoneId>,
    /// At least so fast.
    pub min_speed: Speed,
    /// For at least so long.
    pub during: Duration,
}

/// A speed, by what it is measured with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// The object's own heights per second: a walking person makes about 0.8, a running one 2 and more.
    Heights(f64),
    /// Picture widths per second.
    Widths(f64),
    /// Metres per second over the ground, where that was measured.
    Metres(f64),
}

impl Speed {
    const fn number(self) -> f64 {
        match self {
            Self::Heights(number) | Self::Widths(number) | Self::Metres(number) => number,
        }
    }
}

impl Settings for FastMove {
    fn kind(&self) -> AlertKind {
        AlertKind::FastMove
    }
    fn zone(&self) -> Option<&ZoneId> {
        self.zone.as_ref()
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.min_speed.number())
    }
    fn in_words(&self) -> String {
        let place = self.zone.as_ref().map_or("anywhere".to_owned(), |zone| format!("in {zone}"));
        let unit = match self.min_speed {
            Speed::Heights(_) => "of its heights",
            Speed::Widths(_) => "picture widths",
            Speed::Metres(_) => "metres",
        };
        format!(
            "faster {place} than {} {unit} per second, for {} s",
            self.min_speed.number(),
            self.during.as_secs_f64()
        )
    }
    fn watch(&self) -> Box<dyn Watch> {
        let (presences, runs) = (Presences::default(), BTreeMap::new());
        Box::new(FastWatch { settings: self.clone(), presences, runs })
    }
}

#[derive(Debug)]
struct FastWatch {
    settings: FastMove,
    presences: Presences,
    runs: BTreeMap<TrackId, Run>,
}

/// The last way of one track.
#[derive(Debug, Default)]
struct Run {
    samples: VecDeque<Sample>,
    told: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Timestamp,
    place: Point,
    height: f64,
}

impl Watch for FastWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        self.presences.look(view, post);
        let anywhere = self.settings.zone.is_none();
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && post.rule.filter.admits(t)) {
            let inside = anywhere || self.presences.of(track.id()).is_some_and(|presence| presence.inside);
            let run = self.runs.entry(track.id()).or_default();
            run.follow(track, post, self.settings.during);
            let threshold = self.settings.min_speed.number();
            let speed = if inside || run.told { run.speed(view.ruler, &self.settings) } else { None };
            let fast_enough = if run.told { SLOWER * threshold } else { threshold };
            let fast = inside && speed.is_some_and(|speed| speed >= fast_enough);
            if fast && !run.told && post.may_speak(track.id(), view.at) {
                let since = run.samples.front().map_or(view.at, |sample| sample.at);
                notices.push(Notice::Began(Beginning::new(track.id(), since, quote(track, None))));
                run.told = true;
            } else if run.told && !fast && (speed.is_some() || !inside) {
                notices.push(over(track, view.at));
                run.told = false;
            }
        }
        for track in view.ended {
            self.presences.forget(track.id());
            if self.runs.remove(&track.id()).is_some_and(|run| run.told) {
                notices.push(over(track, track.last_seen()));
            }
        }
    }

    fn lose_sight(&mut self) {
        self.presences.clear();
        self.runs.clear();
    }
}

impl Run {
    /// Takes in where the track was, and forgets what is older than the rule looks back.
    fn follow(&mut self, track: &Track, post: &Post, during: Duration) {
        let known_until = self.samples.back().map(|sample| sample.at);
        for (at, bbox) in track.trail_after(known_until.or(post.watched_since)) {
            let far_enough = self.samples.back().is_none_or(|last| at.since(last.at) >= STEP);
            if far_enough {
                self.samples.push_back(Sample { at, place: post.rule.filter.anchor.of(&bbox), height: bbox.h });
            }
        }
        // The one sample before the span stays: the span begins within its step.
        while self.samples.len() > MAX_SAMPLES
            || self.samples.get(1).is_some_and(|next| track.last_seen().since(next.at) >= during)
        {
            self.samples.pop_front();
        }
    }

    /// The median speed, where there is enough of a way to say; 0 where it led nowhere.
    fn speed(&self, ruler: &Ruler, settings: &FastMove) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let span = last.at.since(first.at);
        if span + STEP < settings.during || self.samples.len() < 3 {
            return None;
        }
        let height = median(self.samples.iter().map(|sample| sample.height))?.max(1e-3);
        let apart = |a: &Sample, b: &Sample| match settings.min_speed {
            Speed::Heights(_) => Some(ruler.apart(a.place, b.place) / height),
            Speed::Widths(_) => Some(ruler.apart(a.place, b.place) / ruler.width()),
            Speed::Metres(_) => ruler.metres(a.place, b.place),
        };
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        // A step beyond the horizon has no length; with such a one among them there is nothing to say.
        let steps: Option<Vec<f64>> =
            pairs.map(|(a, b)| Some(apart(a, b)? / b.at.seconds_from(a.at).max(1e-3))).collect();
        let speed = median(steps?.into_iter())?;
        let straight = apart(first, last)? / span.as_secs_f64().max(1e-3);
        Some(if straight >= STRAIGHT * speed { speed } else { 0.0 })
    }
}

/// The middle one; of two middle ones the smaller, so that one jump among two steps does not count.
fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn over(track: &Track, at: Timestamp) -> Notice {
    let concerned = Some(quote(track, None).into());
    Notice::Over { subject: track.id(), at, reason: EndReason::Left, concerned }
}
