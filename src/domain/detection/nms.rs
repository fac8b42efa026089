//! Non-maximum suppression: of boxes that show the same thing, the surest stays.

use crate::domain::geometry::BBox;

/// What a model proposes: a box, the model's own class number, how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Where, in normalized coordinates; may reach beyond the picture.
    pub bbox: BBox,
    /// The model's class number.
    pub class: usize,
    /// 0..=1.
    pub confidence: f32,
}

/// Keeps, per class, the surest box of each heap that overlaps by more than `iou_max`; the surest first, at most `limit`.
/// Equal confidences keep the order they came in, so the same candidates give the same answer everywhere.
pub fn suppress(mut candidates: Vec<Candidate>, iou_max: f64, limit: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.len() == limit {
            break;
        }
        let covered = |k: &Candidate| k.class == candidate.class && k.bbox.iou(&candidate.bbox) > iou_max;
        if !kept.iter().any(covered) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(x: f64, class: usize, confidence: f32) -> Candidate {
        Candidate { bbox: BBox::new(x, 0.1, 0.2, 0.2), class, confidence }
    }

    #[test]
    fn the_surest_of_a_heap_stays_and_classes_do_not_mix() {
        let kept = suppress(
            vec![candidate(0.10, 0, 0.5), candidate(0.11, 0, 0.9), candidate(0.11, 1, 0.4), candidate(0.5, 0, 0.3)],
            0.65,
            10,
        );
        assert_eq!(kept, [candidate(0.11, 0, 0.9), candidate(0.11, 1, 0.4), candidate(0.5, 0, 0.3)]);
    }

    #[test]
    fn the_limit_keeps_the_surest() {
        let kept = suppress((0..10).map(|i| candidate(f64::from(i) * 0.3, 0, i as f32 / 10.0)).collect(), 0.5, 3);
        assert_eq!(kept.iter().map(|k| k.confidence).collect::<Vec<_>>(), [0.9, 0.8, 0.7]);
    }

    proptest! {
        #[test]
        fn nothing_kept_overlaps_and_nothing_dropped_is_uncovered(
            boxes in prop::collection::vec((0.0..0.8_f64, 0.0..0.8_f64, 0.05..0.3_f64, 0_usize..3, 0.0..1.0_f32), 0..40),
            iou_max in 0.1..0.9_f64,
        ) {
            let all: Vec<Candidate> = boxes.into_iter()
                .map(|(x, y, s, class, confidence)| Candidate { bbox: BBox::new(x, y, s, s), class, confidence }).collect();
            let kept = suppress(all.clone(), iou_max, usize::MAX);
            let clash = |a: &Candidate, b: &Candidate| a.class == b.class && a.bbox.iou(&b.bbox) > iou_max;
            for (i, a) in kept.iter().enumerate() {
                prop_assert!(kept[i + 1..].iter().all(|b| !clash(a, b)));
            }
            for dropped in all.iter().filter(|c| !kept.contains(c)) {
                prop_assert!(kept.iter().any(|k| clash(k, dropped) && k.confidence >= dropped.confidence));
            }
        }
    }
}
