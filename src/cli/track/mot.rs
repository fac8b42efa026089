//! MOT Challenge text: detections in, tracks out. Knows the format only, not how tracks are made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use crate::domain::detection::{Confidence, Detection, ObjectClass};
use crate::domain::geometry::BBox;

/// Detections by frame, counted from 1; a frame without any is absent.
pub(super) type Frames = BTreeMap<u32, Vec<Detection>>;

/// Beyond this a frame number is taken for a mistake: eleven hours at 25 frames per second.
const LAST_FRAME: u32 = 1_000_000;

/// The size of the pictures, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MotSize {
    width: f64,
    height: f64,
}

impl FromStr for MotSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("wanted WIDTHxHEIGHT in pixels such as 1920x1080, got {text:?}");
        let (w, h) = text.split_once('x').ok_or_else(wanted)?;
        let side = |side: &str| side.parse::<u16>().ok().filter(|n| *n > 0).map(f64::from).ok_or_else(wanted);
        Ok(Self { width: side(w)?, height: side(h)? })
    }
}

/// What the confidences of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scores {
    /// Between 0 and 1; -1 means that there is none.
    Unit,
    /// Any number; 0 is as likely as not.
    Logistic,
}

/// A track on a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) frame: u32,
    pub(super) track: u64,
    pub(super) bbox: BBox,
    pub(super) confidence: Confidence,
}

/// Why a text is not MOT Challenge detections.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum MotError {
    #[error("line {line}: wanted frame,id,left,top,width,height,confidence, got {got} fields: {text:?}")]
    Fields { line: usize, got: usize, text: String },
    #[error("line {line}: {field} wants a number, got {got:?}")]
    Number { line: usize, field: &'static str, got: String },
    #[error("line {line}: frames count from 1 to {LAST_FRAME}, got {got}")]
    Frame { line: usize, got: String },
    #[error("line {line}: width and height want to be above 0, got {width} x {height}")]
    Size { line: usize, width: f64, height: f64 },
    #[error("line {line}: a confidence wants to be between 0 and 1, got {got}; raw scores want --scores logistic")]
    Confidence { line: usize, got: f64 },
}

/// Reads detections. Empty lines are passed over; frames may come in any order.
pub(super) fn parse(text: &str, size: MotSize, scores: Scores) -> Result<Frames, MotError> {
    let mut frames = Frames::new();
    for (i, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            let (frame, detection) = parse_line(i + 1, line, size, scores)?;
            frames.entry(frame).or_default().push(detection);
        }
    }
    Ok(frames)
}

fn parse_line(line: usize, text: &str, size: MotSize, scores: Scores) -> Result<(u32, Detection), MotError> {
    let fields: Vec<&str> = text.split([',', ' ', '\t']).filter(|f| !f.is_empty()).map(str::trim).collect();
    if fields.len() < 7 {
        return Err(MotError::Fields { line, got: fields.len(), text: text.trim().chars().take(80).collect() });
    }
    let number = |index: usize, field: &'static str| {
        let parsed = fields[index].parse::<f64>().ok().filter(|n| n.is_finite());
        parsed.ok_or_else(|| MotError::Number { line, field, got: fields[index].to_owned() })
    };
    let frame = number(0, "frame")?;
    if !(1.0..=f64::from(LAST_FRAME)).contains(&frame) || frame.fract() != 0.0 {
        return Err(MotError::Frame { line, got: fields[0].to_owned() });
    }
    let (left, top, width, height) = (number(2, "left")?, number(3, "top")?, number(4, "width")?, number(5, "height")?);
    if width <= 0.0 || height <= 0.0 {
        return Err(MotError::Size { line, width, height });
    }
    let confidence = match (scores, number(6, "confidence")?) {
        (Scores::Unit, c) if (0.0..=1.0).contains(&c) => c,
        (Scores::Unit, c) if (c + 1.0).abs() < f64::EPSILON => 1.0,
        (Scores::Unit, got) => return Err(MotError::Confidence { line, got }),
        (Scores::Logistic, c) => 1.0 / (1.0 + (-c).exp()),
    };
    // Their first pixel is (1, 1), ours (0, 0).
    let bbox =
        BBox::new((left - 1.0) / size.width, (top - 1.0) / size.height, width / size.width, height / size.height);
    let confidence = Confidence::clamped(confidence as f32);
    Ok((frame as u32, Detection { bbox, class: ObjectClass::Person, label: None, confidence }))
}

/// Writes tracks.
pub(super) fn write(rows: &[Row], size: MotSize) -> String {
    let mut text = String::new();
    for Row { frame, track, bbox, confidence } in rows {
        let (left, top) = (bbox.x * size.width + 1.0, bbox.y * size.height + 1.0);
        let (width, height) = (bbox.w * size.width, bbox.h * size.height);
        writeln!(text, "{frame},{track},{left:.2},{top:.2},{width:.2},{height:.2},{:.4},-1,-1,-1", confidence.get())
            .expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size() -> MotSize {
        "100x200".parse().unwrap()
    }

    fn error(text: &str) -> String {
        parse(text, size(), Scores::Unit).unwrap_err().to_string()
    }

    #[test]
    fn pixels_become_fractions_and_back() {
        let frames = parse("\n3,-1,11,21,10,20,0.5,-1,-1,-1\r\n", size(), Scores::Unit).unwrap();
        let bbox = frames[&3][0].bbox;
        assert_eq!(bbox, BBox::new(0.1, 0.1, 0.1, 0.1));
        let row = Row { frame: 3, track: 7, bbox, confidence: Confidence::clamped(0.5) };
        assert_eq!(write(&[row], size()), "3,7,11.00,21.00,10.00,20.00,0.5000,-1,-1,-1\n");
    }

    #[test]
    fn each_error_says_where_and_what() {
        assert_eq!(error("1,-1,1,1,5,5,0.5\n1,-1,nan,1,5,5,0.5"), "line 2: left wants a number, got \"nan\"");
        assert_eq!(error("1,-1,1,1,0,5,0.5"), "line 1: width and height want to be above 0, got 0 x 5");
        assert_eq!(error("0,-1,1,1,5,5,0.5"), "line 1: frames count from 1 to 1000000, got 0");
        assert!(error("1,2,3").starts_with("line 1: wanted frame,id,left"), "{}", error("1,2,3"));
        assert!(error("1,-1,1,1,5,5,37").contains("--scores logistic"));
        assert!(error("1,-1,1,1,5,-inf,1").contains("height wants a number"));
    }

    #[test]
    fn scores_of_all_kinds() {
        assert!(parse("1,-1,1,1,5,5,-1", size(), Scores::Unit).is_ok());
        let raw = parse("1,-1,1,1,5,5,0", size(), Scores::Logistic).unwrap();
        assert!((raw[&1][0].confidence.get() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn sizes_are_checked() {
        for bad in ["1920", "0x10", "1920x", "-1x5", "1920x1080x3", "99999x1"] {
            assert!(bad.parse::<MotSize>().is_err(), "{bad}");
        }
    }
}
