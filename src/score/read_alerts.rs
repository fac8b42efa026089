//! Alerts from a file: what `lightbar replay` writes, what `lightbar feed --json` prints, or what a Kafka tool dumps with the
//! alert inside (`payload`, `value` or `data`, as an object or as text).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::event::Told;
use super::fields::{Fields, Place, lines, object};
use super::mistake::Mistakes;
use crate::domain::alert::AlertKind;

/// What a file of alerts has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertFile {
    /// Alerts that opened, in order of the file.
    pub told: Vec<Told>,
    /// Alerts of which only later changes are there: the frame that raised them is not known, so they are not judged.
    pub without_opening: usize,
    /// Lines that repeat an opening, as a consumer's dump may.
    pub repeated: usize,
    /// Alerts of no camera (of the service itself), which a truth of cameras says nothing about.
    pub of_no_camera: usize,
}

/// Reads a file's text.
pub fn read_alerts(file: &str, text: &str) -> Result<AlertFile, Mistakes> {
    let mut mistakes = Mistakes::default();
    let mut read = Read::default();
    for (line, content) in lines(text) {
        let place = Place { file, line };
        let Some(outer) = object(content, place, &mut mistakes) else { continue };
        let alert = unwrapped(outer);
        read.line(&mut Fields::new(&alert, place, &mut mistakes));
    }
    if mistakes.is_empty() { Ok(read.finish()) } else { Err(mistakes) }
}

#[derive(Default)]
struct Read {
    file: AlertFile,
    /// Where each alert stands in `file.told`; none: no opening was seen.
    places: BTreeMap<String, Option<usize>>,
}

impl Read {
    fn line(&mut self, fields: &mut Fields<'_>) {
        let id = fields.required_text("alert_id", "an alert's id; is this a file of alerts?");
        let phase = fields.word("phase", &["opened", "updated", "ended"]);
        if fields.value("phase").is_none() {
            fields.missing("phase", "opened, updated or ended");
        }
        let (Some(id), Some(phase)) = (id, phase) else { return };
        let known = self.places.get(&id).copied();
        match (phase.as_str(), known) {
            ("opened", Some(Some(_))) => self.file.repeated += 1,
            ("opened", _) => {
                if fields.value("camera").is_none() && fields.value("node").is_some() {
                    self.file.of_no_camera += 1;
                    self.places.insert(id, None);
                } else if let Some(told) = told(fields, &id) {
                    self.places.insert(id, Some(self.file.told.len()));
                    self.file.told.push(told);
                }
            }
            ("ended", Some(Some(place))) => self.file.told[place].ended_at = fields.rfc3339("timing.ended_at"),
            (_, None) => {
                self.file.without_opening += 1;
                self.places.insert(id, None);
            }
            _ => {}
        }
    }

    fn finish(self) -> AlertFile {
        self.file
    }
}

/// The alert in what a tool put around it.
fn unwrapped(mut outer: Map<String, Value>) -> Map<String, Value> {
    if outer.contains_key("alert_id") {
        return outer;
    }
    for key in ["payload", "value", "data"] {
        match outer.remove(key) {
            Some(Value::Object(inner)) if inner.contains_key("alert_id") => return inner,
            Some(Value::String(text)) => {
                if let Ok(Value::Object(inner)) = serde_json::from_str(&text) {
                    return inner;
                }
            }
            Some(other) => drop(outer.insert(key.to_owned(), other)),
            None => {}
        }
    }
    outer
}

fn told(fields: &mut Fields<'_>, id: &str) -> Option<Told> {
    let camera = fields.required_text("camera.id", "the camera's id");
    if fields.value("kind").is_none() {
        fields.missing("kind", "what happened, such as line_cross");
    }
    let kind = fields.word("kind", &AlertKind::ALL.map(AlertKind::as_str));
    if fields.value("timing.captured_at").is_none() {
        fields.missing("timing.captured_at", "a time such as 2026-03-01T08:15:30.250Z");
    }
    let captured_at = fields.rfc3339("timing.captured_at");
    let started_at =
        if fields.value("timing.started_at").is_some() { fields.rfc3339("timing.started_at") } else { captured_at };
    if let (Some(started), Some(captured)) = (started_at, captured_at)
        && started > captured
    {
        let got = fields.value("timing.started_at").map_or_else(String::new, Value::to_string);
        fields.wrong("timing.started_at", got, "a time not after timing.captured_at");
    }
    let status =
        fields.word("status", &["Actual", "Exercise", "System", "Test"]).unwrap_or_else(|| "Actual".to_owned());
    let (rule, direction) = (fields.text("rule.id"), fields.text("crossing.direction"));
    let objects = fields.value("objects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let classes = objects.iter().filter_map(|o| o.get("class")?.as_str().map(str::to_owned)).collect();
    let anchors = objects.iter().filter_map(anchor).collect();
    Some(Told {
        alert_id: id.to_owned(),
        camera: camera?,
        kind: kind?,
        rule,
        status,
        classes,
        direction,
        started_at: started_at?,
        captured_at: captured_at?,
        ended_at: None,
        anchors,
    })
}

fn anchor(object: &Value) -> Option<(f64, f64)> {
    let side = |name: &str| object.get("bbox")?.get(name)?.as_f64();
    Some((side("x")? + side("w")? / 2.0, side("y")? + side("h")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(id: &str, phase: &str) -> Value {
        json!({
            "alert_id": id, "phase": phase, "status": "Actual", "kind": "loitering", "camera": { "id": "yard" },
            "rule": { "id": "lingers", "rev": 1 },
            "objects": [{ "class": "person", "bbox": { "x": 0.4, "y": 0.2, "w": 0.2, "h": 0.4 } }],
            "timing": { "started_at": "2026-01-01T00:00:01.500Z", "captured_at": "2026-01-01T00:00:09Z", "ended_at": "2026-01-01T00:00:20Z" },
        })
    }

    #[test]
    fn openings_are_told_and_ends_belong_to_them() {
        let text = [
            alert("x", "opened"),
            alert("x", "updated"),
            alert("x", "ended"),
            alert("y", "ended"),
            alert("x", "opened"),
        ]
        .map(|a| a.to_string())
        .join("\n");
        let file = read_alerts("a.jsonl", &text).unwrap();
        assert_eq!((file.told.len(), file.without_opening, file.repeated), (1, 1, 1));
        let told = &file.told[0];
        assert_eq!(told.captured_at.since(told.started_at).as_millis(), 7500);
        assert_eq!((told.rule.as_deref(), told.classes.as_slice()), (Some("lingers"), &["person".to_owned()][..]));
        assert!(told.ended_at.is_some());
        assert!((told.anchors[0].0 - 0.5).abs() < 1e-9 && (told.anchors[0].1 - 0.6).abs() < 1e-9);
    }

    #[test]
    fn dumps_are_unwrapped() {
        let lines = [
            json!({ "topic": "lightbar.alerts.v1", "offset": 3, "payload": alert("a", "opened").to_string() }),
            json!({ "specversion": "1.0", "data": alert("b", "opened") }),
        ];
        let file = read_alerts("dump", &lines.map(|l| l.to_string()).join("\n")).unwrap();
        assert_eq!(file.told.iter().map(|t| t.alert_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn mistakes_have_line_and_field() {
        let mut bad = alert("x", "opened");
        bad["kind"] = json!("lingering");
        bad["timing"]["captured_at"] = json!("soon");
        let mut backwards = alert("z", "opened");
        backwards["timing"]["started_at"] = json!("2026-01-01T00:00:10Z");
        let text = format!("{{\"a\": 1}}\n{bad}\n{backwards}");
        let mistakes = read_alerts("a.jsonl", &text).unwrap_err();
        let told: Vec<(usize, &str)> = mistakes.told.iter().map(|m| (m.line, m.field.as_str())).collect();
        let expected =
            [(1, "alert_id"), (1, "phase"), (2, "kind"), (2, "timing.captured_at"), (3, "timing.started_at")];
        assert_eq!(told, expected);
    }
}
