//! What a rule sees, and how it says what it noticed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use super::rule::Rule;
use crate::domain::alert::{AlertObject, Crossing, EndReason};
use crate::domain::detection::Detection;
use crate::domain::geometry::{BBox, Zone};
use crate::domain::ids::TrackId;
use crate::domain::scene::NamedLine;
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// One look at the scene.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// When.
    pub(crate) at: Timestamp,
    /// How long the scene was in sight since the look before.
    pub(crate) looked_for: Duration,
    /// Since when the scene is in sight without a break.
    pub(crate) sighted_since: Timestamp,
    /// All tracks, unconfirmed ones too.
    pub(crate) tracks: &'a [Track],
    /// Tracks that ended with this look.
    pub(crate) ended: &'a [Track],
    /// All detections of the frame.
    pub(crate) detections: &'a [Detection],
}

/// A rule with the ground it is drawn on, and who has rest from it.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) rule: Rule,
    pub(crate) zone: Option<Zone>,
    pub(crate) line: Option<NamedLine>,
    /// When the rule last had an alert about a track.
    pub(crate) spoke: BTreeMap<TrackId, Timestamp>,
}

impl Post {
    /// Whether a new alert about `track` is allowed after the last one.
    pub(super) fn may_speak(&self, track: TrackId, at: Timestamp) -> bool {
        self.spoke.get(&track).is_none_or(|&last| at.since(last) >= self.rule.cooldown)
    }
}

/// What a rule noticed about a subject: the track by which the rule first knew the object.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// It happened; an alert opens.
    Began {
        subject: TrackId,
        since: Timestamp,
        object: AlertObject,
        crossing: Option<Crossing>,
        hold: Option<Duration>,
    },
    /// It goes on, and there is something new to say.
    Continued { subject: TrackId, object: AlertObject },
    /// It is over.
    Over { subject: TrackId, at: Timestamp, reason: EndReason, object: Option<AlertObject> },
}

/// The memory and the eye of one rule.
pub(crate) trait Watch: Debug + Send {
    /// Looks at the scene once.
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>);
    /// Sight was lost for so long that nothing can be concluded from before.
    fn lose_sight(&mut self);
}

/// A track as an alert quotes it.
pub(super) fn quote(track: &Track, dwell: Option<Duration>) -> AlertObject {
    AlertObject {
        track: track.id(),
        class: track.class(),
        label: track.label().cloned(),
        confidence: track.confidence(),
        bbox: in_picture(&track.bbox()),
        first_seen_at: track.first_seen(),
        last_seen_at: track.last_seen(),
        dwell,
        velocity: track.velocity(),
    }
}

/// The visible part of a box; where none is left, a point on the picture's edge.
pub(super) fn in_picture(bbox: &BBox) -> BBox {
    bbox.clipped().unwrap_or_else(|| {
        let c = bbox.centre();
        BBox::new(c.x.clamp(0.0, 1.0), c.y.clamp(0.0, 1.0), 0.0, 0.0)
    })
}

/// How far beyond a border an object must be before it counts as beyond: a share of its size, so that the tremble of its box
/// does not count, bounded so that near objects still can cross.
pub(super) fn tremble(bbox: &BBox) -> f64 {
    (0.08 * bbox.area().max(0.0).sqrt()).clamp(0.004, 0.03)
}

/// Whether a box reaches the picture's edge, so that its object may have come from or gone beyond it.
pub(super) fn at_picture_edge(bbox: &BBox) -> bool {
    const NEAR: f64 = 0.015;
    bbox.x <= NEAR || bbox.y <= NEAR || bbox.x + bbox.w >= 1.0 - NEAR || bbox.y + bbox.h >= 1.0 - NEAR
}
