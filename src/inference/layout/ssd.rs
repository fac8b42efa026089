//! TensorFlow's SSD with its post-processing inside: boxes (top, left, bottom, right in 0..1), classes, scores, count.

use super::{Head, Misfit, NamedOutput, Proposal, floats};

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let (_, boxes) = floats(outputs, 0)?;
    let (_, classes) = floats(outputs, 1)?;
    let (_, scores) = floats(outputs, 2)?;
    let (_, count) = floats(outputs, 3)?;
    if boxes.len() != classes.len() * 4 || scores.len() != classes.len() || count.len() != 1 {
        let got = [boxes.shape(), classes.shape(), scores.shape(), count.shape()].map(<[usize]>::to_vec);
        return Err(Misfit(format!("outputs have the shapes {got:?}; wants [1, N, 4], [1, N], [1, N], [1]")));
    }
    let (width, height) = (head.size.0 as f32, head.size.1 as f32);
    let found = count.iter().next().map_or(0, |&n| n.round() as usize);
    let mut numbers = boxes.iter().copied();
    for (&class, &score) in classes.iter().zip(scores.iter()).take(found) {
        let [top, left, bottom, right] = std::array::from_fn(|_| numbers.next().unwrap_or(f32::NAN));
        head.propose([left * width, top * height, right * width, bottom * height], class.round() as usize, score, out);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{OutputLayout, Proposal, fixtures};

    #[test]
    fn only_as_many_as_were_counted() {
        let boxes = fixtures::array(&[1, 2, 4], vec![0.25, 0.5, 0.75, 1.0, 0.0, 0.0, 1.0, 1.0]);
        let (classes, scores) = (fixtures::array(&[1, 2], vec![1.0, 1.0]), fixtures::array(&[1, 2], vec![0.9, 0.9]));
        let count = fixtures::array(&[1], vec![1.0]);
        let found = fixtures::read(
            OutputLayout::Ssd,
            &[("b", &boxes), ("c", &classes), ("s", &scores), ("n", &count)],
            &[0.5, 0.5],
        )
        .unwrap();
        assert_eq!(found, [Proposal { corners: [16.0, 8.0, 32.0, 24.0], class: 1, score: 0.9 }]);
        let error =
            fixtures::read(OutputLayout::Ssd, &[("b", &boxes), ("c", &classes), ("s", &count), ("n", &count)], &[0.5])
                .unwrap_err();
        assert!(error.0.contains("[1, 2, 4]"), "{error}");
    }
}
