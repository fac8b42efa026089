//! End-to-end heads (`YOLOv10`, YOLO26 and others): finished rows of corners, score, class, padded with zeros.

use super::{Head, Misfit, NamedOutput, Proposal, matrix};

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let rows = matrix(outputs, 0, |n| n == 6, "(1, N, 6)")?;
    for row in rows.rows() {
        // An empty row is padding, whatever the threshold.
        if row[4] > 0.0 {
            head.propose([row[0], row[1], row[2], row[3]], row[5].round() as usize, row[4], out);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{OutputLayout, Proposal, fixtures};

    #[test]
    fn padding_and_unknown_classes_are_left_out() {
        let output = fixtures::array(
            &[1, 3, 6],
            vec![1.0, 2.0, 3.0, 4.0, 0.9, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.9, 7.0],
        );
        let found = fixtures::read(OutputLayout::EndToEnd, &[("output0", &output)], &[0.0, 0.0]).unwrap();
        assert_eq!(found, [Proposal { corners: [1.0, 2.0, 3.0, 4.0], class: 1, score: 0.9 }]);
    }
}
