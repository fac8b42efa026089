//! Many takes, and what came of them: a truth and the alerts, for `crate::score` to judge.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::cameras::{self, DemoCamera, PERIOD_S};
use super::super::configuration;
use super::super::expected;
use super::condition::Condition;
use super::pace::Pace;
use super::take::{Take, moment};
use crate::config::ConfigErrors;
use crate::domain::alert::{AlertChange, Phase};
use crate::domain::scene::SceneConfig;
use crate::score::{Event, Told, Truth, Watched};

/// Rounds that each story is played.
const ROUNDS: f64 = 2.0;
/// After the last round, for what is told late.
const EPILOGUE_S: f64 = 12.0;

/// What is played: each telling of all cameras' stories.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Which tellings; 0 is the demo's own.
    pub tellings: Vec<u64>,
    /// How they are seen.
    pub condition: Condition,
    /// How often is looked.
    pub pace: Pace,
    /// Only this camera; none: all.
    pub only: Option<String>,
}

/// What came of it. A camera is called `yard@3` in telling 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Played {
    /// What happened.
    pub truth: Truth,
    /// What was told.
    pub told: Vec<Told>,
}

impl Program {
    /// Plays it on `threads` threads; the same program gives the same whatever their number.
    pub fn play(&self, threads: usize) -> Result<Played, ConfigErrors> {
        let mut stages = Vec::new();
        for &telling in &self.tellings {
            let mut cameras = cameras::told(telling);
            cameras.retain(|camera| self.only.as_ref().is_none_or(|only| only == camera.id));
            for camera in cameras {
                let config = configuration::scene(&camera)?;
                stages.push((telling, camera, config));
            }
        }
        let plays = in_parallel(threads, &stages, |(telling, camera, config)| self.one(*telling, camera, config));
        let mut all = Played::default();
        for (truth, told) in plays {
            all.truth.events.extend(truth.events);
            all.truth.watched.extend(truth.watched);
            all.told.extend(told);
        }
        Ok(all)
    }

    fn one(&self, telling: u64, camera: &DemoCamera, config: &SceneConfig) -> (Truth, Vec<Told>) {
        let seconds = ROUNDS * f64::from(PERIOD_S) + EPILOGUE_S;
        let name = format!("{}@{telling}", camera.id);
        let take = Take {
            camera,
            config: config.clone(),
            weather: self.condition.weather(),
            detector: self.condition.detector(),
            pace: self.pace,
            seed: telling,
            seconds,
        };
        let told = take.play().iter().filter_map(|change| told(&name, change)).collect();
        let (from, until) = (moment(0.0), moment(seconds));
        let events = expected::of(std::slice::from_ref(camera), from, from, until);
        let events = events.into_iter().map(|event| Event { camera: name.clone(), ..event.for_score() }).collect();
        (Truth { events, watched: vec![Watched { camera: name, from, until }], ignored: Vec::new() }, told)
    }
}

/// Does `work` with each of `items` on so many threads; results in their order.
pub(super) fn in_parallel<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while let Some((index, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
                {
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// An alert's opening as the score reads it; none for what is no opening.
pub(super) fn told(camera: &str, change: &AlertChange) -> Option<Told> {
    (change.phase == Phase::Opened).then(|| Told {
        alert_id: change.id.to_string(),
        camera: camera.to_owned(),
        kind: change.kind.as_str().to_owned(),
        rule: change.rule.as_ref().map(|rule| rule.id.as_str().to_owned()),
        status: "Actual".to_owned(),
        classes: change.objects.iter().map(|object| object.class.as_str().to_owned()).collect(),
        direction: None,
        started_at: change.started_at,
        captured_at: change.captured_at,
        ended_at: None,
        anchors: change.objects.iter().map(|o| o.bbox.bottom_centre()).map(|p| (p.x, p.y)).collect(),
    })
}
