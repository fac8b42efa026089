//! Suppression inside the model (`YOLOv7`'s `--end2end`): rows of picture, corners, class, score; as many as were found.

use super::{Head, Misfit, NamedOutput, Proposal, matrix};

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let rows = matrix(outputs, 0, |n| n == 7, "(N, 7)")?;
    for row in rows.rows() {
        head.propose([row[1], row[2], row[3], row[4]], row[5].round() as usize, row[6], out);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{OutputLayout, Proposal, fixtures};

    #[test]
    fn rows_are_read_and_none_are_fine() {
        let output = fixtures::array(&[1, 7], vec![0.0, 1.0, 2.0, 3.0, 4.0, 1.0, 0.9]);
        let found = fixtures::read(OutputLayout::NmsRows, &[("output", &output)], &[0.5, 0.5]).unwrap();
        assert_eq!(found, [Proposal { corners: [1.0, 2.0, 3.0, 4.0], class: 1, score: 0.9 }]);
        let none = fixtures::array(&[0, 7], vec![]);
        assert_eq!(fixtures::read(OutputLayout::NmsRows, &[("output", &none)], &[0.5]).unwrap(), []);
        let wrong = fixtures::array(&[2, 6], vec![0.0; 12]);
        assert!(
            fixtures::read(OutputLayout::NmsRows, &[("output", &wrong)], &[0.5])
                .unwrap_err()
                .0
                .contains("wants (N, 7)")
        );
    }
}
