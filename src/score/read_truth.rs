//! Truth from a file: a line of JSON for each thing that happened, and for what was watched or is not to be judged.
//!
//! A line with `kind` and a beginning is an event; one with `watched` says when its camera was looked at and the truth is whole;
//! one with `ignore` (a span, or `true`) says what is not to be judged. Fields that are not known (a zone's outline, a remark)
//! are passed over, so that a truth can say more than is scored.

use std::time::Duration;

use serde_json::Value;

use super::event::{Event, Ignored, Truth, Watched};
use super::fields::{Fields, Place, lines, object, shown};
use super::mistake::Mistakes;
use crate::domain::alert::AlertKind;
use crate::domain::detection::ObjectClass;
use crate::domain::time::Timestamp;

/// How far a beginning may be off where the truth does not say, in seconds.
const TOLERANCE_S: f64 = 2.0;

/// How a truth is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The moment that seconds count from: when a video's first frame was taken.
    pub origin: Timestamp,
    /// Only these videos (file name or stem), each with the camera it stands for; empty: all, each standing for the camera of
    /// its stem.
    pub videos: Vec<(String, Option<String>)>,
    /// Only these kinds; empty: all.
    pub kinds: Vec<String>,
}

/// The camera that a video stands for by its name: the file's stem as a camera's id is written.
pub fn camera_of_video(video: &str) -> String {
    let name = video.rsplit(['/', '\\']).next().unwrap_or(video);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// Reads a file's text.
pub fn read_truth(file: &str, text: &str, reading: &Reading) -> Result<Truth, Mistakes> {
    let mut truth = Truth::default();
    let mut mistakes = Mistakes::default();
    for (line, content) in lines(text) {
        let place = Place { file, line };
        let Some(object) = object(content, place, &mut mistakes) else { continue };
        let mut fields = Fields::new(&object, place, &mut mistakes);
        read_line(&mut fields, reading, &mut truth);
    }
    if mistakes.is_empty() { Ok(truth) } else { Err(mistakes) }
}

fn read_line(fields: &mut Fields<'_>, reading: &Reading, truth: &mut Truth) {
    let camera = match camera(fields, reading) {
        Camera::Of(camera) => Some(camera),
        Camera::NotAsked => return,
        Camera::Missing => None,
    };
    if fields.value("watched").is_some() {
        let span = fields.span("watched", reading.origin);
        if let (Some(camera), Some((from, until))) = (camera, span) {
            truth.watched.push(Watched { camera, from, until });
        }
    } else if let Some(ignore) = fields.value("ignore") {
        let always = *ignore == Value::Bool(true);
        let span = if always { None } else { fields.span("ignore", reading.origin) };
        let (kind, region) = (kind(fields), fields.polygon("region"));
        if let Some(camera) = camera.filter(|_| always || span.is_some()) {
            truth.ignored.push(Ignored { camera, span, kind, region });
        }
    } else if let Some(event) = event(fields, camera, reading)
        && (reading.kinds.is_empty() || reading.kinds.contains(&event.kind))
    {
        truth.events.push(event);
    }
}

enum Camera {
    Of(String),
    /// Of a video that is not asked for.
    NotAsked,
    Missing,
}

fn camera(fields: &mut Fields<'_>, reading: &Reading) -> Camera {
    let (named, video) = (fields.text("camera"), fields.text("video"));
    if reading.videos.is_empty() {
        return match (named, video) {
            (Some(camera), _) => Camera::Of(camera),
            (None, Some(video)) => Camera::Of(camera_of_video(&video)),
            (None, None) => {
                fields.missing("camera", "a camera's id, or `video`, a file's name");
                Camera::Missing
            }
        };
    }
    let Some(video) = video else {
        // What is said of a camera holds for the video that stands for it.
        let stands_for =
            |(name, camera): &(String, Option<String>)| camera.clone().unwrap_or_else(|| camera_of_video(name));
        let named = named.filter(|named| reading.videos.iter().any(|asked| stands_for(asked) == *named));
        return named.map_or(Camera::NotAsked, Camera::Of);
    };
    let is_same = |asked: &str| camera_of_video(asked) == camera_of_video(&video);
    match reading.videos.iter().find(|(asked, _)| is_same(asked)) {
        Some((_, camera)) => Camera::Of(camera.clone().or(named).unwrap_or_else(|| camera_of_video(&video))),
        None => Camera::NotAsked,
    }
}

fn kind(fields: &mut Fields<'_>) -> Option<String> {
    fields.word("kind", &AlertKind::ALL.map(AlertKind::as_str))
}

fn event(fields: &mut Fields<'_>, camera: Option<String>, reading: &Reading) -> Option<Event> {
    if fields.value("kind").is_none() {
        fields.missing("kind", "what happened, such as line_cross (or `watched`, or `ignore`)");
    }
    let kind = kind(fields);
    let start = fields.moment("start", reading.origin);
    if fields.value("start").is_none() && fields.value("start_s").is_none() {
        fields.missing("start_s", "when it began: seconds from the video's beginning (or `start`, a time of day)");
    }
    let due = fields.moment("due", reading.origin);
    let end = fields.moment("end", reading.origin);
    let watch_from = fields.moment("watch_from", reading.origin);
    let tolerance_s = fields.seconds("tolerance_s", "seconds, such as 0.5").unwrap_or(TOLERANCE_S);
    if !(0.0..=86_400.0).contains(&tolerance_s) {
        fields.wrong("tolerance_s", tolerance_s.to_string(), "0 to 86400 seconds");
    }
    for (name, moment) in [("due", due), ("end", end)] {
        if let (Some(start), Some(moment)) = (start, moment)
            && moment < start
        {
            let field = if fields.value(name).is_some() { name.to_owned() } else { format!("{name}_s") };
            let got = fields.value(&field).map_or_else(String::new, shown);
            fields.wrong(&field, got, "a moment not before the start");
        }
    }
    let class = fields.word("class", &ObjectClass::ALL.map(ObjectClass::as_str));
    let direction = fields.word("direction", &["left_to_right", "right_to_left"]);
    let (rule, name, optional) = (fields.text("rule"), fields.text("object"), fields.flag("optional"));
    let (camera, kind, start) = (camera?, kind?, start?);
    let tolerance = Duration::from_secs_f64(tolerance_s.clamp(0.0, 86_400.0));
    Some(Event {
        camera,
        kind,
        rule,
        class,
        direction,
        start,
        due: due.unwrap_or(start),
        end,
        tolerance,
        watch_from: watch_from.unwrap_or(start),
        optional,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fields::after;
    use super::*;

    fn read(text: &str) -> Result<Truth, Mistakes> {
        read_truth("truth.jsonl", text, &Reading { origin: Timestamp::from_millis(1_000_000), ..Reading::default() })
    }

    #[test]
    fn events_spans_and_places() {
        let truth = read(
            r#"# of my own
{"video": "videos/Car_park.mp4", "kind": "line_cross", "start_s": 6.3, "due_s": 6.3, "tolerance_s": 0.5, "class": "car", "line": [[0,0.5],[1,0.5]], "direction": "right_to_left"}

{"camera": "gate", "kind": "loitering", "start": "1970-01-01T00:17:00Z", "due": "1970-01-01T00:17:15Z", "end_s": 60, "rule": "lingers"}
{"camera": "gate", "watched": [0, 3600]}
{"camera": "gate", "ignore": [10, 20], "kind": "loitering", "region": [[0,0],[1,0],[1,1]]}
{"camera": "gate", "ignore": true}"#,
        )
        .unwrap();
        let [car, loiterer] = truth.events.as_slice() else { panic!("{truth:?}") };
        assert_eq!((car.camera.as_str(), car.class.as_deref()), ("car-park", Some("car")));
        assert_eq!(car.start, after(Timestamp::from_millis(1_000_000), 6.3));
        assert_eq!(
            (loiterer.tolerance, loiterer.due.since(loiterer.start)),
            (Duration::from_secs(2), Duration::from_secs(15))
        );
        assert_eq!(truth.watched[0].until.since(truth.watched[0].from), Duration::from_hours(1));
        assert_eq!((truth.ignored.len(), truth.ignored[1].span), (2, None));
    }

    #[test]
    fn every_mistake_is_told_with_line_and_field() {
        let mistakes = read(
            r#"{"camera": "gate", "kind": "line_crosss", "start_s": 6.3}
{"kind": "loitering", "start_s": "six"}
{"camera": "gate", "kind": "loitering", "start_s": 5, "end_s": 4}
{"camera": "gate", "kind": "loitering", "start_s": NaN}
{"camera": "gate", "kind": "loitering"}
{"camera": "gate", "watched": [20, 10]}
{"camera": "gate", "kind": "loitering", "start": "yesterday", "tolerance_s": -1}
[1]
{"camera": "gate", "start_s": 1}"#,
        )
        .unwrap_err();
        let told: Vec<(usize, &str)> = mistakes.told.iter().map(|m| (m.line, m.field.as_str())).collect();
        let expected = [
            (1, "kind"),
            (2, "camera"),
            (2, "start_s"),
            (3, "end_s"),
            (4, ""),
            (5, "start_s"),
            (6, "watched"),
            (7, "start"),
            (7, "tolerance_s"),
            (8, ""),
            (9, "kind"),
        ];
        assert_eq!(told, expected, "{mistakes}");
        assert!(
            mistakes.told[0]
                .to_string()
                .starts_with("truth.jsonl:1: kind: got \"line_crosss\", wants one of line_cross")
        );
    }

    #[test]
    fn mistakes_do_not_fill_the_screen() {
        let mistakes = read(&"no\n".repeat(100)).unwrap_err();
        assert_eq!((mistakes.told.len(), mistakes.count()), (20, 100));
        assert!(mistakes.to_string().ends_with("and 80 more"));
    }

    #[test]
    fn videos_are_chosen_and_stand_for_cameras() {
        let text = r#"{"video": "videos/a_1.mp4", "kind": "zone_enter", "start_s": 1}
{"video": "b.mp4", "kind": "zone_enter", "start_s": 1}
{"camera": "yard", "watched": [0, 10]}
{"camera": "b", "watched": [0, 10]}"#;
        let videos = vec![("a_1.mp4".to_owned(), Some("yard".to_owned()))];
        let truth = read_truth("t", text, &Reading { videos, ..Reading::default() }).unwrap();
        assert_eq!(truth.events.iter().map(|e| e.camera.as_str()).collect::<Vec<_>>(), ["yard"]);
        assert_eq!(truth.watched.iter().map(|w| w.camera.as_str()).collect::<Vec<_>>(), ["yard"]);
    }
}
