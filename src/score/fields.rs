//! The fields of a line of JSON, each asked for by name; what is wrong is noted, with what was there and what was wanted.

use serde_json::{Map, Value};

use super::mistake::{Mistake, Mistakes};
use crate::contract::time::parse_rfc3339;
use crate::domain::time::Timestamp;

/// Seconds that can be meant: ten years.
const SECONDS_MAX: f64 = 3.2e8;

/// One line's object.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    place: Place<'a>,
    mistakes: &'a mut Mistakes,
}

/// A line of a file.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: usize,
}

impl Place<'_> {
    pub(super) fn mistake(self, field: &str, got: impl Into<String>, wants: impl Into<String>) -> Mistake {
        Mistake {
            file: self.file.to_owned(),
            line: self.line,
            field: field.to_owned(),
            got: got.into(),
            wants: wants.into(),
        }
    }
}

/// Reads a text of JSON lines; empty lines and those that begin with `#` are passed over.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered =
        text.lines().enumerate().map(|(index, line)| (index + 1, line.trim().trim_start_matches('\u{feff}')));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The line's object; a mistake where it is none.
pub(super) fn object(line: &str, place: Place<'_>, mistakes: &mut Mistakes) -> Option<Map<String, Value>> {
    const WANTS: &str = "one JSON object";
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Some(object),
        Ok(other) => {
            mistakes.add(place.mistake("", shown(&other), WANTS));
            None
        }
        Err(error) => {
            // NaN and Infinity are no JSON, and are what a script that computes a truth writes by accident.
            let got = format!("{} ({error})", shortened(line));
            mistakes.add(place.mistake("", got, WANTS));
            None
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, place: Place<'a>, mistakes: &'a mut Mistakes) -> Self {
        Self { object, place, mistakes }
    }

    /// Notes a mistake of a field.
    pub(super) fn wrong(&mut self, field: &str, got: impl Into<String>, wants: impl Into<String>) {
        self.mistakes.add(self.place.mistake(field, got, wants));
    }

    /// A field that is not there.
    pub(super) fn missing(&mut self, field: &str, wants: &str) {
        self.wrong(field, "nothing", wants);
    }

    /// What stands at a field (`a.b` for an object within); null counts as nothing.
    pub(super) fn value(&self, field: &str) -> Option<&'a Value> {
        let mut parts = field.split('.');
        let mut value = self.object.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        (!value.is_null()).then_some(value)
    }

    /// A text, where it is there.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match self.value(field)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            other => {
                self.wrong(field, shown(other), "a text");
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, field: &str, wants: &str) -> Option<String> {
        if self.value(field).is_none() {
            self.missing(field, wants);
            return None;
        }
        self.text(field)
    }

    /// A word out of a list, where it is there.
    pub(super) fn word(&mut self, field: &str, words: &[&str]) -> Option<String> {
        let word = self.text(field)?;
        if words.contains(&word.as_str()) {
            return Some(word);
        }
        self.wrong(field, format!("{word:?}"), format!("one of {}", words.join(", ")));
        None
    }

    /// Whether a flag is set.
    pub(super) fn flag(&mut self, field: &str) -> bool {
        match self.value(field) {
            None => false,
            Some(Value::Bool(set)) => *set,
            Some(other) => {
                self.wrong(field, shown(other), "true or false");
                false
            }
        }
    }

    /// Seconds, where they are there.
    pub(super) fn seconds(&mut self, field: &str, wants: &str) -> Option<f64> {
        let value = self.value(field)?;
        let seconds = value.as_f64().filter(|s| s.is_finite() && s.abs() <= SECONDS_MAX);
        if seconds.is_none() {
            self.wrong(field, shown(value), wants);
        }
        seconds
    }

    /// A moment: `{name}` as RFC 3339, or `{name}_s` as seconds from `origin`.
    pub(super) fn moment(&mut self, name: &str, origin: Timestamp) -> Option<Timestamp> {
        if self.value(name).is_some() {
            return self.rfc3339(name);
        }
        let seconds = self.seconds(&format!("{name}_s"), "seconds from the video's beginning, such as 6.3")?;
        Some(after(origin, seconds))
    }

    /// A moment as RFC 3339.
    pub(super) fn rfc3339(&mut self, field: &str) -> Option<Timestamp> {
        let value = self.value(field)?;
        let at = value.as_str().and_then(parse_rfc3339);
        if at.is_none() {
            self.wrong(field, shown(value), "a time such as 2026-03-01T08:15:30.250Z");
        }
        at
    }

    /// A span `[from, until]`, each in seconds from `origin` or as RFC 3339; also where the field is anything else, a mistake.
    pub(super) fn span(&mut self, field: &str, origin: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let value = self.value(field)?;
        let moment = |value: &Value| match value {
            Value::String(text) => parse_rfc3339(text),
            other => other.as_f64().filter(|s| s.abs() <= SECONDS_MAX).map(|s| after(origin, s)),
        };
        let both = match value.as_array().map(Vec::as_slice) {
            Some([from, until]) => moment(from).zip(moment(until)),
            _ => None,
        };
        let span = both.filter(|(from, until)| from < until);
        if span.is_none() {
            self.wrong(field, shown(value), "[from, until], from before until, in seconds or as 2026-03-01T08:15:30Z");
        }
        span
    }

    /// A polygon of at least three points, 0..1.
    pub(super) fn polygon(&mut self, field: &str) -> Option<Vec<(f64, f64)>> {
        let value = self.value(field)?;
        let point = |value: &Value| match value.as_array()?.as_slice() {
            [x, y] => {
                Some((x.as_f64()?, y.as_f64()?)).filter(|(x, y)| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y))
            }
            _ => None,
        };
        let points: Option<Vec<(f64, f64)>> = value.as_array().and_then(|all| all.iter().map(point).collect());
        let polygon = points.filter(|points| points.len() >= 3);
        if polygon.is_none() {
            self.wrong(field, shown(value), "three or more points [x, y] between 0 and 1");
        }
        polygon
    }
}

/// A moment some seconds (also before) another.
pub(super) fn after(origin: Timestamp, seconds: f64) -> Timestamp {
    Timestamp::from_nanos(origin.as_nanos().saturating_add((seconds * 1e9).round() as i64))
}

/// A value as it stands there, not too long.
pub(super) fn shown(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let head: String = text.chars().take(SHOWN).collect();
    format!("{head}...")
}
