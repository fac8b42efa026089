//! What mattered to each track: when it was confirmed, lost, seen again, came to rest, which rules spoke of it and which held
//! back. Afterwards an alert can be explained from it, and so can its absence.
//!
//! Bounded per track and in all: the path is thinned, old moments give way and are counted. Costs a few comparisons per track
//! and look; nothing where it is off. Only remembers; no rule ever reads it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::domain::alert::{AlertChange, AlertKind, EndReason, Phase};
use crate::domain::detection::ObjectClass;
use crate::domain::geometry::Point;
use crate::domain::ids::{AlertId, RuleId, TrackId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// Moments kept per track.
const MOMENTS_MAX: usize = 48;
/// Points kept of a track's path.
const PATH_MAX: usize = 64;
/// Tracks that are over and still known: an object that is removed is explained after its track has ended.
const RETIRED_MAX: usize = 256;
/// Tracks that an explanation quotes; a crowd has more.
const QUOTED_MAX: usize = 16;
/// A track not seen for so long is said to be out of sight; shorter gaps are the detector's own flicker.
const OUT_OF_SIGHT: Duration = Duration::from_secs(1);

/// Something that mattered.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What mattered.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Seen often enough to be believed.
    Confirmed(ObjectClass),
    /// The detector changed its mind for good.
    Renamed {
        /// What it was.
        from: ObjectClass,
        /// What it is.
        to: ObjectClass,
    },
    /// Something stands before it.
    Hidden,
    /// Not seen for a second or more.
    OutOfSight,
    /// Seen again after either.
    SeenAgain,
    /// Came to rest.
    Rested,
    /// Moved again.
    Moved,
    /// Its track ended.
    Gone,
    /// A rule's condition held and the alert was raised.
    Raised {
        /// The alert.
        alert: AlertId,
        /// Its kind.
        kind: AlertKind,
        /// Its rule; none: of the stream.
        rule: Option<RuleId>,
        /// When the condition began: the border was passed, the object was last there.
        since: Timestamp,
        /// The threshold that was reached since then, in the rule's own unit.
        threshold: Option<f64>,
    },
    /// A rule's condition held and nothing was raised.
    HeldBack {
        /// The rule.
        rule: RuleId,
        /// Why.
        by: HeldBackBy,
    },
    /// An open alert had more to say.
    Updated {
        /// The alert.
        alert: AlertId,
        /// Its revision.
        revision: u32,
    },
    /// An alert was over.
    Ended {
        /// The alert.
        alert: AlertId,
        /// Why.
        reason: EndReason,
    },
}

/// Why a rule held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBackBy {
    /// It spoke of the object not long ago.
    Cooldown,
    /// It had as many alerts as an hour allows.
    Limit,
    /// Its schedule does not hold.
    Schedule,
}

impl HeldBackBy {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cooldown => "cooldown",
            Self::Limit => "limit",
            Self::Schedule => "schedule",
        }
    }
}

/// One track's story.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    /// Which track.
    pub track: TrackId,
    /// What it is, as last known.
    pub class: ObjectClass,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// What mattered, in order of time.
    pub moments: VecDeque<Moment>,
    /// Moments that gave way to later ones.
    pub dropped: u32,
    /// Where its bottom centre was: fewer points the longer it is.
    pub path: Vec<(Timestamp, Point)>,
    step: f64,
    looked_at: Timestamp,
    away: bool,
    rested: bool,
}

/// Why an alert was raised, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The alert as it was when this was written.
    pub alert: AlertChange,
    /// The trails of its objects.
    pub trails: Vec<Trail>,
}

/// All that is remembered of one camera.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    is_off: bool,
    trails: BTreeMap<TrackId, Trail>,
    retired: VecDeque<Trail>,
    wanted: Option<TrackId>,
    kept: Option<Trail>,
}

impl Trace {
    /// Remembers nothing from now on.
    pub(crate) fn turn_off(&mut self) {
        *self = Self { is_off: true, ..Self::default() };
    }

    /// Keeps the trail of a track however long it has been over.
    pub(crate) const fn keep(&mut self, track: TrackId) {
        self.wanted = Some(track);
    }

    /// What the tracker made of a look.
    pub(crate) fn look(&mut self, at: Timestamp, tracks: &[Track]) {
        if self.is_off {
            return;
        }
        for track in tracks.iter().filter(|t| t.is_confirmed()) {
            self.trails.entry(track.id()).or_insert_with(|| Trail::new(at, track)).look(at, track);
        }
        // What the tracker no longer has is over, also where it lost all at once by blindness.
        let gone: Vec<TrackId> = self.trails.values().filter(|t| t.looked_at != at).map(|t| t.track).collect();
        for mut trail in gone.iter().filter_map(|id| self.trails.remove(id)) {
            trail.note(at, What::Gone);
            if self.wanted == Some(trail.track) {
                self.kept = Some(trail);
                continue;
            }
            if self.retired.len() >= RETIRED_MAX {
                self.retired.pop_front();
            }
            self.retired.push_back(trail);
        }
    }

    /// A rule held back about a track.
    pub(crate) fn held_back(&mut self, at: Timestamp, track: TrackId, rule: &RuleId, by: HeldBackBy) {
        let what = What::HeldBack { rule: rule.clone(), by };
        let Some(trail) = self.trail_mut(track) else { return };
        // A condition that goes on holds back at each look: said once.
        if trail.moments.iter().rev().find(|m| matches!(m.what, What::HeldBack { .. })).is_none_or(|m| m.what != what) {
            trail.note(at, what);
        }
    }

    /// What was decided.
    pub(crate) fn decided(&mut self, changes: &[AlertChange]) {
        if self.is_off {
            return;
        }
        for change in changes {
            let what = match (change.phase, change.end_reason) {
                (Phase::Opened, _) => What::Raised {
                    alert: change.id,
                    kind: change.kind,
                    rule: change.rule.as_ref().map(|rule| rule.id.clone()),
                    since: change.started_at,
                    threshold: change.rule.as_ref().and_then(|rule| rule.threshold),
                },
                (Phase::Updated, _) => What::Updated { alert: change.id, revision: change.revision },
                (Phase::Ended, reason) => What::Ended { alert: change.id, reason: reason.unwrap_or(EndReason::Left) },
            };
            for object in change.objects.iter().take(QUOTED_MAX) {
                if let Some(trail) = self.trail_mut(object.track) {
                    trail.note(change.captured_at, what.clone());
                }
            }
        }
    }

    /// What is known of an alert; none where nothing is remembered.
    pub(crate) fn explain(&self, change: &AlertChange) -> Option<Explanation> {
        if self.is_off {
            return None;
        }
        let quoted = change.objects.iter().take(QUOTED_MAX);
        let trails = quoted.filter_map(|object| self.trail(object.track)).cloned().collect();
        Some(Explanation { alert: change.clone(), trails })
    }

    /// The trail of a track, if it is still known.
    pub(crate) fn trail(&self, track: TrackId) -> Option<&Trail> {
        let kept = self.kept.iter().chain(self.retired.iter().rev());
        self.trails.get(&track).or_else(|| kept.into_iter().find(|trail| trail.track == track))
    }

    fn trail_mut(&mut self, track: TrackId) -> Option<&mut Trail> {
        match self.trails.get_mut(&track) {
            Some(trail) => Some(trail),
            None => self.kept.iter_mut().chain(self.retired.iter_mut().rev()).find(|trail| trail.track == track),
        }
    }
}

impl Trail {
    fn new(at: Timestamp, track: &Track) -> Self {
        let mut trail = Self {
            track: track.id(),
            class: track.class(),
            first_seen: track.first_seen(),
            moments: VecDeque::new(),
            dropped: 0,
            path: Vec::new(),
            step: 0.005,
            looked_at: at,
            away: false,
            rested: track.is_stationary(),
        };
        trail.note(at, What::Confirmed(track.class()));
        trail
    }

    fn look(&mut self, at: Timestamp, track: &Track) {
        self.looked_at = at;
        if track.class() != self.class {
            let from = std::mem::replace(&mut self.class, track.class());
            self.note(at, What::Renamed { from, to: track.class() });
        }
        let unseen = at.since(track.last_seen()) >= OUT_OF_SIGHT;
        match (self.away, track.is_seen_now()) {
            (false, false) if track.is_hidden() => self.leave(at, What::Hidden),
            (false, false) if unseen => self.leave(at, What::OutOfSight),
            (true, true) => {
                self.away = false;
                self.note(at, What::SeenAgain);
            }
            _ => {}
        }
        if track.is_seen_now() {
            if track.is_stationary() != self.rested {
                self.rested = track.is_stationary();
                self.note(at, if self.rested { What::Rested } else { What::Moved });
            }
            self.step_to(at, track.bbox().bottom_centre());
        }
    }

    fn leave(&mut self, at: Timestamp, what: What) {
        self.away = true;
        self.note(at, what);
    }

    fn note(&mut self, at: Timestamp, what: What) {
        if self.moments.len() >= MOMENTS_MAX {
            // The beginning is worth more than the middle.
            self.moments.remove(1);
            self.dropped += 1;
        }
        self.moments.push_back(Moment { at, what });
    }

    /// Keeps points a step apart; where they become too many, every other one goes and the step doubles.
    fn step_to(&mut self, at: Timestamp, place: Point) {
        let is_near = |from: &Point| (from.x - place.x).hypot(from.y - place.y) < self.step;
        if self.path.last().is_some_and(|(_, last)| is_near(last)) {
            return;
        }
        if self.path.len() >= PATH_MAX {
            let mut index = 0;
            self.path.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.step *= 2.0;
        }
        self.path.push((at, place));
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
