//! The motion cue: what moves, as detections of class `Unknown`.
//!
//! A moving thing differs from the accepted picture and has moved lately; what differs and rests is the static-change cue's
//! matter. Of a region, only the part that no smooth change of brightness explains must be large: shadows and the light of
//! headlamps on the road scale what is there.

use super::ground::Ground;
use super::regions::{Region, regions};
use crate::domain::detection::{Confidence, Detection, ObjectClass};

/// Smaller than this share of the picture is a speck: rain, an insect.
const LEAST_SHARE: f64 = 0.0015;
/// Larger than this share of the picture is no thing but the light or the view.
const MOST_SHARE: f64 = 0.6;
/// Motion counts for so long, in seconds.
const LATELY: f64 = 0.45;
/// So much of a region must have moved lately.
const MOVING_SHARE: f64 = 0.12;
/// Brighter than this, or darker than that, is no change of light.
const NO_LIGHT: [f32; 2] = [0.3, 1.25];
/// Blobs given at most, the largest first.
const MAX_BLOBS: usize = 64;

/// What moves at this look.
pub(super) fn moving(ground: &Ground) -> Vec<Detection> {
    let least = ((ground.picture.len() as f64 * LEAST_SHARE) as usize).max(9);
    let core: Vec<bool> = (0..ground.picture.len()).map(|p| ground.differs[p] && is_core(ground, p)).collect();
    let mut found = regions(&core, ground.width, least, 1);
    found.retain(|region| !region.is_narrow() && is_moving(ground, region));
    found.sort_by_key(|region| std::cmp::Reverse(region.pixels.len()));
    found.truncate(MAX_BLOBS);
    found.iter().map(|region| blob(ground, region)).collect()
}

fn is_moving(ground: &Ground, region: &Region) -> bool {
    let size = region.pixels.len() as f64;
    let moved = region.pixels.iter().filter(|&&p| ground.now - ground.moved_at[p] <= LATELY).count() as f64;
    let (least, most) = (MOVING_SHARE * size, MOST_SHARE * ground.picture.len() as f64);
    moved >= least && size <= most
}

/// Whether something itself is seen at the pixel, and not its shadow or its light.
fn is_core(ground: &Ground, pixel: usize) -> bool {
    let ratio = ground.ratio(&ground.picture, pixel);
    !(NO_LIGHT[0]..=NO_LIGHT[1]).contains(&ratio) || ground.is_rough(&ground.picture, pixel)
}

fn blob(ground: &Ground, region: &Region) -> Detection {
    let times = |p: &usize| (ground.picture[*p] - ground.accepted[*p]).abs() / ground.tolerance(*p);
    let contrast = region.pixels.iter().map(times).sum::<f32>() / region.pixels.len() as f32;
    Detection {
        bbox: region.bbox(ground.width, ground.height),
        class: ObjectClass::Unknown,
        label: None,
        // A cue knows that something is there, never what: it is never as sure as a detector.
        confidence: Confidence::clamped(0.5 + 0.1 * (contrast - 1.0).clamp(0.0, 3.0)),
    }
}
