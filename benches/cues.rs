//! What the pixel cues cost per frame: both cues and the watch over the view, on a street with twenty that move.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use lightbar::domain::cues::SmallLuma;
use lightbar::domain::detection::ObjectClass;
use lightbar::domain::geometry::{Line, Point};
use lightbar::domain::ids::{CameraId, IdSeed, RuleId, ZoneId};
use lightbar::domain::rules::{LineCross, ObjectRemoved, Rule, RuleSpec};
use lightbar::domain::scene::{NamedLine, Observation, Scene, SceneConfig};
use lightbar::domain::time::Timestamp;

const FRAMES: usize = 200;

fn frame(step: usize) -> SmallLuma {
    let level = |x: usize, y: usize| {
        let ground = 70 + (x / 13 * 29 + y / 9 * 17) % 90 + (x * 7 + y * 13 + step * 31) % 5;
        let moving = (0..20).any(|k| {
            let (left, top) = ((k * 41 + step * (1 + k % 3)) % 150, k * 4);
            (left..left + 8).contains(&x) && (top..top + 10).contains(&y)
        });
        if moving { 220 - (x + y) % 40 } else { ground }
    };
    let pixels = (0..160 * 90).map(|i| level(i % 160, i / 160) as u8).collect();
    SmallLuma::new(160, 90, pixels).expect("a small picture")
}

fn scene() -> Scene {
    let mut config = SceneConfig::new(CameraId::parse("bench").expect("a slug"));
    let id = ZoneId::parse("line").expect("a slug");
    let line = Line::new(vec![Point::new(0.5, 1.0), Point::new(0.5, 0.0)]).expect("a line");
    config.lines.push(NamedLine { id: id.clone(), rev: 1, name: None, line });
    let secs = std::time::Duration::from_secs;
    let specs = [
        RuleSpec::LineCross(LineCross { line: id, direction: None }),
        RuleSpec::ObjectRemoved(ObjectRemoved { zone: None, settle: secs(10), gone: secs(2) }),
    ];
    for (i, spec) in specs.into_iter().enumerate() {
        let mut rule = Rule::new(RuleId::parse(&format!("r{i}")).expect("a slug"), spec);
        rule.filter.classes = vec![ObjectClass::Unknown];
        config.rules.push(rule);
    }
    Scene::new(config, IdSeed::from_texts(&["bench"]), lightbar::domain::baseline::Baseline::default())
}

fn per_frame(c: &mut Criterion) {
    let frames: Vec<SmallLuma> = (0..2 * FRAMES).map(frame).collect();
    let show = |scene: &mut Scene, from: usize| {
        for (i, luma) in frames.iter().enumerate().skip(from).take(FRAMES) {
            let at = Timestamp::from_millis(i as i64 * 200);
            black_box(scene.observe(at, Observation::Analysed { detections: &[], luma: Some(luma) }));
        }
    };
    let mut group = c.benchmark_group("cues");
    group.throughput(criterion::Throughput::Elements(FRAMES as u64)).sample_size(10);
    group.bench_function("200 frames", |b| {
        let warm = || {
            let mut scene = scene();
            show(&mut scene, 0);
            scene
        };
        b.iter_batched(warm, |mut scene| show(&mut scene, FRAMES), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, per_frame);
criterion_main!(benches);
