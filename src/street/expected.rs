//! The truth in absolute time: what a running street has shown, or will show, between two moments.

use std::time::Duration;

use serde_json::json;

use super::actor::Class;
use super::cameras::{self, DemoCamera, PERIOD_S};
use super::truth::{self, TruthEvent};
use crate::domain::time::Timestamp;
use crate::score::Event;

/// Something that happens in front of a camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// What.
    pub event: TruthEvent,
    /// When it begins.
    pub start: Timestamp,
    /// When it is to be told.
    pub due: Timestamp,
    /// From when on one must have watched to know it.
    pub watch_from: Timestamp,
}

impl Expected {
    /// How far the told beginning may be from `start`.
    pub fn tolerance(&self) -> Duration {
        Duration::from_secs_f64(self.event.tolerance_s)
    }

    /// As the score reads it.
    pub fn for_score(&self) -> Event {
        let e = &self.event;
        Event {
            camera: e.camera.to_owned(),
            kind: e.kind.to_owned(),
            rule: e.rule.map(str::to_owned),
            class: e.class.map(|class| class.as_str().to_owned()),
            direction: e.left_to_right.map(|way| if way { "left_to_right" } else { "right_to_left" }.to_owned()),
            start: self.start,
            due: self.due,
            end: None,
            tolerance: self.tolerance(),
            watch_from: self.watch_from,
            optional: e.doubtful,
            name: None,
        }
    }

    /// As the lines of `lightbar street truth`.
    pub fn to_json(&self) -> serde_json::Value {
        let e = &self.event;
        let direction = e.left_to_right.map(|way| if way { "left_to_right" } else { "right_to_left" });
        json!({
            "camera": e.camera, "kind": e.kind, "rule": e.rule, "place": e.figure, "class": e.class.map(Class::as_str),
            "direction": direction, "start_ms": self.start.as_millis(), "due_ms": self.due.as_millis(),
            "watch_from_ms": self.watch_from.as_millis(), "start_s": e.start_s, "due_s": e.due_s, "tolerance_s": e.tolerance_s,
        })
    }
}

/// All that begins from `from` until `until` on a street whose first round began at `started_at`, in order of time.
pub fn between(started_at: Timestamp, from: Timestamp, until: Timestamp) -> Vec<Expected> {
    of(&cameras::all(), started_at, from, until)
}

/// The same for these cameras.
pub fn of(cameras: &[DemoCamera], started_at: Timestamp, from: Timestamp, until: Timestamp) -> Vec<Expected> {
    let once: Vec<TruthEvent> = cameras.iter().flat_map(truth::events).collect();
    let period = Duration::from_secs_f32(PERIOD_S);
    let mut all = Vec::new();
    let mut round = started_at;
    while round <= until {
        all.extend(once.iter().map(|event| placed(event, round)).filter(|e| e.start >= from && e.start <= until));
        round = round.plus(period);
    }
    all.sort_by_key(|e| e.start);
    all
}

fn placed(event: &TruthEvent, round: Timestamp) -> Expected {
    let at = |seconds: f64| Timestamp::from_nanos(round.as_nanos().saturating_add((seconds * 1e9) as i64));
    Expected {
        event: event.clone(),
        start: at(event.start_s),
        due: at(event.due_s),
        watch_from: at(event.watch_from_s),
    }
}
