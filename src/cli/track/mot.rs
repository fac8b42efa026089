//! MOT Challenge text: detections in, tracks out. Knows the format only, not how tracks are made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
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

/// How many mistakes are shown; a file that is something else altogether has one on each line.
const SHOWN: usize = 20;

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    pub(super) size: MotSize,
    pub(super) scores: Scores,
    /// What the numbers of the eighth field mean, from 1; none: the field is not read, and everything is a person.
    pub(super) classes: Vec<ObjectClass>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Mistake {
    #[error("wanted frame,id,left,top,width,height,confidence, got {got} fields: {text:?}")]
    Fields { got: usize, text: String },
    #[error("no field 8, which --classes reads: {text:?}")]
    NoClass { text: String },
    #[error("{field} (field {at}) wants a number, got {got:?}")]
    Number { field: &'static str, at: usize, got: String },
    #[error("frame (field 1) counts from 1 to {LAST_FRAME}, got {got}")]
    Frame { got: String },
    #[error("{field} (field {at}) wants to be above 0, got {got}")]
    Size { field: &'static str, at: usize, got: f64 },
    #[error(
        "confidence (field 7) wants to be between 0 and 1, or -1 for none, got {got}; raw scores want --scores logistic"
    )]
    Confidence { got: f64 },
    #[error("class (field 8) wants to be 1 to {last}, as --classes counts, got {got}")]
    Class { got: f64, last: usize },
}

/// Everything that is wrong with a text, the first mistakes in full.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MotError {
    shown: Vec<(usize, Mistake)>,
    /// Lines that cannot be used.
    pub(super) lines: usize,
}

impl fmt::Display for MotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (line, mistake) in &self.shown {
            write!(f, "{between}line {line}: {mistake}")?;
            between = "\n";
        }
        let shown = self.shown.iter().map(|(line, _)| line).collect::<BTreeSet<_>>().len();
        if self.lines > shown { write!(f, "\n... and {} more lines", self.lines - shown) } else { Ok(()) }
    }
}

impl std::error::Error for MotError {}

/// Reads detections: those of the lines that can be used, and what is wrong with the others. Empty lines and comments (`#`) are
/// passed over; frames may come in any order and leave gaps.
pub(super) fn parse(text: &str, form: &Form) -> (Frames, Option<MotError>) {
    let mut frames = Frames::new();
    let mut bad = MotError { shown: Vec::new(), lines: 0 };
    // Files that passed through a Windows editor begin with a mark.
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line, form) {
            Ok((frame, detection)) => frames.entry(frame).or_default().push(detection),
            Err(mistakes) => {
                bad.lines += 1;
                let room = SHOWN.saturating_sub(bad.shown.len());
                bad.shown.extend(mistakes.into_iter().take(room).map(|mistake| (i + 1, mistake)));
            }
        }
    }
    (frames, (bad.lines > 0).then_some(bad))
}

/// The detection of a line, or everything that is wrong with it.
fn parse_line(text: &str, form: &Form) -> Result<(u32, Detection), Vec<Mistake>> {
    let fields: Vec<&str> =
        if text.contains(',') { text.split(',').map(str::trim).collect() } else { text.split_whitespace().collect() };
    let excerpt = || text.chars().take(80).collect::<String>();
    if fields.len() < 7 {
        return Err(vec![Mistake::Fields { got: fields.len(), text: excerpt() }]);
    }
    let mut mistakes = Vec::new();
    let mut number = |index: usize, field: &'static str| -> f64 {
        let parsed = fields[index].parse::<f64>().ok().filter(|n| n.is_finite());
        if parsed.is_none() {
            mistakes.push(Mistake::Number { field, at: index + 1, got: fields[index].to_owned() });
        }
        parsed.unwrap_or(f64::NAN)
    };
    let (frame, left, top) = (number(0, "frame"), number(2, "left"), number(3, "top"));
    let (width, height, score) = (number(4, "width"), number(5, "height"), number(6, "confidence"));
    let class = if form.classes.is_empty() || fields.len() < 8 { 1.0 } else { number(7, "class") };
    if !form.classes.is_empty() && fields.len() < 8 {
        mistakes.push(Mistake::NoClass { text: excerpt() });
    }
    // A field that is no number has been complained of above.
    if !frame.is_nan() && (!(1.0..=f64::from(LAST_FRAME)).contains(&frame) || frame.fract() != 0.0) {
        mistakes.push(Mistake::Frame { got: fields[0].to_owned() });
    }
    for (got, field, at) in [(width, "width", 5), (height, "height", 6)] {
        if got <= 0.0 {
            mistakes.push(Mistake::Size { field, at, got });
        }
    }
    let confidence = form.scores.confidence(score).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        f64::NAN
    });
    let class = form.class(class).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        ObjectClass::Unknown
    });
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    // Their first pixel is (1, 1), ours (0, 0).
    let size = form.size;
    let bbox =
        BBox::new((left - 1.0) / size.width, (top - 1.0) / size.height, width / size.width, height / size.height);
    let confidence = Confidence::clamped(confidence as f32);
    Ok((frame as u32, Detection { bbox, class, label: None, confidence }))
}

impl Scores {
    fn confidence(self, score: f64) -> Result<f64, Mistake> {
        match self {
            _ if score.is_nan() => Ok(score),
            Self::Unit if (0.0..=1.0).contains(&score) => Ok(score),
            Self::Unit if (score + 1.0).abs() < f64::EPSILON => Ok(1.0),
            Self::Unit => Err(Mistake::Confidence { got: score }),
            Self::Logistic => Ok(1.0 / (1.0 + (-score).exp())),
        }
    }
}

impl Form {
    fn class(&self, number: f64) -> Result<ObjectClass, Mistake> {
        if self.classes.is_empty() {
            return Ok(ObjectClass::Person);
        }
        if number.is_nan() {
            return Ok(ObjectClass::Unknown);
        }
        let index = (number >= 1.0 && number.fract() == 0.0).then_some(number as usize);
        let class = index.and_then(|i| self.classes.get(i - 1)).copied();
        class.ok_or(Mistake::Class { got: number, last: self.classes.len() })
    }
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

    fn form() -> Form {
        Form { size: "100x200".parse().unwrap(), scores: Scores::Unit, classes: Vec::new() }
    }

    fn error(text: &str) -> String {
        parse(text, &form()).1.unwrap().to_string()
    }

    #[test]
    fn pixels_become_fractions_and_back() {
        let (frames, bad) = parse("\n3,-1,11,21,10,20,0.5,-1,-1,-1\r\n", &form());
        assert_eq!(bad, None);
        let bbox = frames[&3][0].bbox;
        assert_eq!(bbox, BBox::new(0.1, 0.1, 0.1, 0.1));
        let row = Row { frame: 3, track: 7, bbox, confidence: Confidence::clamped(0.5) };
        assert_eq!(write(&[row], form().size), "3,7,11.00,21.00,10.00,20.00,0.5000,-1,-1,-1\n");
    }

    #[test]
    fn each_error_says_where_and_what_and_all_at_once() {
        let text = "1,-1,1,1,5,5,0.5\n1,-1,nan,1,5,5,0.5\n1,-1,1,1,0,-5,0.5\n0,-1,1,1,5,5,0.5";
        assert_eq!(
            error(text),
            "line 2: left (field 3) wants a number, got \"nan\"\n\
             line 3: width (field 5) wants to be above 0, got 0\n\
             line 3: height (field 6) wants to be above 0, got -5\n\
             line 4: frame (field 1) counts from 1 to 1000000, got 0"
        );
        assert!(error("1,2,3").starts_with("line 1: wanted frame,id,left"), "{}", error("1,2,3"));
        assert!(error("1,-1,1,1,5,5,37").contains("--scores logistic"));
        assert!(error("1,-1,1,1,5,-inf,1").contains("height (field 6) wants a number"));
        assert!(error("1,-1,,1,5,5,1").contains("left (field 3) wants a number, got \"\""));
    }

    #[test]
    fn a_file_that_is_something_else_gives_a_short_answer() {
        let said = error(&"<html>\n".repeat(5000));
        assert_eq!(said.lines().count(), SHOWN + 1);
        assert!(said.ends_with("... and 4980 more lines"), "{said}");
    }

    #[test]
    fn what_can_be_used_is_used() {
        let (frames, bad) = parse("\u{feff}# a comment\n9 -1 1 1 5 5 1\n2,-1,1,1,nan,5,1\n4,-1,1,1,5,5,1", &form());
        assert_eq!(frames.keys().copied().collect::<Vec<_>>(), [4, 9], "gaps, any order, either separator");
        assert_eq!(bad.unwrap().lines, 1);
    }

    #[test]
    fn scores_of_all_kinds() {
        assert_eq!(parse("1,-1,1,1,5,5,-1", &form()).1, None);
        let (raw, _) = parse("1,-1,1,1,5,5,0", &Form { scores: Scores::Logistic, ..form() });
        assert!((raw[&1][0].confidence.get() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn classes_are_read_where_they_are_named() {
        let form = Form { classes: vec![ObjectClass::Person, ObjectClass::Car], ..form() };
        let (frames, bad) = parse("1,-1,1,1,5,5,1,2,-1,-1\n1,-1,1,1,5,5,1,3\n1,-1,1,1,5,5,1", &form);
        assert_eq!(frames[&1][0].class, ObjectClass::Car);
        let said = bad.unwrap().to_string();
        assert!(said.contains("line 2: class (field 8) wants to be 1 to 2"), "{said}");
        assert!(said.contains("line 3: no field 8"), "{said}");
    }

    #[test]
    fn sizes_are_checked() {
        for bad in ["1920", "0x10", "1920x", "-1x5", "1920x1080x3", "99999x1"] {
            assert!(bad.parse::<MotSize>().is_err(), "{bad}");
        }
    }
}
