//! Laws of the scene that hold for any input: no panic, alerts in order, bounded memory, time and frame rate without influence.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test crate")]

#[path = "scenes/laws.rs"]
mod laws;
#[path = "scenes/causes.rs"]
mod causes;

use std::time::Duration;

use lightbar::domain::alert::{AlertChange, AlertKind, EndReason, Phase};
use lightbar::domain::baseline::Baseline;
use lightbar::domain::detection::{Confidence, Detection, ObjectClass};
use lightbar::domain::geometry::CrossingDirection::LeftToRight;
use lightbar::domain::geometry::{BBox, Line, Point, Zone, ZoneShape};
use lightbar::domain::ids::{CameraId, IdSeed, RuleId, ZoneId};
use lightbar::domain::rules::{
    Crowd, FastMove, Heading, LineCross, Loitering, ObjectPresent, ObjectRemoved, Rule, RuleSpec, Speed,
    VehicleStopped, WrongWay, ZoneEnter, ZoneExit, ZonePresence,
};
use lightbar::domain::scene::{BlindCause, NamedLine, Observation, Scene, SceneConfig};
use lightbar::domain::time::Timestamp;
use proptest::prelude::*;

fn config() -> SceneConfig {
    let id = |text: &str| ZoneId::parse(text).unwrap();
    let square = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.8), (0.3, 0.8)];
    let shape = ZoneShape::new(square.iter().map(|&(x, y)| Point::new(x, y)).collect()).unwrap();
    let line = Line::new(vec![Point::new(0.5, 1.0), Point::new(0.5, 0.0)]).unwrap();
    let rule = |name: &str, spec: RuleSpec| Rule::new(RuleId::parse(name).unwrap(), spec);
    let secs = Duration::from_secs;
    let up = Heading { from: Point::new(0.5, 1.0), to: Point::new(0.5, 0.0), tolerance: 120.0, min_travel: 0.05 };
    SceneConfig {
        zones: vec![Zone { id: id("yard"), rev: 1, name: None, category: None, shape }],
        lines: vec![NamedLine { id: id("gate"), rev: 1, name: None, line }],
        rules: vec![
            rule("cross", RuleSpec::LineCross(LineCross { line: id("gate"), direction: None })),
            rule("enter", RuleSpec::ZoneEnter(ZoneEnter { zone: id("yard") })),
            rule("exit", RuleSpec::ZoneExit(ZoneExit { zone: id("yard") })),
            rule("loiter", RuleSpec::Loitering(Loitering { zone: id("yard"), dwell: secs(2) })),
            rule("removed", RuleSpec::ObjectRemoved(ObjectRemoved { zone: None, settle: secs(2), gone: secs(1) })),
            rule("occupied", RuleSpec::ZonePresence(ZonePresence { zone: id("yard"), dwell: secs(1), clear: secs(2) })),
            rule("wrong-line", RuleSpec::WrongWay(WrongWay::OverLine { line: id("gate"), forbidden: LeftToRight })),
            rule("wrong-zone", RuleSpec::WrongWay(WrongWay::InZone { zone: id("yard"), allowed: up })),
            rule("crowd", RuleSpec::Crowd(Crowd { zone: None, count: 2, slack: 1, dwell: secs(1), clear: secs(1) })),
            rule(
                "stopped",
                RuleSpec::VehicleStopped(VehicleStopped { zone: None, dwell: secs(3), include_parked: true }),
            ),
            rule("present", RuleSpec::ObjectPresent(ObjectPresent { zone: None, min: secs(1), clear: secs(1) })),
            rule("fast", RuleSpec::FastMove(FastMove { zone: None, min_speed: Speed::Heights(0.3), during: secs(1) })),
            rule("nowhere", RuleSpec::ZoneEnter(ZoneEnter { zone: id("unknown") })),
        ],
        ..SceneConfig::new(CameraId::parse("camera").unwrap())
    }
}

fn scene() -> Scene {
    Scene::new(config(), IdSeed::from_texts(&["laws"]), Baseline::default())
}

#[derive(Clone, Debug)]
enum Event {
    Seen(Vec<Detection>),
    Unchanged,
    Blind(BlindCause),
    Tick,
    Reconfigure(usize),
    EndAll,
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.0..1.0f64,
        1 => -2.0..3.0f64,
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), Just(1e300), Just(-0.0)],
    ]
}

fn any_detection() -> impl Strategy<Value = Detection> {
    (any_number(), any_number(), any_number(), any_number(), 0..14usize, prop_oneof![Just(f32::NAN), 0.0..1.0f32])
        .prop_map(|(x, y, w, h, class, confidence)| Detection {
            bbox: BBox::new(x, y, w * 0.3, h * 0.3),
            class: ObjectClass::ALL[class],
            label: None,
            confidence: Confidence::clamped(confidence),
        })
}

/// Things that stay about where they are, so that tracks and alerts do come about.
fn lasting(step: usize, seeds: &[(f64, f64)]) -> Vec<Detection> {
    seeds
        .iter()
        .enumerate()
        .map(|(i, (x, speed))| Detection {
            bbox: BBox::new((x + speed * step as f64).rem_euclid(1.0), 0.4, 0.06, 0.2),
            class: [ObjectClass::Person, ObjectClass::Bicycle, ObjectClass::Car][i % 3],
            label: None,
            confidence: Confidence::clamped(0.8),
        })
        .collect()
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => proptest::collection::vec(any_detection(), 0..6).prop_map(Event::Seen),
        2 => Just(Event::Unchanged),
        1 => (0..BlindCause::ALL.len()).prop_map(|i| Event::Blind(BlindCause::ALL[i])),
        1 => Just(Event::Tick),
        1 => (0..13usize).prop_map(Event::Reconfigure),
        1 => Just(Event::EndAll),
    ]
}

type Story = Vec<(i64, Event)>;

fn any_story() -> impl Strategy<Value = (Story, Vec<(f64, f64)>)> {
    let step = prop_oneof![20 => 20..600i64, 1 => -5_000..0i64, 1 => 1_000..40_000i64];
    let things = proptest::collection::vec((0.0..1.0f64, -0.02..0.02f64), 0..4);
    (proptest::collection::vec((step, any_event()), 1..150), things)
}

fn tell(story: &[(i64, Event)], things: &[(f64, f64)], epoch: i64) -> Vec<AlertChange> {
    let mut scene = scene();
    let mut at = epoch;
    let mut changes = Vec::new();
    for (i, (step, event)) in story.iter().enumerate() {
        at += step;
        let now = Timestamp::from_millis(at);
        changes.extend(match event {
            Event::Seen(noise) => {
                let mut detections = lasting(i, things);
                detections.extend(noise.iter().cloned());
                scene.observe(now, Observation::Analysed { detections: &detections, luma: None })
            }
            Event::Unchanged => scene.observe(now, Observation::LookedUnchanged),
            Event::Blind(cause) => scene.observe(now, Observation::Blind { cause: *cause }),
            Event::Tick => scene.tick(now),
            Event::Reconfigure(without) => {
                let mut other = config();
                other.rules.remove(*without);
                scene.reconfigure(other, now)
            }
            Event::EndAll => scene.end_all(now, EndReason::Restart),
        });
    }
    changes.extend(scene.end_all(Timestamp::from_millis(at), EndReason::Restart));
    changes
}

fn outline(changes: &[AlertChange], epoch: i64) -> Vec<(AlertKind, u32, Phase, i64, i64)> {
    let since = |t: Timestamp| t.as_nanos() - epoch * 1_000_000;
    changes.iter().map(|c| (c.kind, c.revision, c.phase, since(c.started_at), since(c.captured_at))).collect()
}

/// One who walks straight through the picture at a height, seen at a frame rate.
fn walk(fps: f64, y: f64, seconds: f64, rightward: bool) -> Vec<AlertChange> {
    let mut scene = scene();
    let mut changes = Vec::new();
    for i in 0..=((seconds + 4.0) * fps) as u32 {
        let t = f64::from(i) / fps;
        let along = (t / seconds).min(1.0);
        let x = if rightward { 0.05 + 0.9 * along } else { 0.95 - 0.9 * along };
        let body = Detection {
            bbox: BBox::new(x - 0.03, y - 0.25, 0.06, 0.25),
            class: ObjectClass::Person,
            label: None,
            confidence: Confidence::clamped(0.8),
        };
        let detections = if t <= seconds { vec![body] } else { Vec::new() };
        let at = Timestamp::from_millis((t * 1000.0) as i64);
        changes.extend(scene.observe(at, Observation::Analysed { detections: &detections, luma: None }));
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn alerts_keep_their_laws_whatever_comes((story, things) in any_story()) {
        let changes = tell(&story, &things, 1_700_000_000_000);
        prop_assert_eq!(laws::laws(&changes), Vec::<String>::new());
        let opened = changes.iter().filter(|c| c.phase == Phase::Opened).count();
        let ended = changes.iter().filter(|c| c.phase == Phase::Ended).count();
        prop_assert_eq!(opened, ended, "what was opened was ended");
        for object in changes.iter().flat_map(|c| &c.objects) {
            let b = object.bbox;
            let within = |from: f64, size: f64| from >= 0.0 && size >= 0.0 && from + size <= 1.0 + 1e-9;
            prop_assert!(within(b.x, b.w) && within(b.y, b.h), "{:?}", b);
            prop_assert!(object.velocity.iter().all(|v| v.is_finite()));
            prop_assert!(object.first_seen_at <= object.last_seen_at);
        }
    }

    #[test]
    fn another_day_gives_the_same((story, things) in any_story(), days in -10_000..10_000i64) {
        let (here, there) = (1_700_000_000_000, 1_700_000_000_000 + days * 86_400_000);
        prop_assert_eq!(outline(&tell(&story, &things, here), here), outline(&tell(&story, &things, there), there));
    }

    #[test]
    fn nothing_seen_raises_nothing_but_video_loss(steps in proptest::collection::vec((20..3000i64, 0..3u8), 1..200)) {
        let mut scene = scene();
        let mut at = 0;
        for (step, what) in steps {
            at += step;
            let seen = match what {
                0 => Observation::Analysed { detections: &[], luma: None },
                1 => Observation::LookedUnchanged,
                _ => Observation::Blind { cause: BlindCause::Stalled },
            };
            for change in scene.observe(Timestamp::from_millis(at), seen) {
                prop_assert_eq!(change.kind, AlertKind::VideoLoss);
            }
        }
    }

    #[test]
    fn the_frame_rate_does_not_matter(y in 0.4..0.75f64, seconds in 6.0..14.0f64, rightward: bool) {
        let opened = |fps| -> Vec<(AlertKind, f64)> {
            let changes = walk(fps, y, seconds, rightward);
            let mut opened: Vec<_> = changes.iter().filter(|c| c.phase == Phase::Opened)
                .map(|c| (c.kind, c.started_at.as_millis() as f64 / 1000.0)).collect();
            opened.sort_by_key(|(kind, _)| kind.as_str());
            opened
        };
        let reference = opened(30.0);
        prop_assert!(reference.iter().any(|(kind, _)| *kind == AlertKind::LineCross));
        for fps in [2.0, 3.0, 5.0, 10.0] {
            let here = opened(fps);
            prop_assert_eq!(here.len(), reference.len(), "{} fps: {:?} and {:?}", fps, here, reference);
            for (a, b) in here.iter().zip(&reference) {
                prop_assert_eq!(a.0, b.0);
                prop_assert!((a.1 - b.1).abs() < 0.3, "{} fps: {:?} and {:?}", fps, a, b);
            }
        }
    }
}

#[test]
fn memory_is_bounded_however_many_objects_there_are() {
    let mut scene = scene();
    for step in 0..40 {
        let crowd: Vec<Detection> = (0..2000)
            .map(|i| Detection {
                bbox: BBox::new(f64::from(i % 50) / 50.0, f64::from(i / 50) / 40.0, 0.015, 0.02),
                class: ObjectClass::Person,
                label: None,
                confidence: Confidence::clamped(0.9),
            })
            .collect();
        scene.observe(Timestamp::from_millis(step * 200), Observation::Analysed { detections: &crowd, luma: None });
    }
    assert_eq!(scene.objects().len(), 256);
}

#[test]
fn a_rule_on_an_unknown_zone_watches_nothing() {
    let changes = walk(5.0, 0.6, 8.0, true);
    assert!(changes.iter().any(|c| c.rule.as_ref().is_some_and(|r| r.id.as_str() == "enter")));
    assert!(!changes.iter().any(|c| c.rule.as_ref().is_some_and(|r| r.id.as_str() == "nowhere")));
}

/// Forty parked things, looked at by the gate once in ten seconds for three days, by the detector once a minute: they stay who they are,
/// with nothing that grows, whatever becomes of the service in between.
#[test]
fn three_days_of_standing_things_change_nothing() {
    let parked: Vec<Detection> = (0..40)
        .map(|i| Detection {
            bbox: BBox::new(0.1 * f64::from(i % 10), 0.2 * f64::from(i / 10), 0.08, 0.1),
            class: ObjectClass::Car,
            label: None,
            confidence: Confidence::clamped(0.9),
        })
        .collect();
    let look = |scene: &mut Scene, second: i64, fraction: i64| {
        let at = Timestamp::from_millis(second * 1000 + fraction);
        scene.observe(at, Observation::Analysed { detections: &parked, luma: None });
    };
    let mut scene = scene();
    for step in 0..25 {
        look(&mut scene, step / 5, step % 5 * 200);
    }
    let known = scene.baseline();
    assert_eq!(known.things.len(), 40);
    for second in (10..3 * 86_400).step_by(10) {
        if second % 60 == 0 {
            look(&mut scene, second, 0);
        } else {
            scene.observe(Timestamp::from_millis(second * 1000), Observation::LookedUnchanged);
        }
        if second == 100_000 {
            scene = Scene::new(config(), IdSeed::from_texts(&["again"]), scene.baseline());
        }
    }
    let after = scene.baseline();
    assert_eq!(after.next_track, known.next_track, "nothing was new");
    for (before, now) in known.things.iter().zip(&after.things) {
        assert_eq!((before.track, before.first_seen, before.rest_since), (now.track, now.first_seen, now.rest_since));
    }
    assert_eq!(scene.objects().len(), 40);
}
