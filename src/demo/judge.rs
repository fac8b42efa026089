//! Compares what was told with what happened. One alert tells one event, one event is told by one alert.
//!
//! Judged is what could be known: an event of which the beginning was not watched, or whose telling is due after the watching,
//! counts neither way, and neither does an alert of it; nor does what is doubtful. Takes alerts as they stand in Kafka. Pure.

use std::time::Duration;

use serde_json::Value;

use crate::domain::time::Timestamp;
use crate::street::expected::Expected;

/// How late after it is due an alert may still come, beside its tolerance.
const PATIENCE: Duration = Duration::from_secs(4);

/// An opened alert, as far as it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its id.
    pub alert_id: String,
    /// Which camera.
    pub camera: String,
    /// What.
    pub kind: String,
    /// Which rule; absent for what speaks of the stream.
    pub rule: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Capture time of the frame that raised it.
    pub captured_at: Timestamp,
}

impl Told {
    /// Reads an alert's JSON; `None` for what is no opening of an alert of a camera.
    pub fn from_json(alert: &Value) -> Option<Self> {
        let text = |path: &str| alert.pointer(path).and_then(Value::as_str);
        let moment = |path: &str| {
            let at: jiff::Timestamp = text(path)?.parse().ok()?;
            i64::try_from(at.as_nanosecond()).ok().map(Timestamp::from_nanos)
        };
        if text("/phase")? != "opened" {
            return None;
        }
        Some(Self {
            alert_id: text("/alert_id")?.to_owned(),
            camera: text("/camera/id")?.to_owned(),
            kind: text("/kind")?.to_owned(),
            rule: text("/rule/id").map(str::to_owned),
            started_at: moment("/timing/started_at")?,
            captured_at: moment("/timing/captured_at")?,
        })
    }

    fn tells_of(&self, event: &Expected) -> bool {
        let e = &event.event;
        self.camera == e.camera && self.kind == e.kind && (e.rule.is_none() || self.rule.as_deref() == e.rule)
    }

    fn off_by(&self, event: &Expected) -> Duration {
        self.started_at.since(event.start).max(event.start.since(self.started_at))
    }
}

/// What the comparison gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Events that were to be told.
    pub truth: usize,
    /// Alerts that were judged.
    pub alerts: usize,
    /// Events with their alerts.
    pub matched: Vec<(Expected, Told)>,
    /// Events that nobody told.
    pub missed: Vec<Expected>,
    /// Alerts of what did not happen, or was told before.
    pub false_alerts: Vec<Told>,
}

impl Verdict {
    /// The longest time from when an event was due until the capture of the frame that raised its alert.
    pub fn longest_delay(&self) -> Duration {
        self.matched.iter().map(|(event, told)| told.captured_at.since(event.due)).max().unwrap_or_default()
    }
}

/// Judges the alerts of a watch that began at `from` and ended at `until`. `truth` may reach beyond both ends, and should by a
/// round, so that an alert of what was only half watched is recognized.
pub fn judge(truth: &[Expected], told: &[Told], from: Timestamp, until: Timestamp) -> Verdict {
    let knowable = |e: &Expected| e.watch_from >= from && e.due.plus(e.tolerance()).plus(PATIENCE) <= until;
    let mut events: Vec<&Expected> = truth.iter().collect();
    events.sort_by_key(|e| e.start);
    let mut left: Vec<&Told> = told.iter().filter(|t| t.captured_at >= from && t.captured_at <= until).collect();
    left.sort_by_key(|t| t.started_at);
    let mut verdict = Verdict::default();
    // In order of time each event takes the earliest alert that can tell of it: with equal tolerances per rule this matches as
    // many as can be matched.
    for event in events {
        let found = left.iter().position(|t| t.tells_of(event) && t.off_by(event) <= event.tolerance());
        let alert = found.map(|index| left.remove(index));
        if event.event.doubtful || !knowable(event) {
            continue;
        }
        verdict.truth += 1;
        match alert {
            Some(alert) => verdict.matched.push((event.clone(), alert.clone())),
            None => verdict.missed.push(event.clone()),
        }
    }
    verdict.alerts = verdict.matched.len() + left.len();
    verdict.false_alerts = left.into_iter().cloned().collect();
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::street::truth::TruthEvent;
    use serde_json::json;

    fn second(s: f64) -> Timestamp {
        Timestamp::from_nanos((s * 1e9) as i64)
    }

    fn event(rule: &'static str, start_s: f64) -> Expected {
        let event = TruthEvent {
            camera: "yard",
            kind: "zone_enter",
            rule: Some(rule),
            figure: None,
            class: None,
            actor: None,
            left_to_right: None,
            start_s,
            due_s: start_s,
            tolerance_s: 1.0,
            watch_from_s: start_s - 2.0,
            doubtful: false,
        };
        Expected { event, start: second(start_s), due: second(start_s), watch_from: second(start_s - 2.0) }
    }

    fn told(rule: &str, at: f64) -> Told {
        Told {
            alert_id: format!("{rule}-{at}"),
            camera: "yard".into(),
            kind: "zone_enter".into(),
            rule: Some(rule.into()),
            started_at: second(at),
            captured_at: second(at + 0.3),
        }
    }

    fn run(truth: &[Expected], told: &[Told]) -> (usize, usize, usize, usize) {
        let v = judge(truth, told, second(100.0), second(200.0));
        assert_eq!(v.truth, v.matched.len() + v.missed.len());
        (v.truth, v.matched.len(), v.missed.len(), v.false_alerts.len())
    }

    #[test]
    fn one_alert_tells_one_event() {
        assert_eq!(run(&[event("a", 120.0)], &[told("a", 120.4), told("a", 120.6)]), (1, 1, 0, 1));
        assert_eq!(run(&[event("a", 120.0), event("a", 121.0)], &[told("a", 120.5)]), (2, 1, 1, 0));
    }

    #[test]
    fn events_close_together_share_out_their_alerts() {
        assert_eq!(run(&[event("a", 120.0), event("a", 121.0)], &[told("a", 120.9), told("a", 121.9)]), (2, 2, 0, 0));
    }

    #[test]
    fn another_rule_or_a_moment_too_far_off_tells_nothing() {
        assert_eq!(run(&[event("a", 120.0)], &[told("b", 120.0)]), (1, 0, 1, 1));
        assert_eq!(run(&[event("a", 120.0)], &[told("a", 121.5)]), (1, 0, 1, 1));
    }

    #[test]
    fn what_was_half_watched_counts_neither_way() {
        assert_eq!(run(&[event("a", 101.0)], &[told("a", 101.0)]), (0, 0, 0, 0));
        assert_eq!(run(&[event("a", 198.0)], &[]), (0, 0, 0, 0));
        assert_eq!(run(&[], &[told("a", 90.0)]), (0, 0, 0, 0), "raised before the watch began");
    }

    #[test]
    fn only_openings_of_cameras_are_read() {
        let mut alert = json!({
            "alert_id": "x", "phase": "opened", "kind": "loitering", "camera": { "id": "yard" }, "rule": { "id": "lingers" },
            "timing": { "started_at": "2026-01-01T00:00:01.500Z", "captured_at": "2026-01-01T00:00:09Z" },
        });
        let read = Told::from_json(&alert).unwrap();
        assert_eq!(read.captured_at.since(read.started_at), Duration::from_millis(7500));
        assert_eq!(read.rule.as_deref(), Some("lingers"));
        alert["phase"] = json!("ended");
        assert_eq!(Told::from_json(&alert), None);
    }
}
