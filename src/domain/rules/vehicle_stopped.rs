//! `vehicle_stopped`: a vehicle has come to rest where it should not.
//!
//! Resting is the tracker's word: within a third of the vehicle's own size, so a queue that crawls on does not rest. It must have been
//! seen to arrive, that is to move by half its size and then to rest: what was parked when the watching began, or is found
//! standing later when the light is better or a bus has left, has not stopped now. `include_parked` takes those too.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, quote};
use crate::domain::alert::{AlertKind, EndReason};
use crate::domain::detection::ObjectClass;
use crate::domain::geometry::BBox;
use crate::domain::ids::{TrackId, ZoneId};
use crate::domain::time::Timestamp;
use crate::domain::tracking::{Track, family};

/// A vehicle whose box is off its place for so long has driven on.
const DRIVEN_ON_AFTER: Duration = Duration::from_secs(1);
/// A place at which a vehicle was told of is remembered for so long after its track was lost: it may be found again.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);
/// Places that are remembered at most.
const MAX_PLACES: usize = 64;

/// What `vehicle_stopped` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct VehicleStopped {
    /// Only in this zone, or anywhere.
    pub zone: Option<ZoneId>,
    /// It must have stood for so long.
    pub dwell: Duration,
    /// Also those that nobody saw arrive.
    pub include_parked: bool,
}

impl Settings for VehicleStopped {
    fn kind(&self) -> AlertKind {
        AlertKind::VehicleStopped
    }
    fn zone(&self) -> Option<&ZoneId> {
        self.zone.as_ref()
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.dwell.as_secs_f64())
    }
    fn in_words(&self) -> String {
        let place = self.zone.as_ref().map_or("anywhere".to_owned(), |zone| format!("in {zone}"));
        let parked = if self.include_parked { ", parked ones too" } else { "" };
        format!("standing {place} for {} s{parked}", self.dwell.as_secs_f64())
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(StoppedWatch {
            settings: self.clone(),
            ways: BTreeMap::new(),
            stops: Vec::new(),
            stood: Vec::new(),
            left: Vec::new(),
        })
    }
}

#[derive(Debug)]
struct StoppedWatch {
    settings: VehicleStopped,
    ways: BTreeMap<TrackId, Way>,
    stops: Vec<Stop>,
    /// Of which was told before the camera was blind, and which have not been seen to drive on.
    stood: Vec<(TrackId, BBox)>,
    left: Vec<(BBox, u8, Timestamp)>,
}

/// Where a track was first seen, and whether it has moved since.
#[derive(Clone, Copy, Debug)]
struct Way {
    first: BBox,
    moved: bool,
}

/// A stop of which was told.
#[derive(Clone, Copy, Debug)]
struct Stop {
    subject: TrackId,
    bbox: BBox,
    since: Timestamp,
    off_since: Option<Timestamp>,
}

impl Watch for StoppedWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        self.left.retain(|(_, _, at)| view.at.since(*at) < REMEMBERED_FOR);
        for track in view.ended {
            self.ways.remove(&track.id());
            self.stood.retain(|(subject, _)| *subject != track.id());
            self.note_lost(track, view.at, notices);
        }
        for track in view.tracks.iter().filter(|t| t.is_seen_now()) {
            let first = || track.trail().next().map_or_else(|| track.measured(), |(_, bbox)| bbox);
            let way = self.ways.entry(track.id()).or_insert_with(|| Way { first: first(), moved: false });
            way.moved |= sizes_apart(&way.first, &track.rest_box()) > 0.5;
            let arrived = way.moved;
            self.stood.retain(|(id, place)| *id != track.id() || sizes_apart(place, &track.rest_box()) < 0.5);
            self.note_driven_on(track, notices);
            if self.has_stopped(track, post, arrived) && post.may_speak(track.id(), view.at) {
                let (subject, since) = (track.id(), track.rest_since());
                self.stops.push(Stop { subject, bbox: track.rest_box(), since, off_since: None });
                let object = quote(track, Some(track.rested()));
                notices.push(Notice::Began(Beginning::new(subject, since, object)));
            }
        }
    }

    fn lose_sight(&mut self) {
        // Tracks of what stands outlive blindness, and with them whether they were seen to arrive and were told of.
        self.stood.extend(self.stops.drain(..).map(|stop| (stop.subject, stop.bbox)));
    }
}

impl StoppedWatch {
    fn has_stopped(&self, track: &Track, post: &Post, arrived: bool) -> bool {
        let (filter, place) = (&post.rule.filter, track.rest_box());
        let told = |bbox: &BBox| bbox.iou(&place) > 0.3;
        let anywhere = self.settings.zone.is_none();
        track.rested() >= self.settings.dwell
            && filter.admits(track)
            && (!filter.classes.is_empty() || is_vehicle(track.class()))
            && (anywhere || post.zone.as_ref().is_some_and(|zone| zone.shape.contains(filter.anchor.of(&place))))
            && !self.stops.iter().any(|stop| stop.subject == track.id())
            && !self.stood.iter().any(|(subject, _)| *subject == track.id())
            && (arrived
                || self.settings.include_parked
                    && !self.left.iter().any(|(bbox, kind, _)| *kind == family(track.class()) && told(bbox)))
    }

    /// Ends the alert of a vehicle that has left its place.
    fn note_driven_on(&mut self, track: &Track, notices: &mut Vec<Notice>) {
        let Some(index) = self.stops.iter().position(|stop| stop.subject == track.id()) else { return };
        let stop = &mut self.stops[index];
        if sizes_apart(&stop.bbox, &track.measured()) < 0.5 {
            stop.off_since = None;
            return;
        }
        let off = *stop.off_since.get_or_insert(track.last_seen());
        if track.last_seen().since(off) >= DRIVEN_ON_AFTER {
            let (subject, object) = (track.id(), quote(track, Some(off.since(stop.since))));
            notices.push(Notice::Over { subject, at: off, reason: EndReason::Left, concerned: Some(object.into()) });
            self.stops.swap_remove(index);
        }
    }

    /// Ends the alert of a vehicle that is gone from sight, and remembers where it stood.
    fn note_lost(&mut self, track: &Track, at: Timestamp, notices: &mut Vec<Notice>) {
        let Some(index) = self.stops.iter().position(|stop| stop.subject == track.id()) else { return };
        let stop = self.stops.swap_remove(index);
        if stop.off_since.is_none() && self.left.len() < MAX_PLACES {
            self.left.push((stop.bbox, family(track.class()), at));
        }
        let (subject, over) = (stop.subject, stop.off_since.unwrap_or_else(|| track.last_seen()));
        let object = quote(track, Some(over.since(stop.since)));
        notices.push(Notice::Over { subject, at: over, reason: EndReason::Left, concerned: Some(object.into()) });
    }
}

/// What a rule that names no class takes for a vehicle: what blocks a road.
const fn is_vehicle(class: ObjectClass) -> bool {
    use ObjectClass as C;
    matches!(class, C::Car | C::Bus | C::Truck | C::Van | C::Motorcycle)
}

/// How far two boxes are apart, in sizes of the first.
fn sizes_apart(from: &BBox, to: &BBox) -> f64 {
    let (a, b) = (from.centre(), to.centre());
    ((b.x - a.x) / from.w.max(1e-6)).hypot((b.y - a.y) / from.h.max(1e-6))
}
