//! One camera's story, played before a scene as the service would have run it.

use std::time::Duration;

use super::super::cameras::DemoCamera;
use super::super::degraded::{Degradation, Detector};
use super::super::rng::mix;
use super::super::scene::{Painter, Scene as Street};
use super::super::weather::Weather;
use super::pace::Pace;
use crate::domain::alert::AlertChange;
use crate::domain::baseline::Baseline;
use crate::domain::cues::SmallLuma;
use crate::domain::ids::IdSeed;
use crate::domain::scene::{BlindCause, Observation, Scene, SceneConfig};
use crate::domain::time::Timestamp;

/// Pictures are painted so large; what is hidden is measured on them, and their brightness is averaged over blocks.
const PAINTED: (usize, usize) = (320, 180);
/// Blocks of so many pixels a side make one of the small grey picture's.
const SHRINK: usize = 2;
/// A camera that is away is noticed after so long.
const NOTICED_AFTER_S: f64 = 1.0;

/// What is played.
#[derive(Clone, Debug)]
pub struct Take<'a> {
    /// The camera and its story.
    pub camera: &'a DemoCamera,
    /// Its zones, lines and rules, as the configuration reads them.
    pub config: SceneConfig,
    /// What lies between the camera and its scene.
    pub weather: Weather,
    /// How good the detector is.
    pub detector: Degradation,
    /// How often is looked.
    pub pace: Pace,
    /// For what is left to chance in seeing.
    pub seed: u64,
    /// For how long; the story begins again after each round.
    pub seconds: f64,
}

/// The moment `t` seconds after the beginning of a take.
pub fn moment(t: f64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).plus(Duration::from_secs_f64(t))
}

impl Take<'_> {
    /// Plays it; gives what the scene told.
    pub fn play(&self) -> Vec<AlertChange> {
        let seed = mix(self.seed ^ u64::from_le_bytes(first_bytes(self.camera.id)));
        let weather = self.weather;
        let street = weather
            .over(&Street { view: self.camera.scene.view.sized(PAINTED.0, PAINTED.1), ..self.camera.scene.clone() });
        let mut painter = Painter::in_weather(&street, weather);
        let mut detector = Detector::new(seed, self.detector);
        let needs_luma = self.config.needs_luma();
        let mut scene =
            Scene::new(self.config.clone(), IdSeed::from_texts(&["trial", self.camera.id]), Baseline::default());
        let mut changes = Vec::new();
        for t in self.pace.moments(seed, self.seconds) {
            let of_round = t % f64::from(street.period_s);
            if let Some(away_for) = self.away_for(of_round) {
                if away_for >= NOTICED_AFTER_S {
                    changes.extend(scene.observe(moment(t), Observation::Blind { cause: BlindCause::Unreachable }));
                } else {
                    changes.extend(scene.tick(moment(t)));
                }
                continue;
            }
            let there = painter.paint(of_round as f32);
            let detections = detector.look(t as f32, &there);
            let luma = if needs_luma { small(&painter, t) } else { None };
            changes.extend(
                scene.observe(moment(t), Observation::Analysed { detections: &detections, luma: luma.as_ref() }),
            );
        }
        changes
    }

    /// How long the camera has been away at that second of the round; none where it is there.
    fn away_for(&self, of_round: f64) -> Option<f64> {
        let [from, until] = self.camera.outage_s?.map(f64::from);
        (from..until).contains(&of_round).then_some(of_round - from)
    }
}

/// The painted moment as the pipeline shrinks it.
pub(super) fn small(painter: &Painter<'_>, t: f64) -> Option<SmallLuma> {
    let (w, h) = (PAINTED.0 / SHRINK, PAINTED.1 / SHRINK);
    SmallLuma::new(w as u16, h as u16, painter.grey(t as f32, SHRINK))
}

fn first_bytes(id: &str) -> [u8; 8] {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(id.bytes()) {
        *to = from;
    }
    bytes
}
