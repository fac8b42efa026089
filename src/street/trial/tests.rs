//! Short forms of the trial; the long ones are `benches/street.rs`.

use std::time::Duration;

use super::condition::Condition;
use super::pace::Pace;
use super::program::{Played, Program};
use super::quiet::Quiet;
use crate::score::{Patience, Score, compare, judge};
use crate::street::weather::Weather;

fn play(tellings: &[u64], condition: Condition, pace: Pace) -> Played {
    Program { tellings: tellings.to_vec(), condition, pace, only: None }.play(2).unwrap()
}

/// Kind, rule, camera and second of what is wrong: readable where a test fails.
fn wrongs(played: &Played) -> Vec<String> {
    let verdict = judge(&played.truth, &played.told, Patience::default());
    let second = |at: crate::domain::time::Timestamp| at.seconds_from(super::take::moment(0.0));
    let missed = verdict.missed.iter().map(|&i| &played.truth.events[i]);
    let missed = missed.map(|e| format!("missed {} {:?} {} {:.1}", e.kind, e.rule, e.camera, second(e.start)));
    let invented = verdict.false_alerts.iter().map(|&i| &played.told[i]);
    let invented = invented.map(|t| format!("false {} {:?} {} {:.1}", t.kind, t.rule, t.camera, second(t.started_at)));
    missed.chain(invented).collect()
}

#[test]
fn the_demos_own_stories_are_told_rightly() {
    let played = play(&[0], Condition::Day, Pace::Regular(5.0));
    assert_eq!(wrongs(&played), Vec::<String>::new());
    assert!(played.told.len() > 40, "{}", played.told.len());
}

#[test]
fn a_poor_detector_costs_little() {
    let played = play(&[2], Condition::Degraded, Pace::Regular(5.0));
    let verdict = judge(&played.truth, &played.told, Patience::default());
    let total = Score::new(&played.truth, &played.told, &verdict, None).total;
    let (precision, recall) = (total.precision.unwrap(), total.recall.unwrap());
    assert!(precision >= 0.95 && recall >= 0.95, "{precision} {recall} {:#?}", wrongs(&played));
    let clear = play(&[2], Condition::Day, Pace::Regular(5.0));
    assert_ne!(played.told, clear.told, "the detector is worse indeed");
}

#[test]
fn looked_at_more_often_or_irregularly_the_same_is_told() {
    let base = play(&[0], Condition::Day, Pace::Regular(5.0));
    for pace in [Pace::Regular(10.0), Pace::Irregular] {
        let other = play(&[0], Condition::Day, pace);
        let alike = compare(&base.told, &other.told, Duration::from_secs(2), None);
        assert!(alike.only_a.is_empty() && alike.only_b.is_empty(), "{}: {alike:?}", pace.name());
    }
}

#[test]
fn where_nothing_happens_nothing_is_told() {
    let quiet = Quiet { weathers: Weather::ALL.to_vec(), places: 1, seconds: 45.0, pace: Pace::Regular(5.0) };
    let played = quiet.play(2).unwrap();
    assert_eq!(played.truth.watched.len(), Weather::ALL.len());
    assert_eq!(wrongs(&played), Vec::<String>::new());
}

#[test]
fn a_program_played_twice_is_the_same_on_any_number_of_threads() {
    let only = Some("corridor".to_owned());
    let program = Program { tellings: vec![3], condition: Condition::Rain, pace: Pace::Irregular, only };
    assert_eq!(program.play(1).unwrap(), program.play(3).unwrap());
}
