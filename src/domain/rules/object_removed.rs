//! `object_removed`: a thing that stood is gone, and not merely hidden.
//!
//! The rule keeps *places*: where a thing has stood for `settle`. A place is occupied while a thing of that family is seen
//! there; hidden while something covers it that did not cover it while the thing was seen; empty otherwise. Only time seen
//! empty counts towards `gone`, so a bus, a person bending over a bicycle, or a blind camera stop the clock without resetting
//! it. After a long blindness a thing must be seen again before it can be called removed.
//!
//! Where the pixels are looked at too, they are asked before an alert is raised: while the place still shows plainly what it
//! showed with the thing on it, or nothing can be told in the dark, the detector has only lost it, and the clock stops for a while.
//! A rule that names class `unknown` also raises what the static-change cue alone saw going; one removal is one alert, whoever
//! spoke first, and the alert says who did.

use std::collections::BTreeMap;
use std::time::Duration;

use super::changed_place::{changes_of, is_plain, quote_change, thing_seen_at};
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, in_picture, quote};
use crate::domain::alert::{AlertKind, AlertObject, Cue, EndReason};
use crate::domain::cues::{ChangeKind, Cues, Patch, overlaps};
use crate::domain::detection::ObjectClass;
use crate::domain::geometry::BBox;
use crate::domain::ids::{TrackId, ZoneId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::{HIDDEN_SHARE, Track, covered_share, family, is_living};

/// A removal stays open for so long, unless the thing is brought back before.
const HOLD: Duration = Duration::from_mins(1);
/// A thing is back when it has been seen on its place for so long.
const BACK_AFTER: Duration = Duration::from_secs(1);
/// Places that a rule keeps at most.
const MAX_PLACES: usize = 256;
/// How slowly a place gets used to what covers it.
const USUAL_MEMORY: f64 = 20.0;
/// How often it looks at what covers it, while the thing is there.
const COVER_EVERY: Duration = Duration::from_secs(1);
/// Detections less sure than this hide nothing.
const COVER_CONFIDENCE: f32 = 0.2;

/// The pixels' word against the detector's holds for so long: a thing that the detector never finds again is gone at last.
const DOUBT: Duration = Duration::from_secs(20);
/// Detector and pixels speak of one removal when they do within so long.
const ONE_REMOVAL: Duration = Duration::from_secs(20);

/// What `object_removed` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectRemoved {
    /// Only things in this zone, or anywhere.
    pub zone: Option<ZoneId>,
    /// It must have stood so long to count as standing.
    pub settle: Duration,
    /// It must be visibly gone (not hidden) for so long.
    pub gone: Duration,
}

impl Settings for ObjectRemoved {
    fn kind(&self) -> AlertKind {
        AlertKind::ObjectRemoved
    }
    fn zone(&self) -> Option<&ZoneId> {
        self.zone.as_ref()
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.gone.as_secs_f64())
    }
    fn is_concluded(&self) -> bool {
        true
    }
    fn watches_places(&self) -> bool {
        true
    }
    fn in_words(&self) -> String {
        let place = self.zone.as_ref().map_or("anywhere", |zone| zone.as_str());
        let (settle, gone) = (self.settle.as_secs_f64(), self.gone.as_secs_f64());
        format!("removed from {place} after standing {settle} s, gone for {gone} s")
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(RemovedWatch { settings: self.clone(), places: Vec::new(), removed: Vec::new(), changes: Vec::new() })
    }
}

#[derive(Debug)]
struct RemovedWatch {
    settings: ObjectRemoved,
    places: Vec<Place>,
    removed: Vec<Removed>,
    /// Changes that were told of.
    changes: Vec<TrackId>,
}

/// Where a thing stands.
#[derive(Clone, Debug)]
struct Place {
    subject: TrackId,
    track: TrackId,
    bbox: BBox,
    since: Timestamp,
    last_there: Timestamp,
    thing: AlertObject,
    empty: Duration,
    usual_cover: f64,
    cover_measured: Timestamp,
    verified: bool,
    /// What the place showed with the thing on it.
    patch: Option<Patch>,
    /// For how long the pixels have contradicted the detector.
    doubted: Duration,
}

/// A place from which an alert was raised.
#[derive(Clone, Debug)]
struct Removed {
    subject: TrackId,
    kind: u8,
    bbox: BBox,
    at: Timestamp,
    until: Timestamp,
    back_since: Option<Timestamp>,
}

impl Watch for RemovedWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let ObjectRemoved { settle, gone, .. } = self.settings;
        self.note_returns(view, notices);
        let occupied = self.occupants(view);
        let places = std::mem::take(&mut self.places);
        for (index, mut place) in places.into_iter().enumerate() {
            if let Some(track) = occupied.get(&index) {
                place.occupy(view, track);
            } else if place.cover(view, None) - place.usual_cover < HIDDEN_SHARE && !place.is_doubted(view) {
                place.empty = place.empty.saturating_add(view.looked_for);
            }
            if place.empty < gone || place.empty.is_zero() {
                self.places.push(place);
            } else if place.verified {
                self.raise_place(view, &place, notices);
            }
        }
        self.raise_changes(view, post, notices);
        for track in view.tracks.iter().filter(|t| t.is_seen_now() && t.rested() >= settle && admits(post, t)) {
            self.take_place(view, track);
        }
    }

    fn lose_sight(&mut self) {
        for place in &mut self.places {
            place.verified = false;
        }
        self.removed.clear();
    }
}

impl RemovedWatch {
    /// Which track stands on which place; each track on the place it fits best, each place by the track that fits best.
    fn occupants<'a>(&self, view: &View<'a>) -> BTreeMap<usize, &'a Track> {
        let mut best: BTreeMap<usize, (f64, &Track)> = BTreeMap::new();
        for track in view.tracks.iter().filter(|t| t.is_seen_now()) {
            let kind = family(track.class());
            let fits = |place: &Place| {
                if kind == family(place.thing.class) { fit(&place.bbox, &track.measured()) } else { 0.0 }
            };
            let nearest = self.places.iter().map(fits).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((index, fit)) = nearest.filter(|(_, fit)| *fit > 0.0) {
                let entry = best.entry(index).or_insert((fit, track));
                if fit > entry.0 {
                    *entry = (fit, track);
                }
            }
        }
        best.into_iter().map(|(index, (_, track))| (index, track)).collect()
    }

    /// A thing that the detector knew is gone.
    fn raise_place(&mut self, view: &View<'_>, place: &Place, notices: &mut Vec<Notice>) {
        let told = |r: &&Removed| overlaps(&r.bbox, &place.bbox) && view.at.since(r.at) < ONE_REMOVAL;
        if self.removed.iter().filter(|r| r.kind == family(ObjectClass::Unknown)).any(|r| told(&r)) {
            return;
        }
        let seen_going =
            |cues: &Cues| cues.speaks_of(&place.bbox, ChangeKind::Removed, place.last_there.minus(BACK_AFTER));
        let mut beginning = Beginning::moment(place.subject, place.last_there, place.thing.clone(), HOLD);
        if view.cues.is_some_and(seen_going) {
            beginning.cues.push(Cue::StaticChange);
        }
        self.removed.push(place.removal(view));
        notices.push(Notice::Began(beginning));
    }

    /// Things that only the pixels saw going.
    fn raise_changes(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let ObjectRemoved { settle, gone, .. } = self.settings;
        for change in changes_of(view, post, ChangeKind::Removed) {
            // What the detector still sees or is about to speak of is its own matter.
            let known = self.places.iter().any(|p| overlaps(&p.bbox, &change.bbox));
            let told = |r: &Removed| overlaps(&r.bbox, &change.bbox) && change.since.since(r.at) < ONE_REMOVAL;
            let ripe = change.seen >= gone && change.stood >= settle && is_plain(view, change);
            let ours = !self.changes.contains(&change.id) && !self.removed.iter().any(told);
            if !ripe || !ours || known || thing_seen_at(view, &change.bbox, None) {
                continue;
            }
            self.changes.push(change.id);
            let object = quote_change(view, change, Some(change.stood));
            let mut beginning = Beginning::moment(change.id, change.since, object, HOLD);
            beginning.cues = vec![Cue::StaticChange];
            notices.push(Notice::Began(beginning));
            let (kind, until) = (family(ObjectClass::Unknown), view.at.plus(HOLD));
            self.removed.push(Removed {
                subject: change.id,
                kind,
                bbox: change.bbox,
                at: view.at,
                until,
                back_since: None,
            });
        }
        let live = |id: &TrackId| view.cues.is_none_or(|cues| cues.changes().iter().any(|c| c.id == *id));
        self.changes.retain(live);
    }

    fn take_place(&mut self, view: &View<'_>, track: &Track) {
        let (bbox, kind) = (track.rest_box(), family(track.class()));
        let known = |p: &Place| p.track == track.id() || family(p.thing.class) == kind && p.bbox.iou(&bbox) > 0.5;
        if self.places.len() >= MAX_PLACES || self.places.iter().any(known) {
            return;
        }
        let since = track.rest_since();
        let mut place = Place {
            subject: track.id(),
            track: track.id(),
            bbox,
            since,
            last_there: view.at,
            thing: quote(track, None),
            empty: Duration::ZERO,
            usual_cover: 0.0,
            cover_measured: view.at,
            verified: true,
            patch: view.cues.and_then(|cues| cues.keep(&bbox)),
            doubted: Duration::ZERO,
        };
        place.usual_cover = place.cover(view, Some(track));
        place.note(track, view.at);
        self.places.push(place);
    }

    /// Ends the alerts of things that were brought back.
    fn note_returns(&mut self, view: &View<'_>, notices: &mut Vec<Notice>) {
        self.removed.retain_mut(|removed| {
            let there = |t: &&Track| {
                let such = t.is_seen_now() && t.is_confirmed() && family(t.class()) == removed.kind;
                such && fit(&removed.bbox, &t.measured()) > 0.5
            };
            let brought = |cues: &Cues| cues.speaks_of(&removed.bbox, ChangeKind::Appeared, removed.at);
            if removed.kind == family(ObjectClass::Unknown) && view.cues.is_some_and(brought) {
                let subject = removed.subject;
                notices.push(Notice::Over { subject, at: view.at, reason: EndReason::Left, concerned: None });
                return false;
            }
            let Some(track) = view.tracks.iter().find(there) else {
                removed.back_since = None;
                return view.at < removed.until;
            };
            let since = *removed.back_since.get_or_insert(view.at);
            if view.at.since(since) < BACK_AFTER {
                return true;
            }
            let (subject, concerned) = (removed.subject, Some(quote(track, None).into()));
            notices.push(Notice::Over { subject, at: since, reason: EndReason::Left, concerned });
            false
        });
    }
}

impl Place {
    fn occupy(&mut self, view: &View<'_>, track: &Track) {
        self.track = track.id();
        self.last_there = view.at;
        (self.empty, self.doubted) = (Duration::ZERO, Duration::ZERO);
        self.verified = true;
        if track.rest_box().iou(&self.bbox) > 0.5 {
            self.bbox = track.rest_box();
        }
        let since_measured = view.at.since(self.cover_measured);
        if since_measured >= COVER_EVERY {
            let share = (since_measured.min(2 * COVER_EVERY).as_secs_f64() / USUAL_MEMORY).min(1.0);
            self.usual_cover += share * (self.cover(view, Some(track)) - self.usual_cover);
            self.cover_measured = view.at;
            if self.usual_cover < HIDDEN_SHARE {
                self.patch = view.cues.and_then(|cues| cues.keep(&self.bbox)).or(self.patch.take());
            }
        }
        self.note(track, view.at);
    }

    /// Whether the pixels contradict that the place is empty, or nothing can be told; for a while they are believed.
    fn is_doubted(&mut self, view: &View<'_>) -> bool {
        let Some(cues) = view.cues else { return false };
        let stays = self.patch.as_ref().is_some_and(|patch| cues.still_shows(patch));
        let doubted = (stays || cues.is_blind()) && self.doubted < DOUBT;
        if doubted {
            self.doubted = self.doubted.saturating_add(view.looked_for);
        }
        doubted
    }

    /// Keeps what an alert would say of the thing: where it stood, not where a hand holds it.
    fn note(&mut self, track: &Track, at: Timestamp) {
        self.thing = AlertObject {
            bbox: in_picture(&self.bbox),
            velocity: [0.0; 2],
            ..quote(track, Some(at.since(self.since)))
        };
    }

    /// The largest share of the place that one other thing covers.
    fn cover(&self, view: &View<'_>, occupant: Option<&Track>) -> f64 {
        // What the thing itself is taken for, in place or on its way, is not in front of it.
        let own = occupant
            .or_else(|| view.tracks.iter().find(|t| t.id() == self.track && t.is_seen_now()))
            .map(Track::measured);
        view.detections
            .iter()
            .filter(|d| d.confidence.get() >= COVER_CONFIDENCE && own.is_none_or(|own| own.iou(&d.bbox) < 0.8))
            .map(|d| covered_share(&self.bbox, &d.bbox))
            .fold(0.0, f64::max)
    }

    fn removal(&self, view: &View<'_>) -> Removed {
        Removed {
            subject: self.subject,
            kind: family(self.thing.class),
            bbox: self.bbox,
            at: view.at,
            until: view.at.plus(HOLD),
            back_since: None,
        }
    }
}

/// How well `seen` fits a place: their overlap, or for a thing partly covered the share of it that lies within; 0 for not at all.
fn fit(place: &BBox, seen: &BBox) -> f64 {
    let iou = place.iou(seen);
    let part = covered_share(seen, place) >= 0.7 && seen.area() >= 0.2 * place.area();
    if iou >= 0.3 || part { iou.max(0.3) } else { 0.0 }
}

/// Whether the rule watches such a thing. What lives walks away by itself: only where the rule names the class.
fn admits(post: &Post, track: &Track) -> bool {
    let filter = &post.rule.filter;
    let anywhere = post.rule.spec.zone().is_none();
    let in_zone =
        anywhere || post.zone.as_ref().is_some_and(|zone| zone.shape.contains(filter.anchor.of(&track.rest_box())));
    // What only moves has never stood; what has come to rest without a name is the static-change cue's matter.
    let named = track.class() != ObjectClass::Unknown;
    let thing = named && (!filter.classes.is_empty() || !is_living(track.class()));
    in_zone && thing && filter.admits(track)
}
