//! What a bare `.onnx` says of itself: its layout out of names, shapes and metadata.
//!
//! What the file cannot say is assumed as the layout's authors publish their models (table in docs/models.md), and only for
//! COCO's 80 classes or names in the metadata. Whatever is ambiguous is an error with all that was seen: a manifest decides.

use std::collections::BTreeMap;
use std::fmt;

use super::classes;
use super::geometry::Resize;
use super::layout::{KNOWN_LAYOUTS, OutputLayout, yolox};
use super::letterbox::{ChannelOrder, ElementType, InputSpec, TensorLayout};
use super::manifest::{DEFAULT_CONFIDENCE, DEFAULT_NMS_IOU, ModelSpec};

/// What a model file says of itself.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its outputs.
    pub outputs: Vec<Port>,
    /// Its free metadata.
    pub metadata: BTreeMap<String, String>,
}

/// The input for the picture: its port, layout, type, and `[width, height]` where the file has one.
pub type PictureInput<'a> = (&'a Port, TensorLayout, ElementType, Option<[usize; 2]>);

/// An input or an output.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its element type, as ONNX Runtime spells it.
    pub element: String,
    /// Its shape; -1 is left open.
    pub shape: Vec<i64>,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<String> =
            self.shape.iter().map(|&n| if n < 0 { "?".to_owned() } else { n.to_string() }).collect();
        write!(f, "{} {}({})", self.name, self.element, sides.join(","))
    }
}

impl Signature {
    /// All inputs and outputs in one line.
    pub fn describe(&self) -> String {
        let list = |ports: &[Port]| ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ");
        format!("inputs: {}; outputs: {}", list(&self.inputs), list(&self.outputs))
    }

    /// The picture input.
    pub fn picture_input(&self) -> Result<PictureInput<'_>, String> {
        let mut pictures = self.inputs.iter().filter(|port| port.shape.len() == 4);
        let (Some(port), None) = (pictures.next(), pictures.next()) else {
            return Err(format!("wants exactly one input of four dimensions, the picture; {}", self.describe()));
        };
        let &[batch, a, b, c] = port.shape.as_slice() else { unreachable!("four dimensions were asked for") };
        let (layout, height, width) = match (a, c) {
            (3, _) => (TensorLayout::Nchw, b, c),
            (_, 3) => (TensorLayout::Nhwc, a, b),
            _ => return Err(format!("input {port} has no dimension of three channels")),
        };
        if batch > 1 {
            return Err(format!("input {port} wants {batch} pictures at once; wants a batch of 1 or an open one"));
        }
        let element = match port.element.as_str() {
            "f32" => ElementType::F32,
            "u8" => ElementType::U8,
            _ => return Err(format!("input {port} is of a type that is not fed; wants f32 or u8")),
        };
        let size = usize::try_from(width).ok().zip(usize::try_from(height).ok()).map(|(w, h)| [w, h]);
        Ok((port, layout, element, size))
    }

    /// The layout and how its authors feed it.
    pub fn recognize(&self, name: &str) -> Result<ModelSpec, String> {
        let (_, layout, element, size) = self.picture_input()?;
        let size = size.or_else(|| self.metadata_size());
        let Some([width, height]) = size else {
            return Err(format!(
                "the file leaves the input's size open; write a model.toml with input.size; {}",
                self.describe()
            ));
        };
        let Some((output, classes)) = self.output_layout((width, height)) else {
            return Err(format!(
                "no known layout fits; {}; known layouts: {KNOWN_LAYOUTS}; a model.toml can name the one that it is",
                self.describe()
            ));
        };
        let names = self.class_names(output, classes)?;
        let (color, scale, resize) = match output {
            OutputLayout::Yolox => (ChannelOrder::Bgr, 1.0, Resize::Letterbox),
            OutputLayout::Yolov5 | OutputLayout::Yolov8 | OutputLayout::EndToEnd | OutputLayout::NmsRows => {
                (ChannelOrder::Rgb, 1.0 / 255.0, Resize::LetterboxCentered)
            }
            OutputLayout::Detr => (ChannelOrder::Rgb, 1.0 / 255.0, Resize::Stretch),
            OutputLayout::Ssd => (ChannelOrder::Rgb, 1.0, Resize::Stretch),
        };
        // Bytes go in as they are; the model scales them itself.
        let scale = if element == ElementType::U8 { 1.0 } else { scale };
        let input =
            InputSpec { width, height, layout, element, color, scale, mean: [0.0; 3], std: [1.0; 3], resize, pad: 114 };
        Ok(ModelSpec {
            name: name.to_owned(),
            version: self.metadata.get("version").cloned().unwrap_or_else(|| "unversioned".into()),
            licence: self.metadata.get("license").cloned().unwrap_or_else(|| "unknown".into()),
            source: "unknown".into(),
            input,
            output,
            confidence: vec![DEFAULT_CONFIDENCE; names.len()],
            classes: classes::resolve(&names, &BTreeMap::new()),
            nms_iou: DEFAULT_NMS_IOU,
        })
    }

    /// The layout, and the number of classes where the shape tells it.
    fn output_layout(&self, size: (usize, usize)) -> Option<(OutputLayout, Option<usize>)> {
        let named = |name: &str| self.outputs.iter().any(|port| port.name == name);
        let second_input = self.inputs.iter().any(|port| port.name == "orig_target_sizes");
        if second_input && named("labels") && named("boxes") && named("scores") {
            return Some((OutputLayout::Detr, None));
        }
        let shapes: Vec<&[i64]> = self.outputs.iter().map(|port| port.shape.as_slice()).collect();
        let cells = yolox::cells(size) as i64;
        match *shapes.as_slice() {
            [&[_, n, 4], &[_, classes], &[_, scores], &[_]] if n == classes && n == scores => {
                Some((OutputLayout::Ssd, None))
            }
            [&[_, 7]] => Some((OutputLayout::NmsRows, None)),
            // YOLOX and YOLOv8 have one box per cell, YOLOv5 three. More than 6 columns, so that no end-to-end head is taken
            // for a grid of one class.
            [&[1 | -1, rows, columns]] if rows == cells && columns > 5 => {
                Some((OutputLayout::Yolox, usize::try_from(columns - 5).ok()))
            }
            [&[1 | -1, rows, columns]] if rows == 3 * cells && columns > 5 => {
                Some((OutputLayout::Yolov5, usize::try_from(columns - 5).ok()))
            }
            [&[1 | -1, columns, rows]] if rows == cells && columns > 4 => {
                Some((OutputLayout::Yolov8, usize::try_from(columns - 4).ok()))
            }
            [&[1 | -1, _, 6]] => Some((OutputLayout::EndToEnd, None)),
            _ => None,
        }
    }

    fn class_names(&self, output: OutputLayout, classes: Option<usize>) -> Result<Vec<String>, String> {
        let told = self.metadata.get("names").and_then(|text| parse_names(text));
        let names = match (told, output) {
            (Some(names), _) => names,
            (None, OutputLayout::Ssd) => classes::coco90(),
            (None, _) => classes::COCO80.map(str::to_owned).to_vec(),
        };
        match classes {
            Some(count) if count != names.len() => Err(format!(
                "{} layout with {count} classes, but {} names are known; write a model.toml with classes.names",
                output.as_str(),
                names.len()
            )),
            _ => Ok(names),
        }
    }

    /// `imgsz` in the metadata, `[height, width]`, as the YOLO exporters write it.
    fn metadata_size(&self) -> Option<[usize; 2]> {
        let text = self.metadata.get("imgsz")?.trim().trim_start_matches('[').trim_end_matches(']');
        let (height, width) = text.split_once(',')?;
        Some([width.trim().parse().ok()?, height.trim().parse().ok()?])
    }
}

/// `{0: 'person', 1: "dog's bowl"}`: a Python dictionary, which is how the exporters write names. Numbers run from 0.
fn parse_names(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim().strip_prefix('{')?;
    let mut names = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if rest.starts_with('}') {
            return (!names.is_empty()).then_some(names);
        }
        let (number, after) = rest.split_once(':')?;
        if number.trim().trim_matches(['\'', '"']).parse() != Ok(names.len()) {
            return None;
        }
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (name, after) = after[1..].split_once(quote)?;
        names.push(name.to_owned());
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, element: &str, shape: &[i64]) -> Port {
        Port { name: name.into(), element: element.into(), shape: shape.into() }
    }

    fn square(outputs: &[&[i64]]) -> Signature {
        let outputs = outputs.iter().enumerate().map(|(i, shape)| port(&format!("o{i}"), "f32", shape)).collect();
        Signature { inputs: vec![port("images", "f32", &[1, 3, 416, 416])], outputs, metadata: BTreeMap::new() }
    }

    #[test]
    fn layouts_are_told_by_their_shapes() {
        for (outputs, wanted) in [
            (&[&[1, 3549, 85][..]][..], OutputLayout::Yolox),
            (&[&[1, 10647, 85]], OutputLayout::Yolov5),
            (&[&[1, 84, 3549]], OutputLayout::Yolov8),
            (&[&[1, 300, 6]], OutputLayout::EndToEnd),
            (&[&[-1, 7]], OutputLayout::NmsRows),
            (&[&[1, 10, 4], &[1, 10], &[1, 10], &[1]], OutputLayout::Ssd),
        ] {
            assert_eq!(square(outputs).recognize("m").map(|spec| spec.output), Ok(wanted), "{outputs:?}");
        }
        let mut detr = square(&[]);
        detr.outputs = ["labels", "boxes", "scores"].map(|name| port(name, "f32", &[-1, -1])).to_vec();
        detr.inputs.push(port("orig_target_sizes", "i64", &[-1, 2]));
        assert_eq!(detr.recognize("m").unwrap().output, OutputLayout::Detr);
    }

    #[test]
    fn what_fits_nothing_is_listed() {
        let error = square(&[&[1, 1000]]).recognize("m").unwrap_err();
        assert!(error.contains("o0 f32(1,1000)") && error.contains("end_to_end (1,N,6)"), "{error}");
        let error = square(&[&[1, 3549, 8]]).recognize("m").unwrap_err();
        assert!(error.contains("yolox layout with 3 classes"), "{error}");
        let mut open = square(&[&[1, 84, -1]]);
        open.inputs[0].shape = vec![-1, 3, -1, -1];
        assert!(open.recognize("m").unwrap_err().contains("input.size"));
    }

    #[test]
    fn names_and_size_come_from_metadata() {
        let mut model = square(&[&[1, 6, 3549]]);
        model.inputs[0].shape = vec![-1, 3, -1, -1];
        model.metadata.insert("imgsz".into(), "[416, 416]".into());
        model.metadata.insert("names".into(), "{0: 'person', 1: \"dog's bowl\"}".into());
        let spec = model.recognize("m").unwrap();
        assert_eq!(spec.output, OutputLayout::Yolov8);
        assert_eq!(&*spec.classes[1].name, "dog's bowl");
        assert_eq!(parse_names("{1: 'a'}"), None);
        assert_eq!(parse_names("person, dog"), None);
    }
}
