//! Compares what was told with what happened. One alert tells of one event, one event is told by one alert.
//!
//! Judged is what could be known: an event of which the beginning was not watched, or whose telling was due after the watching,
//! counts neither way, and neither does an alert of it. Pure.

use std::time::Duration;

use super::event::{Event, Told, Truth};
use super::matching::{Fit, assign};

/// How long the judge waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// How long after it was due an event's camera must still have been watched, for it to be judged.
    pub after_due: Duration,
    /// An alert raised later than this after its event was due does not tell of it; none: never too late.
    pub max_delay: Option<Duration>,
}

/// Which alert told of which event; numbers are places in the lists that were judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events with their alerts, in order of events.
    pub matched: Vec<(usize, usize)>,
    /// Events that nobody told.
    pub missed: Vec<usize>,
    /// Alerts of what did not happen, or was told by another.
    pub false_alerts: Vec<usize>,
    /// Events that could not be known, or need not be told.
    pub unjudged_events: Vec<usize>,
    /// Alerts of such events, of cameras without truth, outside the watched times, or where nothing is to be judged.
    pub unjudged_alerts: Vec<usize>,
}

/// Judges.
pub fn judge(truth: &Truth, told: &[Told], patience: Patience) -> Verdict {
    let mut verdict = Verdict::default();
    let mut alert_of: Vec<Option<usize>> = vec![None; truth.events.len()];
    let mut is_left = vec![true; told.len()];
    for (event, alert) in assign(&fits(truth, told, patience)) {
        alert_of[event] = Some(alert);
        is_left[alert] = false;
    }
    for (index, event) in truth.events.iter().enumerate() {
        match alert_of[index] {
            _ if event.optional || !is_knowable(event, truth, patience) => {
                verdict.unjudged_events.push(index);
                verdict.unjudged_alerts.extend(alert_of[index]);
            }
            Some(alert) => verdict.matched.push((index, alert)),
            None => verdict.missed.push(index),
        }
    }
    for (index, alert) in told.iter().enumerate().filter(|(index, _)| is_left[*index]) {
        if is_judged(alert, truth) {
            verdict.false_alerts.push(index);
        } else {
            verdict.unjudged_alerts.push(index);
        }
    }
    verdict.unjudged_alerts.sort_unstable();
    verdict
}

/// Every event with every alert that can tell of it.
fn fits(truth: &Truth, told: &[Told], patience: Patience) -> Vec<Fit> {
    let mut by_start: Vec<usize> = (0..told.len()).collect();
    by_start.sort_by_key(|&col| (told[col].started_at, col));
    let mut fits = Vec::new();
    for (row, event) in truth.events.iter().enumerate() {
        let earliest = event.start.minus(event.tolerance);
        let latest = event.end.unwrap_or(event.start).max(event.start).plus(event.tolerance);
        let first = by_start.partition_point(|&col| told[col].started_at < earliest);
        for &col in by_start[first..].iter().take_while(|&&col| told[col].started_at <= latest) {
            let alert = &told[col];
            let in_time = patience.max_delay.is_none_or(|delay| alert.captured_at <= event.due.plus(delay));
            if let Some(off) =
                event.off_by(alert).filter(|_| in_time && event.is_told_by(alert) && is_watched(alert, truth))
            {
                fits.push(Fit { row, col, cost: i64::try_from(off.as_nanos()).unwrap_or(i64::MAX / 4) });
            }
        }
    }
    fits
}

fn is_knowable(event: &Event, truth: &Truth, patience: Patience) -> bool {
    let last = event.due.plus(patience.after_due);
    truth
        .watched_of(&event.camera)
        .is_none_or(|spans| spans.iter().any(|span| event.watch_from >= span.from && last <= span.until))
}

fn is_watched(alert: &Told, truth: &Truth) -> bool {
    truth
        .watched_of(&alert.camera)
        .is_none_or(|spans| spans.iter().any(|span| alert.captured_at >= span.from && alert.captured_at <= span.until))
}

fn is_judged(alert: &Told, truth: &Truth) -> bool {
    truth.knows(&alert.camera) && is_watched(alert, truth) && !truth.ignored.iter().any(|ignored| ignored.covers(alert))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::event::{Ignored, Watched};
    use super::*;
    use crate::domain::time::Timestamp;

    pub(in crate::score) fn second(s: f64) -> Timestamp {
        Timestamp::from_nanos((s * 1e9) as i64)
    }

    pub(in crate::score) fn event(rule: &str, start_s: f64) -> Event {
        Event {
            camera: "yard".into(),
            kind: "zone_enter".into(),
            rule: Some(rule.into()),
            class: Some("person".into()),
            direction: None,
            start: second(start_s),
            due: second(start_s),
            end: None,
            tolerance: Duration::from_secs(1),
            watch_from: second(start_s - 2.0),
            optional: false,
            name: None,
        }
    }

    pub(in crate::score) fn told(rule: &str, at: f64) -> Told {
        Told {
            alert_id: format!("{rule}-{at}"),
            camera: "yard".into(),
            kind: "zone_enter".into(),
            rule: Some(rule.into()),
            status: "Actual".into(),
            classes: vec!["person".into()],
            direction: None,
            started_at: second(at),
            captured_at: second(at + 0.3),
            ended_at: None,
            anchors: vec![(0.5, 0.5)],
        }
    }

    fn truth(events: &[Event]) -> Truth {
        let watched = Watched { camera: "yard".into(), from: second(100.0), until: second(200.0) };
        Truth { events: events.to_vec(), watched: vec![watched], ignored: Vec::new() }
    }

    /// Matched, missed, false, and what was not judged of both.
    fn counts(truth: &Truth, told: &[Told]) -> [usize; 5] {
        let v = judge(truth, told, Patience { after_due: Duration::from_secs(4), max_delay: None });
        assert_eq!(v.matched.len() + v.missed.len() + v.unjudged_events.len(), truth.events.len());
        assert_eq!(v.matched.len() + v.false_alerts.len() + v.unjudged_alerts.len(), told.len());
        [v.matched.len(), v.missed.len(), v.false_alerts.len(), v.unjudged_events.len(), v.unjudged_alerts.len()]
    }

    #[test]
    fn one_alert_tells_one_event() {
        assert_eq!(counts(&truth(&[event("a", 120.0)]), &[told("a", 120.4), told("a", 120.6)]), [1, 0, 1, 0, 0]);
        assert_eq!(counts(&truth(&[event("a", 120.0), event("a", 121.0)]), &[told("a", 120.5)]), [1, 1, 0, 0, 0]);
    }

    #[test]
    fn events_close_together_share_out_their_alerts() {
        let events = truth(&[event("a", 120.0), event("a", 121.0)]);
        assert_eq!(counts(&events, &[told("a", 120.9), told("a", 121.9)]), [2, 0, 0, 0, 0]);
        // The wide event must not take the alert that only the narrow one's could have.
        let mut wide = event("a", 120.0);
        wide.tolerance = Duration::from_secs(5);
        let narrow = event("a", 120.5);
        assert_eq!(counts(&truth(&[wide, narrow]), &[told("a", 120.4), told("a", 124.0)]), [2, 0, 0, 0, 0]);
    }

    #[test]
    fn another_rule_class_direction_or_moment_tells_nothing() {
        let events = truth(&[event("a", 120.0)]);
        assert_eq!(counts(&events, &[told("b", 120.0)]), [0, 1, 1, 0, 0]);
        assert_eq!(counts(&events, &[told("a", 121.5)]), [0, 1, 1, 0, 0]);
        let with = |change: fn(&mut Told)| {
            let mut alert = told("a", 120.0);
            change(&mut alert);
            alert
        };
        assert_eq!(counts(&events, &[with(|t| t.classes = vec!["car".into()])]), [0, 1, 1, 0, 0]);
        assert_eq!(counts(&events, &[with(|t| t.classes = vec!["unknown".into()])]), [1, 0, 0, 0, 0]);
        let mut crossing = event("a", 120.0);
        crossing.direction = Some("left_to_right".into());
        let events = truth(&[crossing]);
        assert_eq!(counts(&events, &[with(|t| t.direction = Some("right_to_left".into()))]), [0, 1, 1, 0, 0]);
        assert_eq!(counts(&events, &[with(|t| t.direction = Some("left_to_right".into()))]), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn an_event_that_lasts_may_be_told_until_its_end() {
        let mut lasting = event("a", 120.0);
        lasting.end = Some(second(130.0));
        assert_eq!(counts(&truth(&[lasting.clone()]), &[told("a", 129.0)]), [1, 0, 0, 0, 0]);
        assert_eq!(counts(&truth(&[lasting]), &[told("a", 131.5)]), [0, 1, 1, 0, 0]);
    }

    #[test]
    fn what_was_half_watched_counts_neither_way() {
        assert_eq!(counts(&truth(&[event("a", 101.0)]), &[told("a", 101.0)]), [0, 0, 0, 1, 1]);
        assert_eq!(counts(&truth(&[event("a", 198.0)]), &[]), [0, 0, 0, 1, 0]);
        assert_eq!(counts(&truth(&[]), &[told("a", 90.0)]), [0, 0, 0, 0, 1], "raised before the watch began");
        let mut elsewhere = told("a", 120.0);
        elsewhere.camera = "nowhere".into();
        assert_eq!(counts(&truth(&[]), &[elsewhere]), [0, 0, 0, 0, 1], "nothing is known of that camera");
    }

    #[test]
    fn optional_events_and_ignored_places_count_neither_way() {
        let mut optional = event("a", 120.0);
        optional.optional = true;
        assert_eq!(counts(&truth(&[optional.clone()]), &[told("a", 120.0)]), [0, 0, 0, 1, 1]);
        assert_eq!(counts(&truth(&[optional]), &[]), [0, 0, 0, 1, 0]);
        let mut quiet = truth(&[]);
        let region = vec![(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)];
        let span = Some((second(110.0), second(130.0)));
        quiet.ignored.push(Ignored { camera: "yard".into(), span, kind: None, region: Some(region) });
        assert_eq!(counts(&quiet, &[told("a", 120.0), told("a", 140.0)]), [0, 0, 1, 0, 1]);
    }

    #[test]
    fn too_late_is_missed() {
        let patience = Patience { after_due: Duration::ZERO, max_delay: Some(Duration::from_millis(200)) };
        let verdict = judge(&truth(&[event("a", 120.0)]), &[told("a", 120.0)], patience);
        assert_eq!((verdict.missed.len(), verdict.false_alerts.len()), (1, 1));
    }
}
