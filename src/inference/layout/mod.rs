//! What models give: one file per layout of their outputs. Each reads the raw numbers into proposals in tensor pixels.
//!
//! Pure: no runtime here, only arrays, so that each layout is tested with numbers written by hand.

pub(in crate::inference) mod yolox;
mod yolov5;
mod yolov8;
mod end_to_end;
mod nms_rows;
mod detr;
mod ssd;

use ndarray::{ArrayViewD, Ix2, Ix3};
use serde::Deserialize;

/// The layouts that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputLayout {
    /// `(1, cells, 5 + classes)`: offsets to a grid, exponents of sizes, objectness, scores. Needs suppression.
    Yolox,
    /// `(1, boxes, 5 + classes)`: centre, size, objectness, scores, in tensor pixels. Needs suppression.
    Yolov5,
    /// `(1, 4 + classes, boxes)`: centre, size, scores, in tensor pixels. Needs suppression.
    Yolov8,
    /// `(1, n, 6)`: corners, score, class, in tensor pixels.
    EndToEnd,
    /// `(n, 7)`: picture, corners, class, score, in tensor pixels.
    NmsRows,
    /// `labels`, `boxes` (corners), `scores`; a second input says in which size the boxes come.
    Detr,
    /// Boxes (top, left, bottom, right, 0..1), classes, scores, count.
    Ssd,
}

/// For messages: each layout with what it looks like.
pub const KNOWN_LAYOUTS: &str = "yolox (1,N,5+C), yolov5 (1,N,5+C), yolov8 (1,4+C,N), end_to_end (1,N,6), nms_rows (N,7), \
                                 detr (labels, boxes, scores), ssd (boxes (1,N,4), classes, scores, count)";

/// One output of a model.
#[derive(Clone, Debug)]
pub enum RawOutput<'a> {
    /// Floats.
    F32(ArrayViewD<'a, f32>),
    /// Integers.
    I64(ArrayViewD<'a, i64>),
}

/// An output with its name.
pub type NamedOutput<'a> = (&'a str, RawOutput<'a>);

/// A box as a model proposes it: corners in tensor pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// Left, top, right, bottom.
    pub corners: [f32; 4],
    /// The model's class number.
    pub class: usize,
    /// 0..=1.
    pub score: f32,
}

/// What a layout needs to know of the model.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Input width and height.
    pub size: (usize, usize),
    /// From which score on a class counts; as many as there are classes.
    pub thresholds: &'a [f32],
}

impl Head<'_> {
    /// The lowest of the thresholds: what is below it counts for no class.
    fn floor(&self) -> f32 {
        self.thresholds.iter().copied().fold(1.0, f32::min)
    }

    fn counts(&self, class: usize, score: f32) -> bool {
        // A class that the manifest does not name, or a gap of COCO's numbers, counts never; nor does not-a-number.
        self.thresholds.get(class).is_some_and(|&threshold| score >= threshold)
    }

    /// Notes a proposal if its class is known, its score high enough and its box finite.
    fn propose(&self, corners: [f32; 4], class: usize, score: f32, out: &mut Vec<Proposal>) {
        if self.counts(class, score) && corners.iter().all(|corner| corner.is_finite()) {
            out.push(Proposal { corners, class, score });
        }
    }
}

/// The outputs are not what the layout says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub String);

impl OutputLayout {
    /// Whether overlapping boxes of one thing still have to be suppressed.
    pub const fn needs_suppression(self) -> bool {
        matches!(self, Self::Yolox | Self::Yolov5 | Self::Yolov8)
    }

    /// Its word in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yolox => "yolox",
            Self::Yolov5 => "yolov5",
            Self::Yolov8 => "yolov8",
            Self::EndToEnd => "end_to_end",
            Self::NmsRows => "nms_rows",
            Self::Detr => "detr",
            Self::Ssd => "ssd",
        }
    }

    /// Reads the outputs; proposals below their class's threshold are left out.
    pub fn read(self, outputs: &[NamedOutput<'_>], head: Head<'_>) -> Result<Vec<Proposal>, Misfit> {
        let mut proposals = Vec::new();
        match self {
            Self::Yolox => yolox::read(outputs, head, &mut proposals),
            Self::Yolov5 => yolov5::read(outputs, head, &mut proposals),
            Self::Yolov8 => yolov8::read(outputs, head, &mut proposals),
            Self::EndToEnd => end_to_end::read(outputs, head, &mut proposals),
            Self::NmsRows => nms_rows::read(outputs, head, &mut proposals),
            Self::Detr => detr::read(outputs, head, &mut proposals),
            Self::Ssd => ssd::read(outputs, head, &mut proposals),
        }?;
        Ok(proposals)
    }
}

fn floats<'a>(outputs: &'a [NamedOutput<'_>], index: usize) -> Result<(&'a str, ArrayViewD<'a, f32>), Misfit> {
    match outputs.get(index) {
        Some((name, RawOutput::F32(array))) => Ok((name, array.view())),
        Some((name, RawOutput::I64(_))) => Err(Misfit(format!("output {name} holds integers; wants floats"))),
        None => Err(Misfit(format!("there are {} outputs; wants at least {}", outputs.len(), index + 1))),
    }
}

/// Output `index` as a matrix; a leading batch of one is taken off.
fn matrix<'a>(
    outputs: &'a [NamedOutput<'_>],
    index: usize,
    columns: impl Fn(usize) -> bool,
    wants: &str,
) -> Result<ndarray::ArrayView2<'a, f32>, Misfit> {
    let (name, array) = floats(outputs, index)?;
    let shape = array.shape().to_vec();
    let misfit = || Misfit(format!("output {name} has the shape {shape:?}; wants {wants}"));
    let matrix = if shape.len() == 3 && shape[0] == 1 {
        array.into_dimensionality::<Ix3>().map_err(|_| misfit())?.index_axis_move(ndarray::Axis(0), 0)
    } else {
        array.into_dimensionality::<Ix2>().map_err(|_| misfit())?
    };
    if columns(matrix.ncols()) { Ok(matrix) } else { Err(misfit()) }
}

/// The index of the largest number and the number itself; the first of equals.
fn largest(values: impl Iterator<Item = f32>) -> (usize, f32) {
    values.enumerate().fold((usize::MAX, f32::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best })
}

fn around([cx, cy, w, h]: [f32; 4]) -> [f32; 4] {
    [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0]
}

#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;
    use ndarray::ArrayD;

    pub(crate) fn array(shape: &[usize], values: Vec<f32>) -> ArrayD<f32> {
        ArrayD::from_shape_vec(shape, values).unwrap()
    }

    pub(crate) fn head(thresholds: &[f32]) -> Head<'_> {
        Head { size: (32, 32), thresholds }
    }

    pub(crate) fn read(
        layout: OutputLayout,
        outputs: &[(&str, &ArrayD<f32>)],
        thresholds: &[f32],
    ) -> Result<Vec<Proposal>, Misfit> {
        let outputs: Vec<NamedOutput<'_>> = outputs.iter().map(|&(name, a)| (name, RawOutput::F32(a.view()))).collect();
        layout.read(&outputs, head(thresholds))
    }
}
