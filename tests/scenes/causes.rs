//! No alert without its cause, and the same alerts however often one looks: checked from what was shown alone, with geometry of
//! its own, for every kind of rule of the scene laws.

use lightbar::domain::alert::{AlertChange, AlertKind, Phase};
use lightbar::domain::detection::{Confidence, Detection, ObjectClass};
use lightbar::domain::geometry::BBox;
use lightbar::domain::scene::Observation;
use lightbar::domain::time::Timestamp;
use proptest::prelude::*;

use crate::{Event, any_story, config, lasting, scene};

/// How far from where a thing was shown its alert may place it: tracks are smoothed, and run on behind an obstacle.
const REACH: f64 = 0.2;
/// The zone of the laws.
const YARD: BBox = BBox::new(0.3, 0.3, 0.4, 0.5);
/// The line of the laws.
const GATE_X: f64 = 0.5;

/// What was shown, in order of time.
type Shown = Vec<(Timestamp, Vec<Detection>)>;

/// Seconds that a kind's condition must have held for, in the laws' configuration.
fn threshold_s(kind: AlertKind) -> f64 {
    match kind {
        AlertKind::Loitering => 2.0,
        AlertKind::VehicleStopped => 3.0,
        AlertKind::ObjectRemoved | AlertKind::ZonePresence | AlertKind::Crowd | AlertKind::ObjectPresent => 1.0,
        // A speed is measured over steps of a fifth of a second; the last one may be under way.
        AlertKind::FastMove => 0.8,
        _ => 0.0,
    }
}

/// Why an opened alert cannot be true of what was shown; none where it can.
fn baseless(alert: &AlertChange, shown: &Shown) -> Option<String> {
    if alert.kind == AlertKind::VideoLoss {
        return None;
    }
    let before: Vec<&Detection> = shown
        .iter()
        .filter(|(at, _)| *at <= alert.captured_at)
        .flat_map(|(_, seen)| seen)
        .filter(|d| is_sane(d))
        .collect();
    let complain = |what: &str| Some(format!("{what}: {alert:?}"));
    let held = alert.captured_at.seconds_from(alert.started_at);
    if held < threshold_s(alert.kind) - 1e-6 {
        return complain("raised before its time");
    }
    for object in &alert.objects {
        // Where it was not seen for a moment, it is quoted where it would be if it went on as it did.
        let [vx, vy] = object.velocity;
        let reach = REACH + vx.hypot(vy) * alert.captured_at.seconds_from(object.last_seen_at);
        if !before.iter().any(|d| touches(&grown(&d.bbox, reach), &object.bbox)) {
            return complain("nobody saw that there");
        }
    }
    let anchors = || before.iter().map(|d| d.bbox.bottom_centre());
    let is_caused = match alert.kind {
        AlertKind::LineCross => anchors().any(|p| p.x < GATE_X) && anchors().any(|p| p.x > GATE_X),
        AlertKind::ZoneEnter | AlertKind::ZoneExit | AlertKind::Loitering | AlertKind::ZonePresence => {
            before.iter().any(|d| touches(&grown(&d.bbox, REACH), &YARD))
        }
        AlertKind::Crowd => {
            alert.count >= 2 && shown.iter().any(|(at, seen)| *at <= alert.captured_at && seen.len() >= 2)
        }
        AlertKind::FastMove => {
            let farthest = anchors().flat_map(|a| anchors().map(move |b| (a.x - b.x).hypot(a.y - b.y)));
            farthest.fold(0.0, f64::max) > 0.01
        }
        _ => true,
    };
    if is_caused { None } else { complain("without its cause") }
}

fn is_sane(seen: &Detection) -> bool {
    seen.bbox.is_in_picture()
}

fn grown(b: &BBox, by: f64) -> BBox {
    BBox::new(b.x - by, b.y - by, b.w + 2.0 * by, b.h + 2.0 * by)
}

/// Also where one of them has no area.
fn touches(a: &BBox, b: &BBox) -> bool {
    a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h
}

/// Plays a story and keeps what was shown.
fn show(story: &[(i64, Event)], things: &[(f64, f64)]) -> (Vec<AlertChange>, Shown) {
    let (mut scene, mut at) = (scene(), 1_700_000_000_000);
    let (mut changes, mut shown, mut latest) = (Vec::new(), Vec::new(), i64::MIN);
    for (i, (step, event)) in story.iter().enumerate() {
        at += step;
        latest = latest.max(at);
        let now = Timestamp::from_millis(at);
        changes.extend(match event {
            Event::Seen(noise) => {
                let mut detections = lasting(i, things);
                detections.extend(noise.iter().cloned());
                // A time that goes back is taken as the last one.
                shown.push((Timestamp::from_millis(latest), detections.clone()));
                scene.observe(now, Observation::Analysed { detections: &detections, luma: None })
            }
            Event::Unchanged => scene.observe(now, Observation::LookedUnchanged),
            Event::Blind(cause) => scene.observe(now, Observation::Blind { cause: *cause }),
            _ => scene.tick(now),
        });
    }
    (changes, shown)
}

/// A play in which every kind has something to tell: one who walks through, one who stays in the yard beside him, a car that
/// stops; all gone in the end.
fn cast(t: f64, pace: f64, y: f64) -> Vec<Detection> {
    let thing = |class, x: f64, y: f64, w: f64, h: f64| Detection {
        bbox: BBox::new(x - w / 2.0, y - h, w, h),
        class,
        label: None,
        confidence: Confidence::clamped(0.8),
    };
    let mut seen = Vec::new();
    let walker = 0.05 + t * pace;
    if walker < 0.95 {
        seen.push(thing(ObjectClass::Person, walker, y, 0.05, 0.2));
    }
    // Comes from above, stays from the fourth second on, goes on at the fourteenth.
    let stayer = if t < 4.0 { 0.05 + 0.13 * t } else { 0.57 + 0.13 * (t - 14.0).max(0.0) };
    if stayer < 1.0 {
        seen.push(thing(ObjectClass::Person, 0.6, stayer, 0.05, 0.2));
    }
    let car = if t < 5.0 { 0.9 - 0.1 * t } else { 0.4 - 0.1 * (t - 15.0).max(0.0) };
    if car > 0.05 {
        seen.push(thing(ObjectClass::Car, car, 0.95, 0.12, 0.1));
    }
    seen
}

/// What opens in that play, by kind and rule: when it was raised.
fn opened(moments: &[f64], pace: f64, y: f64) -> Vec<(String, f64)> {
    let mut scene = scene();
    let mut opened = Vec::new();
    for &t in moments {
        let seen = cast(t, pace, y);
        let at = Timestamp::from_nanos((t * 1e9) as i64);
        for change in scene.observe(at, Observation::Analysed { detections: &seen, luma: None }) {
            if change.phase == Phase::Opened {
                let rule = change.rule.map(|rule| rule.id.to_string()).unwrap_or_default();
                opened.push((rule, change.captured_at.as_nanos() as f64 / 1e9));
            }
        }
    }
    opened.sort_by(|a, b| a.partial_cmp(b).expect("finite"));
    opened
}

const LASTS_S: f64 = 24.0;

fn regular(fps: f64) -> Vec<f64> {
    (0..=(LASTS_S * fps) as u32).map(|i| f64::from(i) / fps).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_alert_is_without_its_cause((story, things) in any_story()) {
        let (changes, shown) = show(&story, &things);
        for alert in changes.iter().filter(|c| c.phase == Phase::Opened) {
            prop_assert_eq!(baseless(alert, &shown), None);
        }
    }

    #[test]
    fn halved_doubled_or_irregular_the_same_alerts_at_the_same_times(
        pace in 0.06..0.12_f64, y in 0.45..0.7_f64, jitter in prop::collection::vec(-0.45..0.45_f64, 121),
    ) {
        let reference = opened(&regular(10.0), pace, y);
        let irregular: Vec<f64> = regular(5.0).iter().zip(&jitter).map(|(t, by)| (t + 0.2 * by).max(0.0)).collect();
        for (name, moments, interval) in
            [("halved", regular(5.0), 0.2), ("doubled", regular(20.0), 0.05), ("irregular", irregular, 0.38)]
        {
            let here = opened(&moments, pace, y);
            let rules = |all: &[(String, f64)]| all.iter().map(|(rule, _)| rule.clone()).collect::<Vec<_>>();
            prop_assert_eq!(rules(&here), rules(&reference), "{}: {:?} and {:?}", name, here, reference);
            for (a, b) in here.iter().zip(&reference) {
                // Each is raised at the first look after its moment, at either rate. Rest, speed and heading are measured between looks,
                // so that their beginning hangs on a look too.
                let measured = ["fast", "stopped", "removed", "wrong-zone"].contains(&a.0.as_str());
                let step = if measured { interval + 0.2 } else { 0.0 };
                prop_assert!((a.1 - b.1).abs() <= interval + 0.1 + step + 1e-6, "{}: {:?} and {:?}", name, a, b);
            }
        }
    }
}

/// The play is worth something only where it makes every kind speak.
#[test]
fn the_play_makes_every_kind_speak() {
    let rules: Vec<String> = opened(&regular(10.0), 0.09, 0.6).into_iter().map(|(rule, _)| rule).collect();
    let silent: Vec<String> =
        config().rules.iter().map(|rule| rule.id.to_string()).filter(|rule| !rules.contains(rule)).collect();
    // No rule can speak of a zone that is not there.
    assert_eq!(silent, ["nowhere"]);
}
