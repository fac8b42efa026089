//! `object_abandoned`: a thing has come to rest and nobody is with it.
//!
//! The rule keeps *things*: what the detector saw coming to rest after the watch began, or what the static-change cue saw appear
//! (a bag on the floor is what detectors are blind to). The clock runs from the moment at which the thing came to rest, and
//! through what hides it. Whoever was near when it was put down are its owners; while one of them stays within `distance`, it is
//! not abandoned. Nobody is known by anything but his track: an owner whose track breaks beside the thing is followed by
//! whoever is seen there next. An alert opens only on a thing in plain sight, and ends when the thing is gone.
//!
//! Where the pixels are looked at, they must agree that something came: a thing that the detector merely finds late is old.

use std::collections::BTreeSet;
use std::time::Duration;

use super::changed_place::{changes_of, is_plain, quote_change, thing_seen_at};
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, in_picture, quote};
use crate::domain::alert::{AlertKind, AlertObject, Cue, EndReason};
use crate::domain::cues::{ChangeKind, overlaps};
use crate::domain::detection::ObjectClass;
use crate::domain::geometry::BBox;
use crate::domain::ids::{TrackId, ZoneId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::{Track, covered_share, family, is_living};

/// Things that a rule keeps at most.
const MAX_THINGS: usize = 128;
/// A thing must have rested for so long to be kept.
const RESTS: Duration = Duration::from_secs(1);
/// What rests when the watch begins, or comes so soon after, was there before.
const WATCH_BEGINS: Duration = Duration::from_secs(3);
/// A place must have been known empty for so long before something can appear on it.
const KNOWN_EMPTY: Duration = Duration::from_secs(3);
/// A thing that is plainly not there for so long is gone.
const GONE: Duration = Duration::from_secs(2);
/// A place that was left is remembered for so long: the tracker may take what is put there next for what stood there before.
const LEFT_FOR: Duration = Duration::from_mins(1);
/// Who is near within so long of the putting down is an owner.
const PUTTING_DOWN: Duration = Duration::from_secs(3);
/// An owner's track that ended so lately is followed by who is seen there next.
const FOLLOWED: Duration = Duration::from_secs(3);

/// What `object_abandoned` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectAbandoned {
    /// Only things in this zone, or anywhere.
    pub zone: Option<ZoneId>,
    /// It must have rested for so long.
    pub dwell: Duration,
    /// When its owner counts as gone; absent where it does not matter who is near.
    pub owner: Option<Owner>,
}

/// When an owner counts as gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owner {
    /// Farther away than so many sizes of the thing.
    pub distance: f64,
    /// For so long.
    pub absent: Duration,
}

impl Settings for ObjectAbandoned {
    fn kind(&self) -> AlertKind {
        AlertKind::ObjectAbandoned
    }
    fn zone(&self) -> Option<&ZoneId> {
        self.zone.as_ref()
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.dwell.as_secs_f64())
    }
    fn watches_places(&self) -> bool {
        true
    }
    fn in_words(&self) -> String {
        let place = self.zone.as_ref().map_or("anywhere", |zone| zone.as_str());
        let owner = self.owner.map_or_else(String::new, |owner| {
            format!(", its owner more than {} sizes away for {} s", owner.distance, owner.absent.as_secs_f64())
        });
        format!("left behind in {place} for {} s{owner}", self.dwell.as_secs_f64())
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(AbandonedWatch {
            settings: self.clone(),
            things: Vec::new(),
            old: Vec::new(),
            left: Vec::new(),
            told: Vec::new(),
        })
    }
}

#[derive(Debug)]
struct AbandonedWatch {
    settings: ObjectAbandoned,
    things: Vec<Thing>,
    /// Tracks of things that rested before the watch began, or that the pixels did not see coming.
    old: Vec<(TrackId, BBox)>,
    /// Places on which a thing was seen to stand no longer.
    left: Vec<Left>,
    /// Changes that were told of; what was hidden for long and is seen again is not told again.
    told: Vec<TrackId>,
}

/// A place that a thing has left, or seems to.
#[derive(Clone, Copy, Debug)]
struct Left {
    bbox: BBox,
    /// For how long it was seen empty.
    empty: Duration,
    /// When it was last seen empty.
    until: Timestamp,
}

/// A thing that has come to rest.
#[derive(Clone, Debug)]
struct Thing {
    subject: TrackId,
    track: Option<TrackId>,
    change: Option<TrackId>,
    bbox: BBox,
    since: Timestamp,
    object: AlertObject,
    owners: BTreeSet<TrackId>,
    /// When an owner was last near.
    attended: Timestamp,
    missing: Duration,
    plain: bool,
    told: bool,
}

impl Watch for AbandonedWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        self.note_left(view);
        self.note_changes(view, post);
        self.note_tracks(view, post);
        let (settings, told) = (&self.settings, &mut self.told);
        told.retain(|id| view.cues.is_none_or(|cues| cues.changes().iter().any(|c| c.id == *id)));
        self.things.retain_mut(|thing| {
            thing.look(view, settings.owner);
            let gone = thing.missing >= GONE;
            if gone && thing.told {
                let (subject, reason) = (thing.subject, EndReason::Left);
                notices.push(Notice::Over { subject, at: view.at, reason, concerned: None });
            }
            if !gone && !thing.told && thing.is_due(view, settings) {
                thing.told = true;
                told.extend(thing.change);
                notices.push(Notice::Began(thing.beginning(view)));
            }
            !gone
        });
    }

    fn lose_sight(&mut self) {
        self.things.clear();
        self.old.clear();
        self.left.clear();
        self.told.clear();
    }
}

impl AbandonedWatch {
    /// Notes which places of things that the detector knew are seen empty, and for how long.
    fn note_left(&mut self, view: &View<'_>) {
        let things = self.things.iter().filter(|t| t.track.is_some()).map(|t| t.bbox);
        for bbox in self.old.iter().map(|(_, bbox)| *bbox).chain(things) {
            if self.left.len() < MAX_THINGS && !self.left.iter().any(|left| left.bbox.iou(&bbox) > 0.5) {
                self.left.push(Left { bbox, empty: Duration::ZERO, until: view.at });
            }
        }
        self.left.retain_mut(|left| {
            let there = thing_seen_at(view, &left.bbox, None);
            if !there && !is_hidden(view, &left.bbox) {
                left.empty = left.empty.saturating_add(view.looked_for);
                // What was put down there and is missed for a moment has not come later for it.
                if !was_seen_lately(view, &left.bbox) {
                    left.until = view.at;
                }
            }
            // A moment's miss is no leaving.
            (left.empty >= GONE || !there) && view.at.since(left.until) < LEFT_FOR
        });
        let is_left = |bbox: &BBox| self.left.iter().any(|left| left.empty >= GONE && left.bbox.iou(bbox) > 0.5);
        self.old.retain(|(_, bbox)| !is_left(bbox));
    }

    fn note_changes(&mut self, view: &View<'_>, post: &Post) {
        for change in changes_of(view, post, ChangeKind::Appeared) {
            if let Some(thing) = self.things.iter_mut().find(|t| t.change == Some(change.id)) {
                thing.bbox = change.bbox;
                continue;
            }
            if let Some(thing) = self.things.iter_mut().find(|t| overlaps(&t.bbox, &change.bbox)) {
                thing.change = Some(change.id);
                continue;
            }
            let named_otherwise = view.tracks.iter().any(|t| {
                let thing = t.is_confirmed() && !is_living(t.class()) && t.class() != ObjectClass::Unknown;
                thing && overlaps(&t.measured(), &change.bbox)
            });
            // Where the detector has seen a thing going, it would see another.
            let left = self.left.iter().any(|left| left.empty >= GONE && overlaps(&left.bbox, &change.bbox));
            let new = change.stood >= KNOWN_EMPTY && !named_otherwise && !left && !self.told.contains(&change.id);
            if new && self.things.len() < MAX_THINGS {
                let object = quote_change(view, change, None);
                self.things.push(Thing::new(change.id, change.since, change.bbox, object));
                if let Some(thing) = self.things.last_mut() {
                    thing.change = Some(change.id);
                }
            }
        }
    }

    fn note_tracks(&mut self, view: &View<'_>, post: &Post) {
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && t.rested() >= RESTS && admits(post, t)) {
            let bbox = track.rest_box();
            if self.old.iter().any(|(id, old)| *id == track.id() || old.iou(&bbox) > 0.5) {
                continue;
            }
            if let Some(thing) =
                self.things.iter_mut().find(|t| t.track == Some(track.id()) || overlaps(&t.bbox, &bbox))
            {
                thing.follow(view, track);
                continue;
            }
            let left = self.left.iter().position(|left| left.empty >= GONE && overlaps(&left.bbox, &bbox));
            let since = left.map_or(track.rest_since(), |i| track.rest_since().max(self.left[i].until));
            if view.at.since(since) < RESTS {
                continue;
            }
            let before = since.since(view.sighted_since) < WATCH_BEGINS;
            let came = left.is_some()
                || view.cues.is_none_or(|cues| {
                    cues.difference(&bbox) > 0.2 || cues.speaks_of(&bbox, ChangeKind::Appeared, since.minus(GONE * 4))
                });
            if before || !came && track.rested() >= 4 * RESTS {
                self.old.push((track.id(), bbox));
            } else if came && self.things.len() < MAX_THINGS {
                let mut thing = Thing::new(track.id(), since, bbox, quote(track, None));
                thing.track = Some(track.id());
                self.things.push(thing);
                if let Some(left) = left {
                    self.left.swap_remove(left);
                }
            }
        }
        // An old thing that was taken away is old no more.
        self.old.retain(|(id, bbox)| {
            let known = view.tracks.iter().any(|t| t.id() == *id);
            known || thing_seen_at(view, bbox, None) || is_hidden(view, bbox)
        });
    }
}

impl Thing {
    const fn new(subject: TrackId, since: Timestamp, bbox: BBox, object: AlertObject) -> Self {
        Self {
            subject,
            track: None,
            change: None,
            bbox,
            since,
            object,
            owners: BTreeSet::new(),
            attended: since,
            missing: Duration::ZERO,
            plain: false,
            told: false,
        }
    }

    /// The detector sees it.
    fn follow(&mut self, view: &View<'_>, track: &Track) {
        self.track = Some(track.id());
        self.bbox = track.rest_box();
        self.object = AlertObject { velocity: [0.0; 2], bbox: in_picture(&self.bbox), ..quote(track, None) };
        self.object.last_seen_at = view.at;
    }

    fn look(&mut self, view: &View<'_>, owner: Option<Owner>) {
        let change = self.change.and_then(|id| view.cues?.changes().iter().find(|c| c.id == id));
        let seen = self.track.is_some() && thing_seen_at(view, &self.bbox, Some(family(self.object.class)));
        let shown = change.is_some_and(|change| change.visible);
        let taken = view.cues.is_some_and(|cues| cues.speaks_of(&self.bbox, ChangeKind::Removed, self.since));
        self.plain = seen && !is_hidden(view, &self.bbox) || change.is_some_and(|change| is_plain(view, change));
        if seen || shown && !taken {
            self.missing = Duration::ZERO;
        } else if taken || !is_hidden(view, &self.bbox) {
            self.missing = self.missing.saturating_add(view.looked_for);
        }
        if let Some(owner) = owner {
            self.attend(view, owner);
        }
    }

    /// Notes whether an owner is near.
    fn attend(&mut self, view: &View<'_>, owner: Owner) {
        let near = |bbox: &BBox| distance(&self.bbox, bbox) <= owner.distance;
        let people: Vec<&Track> =
            view.tracks.iter().filter(|t| is_living(t.class()) && t.is_confirmed() && near(&t.bbox())).collect();
        let put_down = view.at.since(self.since) <= PUTTING_DOWN;
        let lost = !self.owners.is_empty()
            && view.at.since(self.attended) <= FOLLOWED
            && !view.tracks.iter().any(|t| self.owners.contains(&t.id()));
        if put_down || lost {
            self.owners.extend(people.iter().map(|t| t.id()));
        }
        // Where no person was ever seen near it, whatever moves there may be its owner.
        let moves = self.owners.is_empty() && view.moving.iter().any(|blob| near(&blob.bbox));
        if moves || people.iter().any(|t| self.owners.contains(&t.id())) {
            self.attended = view.at;
        }
    }

    fn is_due(&self, view: &View<'_>, settings: &ObjectAbandoned) -> bool {
        let alone = settings.owner.is_none_or(|owner| view.at.since(self.attended) >= owner.absent);
        self.plain && alone && self.missing.is_zero() && view.at.since(self.since) >= settings.dwell
    }

    fn beginning(&self, view: &View<'_>) -> Beginning {
        let object = AlertObject { dwell: Some(view.at.since(self.since)), ..self.object.clone() };
        let mut beginning = Beginning::new(self.subject, self.since, object);
        beginning.cues.clear();
        if self.track.is_some() {
            beginning.cues.push(Cue::Detector);
        }
        let speaks = |since| view.cues.is_some_and(|cues| cues.speaks_of(&self.bbox, ChangeKind::Appeared, since));
        if self.change.is_some() || speaks(self.since.minus(GONE * 4)) {
            beginning.cues.push(Cue::StaticChange);
        }
        beginning
    }
}

/// How far the feet of one who stands at `body` are from a thing at `place`, in sizes of the thing; 0 where they overlap.
fn distance(place: &BBox, body: &BBox) -> f64 {
    if place.intersection(body) > 0.0 {
        return 0.0;
    }
    let (a, b) = (place.bottom_centre(), body.bottom_centre());
    let size = place.w.max(place.h).max(1e-3);
    let beside = ((a.x - b.x).abs() - body.w / 2.0).max(0.0);
    beside.hypot(a.y - b.y) / size
}

/// Whether a thing was seen on the place within the last moments.
fn was_seen_lately(view: &View<'_>, place: &BBox) -> bool {
    view.tracks.iter().any(|t| {
        let thing = t.is_confirmed() && !is_living(t.class()) && t.class() != ObjectClass::Unknown;
        thing && view.at.since(t.last_seen()) < GONE && overlaps(&t.measured(), place)
    })
}

/// Whether someone or something that the detector sees stands before the place.
fn is_hidden(view: &View<'_>, place: &BBox) -> bool {
    view.detections.iter().any(|d| {
        let other = d.class != ObjectClass::Unknown && d.confidence.get() >= 0.2 && d.bbox.iou(place) < 0.5;
        other && covered_share(place, &d.bbox) >= 0.3
    })
}

/// Whether the rule watches such a thing: bags and whatever has no class of its own, unless it names others.
fn admits(post: &Post, track: &Track) -> bool {
    let filter = &post.rule.filter;
    let in_zone = post.rule.spec.zone().is_none()
        || post.zone.as_ref().is_some_and(|zone| zone.shape.contains(filter.anchor.of(&track.rest_box())));
    let named = !filter.classes.is_empty() || matches!(track.class(), ObjectClass::Bag | ObjectClass::Other);
    in_zone && named && track.class() != ObjectClass::Unknown && filter.admits(track)
}
