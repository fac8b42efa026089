//! DETR and its kin (RT-DETR, D-FINE, DEIM): `labels`, `boxes`, `scores`, found by name.
//!
//! A second input, `orig_target_sizes`, says in which size the boxes shall come; it is given the tensor's own, so that boxes
//! come in tensor pixels like those of every other layout.

use super::{Head, Misfit, NamedOutput, Proposal, RawOutput, floats};

pub(super) fn read(outputs: &[NamedOutput<'_>], head: Head<'_>, out: &mut Vec<Proposal>) -> Result<(), Misfit> {
    let place = |wanted: &str| {
        let found = outputs.iter().position(|(name, _)| *name == wanted);
        found.ok_or_else(|| Misfit(format!("there is no output {wanted}; wants labels, boxes, scores")))
    };
    let (_, boxes) = floats(outputs, place("boxes")?)?;
    let (_, scores) = floats(outputs, place("scores")?)?;
    let labels: Vec<usize> = match &outputs[place("labels")?].1 {
        // A negative label becomes a number that no class has.
        RawOutput::I64(labels) => labels.iter().map(|&label| usize::try_from(label).unwrap_or(usize::MAX)).collect(),
        RawOutput::F32(labels) => labels.iter().map(|label| label.round() as usize).collect(),
    };
    if boxes.len() != labels.len() * 4 || scores.len() != labels.len() {
        return Err(Misfit(format!(
            "{} labels, {} box numbers, {} scores; wants four box numbers per label",
            labels.len(),
            boxes.len(),
            scores.len()
        )));
    }
    let mut numbers = boxes.iter().copied();
    for (class, &score) in labels.into_iter().zip(scores.iter()) {
        let corners = std::array::from_fn(|_| numbers.next().unwrap_or(f32::NAN));
        head.propose(corners, class, score, out);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{NamedOutput, OutputLayout, Proposal, RawOutput, fixtures};

    #[test]
    fn outputs_are_found_by_name_and_labels_are_integers() {
        let (boxes, scores) =
            (fixtures::array(&[1, 2, 4], (0..8).map(|i| i as f32).collect()), fixtures::array(&[1, 2], vec![0.2, 0.9]));
        let labels = ndarray::ArrayD::from_shape_vec(vec![1, 2], vec![0_i64, 1]).unwrap();
        let outputs: Vec<NamedOutput<'_>> = vec![
            ("scores", RawOutput::F32(scores.view())),
            ("labels", RawOutput::I64(labels.view())),
            ("boxes", RawOutput::F32(boxes.view())),
        ];
        let found = OutputLayout::Detr.read(&outputs, fixtures::head(&[0.5, 0.5])).unwrap();
        assert_eq!(found, [Proposal { corners: [4.0, 5.0, 6.0, 7.0], class: 1, score: 0.9 }]);
        assert!(
            OutputLayout::Detr.read(&outputs[..2], fixtures::head(&[0.5])).unwrap_err().0.contains("no output boxes")
        );
    }
}
