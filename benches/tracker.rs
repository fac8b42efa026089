//! What the tracker and the rules cost per frame: 100 objects, 20 rules, 5 frames per second; and the tracker alone.
//!
//! `cargo bench --bench tracker`. Aim: below 1 % of one inference (a nano detector takes about 20 ms of one core).
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

mod cpu_time;

use std::hint::black_box;
use std::time::Duration;

use self::cpu_time::CpuTime;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use lightbar::domain::baseline::Baseline;
use lightbar::domain::detection::{Confidence, Detection, ObjectClass};
use lightbar::domain::geometry::{BBox, Line, Point, Zone, ZoneShape};
use lightbar::domain::ids::{CameraId, IdSeed, RuleId, ZoneId};
use lightbar::domain::rules::{
    Crowd, FastMove, Heading, LineCross, Loitering, ObjectPresent, ObjectRemoved, Rule, RuleSpec, Speed,
    VehicleStopped, WrongWay, ZoneEnter, ZoneExit, ZonePresence,
};
use lightbar::domain::scene::{NamedLine, Observation, Scene, SceneConfig};
use lightbar::domain::time::Timestamp;
use lightbar::domain::tracking::{Tracker, TrackerConfig};

const OBJECTS: usize = 100;
const FRAMES: i64 = 50;
const STEP_MS: i64 = 200;

/// A busy square: a hundred people and things, two thirds of them on their way, paths crossing.
fn frame(step: i64) -> Vec<Detection> {
    (0..OBJECTS)
        .map(|i| {
            let (column, row) = ((i % 10) as f64, (i / 10) as f64);
            let speed = [0.0, 0.01, -0.013][i % 3];
            let x = (0.1 * column + speed * step as f64).rem_euclid(1.0);
            Detection {
                bbox: BBox::new(x, 0.09 * row, 0.03, 0.08),
                class: [ObjectClass::Person, ObjectClass::Bicycle, ObjectClass::Car][i % 3],
                label: None,
                confidence: Confidence::clamped(0.3 + 0.006 * i as f32),
            }
        })
        .collect()
}

fn twenty_rules() -> SceneConfig {
    let id = |i: usize| ZoneId::parse(&format!("ground-{i}")).expect("a slug");
    let at = |x: f64, y: f64| Point::new(x, y);
    let mut config = SceneConfig::new(CameraId::parse("bench").expect("a slug"));
    for i in 0..20 {
        let x = 0.04 * i as f64;
        let corner = |a: f64| at(x + 0.1 + 0.1 * a.cos(), 0.5 + 0.4 * a.sin());
        let octagon = (0..8).map(|k| corner(f64::from(k) * std::f64::consts::FRAC_PI_4)).collect();
        let shape = ZoneShape::new(octagon).expect("an octagon");
        config.zones.push(Zone { id: id(i), rev: 1, name: None, category: None, shape });
        let line = Line::new(vec![at(x, 1.0), at(x + 0.1, 0.0)]).expect("a line");
        config.lines.push(NamedLine { id: id(i), rev: 1, name: None, line });
        let spec = spec(i, &id(i));
        let rule = RuleId::parse(&format!("rule-{i}")).expect("a slug");
        config.rules.push(Rule { cooldown: Duration::from_secs(10), ..Rule::new(rule, spec) });
    }
    config
}

/// Every kind in turn.
fn spec(i: usize, ground: &ZoneId) -> RuleSpec {
    let (id, secs) = (ground.clone(), Duration::from_secs);
    let up = Heading { from: Point::new(0.5, 1.0), to: Point::new(0.5, 0.0), tolerance: 90.0, min_travel: 0.1 };
    match i % 11 {
        0 => RuleSpec::LineCross(LineCross { line: id, direction: None }),
        1 => RuleSpec::ZoneEnter(ZoneEnter { zone: id }),
        2 => RuleSpec::ZoneExit(ZoneExit { zone: id }),
        3 => RuleSpec::Loitering(Loitering { zone: id, dwell: secs(5) }),
        4 => RuleSpec::ZonePresence(ZonePresence { zone: id, dwell: secs(2), clear: secs(5) }),
        5 => RuleSpec::Crowd(Crowd { zone: Some(id), count: 8, slack: 2, dwell: secs(5), clear: secs(5) }),
        6 => RuleSpec::WrongWay(WrongWay::InZone { zone: id, allowed: up }),
        7 => RuleSpec::VehicleStopped(VehicleStopped { zone: Some(id), dwell: secs(10), include_parked: false }),
        8 => RuleSpec::ObjectPresent(ObjectPresent { zone: None, min: secs(1), clear: secs(5) }),
        9 => RuleSpec::FastMove(FastMove { zone: Some(id), min_speed: Speed::Heights(2.0), during: secs(1) }),
        _ => RuleSpec::ObjectRemoved(ObjectRemoved { zone: Some(id), settle: secs(3), gone: secs(2) }),
    }
}

fn per_frame(c: &mut Criterion<CpuTime>) {
    let frames: Vec<Vec<Detection>> = (0..2 * FRAMES).map(frame).collect();
    let mut group = c.benchmark_group("100 objects, 50 frames");
    group.throughput(criterion::Throughput::Elements(FRAMES as u64));
    group.bench_function("tracker", |b| {
        let warm = || {
            let mut tracker = Tracker::new(TrackerConfig::default());
            for i in 0..FRAMES {
                tracker.observe(Timestamp::from_millis(i * STEP_MS), Duration::from_millis(200), &frames[i as usize]);
            }
            tracker
        };
        b.iter_batched(
            warm,
            |mut tracker| {
                for i in FRAMES..2 * FRAMES {
                    tracker.observe(
                        Timestamp::from_millis(i * STEP_MS),
                        Duration::from_millis(200),
                        &frames[i as usize],
                    );
                }
                black_box(tracker)
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("tracker and 20 rules", |b| {
        let warm = || {
            let mut scene = Scene::new(twenty_rules(), IdSeed::from_texts(&["bench"]), Baseline::default());
            for i in 0..FRAMES {
                scene.observe(
                    Timestamp::from_millis(i * STEP_MS),
                    Observation::Analysed { detections: &frames[i as usize], luma: None },
                );
            }
            scene
        };
        b.iter_batched(
            warm,
            |mut scene| {
                for i in FRAMES..2 * FRAMES {
                    let seen = Observation::Analysed { detections: &frames[i as usize], luma: None };
                    black_box(scene.observe(Timestamp::from_millis(i * STEP_MS), seen));
                }
                scene
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::THREAD);
    targets = per_frame
}
criterion_main!(benches);
