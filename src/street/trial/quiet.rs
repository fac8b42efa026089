//! Places on which nothing happens that a rule watches for, in every weather, before rules of all kinds, with a detector that sees
//! things which are not there. Whatever is told is false.

use super::super::cameras;
use super::super::configuration;
use super::super::degraded::Degradation;
use super::super::weather::Weather;
use super::pace::Pace;
use super::program::{Played, in_parallel, told};
use super::take::{Take, moment};
use crate::config::ConfigErrors;
use crate::score::Watched;

/// What is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiet {
    /// In these kinds of weather.
    pub weathers: Vec<Weather>,
    /// Places for each; every one is another.
    pub places: u64,
    /// For so long each.
    pub seconds: f64,
    /// How often is looked.
    pub pace: Pace,
}

/// What a detector makes of nothing in that weather.
pub fn detector(weather: Weather) -> Degradation {
    let how = |recall, jitter, false_per_frame, light| Degradation {
        recall,
        jitter,
        false_per_frame,
        class_flicker: 0.03,
        light,
    };
    match weather {
        Weather::Day => how(0.93, 0.02, 0.1, 1.0),
        Weather::Dusk => how(0.88, 0.03, 0.2, 0.6),
        Weather::Infrared | Weather::Headlights => how(0.85, 0.03, 0.3, 0.7),
        Weather::Noise => how(0.85, 0.04, 0.3, 0.8),
        Weather::Rain | Weather::Wind => how(0.88, 0.035, 0.3, 0.9),
        Weather::Insects => how(0.85, 0.03, 0.6, 0.7),
    }
}

impl Quiet {
    /// Plays it on `threads` threads. A camera is called `rain@3` at place 3.
    pub fn play(&self, threads: usize) -> Result<Played, ConfigErrors> {
        let mut stages = Vec::new();
        for (w, &weather) in self.weathers.iter().enumerate() {
            for place in 0..self.places {
                let seed = w as u64 * 1000 + place;
                let camera = cameras::quiet(seed);
                let config = configuration::scene(&camera)?;
                stages.push((weather, seed, camera, config));
            }
        }
        let plays = in_parallel(threads, &stages, |(weather, seed, camera, config)| {
            let name = format!("{}@{seed}", weather.as_str());
            let take = Take {
                camera,
                config: config.clone(),
                weather: *weather,
                detector: detector(*weather),
                pace: self.pace,
                seed: *seed,
                seconds: self.seconds,
            };
            let told: Vec<_> = take.play().iter().filter_map(|change| told(&name, change)).collect();
            (Watched { camera: name, from: moment(0.0), until: moment(self.seconds) }, told)
        });
        let mut all = Played::default();
        for (watched, told) in plays {
            all.truth.watched.push(watched);
            all.told.extend(told);
        }
        Ok(all)
    }
}
