//! Laws of the street: it repeats, its seam is clean, and nobody is said to do what cannot be seen.

use super::actor::Class;
use super::cameras::{self, DemoCamera, PERIOD_S};
use super::random;
use super::scene::{Painter, Scene, Sighting};
use super::truth::{TruthEvent, events};

/// What occurs on the street.
const KINDS: [&str; 13] = [
    "line_cross",
    "zone_enter",
    "zone_exit",
    "zone_presence",
    "loitering",
    "wrong_way",
    "crowd",
    "object_abandoned",
    "object_removed",
    "vehicle_stopped",
    "object_present",
    "fast_move",
    "video_loss",
];

/// Rules that wait in vain: what they watch for does not happen, though it nearly does.
const IN_VAIN: [&str; 2] = ["against-far-lane", "far-bicycle-taken"];

fn small(camera: &DemoCamera) -> Scene {
    Scene { view: camera.scene.view.sized(480, 270), ..camera.scene.clone() }
}

fn picture(scene: &Scene, t: f32) -> Vec<u8> {
    let mut painter = Painter::new(scene);
    painter.paint(t);
    painter.picture(t).bytes
}

fn camera(id: &str) -> DemoCamera {
    cameras::all().into_iter().find(|c| c.id == id).unwrap()
}

#[test]
fn a_seed_gives_one_street() {
    let scene = |seed| random::scene(seed, 160, 90);
    assert_eq!(picture(&scene(5), 1.5), picture(&scene(5), 1.5));
    assert_ne!(picture(&scene(5), 1.5), picture(&scene(6), 1.5));
    assert_ne!(picture(&scene(5), 1.5), picture(&scene(5), 2.5), "somebody moves, and the sensor is never still");
}

#[test]
fn at_the_seam_everything_is_where_it_was() {
    for camera in cameras::all() {
        let scene = small(&camera);
        let mut painter = Painter::new(&scene);
        let (first, last) = (painter.paint(0.0), painter.paint(PERIOD_S - 0.1));
        let there = |seen: &[Sighting]| {
            let mut actors: Vec<_> = seen.iter().map(|s| s.actor).collect();
            actors.sort_unstable();
            actors
        };
        assert_eq!(there(&first), there(&last), "{}", camera.id);
        for before in &last {
            let after = first.iter().find(|s| s.actor == before.actor).unwrap();
            // A wheel may have turned.
            let moved = before.bbox.iter().zip(after.bbox).any(|(a, b)| (a - b).abs() > 0.004);
            assert!(!moved, "{}: {before:?} becomes {after:?}", camera.id);
        }
    }
}

#[test]
fn every_kind_happens_once_a_round_at_least() {
    let all: Vec<TruthEvent> = cameras::all().iter().flat_map(events).collect();
    for kind in KINDS {
        assert!(all.iter().any(|e| e.kind == kind), "{kind}");
    }
    for camera in cameras::all() {
        let told: Vec<_> = all.iter().filter(|e| e.camera == camera.id).collect();
        for rule in &camera.watch.rules {
            let happens = told.iter().any(|e| e.rule == Some(rule.id));
            assert_ne!(happens, IN_VAIN.contains(&rule.id), "{} waits for {}", camera.id, rule.id);
        }
        assert!(told.iter().all(|e| !e.doubtful), "the demo asks fair questions only: {told:?}");
        assert!(told.iter().all(|e| (0.0..f64::from(PERIOD_S)).contains(&e.start_s)), "{}", camera.id);
    }
}

#[test]
fn who_does_something_is_seen_doing_it() {
    for camera in cameras::all() {
        let scene = small(&camera);
        let mut painter = Painter::new(&scene);
        for event in events(&camera) {
            let Some(actor) = event.actor else { continue };
            // What is there from its first tip at the picture's edge on is seen when it is in the picture.
            let at =
                if ["object_present", "zone_presence"].contains(&event.kind) { event.due_s } else { event.start_s };
            let seen = painter.paint(at as f32 % PERIOD_S);
            let clear = |s: &Sighting| s.actor == actor && s.visible >= 0.5 && s.bbox[3] - s.bbox[1] > 0.05;
            assert!(seen.iter().any(clear), "{event:?}: {seen:?}");
        }
    }
}

#[test]
fn nobody_waits_for_a_camera_that_is_away() {
    for camera in cameras::all() {
        let Some([from, until]) = camera.outage_s else { continue };
        // A service that tries again ever more rarely needs about as long as the outage was, until it has found it again.
        let away = f64::from(from) - 1.0..f64::from(until) + 13.0;
        for event in events(&camera).iter().filter(|e| e.kind != "video_loss") {
            let apart = event.due_s + event.tolerance_s < away.start || event.watch_from_s > away.end;
            assert!(apart, "{event:?} while the camera is away {away:?}");
        }
    }
}

#[test]
fn the_bicycle_is_hidden_before_it_is_taken_and_brought_back_after() {
    let corridor = camera("corridor");
    let taken: Vec<_> = events(&corridor).into_iter().filter(|e| e.kind == "object_removed").collect();
    assert_eq!(taken.len(), 1, "{taken:?}");
    let scene = small(&corridor);
    let mut painter = Painter::new(&scene);
    let mut bicycle = |t: f32| {
        let standing = |s: &&Sighting| s.class == Class::Bicycle && (0.4..0.65).contains(&s.bbox[0]);
        painter.paint(t).iter().find(standing).map(|s| s.visible)
    };
    assert!(bicycle(4.0).unwrap() > 0.95);
    assert!(bicycle(8.0).unwrap() < 0.75, "two people stand in front of it");
    assert!(bicycle(54.0).unwrap() < 0.75, "a trolley passes before it");
    assert_eq!(bicycle(30.0), None);
    assert!(bicycle(49.5).unwrap() > 0.6);
}

#[test]
fn who_turns_back_before_the_line_has_not_crossed_it() {
    let street = camera("street-east");
    let east = events(&street).into_iter().filter(|e| e.rule == Some("eastbound"));
    let told: Vec<f64> = east.map(|e| e.start_s).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|t| !(36.0..48.0).contains(t)), "{told:?}");
}
