//! YOLOX: one row per cell of the grids of stride 8, 16 and 32, as the head gives them, undecoded.

use super::{Head, Misfit, NamedOutput, Proposal, around, largest, matrix};

const STRIDES: [usize; 3] = [8, 16, 32];

/// How many cells the three grids have together.
pub(in crate::inference) fn cells((width, height): (usize, usize)) -> usize {
    STRIDES.iter().map(|stride| (width / stride) * (height / stride)).sum()
}

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let columns = 5 + head.thresholds.len();
    let wants = format!("(1, {}, {columns}) for an input of {:?}", cells(head.size), head.size);
    let rows = matrix(outputs, 0, |n| n == columns, &wants)?;
    if rows.nrows() != cells(head.size) {
        return Err(Misfit(format!("output 0 has {} rows; wants {wants}", rows.nrows())));
    }
    let floor = head.floor();
    let mut row = 0;
    for stride in STRIDES {
        for y in 0..head.size.1 / stride {
            for x in 0..head.size.0 / stride {
                let cell = rows.row(row);
                row += 1;
                // A score is at most its objectness: most cells end here.
                if cell[4] < floor {
                    continue;
                }
                let (class, score) = largest(cell.iter().skip(5).copied());
                let step = stride as f32;
                let centre = [(cell[0] + x as f32) * step, (cell[1] + y as f32) * step];
                let size = [cell[2].exp() * step, cell[3].exp() * step];
                head.propose(around([centre[0], centre[1], size[0], size[1]]), class, score * cell[4], out);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{OutputLayout, fixtures};

    #[test]
    fn a_cell_is_decoded_from_its_grid_and_stride() {
        // 32x32: 16 cells of stride 8, 4 of 16, 1 of 32. Cell 17 is the second of stride 16: x 1, y 0.
        let mut values = vec![0.0; 21 * 7];
        values[17 * 7..18 * 7].copy_from_slice(&[0.5, 0.25, 2.0_f32.ln(), 0.0, 0.9, 0.2, 0.8]);
        let output = fixtures::array(&[1, 21, 7], values);
        let found = fixtures::read(OutputLayout::Yolox, &[("output", &output)], &[0.3, 0.3]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].class, 1);
        assert!((found[0].score - 0.72).abs() < 1e-6);
        for (got, wanted) in found[0].corners.iter().zip([8.0, -4.0, 40.0, 12.0]) {
            assert!((got - wanted).abs() < 1e-4, "{:?}", found[0].corners);
        }
    }

    #[test]
    fn another_number_of_cells_is_a_misfit() {
        let output = fixtures::array(&[1, 20, 7], vec![0.0; 140]);
        let error = fixtures::read(OutputLayout::Yolox, &[("output", &output)], &[0.3, 0.3]).unwrap_err();
        assert!(error.0.contains("20 rows; wants (1, 21, 7)"), "{error}");
    }
}
