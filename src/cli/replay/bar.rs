//! How far a replay is: a bar by the media's length, and how many times faster than real time.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::app::replay::{Film, OnProgress, Progress, Reel};
use crate::camera;

/// The bar; says nothing where standard error is no terminal.
pub(super) struct Bar {
    bar: ProgressBar,
    /// Seconds of media before each reel, by camera.
    before: Arc<Vec<(String, f64)>>,
}

impl Bar {
    pub(super) fn new(reels: &[Reel]) -> anyhow::Result<Self> {
        let mut before = Vec::new();
        let (mut total, mut is_known) = (0.0, true);
        for reel in reels {
            before.push((reel.camera.id().to_string(), total));
            match seconds(&reel.film) {
                Some(seconds) => total += seconds,
                None => is_known = false,
            }
        }
        let bar = if is_known && total > 0.0 {
            let style = "{bar:30.cyan/blue} {percent:>3} % {msg} ({eta} left)";
            ProgressBar::new((total * 10.0) as u64).with_style(ProgressStyle::with_template(style)?)
        } else {
            ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})")?)
        };
        Ok(Self { bar, before: Arc::new(before) })
    }

    /// Seconds since it was made.
    pub(super) fn elapsed_s(&self) -> f64 {
        self.bar.elapsed().as_secs_f64()
    }

    /// Who is told of each frame.
    pub(super) fn listener(&self) -> OnProgress {
        let (bar, before) = (self.bar.clone(), Arc::clone(&self.before));
        Arc::new(move |now: Progress<'_>| {
            let passed = before.iter().find(|(camera, _)| camera == now.camera).map_or(0.0, |(_, seconds)| *seconds);
            let played = passed + now.played_s;
            let place = (played * 10.0) as u64;
            if place != bar.position() {
                bar.set_position(place);
                let speed = played / bar.elapsed().as_secs_f64().max(1e-3);
                bar.set_message(format!("{} {:.0} s, {speed:.1} x real time", now.camera, now.played_s));
            }
        })
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long a film is; none where a file does not say.
fn seconds(film: &Film) -> Option<f64> {
    match film {
        Film::Videos(videos) => videos.iter().map(|video| Some(camera::duration(video)?.as_secs_f64())).sum(),
        Film::Detections(sections) => Some(sections.iter().map(|section| section.lasts_ns as f64 / 1e9).sum()),
    }
}
