//! The figures of a verdict: all together, per kind and per camera.

use std::collections::BTreeSet;
use std::time::Duration;

use super::event::{Told, Truth};
use super::judge::Verdict;
use super::poisson;

/// What one group of events and alerts gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Events that were to be told.
    pub events: usize,
    /// Alerts that were judged.
    pub alerts: usize,
    /// Events that were told.
    pub matched: usize,
    /// Events that nobody told.
    pub missed: usize,
    /// Alerts of what did not happen.
    pub false_alerts: usize,
    /// Of the alerts, the share that was right; none without alerts.
    pub precision: Option<f64>,
    /// Of the events, the share that was told; none without events.
    pub recall: Option<f64>,
    /// Their harmonic mean; none with neither events nor alerts.
    pub f1: Option<f64>,
    /// F1 with the recall bias that i-LIDS gives it.
    pub ilids_f1: Option<f64>,
    /// That bias; none where kinds of different bias are taken together.
    pub recall_bias: Option<f64>,
    /// Hours that cameras were watched for; none where that is not said.
    pub camera_hours: Option<f64>,
    /// False alerts per camera-hour.
    pub false_per_hour: Option<f64>,
    /// With 95 % certainty false alerts are no more frequent than this (exact, Poisson).
    pub false_per_hour_upper95: Option<f64>,
    /// Seconds from when an event was due until the capture of the frame that raised its alert.
    pub delay: Option<Spread>,
    /// Seconds by which the told beginning was off, either way.
    pub start_error: Option<Spread>,
}

/// Quantiles (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half are no greater.
    pub p50: f64,
    /// Nineteen of twenty are no greater.
    pub p95: f64,
    /// None is greater.
    pub max: f64,
}

/// The figures of a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// All together.
    pub total: Figures,
    /// Per kind, in order of names.
    pub kinds: Vec<(String, Figures)>,
    /// Per camera, in order of names.
    pub cameras: Vec<(String, Figures)>,
}

/// The recall bias of i-LIDS in its operational-alert role: 0.65 in a sterile zone, 0.55 for what stands where it should not
/// (parked vehicle, abandoned baggage). Kinds it does not have take that of the nearest scenario.
pub fn recall_bias(kind: &str) -> f64 {
    match kind {
        "object_abandoned" | "object_removed" | "vehicle_stopped" | "object_present" => 0.55,
        _ => 0.65,
    }
}

/// i-LIDS' `F1 = (a + 1) R P / (R + a P)` (Imagery Library for Intelligent Detection Systems, user guide; Home Office): a bias
/// below 1 lets a false alert weigh more than a miss, above 1 less.
pub fn ilids_f1(recall: f64, precision: f64, bias: f64) -> f64 {
    let below = recall + bias * precision;
    if below > 0.0 { (bias + 1.0) * recall * precision / below } else { 0.0 }
}

impl Score {
    /// Counts up; `bias` replaces the recall bias of every kind.
    pub fn new(truth: &Truth, told: &[Told], verdict: &Verdict, bias: Option<f64>) -> Self {
        let group =
            |kind: Option<&str>, camera: Option<&str>| Group { truth, told, verdict, kind, camera }.figures(bias);
        let judged = verdict.false_alerts.iter().map(|&i| (&told[i].kind, &told[i].camera));
        let to_tell = verdict.matched.iter().map(|(event, _)| event).chain(&verdict.missed);
        let all: Vec<(&String, &String)> =
            to_tell.map(|&i| (&truth.events[i].kind, &truth.events[i].camera)).chain(judged).collect();
        let kinds: BTreeSet<&String> = all.iter().map(|(kind, _)| *kind).collect();
        // A camera that was watched and told nothing is a figure too.
        let cameras: BTreeSet<&String> =
            all.iter().map(|(_, camera)| *camera).chain(truth.watched.iter().map(|w| &w.camera)).collect();
        Self {
            total: group(None, None),
            kinds: kinds.into_iter().map(|kind| (kind.clone(), group(Some(kind), None))).collect(),
            cameras: cameras.into_iter().map(|camera| (camera.clone(), group(None, Some(camera)))).collect(),
        }
    }
}

/// The events and alerts of a kind or a camera.
struct Group<'a> {
    truth: &'a Truth,
    told: &'a [Told],
    verdict: &'a Verdict,
    kind: Option<&'a str>,
    camera: Option<&'a str>,
}

impl Group<'_> {
    fn has(&self, kind: &str, camera: &str) -> bool {
        self.kind.is_none_or(|own| own == kind) && self.camera.is_none_or(|own| own == camera)
    }

    fn has_event(&self, index: usize) -> bool {
        let event = &self.truth.events[index];
        self.has(&event.kind, &event.camera)
    }

    fn figures(&self, bias: Option<f64>) -> Figures {
        let verdict = self.verdict;
        let pairs: Vec<(usize, usize)> = verdict.matched.iter().copied().filter(|(e, _)| self.has_event(*e)).collect();
        let matched = pairs.len();
        let missed = verdict.missed.iter().filter(|&&event| self.has_event(event)).count();
        let is_own = |&&alert: &&usize| self.has(&self.told[alert].kind, &self.told[alert].camera);
        let false_alerts = verdict.false_alerts.iter().filter(is_own).count();
        let share = |of: usize| (of > 0).then(|| matched as f64 / of as f64);
        let (precision, recall) = (share(matched + false_alerts), share(matched + missed));
        let bias = bias.or_else(|| self.bias());
        let combined = |bias: f64| match (recall, precision) {
            (None, None) => None,
            (recall, precision) => Some(ilids_f1(recall.unwrap_or(0.0), precision.unwrap_or(0.0), bias)),
        };
        let hours = self.camera_hours();
        let per_hour = |count: f64| hours.filter(|hours| *hours > 0.0).map(|hours| count / hours);
        Figures {
            events: matched + missed,
            alerts: matched + false_alerts,
            matched,
            missed,
            false_alerts,
            precision,
            recall,
            f1: combined(1.0),
            ilids_f1: bias.and_then(combined),
            recall_bias: bias,
            camera_hours: hours,
            false_per_hour: per_hour(false_alerts as f64),
            false_per_hour_upper95: per_hour(poisson::upper_95(false_alerts)),
            delay: Spread::of(
                pairs.iter().map(|&(e, t)| self.told[t].captured_at.seconds_from(self.truth.events[e].due)),
            ),
            start_error: Spread::of(
                pairs.iter().map(|&(e, t)| self.told[t].started_at.seconds_from(self.truth.events[e].start).abs()),
            ),
        }
    }

    /// The bias of the group, if its kinds agree.
    fn bias(&self) -> Option<f64> {
        if let Some(kind) = self.kind {
            return Some(recall_bias(kind));
        }
        let of_events = self.truth.events.iter().map(|e| (&e.kind, &e.camera));
        let of_alerts = self.verdict.false_alerts.iter().map(|&i| (&self.told[i].kind, &self.told[i].camera));
        let mut biases = of_events
            .chain(of_alerts)
            .filter(|(kind, camera)| self.has(kind, camera))
            .map(|(kind, _)| recall_bias(kind));
        let first = biases.next()?;
        biases.all(|bias| bias.to_bits() == first.to_bits()).then_some(first)
    }

    /// Hours watched; none as soon as a camera of the group has no watched time.
    fn camera_hours(&self) -> Option<f64> {
        let of_camera = |camera: &str| self.camera.is_none_or(|own| own == camera);
        let events = self.truth.events.iter().map(|e| e.camera.as_str());
        if events.filter(|camera| of_camera(camera)).any(|camera| self.truth.watched_of(camera).is_none()) {
            return None;
        }
        let spans = self.truth.watched.iter().filter(|w| of_camera(&w.camera));
        let watched: Duration = spans.map(|w| w.until.since(w.from)).sum();
        (!watched.is_zero()).then(|| watched.as_secs_f64() / 3600.0)
    }
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let rank = |share: f64| ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1;
        let max = *sorted.last()?;
        Some(Self { p50: sorted[rank(0.5)], p95: sorted[rank(0.95)], max })
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Watched;
    use super::super::judge::tests::{event, second, told};
    use super::super::judge::{Patience, judge};
    use super::*;

    #[test]
    fn figures_are_those_of_the_definitions() {
        let truth = Truth {
            events: vec![event("a", 10.0), event("a", 20.0), event("a", 30.0)],
            watched: vec![Watched { camera: "yard".into(), from: second(0.0), until: second(7200.0) }],
            ignored: Vec::new(),
        };
        let told = [told("a", 10.5), told("a", 20.0), told("a", 50.0), told("a", 60.0)];
        let verdict = judge(&truth, &told, Patience::default());
        let total = Score::new(&truth, &told, &verdict, None).total;
        assert_eq!((total.events, total.alerts, total.matched, total.missed, total.false_alerts), (3, 4, 2, 1, 2));
        let (r, p) = (2.0 / 3.0, 0.5);
        assert_eq!((total.recall, total.precision), (Some(r), Some(p)));
        assert!((total.f1.unwrap() - 2.0 * r * p / (r + p)).abs() < 1e-12);
        assert!((total.ilids_f1.unwrap() - 1.65 * r * p / (r + 0.65 * p)).abs() < 1e-12);
        assert_eq!((total.camera_hours, total.false_per_hour), (Some(2.0), Some(1.0)));
        assert!((total.false_per_hour_upper95.unwrap() - 6.2958 / 2.0).abs() < 1e-3);
        assert_eq!(total.start_error.map(|s| (s.p50, s.max)), Some((0.0, 0.5)));
        assert!((total.delay.unwrap().p95 - 0.8).abs() < 1e-9);
    }

    #[test]
    fn nothing_gives_no_figure_rather_than_a_good_one() {
        let nothing = Score::new(&Truth::default(), &[], &Verdict::default(), None);
        assert_eq!((nothing.total.f1, nothing.total.precision, nothing.total.recall), (None, None, None));
        assert!(nothing.kinds.is_empty());
        // Events that nobody told are a zero, not a gap.
        let truth = Truth { events: vec![event("a", 10.0)], ..Truth::default() };
        let score = Score::new(&truth, &[], &judge(&truth, &[], Patience::default()), None);
        assert_eq!((score.total.f1, score.total.recall, score.total.camera_hours), (Some(0.0), Some(0.0), None));
    }

    #[test]
    fn bias_weighs() {
        assert!(ilids_f1(1.0, 0.5, 0.1) < ilids_f1(0.5, 1.0, 0.1), "a small bias punishes false alerts");
        assert!(ilids_f1(1.0, 0.5, 10.0) > ilids_f1(0.5, 1.0, 10.0), "a great one misses");
    }
}
