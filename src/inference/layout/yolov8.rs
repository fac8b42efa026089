//! `YOLOv8`, v9 and 11: one column per box, centre and size above the scores.

use super::{Head, Misfit, NamedOutput, Proposal, around, matrix};

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let wanted = 4 + head.thresholds.len();
    let wants = format!("(1, {wanted}, N)");
    let rows = matrix(outputs, 0, |_| true, &wants)?;
    if rows.nrows() != wanted {
        return Err(Misfit(format!("output 0 has {} rows; wants {wants}", rows.nrows())));
    }
    // Class by class over all boxes, the way the numbers lie in memory.
    let mut best = vec![(0_usize, f32::NEG_INFINITY); rows.ncols()];
    for (class, scores) in rows.rows().into_iter().skip(4).enumerate() {
        for (best, &score) in best.iter_mut().zip(scores) {
            if score > best.1 {
                *best = (class, score);
            }
        }
    }
    for (i, (class, score)) in best.into_iter().enumerate() {
        if head.counts(class, score) {
            head.propose(around([rows[[0, i]], rows[[1, i]], rows[[2, i]], rows[[3, i]]]), class, score, out);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{OutputLayout, Proposal, fixtures};

    #[test]
    fn columns_are_boxes() {
        let output = fixtures::array(&[1, 6, 2], vec![16.0, 4.0, 16.0, 4.0, 8.0, 2.0, 4.0, 2.0, 0.1, 0.6, 0.7, 0.2]);
        let found = fixtures::read(OutputLayout::Yolov8, &[("output0", &output)], &[0.7, 0.3]).unwrap();
        assert_eq!(found, [Proposal { corners: [12.0, 14.0, 20.0, 18.0], class: 1, score: 0.7 }]);
    }

    #[test]
    fn another_number_of_classes_is_a_misfit() {
        let output = fixtures::array(&[1, 84, 2], vec![0.0; 168]);
        let error = fixtures::read(OutputLayout::Yolov8, &[("output0", &output)], &[0.3; 3]).unwrap_err();
        assert!(error.0.contains("84 rows; wants (1, 7, N)"), "{error}");
    }
}
