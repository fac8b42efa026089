//! `model.toml`: what a model is, what it takes, what it gives. It stands beside the `.onnx`.
//!
//! Unknown keys are errors: a misspelt key that is passed over would run the model with wrong input and say nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::InferenceError;
use super::classes::{self, ModelClass};
use super::geometry::Resize;
use super::layout::OutputLayout;
use super::letterbox::{ChannelOrder, ElementType, InputSpec, TensorLayout};
use crate::domain::detection::ObjectClass;

/// The default confidence below which a detection is not one.
pub const DEFAULT_CONFIDENCE: f32 = 0.25;
/// The default overlap above which two boxes of a class are one thing.
pub const DEFAULT_NMS_IOU: f64 = 0.65;

/// A manifest as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What alerts call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The weights: a path relative to the manifest, or absolute; `${NAME}` at its beginning is an environment variable.
    pub file: String,
    /// SHA-256 of the weights.
    pub sha256: String,
    /// SPDX name of the weights' licence.
    pub licence: String,
    /// Where they come from.
    pub source: String,
    /// What it takes.
    pub input: InputTable,
    /// What it gives.
    pub output: OutputTable,
    /// What its numbers mean.
    pub classes: ClassTable,
    /// From which confidence on.
    #[serde(default)]
    pub thresholds: ThresholdTable,
}

/// `[input]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTable {
    /// `nchw` or `nhwc`.
    pub layout: TensorLayout,
    /// `f32` or `u8`.
    pub r#type: ElementType,
    /// `rgb` or `bgr`.
    pub color: ChannelOrder,
    /// A value is `(level * scale - mean) / std`.
    #[serde(default = "one")]
    pub scale: f32,
    /// See `scale`; in the order of `color`.
    #[serde(default)]
    pub mean: [f32; 3],
    /// See `scale`.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// `letterbox`, `letterbox_centered` or `stretch`.
    pub resize: Resize,
    /// Level around a letterboxed picture.
    #[serde(default = "grey")]
    pub pad: u8,
    /// `[width, height]`; needed where the file leaves them open.
    pub size: Option<[usize; 2]>,
}

/// `[output]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputTable {
    /// One of the known layouts.
    pub layout: OutputLayout,
}

/// `[classes]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassTable {
    /// A list, or the name of a known one.
    pub names: Names,
    /// From a name to an object class.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
}

/// Class names.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// `coco80` or `coco90`.
    Known(String),
    /// One by one; empty where a number means nothing.
    Listed(Vec<String>),
}

/// `[thresholds]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdTable {
    /// For all classes.
    pub confidence: Option<f32>,
    /// For some, by the model's name of the class.
    #[serde(default)]
    pub per_class: BTreeMap<String, f32>,
    /// For layouts that need non-maximum suppression.
    pub nms_iou: Option<f64>,
}

/// What is to be known of a model to run it: a checked manifest, or what was recognized.
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// What alerts call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, where known.
    pub licence: String,
    /// Where it comes from, where known.
    pub source: String,
    /// What it takes.
    pub input: InputSpec,
    /// What it gives.
    pub output: OutputLayout,
    /// Its classes by number.
    pub classes: Vec<ModelClass>,
    /// The confidence from which on each class counts, by number.
    pub confidence: Vec<f32>,
    /// The overlap above which two boxes of a class are one thing.
    pub nms_iou: f64,
}

fn one() -> f32 {
    1.0
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

fn grey() -> u8 {
    114
}

impl Manifest {
    /// Reads and checks a manifest; the weights are not opened.
    pub fn read(path: &Path) -> Result<Self, InferenceError> {
        let text = std::fs::read_to_string(path).map_err(|cause| InferenceError::Read { path: path.into(), cause })?;
        let manifest = toml::from_str::<Self>(&text)
            .map_err(|error| error.to_string().trim_end().to_owned())
            .and_then(|manifest: Self| manifest.checked());
        manifest.map_err(|message| InferenceError::Manifest { path: path.into(), message })
    }

    /// Where the weights are.
    pub fn weights(&self, manifest: &Path) -> Result<PathBuf, InferenceError> {
        let error = |message: String| InferenceError::Manifest { path: manifest.into(), message };
        if let Some((name, rest)) = self.file.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
            let folder = std::env::var_os(name)
                .ok_or_else(|| error(format!("file: the environment variable {name} of {:?} is not set", self.file)))?;
            return Ok(PathBuf::from(folder).join(rest.trim_start_matches('/')));
        }
        Ok(manifest.parent().unwrap_or(Path::new(".")).join(&self.file))
    }

    /// What it says, in the form that runs; `size` is the input's size as the file has it, where it has one.
    pub fn spec(&self, size: Option<[usize; 2]>) -> Result<ModelSpec, String> {
        let [width, height] = match (self.input.size, size) {
            (Some(told), Some(real)) if told != real => {
                return Err(format!("input.size: got {told:?}, the file takes {real:?} (width, height)"));
            }
            (Some(size), _) | (None, Some(size)) => size,
            (None, None) => {
                return Err("input.size: missing, and the file leaves it open; write size = [width, height]".into());
            }
        };
        let names = self.classes.names.list()?;
        let map = self
            .classes
            .map
            .iter()
            .map(|(name, class)| Ok((name.clone(), object_class(name, class)?)))
            .collect::<Result<_, String>>()?;
        let threshold = |name: &String| self.thresholds.per_class.get(name).copied();
        let default = self.thresholds.confidence.unwrap_or(DEFAULT_CONFIDENCE);
        let input = &self.input;
        Ok(ModelSpec {
            name: self.name.clone(),
            version: self.version.clone(),
            licence: self.licence.clone(),
            source: self.source.clone(),
            input: InputSpec {
                width,
                height,
                layout: input.layout,
                element: input.r#type,
                color: input.color,
                scale: input.scale,
                mean: input.mean,
                std: input.std,
                resize: input.resize,
                pad: input.pad,
            },
            output: self.output.layout,
            confidence: names.iter().map(|name| threshold(name).unwrap_or(default)).collect(),
            classes: classes::resolve(&names, &map),
            nms_iou: self.thresholds.nms_iou.unwrap_or(DEFAULT_NMS_IOU),
        })
    }

    fn checked(self) -> Result<Self, String> {
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("sha256: got {:?}, wants 64 lower-case hex digits", self.sha256));
        }
        if self.input.std.contains(&0.0) {
            return Err("input.std: values are divided by it; got a 0".into());
        }
        if self.input.size.is_some_and(|size| size.iter().any(|side| !(1..=8192).contains(side))) {
            return Err(format!(
                "input.size: got {:?}, wants [width, height] of 1 to 8192 pixels",
                self.input.size.unwrap_or_default()
            ));
        }
        let names = self.classes.names.list()?;
        let known = |key: &str, name: &String| {
            if names.contains(name) { Ok(()) } else { Err(format!("{key}: {name:?} is none of classes.names")) }
        };
        for (name, class) in &self.classes.map {
            known("classes.map", name)?;
            object_class(name, class)?;
        }
        let inside = |key: &str, value: f64| {
            if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(format!("{key}: got {value}, wants 0 to 1")) }
        };
        for (name, &value) in &self.thresholds.per_class {
            known("thresholds.per_class", name)?;
            inside(&format!("thresholds.per_class.{name}"), f64::from(value))?;
        }
        inside("thresholds.confidence", f64::from(self.thresholds.confidence.unwrap_or_default()))?;
        inside("thresholds.nms_iou", self.thresholds.nms_iou.unwrap_or_default())?;
        Ok(self)
    }
}

impl Names {
    /// The names by number.
    pub fn list(&self) -> Result<Vec<String>, String> {
        match self {
            Self::Listed(names) if names.is_empty() => {
                Err("classes.names: got an empty list, wants the model's class names".into())
            }
            Self::Listed(names) => Ok(names.clone()),
            Self::Known(name) if name == "coco80" => Ok(classes::COCO80.map(str::to_owned).to_vec()),
            Self::Known(name) if name == "coco90" => Ok(classes::coco90()),
            Self::Known(name) => {
                Err(format!("classes.names: got {name:?}, wants \"coco80\", \"coco90\" or a list of names"))
            }
        }
    }
}

fn object_class(name: &str, class: &str) -> Result<ObjectClass, String> {
    ObjectClass::from_name(class).ok_or_else(|| {
        let known = ObjectClass::ALL.map(ObjectClass::as_str).join(", ");
        format!("classes.map.{name}: got {class:?}, wants one of {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "yard"
        version = "1"
        file = "yard.onnx"
        sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        licence = "Apache-2.0"
        source = "our own"
        [input]
        layout = "nchw"
        type = "f32"
        color = "rgb"
        scale = 0.00392156862745098
        resize = "letterbox_centered"
        size = [640, 384]
        [output]
        layout = "yolov8"
        [classes]
        names = ["person", "lorry"]
        map = { lorry = "truck" }
        [thresholds]
        confidence = 0.3
        per_class = { lorry = 0.5 }
        nms_iou = 0.7
    "#;

    fn parse(text: &str) -> Result<Manifest, String> {
        toml::from_str::<Manifest>(text).map_err(|e| e.to_string()).and_then(Manifest::checked)
    }

    #[test]
    fn a_whole_manifest_is_understood() {
        let spec = parse(GOOD).unwrap().spec(None).unwrap();
        assert_eq!((spec.input.width, spec.input.height), (640, 384));
        assert_eq!(spec.confidence, [0.3, 0.5]);
        assert_eq!(spec.classes[1].class, ObjectClass::Truck);
        assert_eq!((spec.input.pad, spec.nms_iou, spec.output), (114, 0.7, OutputLayout::Yolov8));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, wanted) in [
            ("pad", "pad", ""),
            ("resize = ", "resise = ", "resise"),
            ("\"yolov8\"", "\"yolov9000\"", "end_to_end"),
            ("\"truck\"", "\"tank\"", "classes.map.lorry: got \"tank\", wants one of person"),
            ("{ lorry = \"truck\" }", "{ van = \"van\" }", "classes.map: \"van\" is none of classes.names"),
            ("0.5 }", "1.5 }", "thresholds.per_class.lorry: got 1.5, wants 0 to 1"),
            ("sha256 = \"0", "sha256 = \"G", "wants 64 lower-case hex digits"),
            ("[\"person\", \"lorry\"]", "\"coco\"", "wants \"coco80\""),
            ("[640, 384]", "[0, 384]", "wants [width, height] of 1 to 8192 pixels"),
        ] {
            let error = parse(&GOOD.replace(from, to)).err().unwrap_or_default();
            assert!(error.contains(wanted), "{to}: {error}");
            assert!(wanted.is_empty() || !error.is_empty(), "{to} was accepted");
        }
    }

    #[test]
    fn a_size_that_the_file_does_not_have_is_refused() {
        let manifest = parse(GOOD).unwrap();
        assert!(manifest.spec(Some([416, 416])).unwrap_err().contains("the file takes [416, 416]"));
        let open = parse(&GOOD.replace("size = [640, 384]", "")).unwrap();
        assert!(open.spec(None).unwrap_err().contains("write size = [width, height]"));
        assert_eq!(open.spec(Some([416, 320])).unwrap().input.height, 320);
    }
}
