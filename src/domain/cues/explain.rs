//! What a detector knows already, so that no cue tells it a second time.

use crate::domain::detection::{Detection, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::tracking::{Track, covered_share, is_living};

/// Detections less sure than this explain nothing.
const SURE: f32 = 0.2;
/// One who lives explains what differs where so much of it lies behind him.
const BEHIND: f64 = 0.25;

/// The boxes of those who live, as far as the detector sees or remembers them.
pub(crate) fn living(detections: &[Detection], tracks: &[Track]) -> Vec<BBox> {
    let seen = detections.iter().filter(|d| is_living(d.class) && d.confidence.get() >= SURE).map(|d| d.bbox);
    let known = tracks.iter().filter(|t| is_living(t.class()) && t.is_confirmed()).map(Track::bbox);
    seen.chain(known).collect()
}

/// Whether one of `living` stands before `bbox`.
pub(crate) fn stands_before(bbox: &BBox, living: &[BBox]) -> bool {
    living.iter().any(|body| covered_share(bbox, body) >= BEHIND || covered_share(body, bbox) >= 0.7)
}

/// Whether the detector sees what moves as `blob`, or saw it a moment ago. What stands does not explain what moves before it.
pub(crate) fn knows(blob: &Detection, detections: &[Detection], tracks: &[Track]) -> bool {
    let same = |bbox: &BBox| {
        let shared = bbox.intersection(&blob.bbox);
        shared >= 0.5 * blob.bbox.area() || shared >= 0.6 * bbox.area()
    };
    let named = |class: ObjectClass| class != ObjectClass::Unknown;
    let tracked = |t: &&Track| named(t.class()) && t.is_confirmed() && !t.is_stationary();
    let standing =
        |d: &Detection| tracks.iter().any(|t| t.is_stationary() && named(t.class()) && t.rest_box().iou(&d.bbox) > 0.6);
    let seen = |d: &&Detection| named(d.class) && d.confidence.get() >= SURE && same(&d.bbox);
    detections.iter().filter(seen).any(|d| !standing(d) || d.bbox.iou(&blob.bbox) > 0.4)
        || tracks.iter().filter(tracked).any(|t| same(&t.bbox()))
}
