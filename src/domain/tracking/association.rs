//! Which detection is which track: what a pair costs, and whether it is possible at all.

use std::time::Duration;

use super::kalman::extent;
use super::track::Track;
use super::tracker::is_living;
use crate::domain::detection::{Detection, ObjectClass};
use crate::domain::geometry::BBox;

/// A pair that costs this or more is no pair.
pub(super) const LIMIT: f64 = 1.9;
/// Overlap below this says nothing; distance decides.
const LEAST_IOU: f64 = 0.1;
/// What was unseen for longer must be found nearer to its forecast, or every newcomer would be taken for one who left.
pub(super) const BLINK: Duration = Duration::from_millis(600);

/// One who stood and was missed for longer may be anybody when he is seen elsewhere.
const WALKED_OFF: Duration = Duration::from_millis(2500);

/// Classes that detectors take for each other from frame to frame; no track changes its family.
pub(crate) const fn family(class: ObjectClass) -> u8 {
    use ObjectClass as C;
    match class {
        C::Person => 0,
        C::Bicycle | C::Motorcycle => 1,
        C::Car | C::Bus | C::Truck | C::Van => 2,
        C::Animal => 3,
        C::Bag => 4,
        C::Boat => 5,
        C::Fire => 6,
        C::Smoke => 7,
        C::Other => 8,
        C::Unknown => 9,
    }
}

/// What it costs to take `seen` for `track`; `None` where it cannot be. Below 1 the boxes overlap; between 1 and the limit
/// they do not (low frame rates, fast objects), and how far the forecast is off decides, within a gate that widens with the
/// forecast's uncertainty.
pub(super) fn cost(track: &Track, expected: &BBox, seen: &Detection) -> Option<f64> {
    let doubt = difference(track, seen)?;
    let iou = expected.iou(&seen.bbox);
    if iou >= LEAST_IOU {
        return Some(1.0 - iou + doubt + unlikeness(track, expected, seen));
    }
    if track.is_anchored() {
        return None;
    }
    let size = extent(expected);
    // What stands on the ground goes sideways on the picture rather than up or down.
    let reach = if track.missing > BLINK { [1.25, 0.6] } else { [2.5, 2.5] };
    let (a, b) = (expected.centre(), seen.bbox.centre());
    // Beyond the widest gate no forecast's doubt helps: most pairs end here, before the roots are taken.
    if (a.x - b.x).abs() >= reach[0] * size[0] || (a.y - b.y).abs() >= reach[1] * size[1] {
        return None;
    }
    let spread = track.filter.spread();
    let gate = |spread: f64, size: f64, reach: f64| (3.0 * spread).clamp(0.5 * size, reach * size);
    let off = ((a.x - b.x) / gate(spread.x, size[0], reach[0])).hypot((a.y - b.y) / gate(spread.y, size[1], reach[1]));
    let ratio = expected.area().max(1e-9) / seen.bbox.area().max(1e-9);
    (off < 1.0 && (0.33..=3.0).contains(&ratio)).then_some(1.0 + 0.8 * off + doubt)
}

/// What it costs by overlap alone, with `place`.
pub(super) fn overlap_cost(track: &Track, place: &BBox, seen: &Detection, least: f64) -> Option<f64> {
    let doubt = difference(track, seen)?;
    let iou = place.iou(&seen.bbox);
    (iou >= least).then_some(1.0 - iou + doubt + unlikeness(track, place, seen))
}

/// What it costs to take `seen` for one who stood, was missed for a moment, and may have walked off meanwhile. Between 0 and 1.
pub(super) fn walked_off_cost(track: &Track, place: &BBox, seen: &BBox, class: ObjectClass) -> Option<f64> {
    let stood = track.class() == class && is_living(class) && track.is_anchored() && track.missing <= WALKED_OFF;
    if !stood || !(0.75..=1.33).contains(&(place.h.max(1e-6) / seen.h.max(1e-6))) {
        return None;
    }
    let (a, b, size) = (place.bottom_centre(), seen.bottom_centre(), extent(place));
    let far = ((a.x - b.x) / (2.0 * size[0])).hypot((a.y - b.y) / (0.5 * size[1]));
    let off = far / (0.5 + track.missing.as_secs_f64());
    (off < 1.0).then_some(off)
}

/// What tells two apart whose boxes overlap alike: how tall they are and how surely they are seen (Hybrid-SORT, Yang 2024), how
/// far their centres lie from where they should, and where they touch the ground, which says how far away they are.
fn unlikeness(track: &Track, expected: &BBox, seen: &Detection) -> f64 {
    let (a, b) = (expected, &seen.bbox);
    let tallest = a.h.max(b.h).max(1e-6);
    let (from, to, size) = (a.centre(), b.centre(), extent(a));
    let off = ((from.x - to.x) / size[0]).hypot((from.y - to.y) / size[1]).min(2.0);
    let height = (a.h - b.h).abs() / tallest;
    let ground = (((a.y + a.h) - (b.y + b.h)).abs() / tallest).min(1.0);
    let sureness = f64::from((track.confidence().get() - seen.confidence.get()).abs());
    0.4 * height + 0.2 * off + 0.2 * ground + 0.3 * sureness
}

/// What the classes speak against the pair: nothing, a little, or all.
fn difference(track: &Track, seen: &Detection) -> Option<f64> {
    let class = track.class();
    if family(class) != family(seen.class) {
        return None;
    }
    let same_label = class != ObjectClass::Other || track.label() == seen.label.as_ref();
    Some(if class != seen.class {
        0.08
    } else if same_label {
        0.0
    } else {
        0.15
    })
}

/// Whether `a` and `b` are two boxes around the same thing, as detectors give them where two classes are likely.
pub(super) fn is_double(a: &Detection, b: &Detection) -> bool {
    family(a.class) == family(b.class) && a.bbox.iou(&b.bbox) > 0.8
}
