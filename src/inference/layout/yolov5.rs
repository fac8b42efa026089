//! `YOLOv5` and v7 without their own suppression: decoded rows of centre, size, objectness, scores.

use super::{Head, Misfit, NamedOutput, Proposal, around, largest, matrix};

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let columns = 5 + head.thresholds.len();
    let rows = matrix(outputs, 0, |n| n == columns, &format!("(1, N, {columns})"))?;
    let floor = head.floor();
    for row in rows.rows() {
        if row[4] < floor {
            continue;
        }
        let (class, score) = largest(row.iter().skip(5).copied());
        head.propose(around([row[0], row[1], row[2], row[3]]), class, score * row[4], out);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{OutputLayout, Proposal, fixtures};

    #[test]
    fn rows_above_their_class_threshold_are_read() {
        let output = fixtures::array(
            &[1, 3, 7],
            vec![
                16.0,
                16.0,
                8.0,
                4.0,
                0.9,
                0.1,
                0.9, // 0.81 of class 1
                16.0,
                16.0,
                8.0,
                4.0,
                0.5,
                0.9,
                0.1, // 0.45 of class 0: below its 0.5
                16.0,
                16.0,
                8.0,
                4.0,
                f32::NAN,
                0.9,
                0.1,
            ],
        );
        let found = fixtures::read(OutputLayout::Yolov5, &[("output", &output)], &[0.5, 0.3]).unwrap();
        assert_eq!(found, [Proposal { corners: [12.0, 14.0, 20.0, 18.0], class: 1, score: 0.9 * 0.9 }]);
    }
}
