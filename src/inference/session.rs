//! A detector: one session, one input tensor that is used again, one layout.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ort::session::{Session, SessionInputValue};
use ort::value::TensorRef;

use super::geometry::Placement;
use super::layout::{Head, NamedOutput, Proposal, RawOutput};
use super::letterbox::{ElementType, Letterbox, ShortPlane, TensorLayout};
use super::manifest::ModelSpec;
use super::recognize::Signature;
use crate::domain::detection::nms::{Candidate, suppress};
use crate::domain::detection::{Confidence, Detection, ModelCard};
use crate::pipeline::frame::Picture;
use crate::pipeline::ports::{DetectError, Detector};

/// No frame gives more objects than this; a crowd of more is a crowd all the same.
const MAX_DETECTIONS: usize = 300;

/// Runs a model on ONNX Runtime.
pub struct OrtDetector {
    session: Session,
    input: Input,
    picture_input: String,
    /// Names of inputs that ask in which size boxes shall come.
    size_input: Option<String>,
    spec: Arc<ModelSpec>,
    card: Arc<ModelCard>,
}

enum Input {
    F32(Letterbox<f32>),
    U8(Letterbox<u8>),
}

impl Input {
    fn fill(&mut self, picture: &Picture) -> Result<Placement, ShortPlane> {
        match self {
            Self::F32(letterbox) => letterbox.fill(picture),
            Self::U8(letterbox) => letterbox.fill(picture),
        }
    }
}

impl OrtDetector {
    pub(super) fn new(session: Session, signature: &Signature, spec: Arc<ModelSpec>, card: Arc<ModelCard>) -> Self {
        let input = match spec.input.element {
            ElementType::F32 => Input::F32(Letterbox::new(spec.input.clone())),
            ElementType::U8 => Input::U8(Letterbox::new(spec.input.clone())),
        };
        let is_picture = |rank: usize| rank == 4;
        let name = |picture: bool| {
            signature.inputs.iter().find(|port| is_picture(port.shape.len()) == picture).map(|port| port.name.clone())
        };
        let picture_input = name(true).unwrap_or_default();
        Self { session, input, picture_input, size_input: name(false), spec, card }
    }

    fn look(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        let placement = self.input.fill(picture).map_err(|e| DetectError(e.to_string()))?;
        let proposals = self.infer()?;
        let candidates = proposals.iter().map(|p| Candidate {
            bbox: placement.to_picture(p.corners),
            class: p.class,
            confidence: p.score,
        });
        let mut candidates: Vec<Candidate> = candidates.collect();
        if self.spec.output.needs_suppression() {
            candidates = suppress(candidates, self.spec.nms_iou, MAX_DETECTIONS);
        } else {
            candidates.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
            candidates.truncate(MAX_DETECTIONS);
        }
        Ok(candidates.into_iter().filter_map(|candidate| self.detection(&candidate)).collect())
    }

    fn infer(&mut self) -> Result<Vec<Proposal>, DetectError> {
        let Self { session, input, picture_input, size_input, spec, card } = self;
        let failed = |doing: &str, e: &dyn std::fmt::Display| DetectError(format!("model {}: {doing}: {e}", card.name));
        let (width, height) = (spec.input.width, spec.input.height);
        let shape = match spec.input.layout {
            TensorLayout::Nchw => [1, 3, height, width],
            TensorLayout::Nhwc => [1, height, width, 3],
        };
        let tensor: SessionInputValue<'_> = match input {
            Input::F32(letterbox) => TensorRef::from_array_view((shape, letterbox.tensor())).map(Into::into),
            Input::U8(letterbox) => TensorRef::from_array_view((shape, letterbox.tensor())).map(Into::into),
        }
        .map_err(|e| failed("its input cannot be made", &e))?;
        // Width first, as the authors of DETR's kin export it.
        let size = [width as i64, height as i64];
        let mut inputs = vec![(Cow::Borrowed(picture_input.as_str()), tensor)];
        if let Some(name) = size_input {
            let size = TensorRef::from_array_view(([1_usize, 2], &size[..]))
                .map_err(|e| failed("its size input cannot be made", &e))?;
            inputs.push((Cow::Borrowed(name.as_str()), size.into()));
        }
        let outputs = session.run(inputs).map_err(|e| failed("does not run", &e))?;
        let mut raw: Vec<NamedOutput<'_>> = Vec::with_capacity(outputs.len());
        for (i, name) in outputs.keys().enumerate() {
            let value = &outputs[i];
            let floats = value.try_extract_array::<f32>().map(RawOutput::F32);
            let array = floats.or_else(|_| value.try_extract_array::<i64>().map(RawOutput::I64));
            raw.push((name, array.map_err(|e| failed(&format!("output {name} is neither f32 nor i64"), &e))?));
        }
        let head = Head { size: (width, height), thresholds: &spec.confidence };
        spec.output
            .read(&raw, head)
            .map_err(|e| failed(&format!("its outputs are not of the layout {}", spec.output.as_str()), &e))
    }

    fn detection(&self, candidate: &Candidate) -> Option<Detection> {
        let class = self.spec.classes.get(candidate.class).filter(|class| !class.name.is_empty())?;
        Some(Detection {
            bbox: candidate.bbox.clipped()?,
            class: class.class,
            label: class.label.clone(),
            confidence: Confidence::clamped(candidate.confidence),
        })
    }
}

impl Detector for OrtDetector {
    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        // A model is foreign code fed with foreign pixels; one bad frame must not stop the line.
        catch_unwind(AssertUnwindSafe(|| self.look(picture)))
            .unwrap_or_else(|panic| Err(DetectError(format!("model {}: panicked: {}", self.card.name, words(&*panic)))))
    }

    fn model(&self) -> &ModelCard {
        &self.card
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}
