//! What rules about places make of the static-change cue: which changes concern them, and how an alert quotes one.

use std::time::Duration;

use super::watch::{Post, View, in_picture};
use crate::domain::alert::AlertObject;
use crate::domain::cues::{Change, ChangeKind, Cues};
use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::tracking::{covered_share, family, is_living};

/// More of a change than this moves only where someone stands, and not a thing.
const MOST_RESTLESS: f64 = 0.3;

/// The changes of `kind` that the rule looks at: it names class `unknown`, and they lie on its ground.
pub(super) fn changes_of<'a>(view: &View<'a>, post: &'a Post, kind: ChangeKind) -> impl Iterator<Item = &'a Change> {
    let filter = &post.rule.filter;
    let named = filter.classes.contains(&ObjectClass::Unknown);
    let cues = view.cues.filter(|_| named);
    let fits = move |change: &&Change| {
        let ground = post.rule.spec.zone().is_none()
            || post.zone.as_ref().is_some_and(|zone| zone.shape.contains(filter.anchor.of(&change.bbox)));
        let height = (filter.min_height..=filter.max_height.max(filter.min_height)).contains(&change.bbox.h);
        let sure = Confidence::clamped(change.confidence) >= filter.min_confidence;
        change.kind == kind && ground && height && sure
    };
    cues.into_iter().flat_map(Cues::changes).filter(fits)
}

/// Whether the outcome of the change is plainly to be seen at this look: nothing before it, no trembling, light enough.
pub(super) fn is_plain(view: &View<'_>, change: &Change) -> bool {
    let covered = view.detections.iter().any(|d| {
        let before = is_living(d.class) && d.confidence.get() >= 0.2;
        before && covered_share(&change.bbox, &d.bbox) >= 0.2
    });
    change.visible && !covered && change.restless <= MOST_RESTLESS && view.cues.is_some_and(|cues| !cues.is_blind())
}

/// A change as an alert quotes it: something without a name.
pub(super) fn quote_change(view: &View<'_>, change: &Change, dwell: Option<Duration>) -> AlertObject {
    AlertObject {
        track: change.id,
        class: ObjectClass::Unknown,
        label: None,
        confidence: Confidence::clamped(change.confidence),
        bbox: in_picture(&change.bbox),
        first_seen_at: change.since.min(view.at),
        last_seen_at: view.at,
        dwell,
        velocity: [0.0; 2],
        speed: None,
    }
}

/// Whether the detector sees a thing on the place now, so that it is not empty.
pub(super) fn thing_seen_at(view: &View<'_>, bbox: &BBox, kind: Option<u8>) -> bool {
    view.detections.iter().any(|d| {
        let such =
            kind.map_or_else(|| !is_living(d.class) && d.class != ObjectClass::Unknown, |k| family(d.class) == k);
        such && d.confidence.get() >= 0.2 && (d.bbox.iou(bbox) >= 0.3 || covered_share(&d.bbox, bbox) >= 0.7)
    })
}
