//! What is remembered of a track's way, and how much.

use super::*;
use crate::domain::detection::{Confidence, Detection};
use crate::domain::geometry::BBox;
use crate::domain::tracking::{Tracker, TrackerConfig};

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + (seconds * 1000.0) as i64)
}

fn person(x: f64) -> Detection {
    Detection {
        bbox: BBox::new(x, 0.4, 0.06, 0.2),
        class: ObjectClass::Person,
        label: None,
        confidence: Confidence::clamped(0.9),
    }
}

/// One who walks to the right for twenty seconds, is not seen for three of them, and goes.
fn walked(trace: &mut Trace) -> TrackId {
    let mut tracker = Tracker::new(TrackerConfig { lost_after: Duration::from_secs(4), ..TrackerConfig::default() });
    let dt = Duration::from_millis(200);
    let mut known = TrackId(0);
    for step in 0..150 {
        let t = f64::from(step) * 0.2;
        let seen = if (8.0..11.0).contains(&t) || t > 20.0 { vec![] } else { vec![person(0.04 * t)] };
        tracker.observe(at(t), dt, &seen);
        trace.look(at(t), tracker.tracks());
        known = tracker.tracks().first().map_or(known, Track::id);
    }
    known
}

fn words(trail: &Trail) -> Vec<&What> {
    trail.moments.iter().map(|m| &m.what).collect()
}

#[test]
fn a_track_has_its_story_and_a_thinned_path() {
    let mut trace = Trace::default();
    let track = walked(&mut trace);
    let trail = trace.trail(track).expect("remembered after its end");
    let story = words(trail);
    assert_eq!(story[0], &What::Confirmed(ObjectClass::Person));
    assert!(story.contains(&&What::OutOfSight) && story.contains(&&What::SeenAgain), "{story:?}");
    assert_eq!(*story[story.len() - 1], What::Gone);
    assert!(trail.moments.iter().zip(trail.moments.iter().skip(1)).all(|(a, b)| a.at <= b.at));
    assert!(trail.path.len() <= PATH_MAX && trail.path.len() > 20, "{}", trail.path.len());
    assert!(trail.path.windows(2).all(|p| p[1].1.x > p[0].1.x));
}

#[test]
fn what_goes_on_is_said_once_and_memory_is_bounded() {
    let mut trace = Trace::default();
    let track = walked(&mut trace);
    let rule = RuleId::parse("a").expect("a slug");
    for step in 0..10 {
        trace.held_back(at(f64::from(step)), track, &rule, HeldBackBy::Cooldown);
    }
    let held = |trace: &Trace| {
        words(trace.trail(track).expect("known")).iter().filter(|w| matches!(w, What::HeldBack { .. })).count()
    };
    assert_eq!(held(&trace), 1);
    for step in 0..500 {
        let by = if step % 2 == 0 { HeldBackBy::Limit } else { HeldBackBy::Cooldown };
        trace.held_back(at(f64::from(step)), track, &rule, by);
    }
    let trail = trace.trail(track).expect("known");
    assert_eq!(trail.moments.len(), MOMENTS_MAX);
    assert!(trail.dropped > 400);
    assert!(matches!(trail.moments[0].what, What::Confirmed(_)), "the beginning stays");
}

#[test]
fn off_remembers_nothing_and_a_wanted_track_is_kept() {
    let mut off = Trace::default();
    off.turn_off();
    let track = walked(&mut off);
    assert!(off.trail(track).is_none());
    let mut trace = Trace::default();
    trace.keep(track);
    walked(&mut trace);
    trace.retired.clear();
    assert!(trace.trail(track).is_some());
}
