//! A score as JSON: figures, and each event and alert with what became of it. For other programs, and to look up by hand.

use serde_json::{Value, json};

use super::compare::Comparison;
use super::event::{Event, Told, Truth};
use super::figures::{Figures, Score, Spread};
use super::judge::Verdict;
use crate::contract::time::rfc3339;

/// The form's version: fields may come, none changes its meaning.
const FORM: u32 = 1;

/// The whole score.
pub fn score_json(truth: &Truth, told: &[Told], verdict: &Verdict, score: &Score) -> Value {
    let groups = |groups: &[(String, Figures)]| -> Value {
        groups
            .iter()
            .map(|(name, figures)| (name.clone(), figures_json(figures)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let matched: Vec<Value> = verdict
        .matched
        .iter()
        .map(|&(event, alert)| {
            let (event, alert) = (&truth.events[event], &told[alert]);
            json!({
                "event": event_json(event), "alert": alert_json(alert),
                "delay_s": rounded(alert.captured_at.seconds_from(event.due)),
                "start_error_s": rounded(alert.started_at.seconds_from(event.start)),
            })
        })
        .collect();
    let events = |places: &[usize]| places.iter().map(|&i| event_json(&truth.events[i])).collect::<Vec<_>>();
    let alerts = |places: &[usize]| places.iter().map(|&i| alert_json(&told[i])).collect::<Vec<_>>();
    json!({
        "form": FORM,
        "total": figures_json(&score.total),
        "kinds": groups(&score.kinds),
        "cameras": groups(&score.cameras),
        "matched": matched,
        "missed": events(&verdict.missed),
        "false": alerts(&verdict.false_alerts),
        "not_judged": { "events": events(&verdict.unjudged_events), "alerts": alerts(&verdict.unjudged_alerts) },
    })
}

/// Two sets of alerts side by side.
pub fn comparison_json(a: &[Told], b: &[Told], found: &Comparison, truth: Option<&Truth>) -> Value {
    let alerts = |told: &[Told], places: &[usize]| places.iter().map(|&i| alert_json(&told[i])).collect::<Vec<_>>();
    let pairs: Vec<Value> = found
        .both
        .iter()
        .map(|&(i, j)| {
            json!({
                "a": alert_json(&a[i]), "b": alert_json(&b[j]),
                "started_later_s": rounded(b[j].started_at.seconds_from(a[i].started_at)),
                "raised_later_s": rounded(b[j].captured_at.seconds_from(a[i].captured_at)),
            })
        })
        .collect();
    let mut report = json!({
        "form": FORM, "both": pairs, "only_a": alerts(a, &found.only_a), "only_b": alerts(b, &found.only_b),
    });
    if let (Some(against), Some(truth)) = (&found.against_truth, truth) {
        let events = |places: &[usize]| places.iter().map(|&i| event_json(&truth.events[i])).collect::<Vec<_>>();
        report["truth"] = json!({
            "a": figures_json(&Score::new(truth, a, &against.a, None).total),
            "b": figures_json(&Score::new(truth, b, &against.b, None).total),
            "gained": events(&against.gained), "lost": events(&against.lost),
            "missed_by_both": events(&against.missed_by_both),
            "false_gone": alerts(a, &against.false_gone), "false_new": alerts(b, &against.false_new),
        });
    }
    report
}

fn figures_json(figures: &Figures) -> Value {
    let f = figures;
    json!({
        "events": f.events, "alerts": f.alerts, "matched": f.matched, "missed": f.missed, "false": f.false_alerts,
        "precision": f.precision.map(rounded), "recall": f.recall.map(rounded), "f1": f.f1.map(rounded),
        "ilids_f1": f.ilids_f1.map(rounded), "recall_bias": f.recall_bias,
        "camera_hours": f.camera_hours.map(rounded),
        "false_per_camera_hour": f.false_per_hour.map(rounded),
        "false_per_camera_hour_upper95": f.false_per_hour_upper95.map(rounded),
        "delay_s": f.delay.map(spread_json), "start_error_s": f.start_error.map(spread_json),
    })
}

fn spread_json(spread: Spread) -> Value {
    json!({ "p50": rounded(spread.p50), "p95": rounded(spread.p95), "max": rounded(spread.max) })
}

fn event_json(event: &Event) -> Value {
    json!({
        "camera": event.camera, "kind": event.kind, "rule": event.rule, "class": event.class, "direction": event.direction,
        "object": event.name, "start": rfc3339(event.start), "due": rfc3339(event.due), "end": event.end.map(rfc3339),
        "tolerance_s": event.tolerance.as_secs_f64(),
    })
}

fn alert_json(told: &Told) -> Value {
    json!({
        "alert_id": told.alert_id, "camera": told.camera, "kind": told.kind, "rule": told.rule, "status": told.status,
        "classes": told.classes, "direction": told.direction, "started_at": rfc3339(told.started_at),
        "captured_at": rfc3339(told.captured_at), "ended_at": told.ended_at.map(rfc3339),
    })
}

/// Six places are enough for people, and keep the file the same on machines that round the last bit otherwise.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
