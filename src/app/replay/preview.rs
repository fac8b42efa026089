//! A replay to look at: the video with boxes, tracks, zones, lines and alerts drawn on it. A file on this machine, made only
//! when asked for; nothing is sent anywhere.
//!
//! The scene is played again, from what the detector saw, to the time of each picture.

mod letters;
mod pen;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use self::pen::{AMBER, BLUE, Colour, GREEN, GREY, Pen, RED, WHITE};
use crate::camera::{Canvas, annotate};
use crate::config::CameraSettings;
use crate::domain::alert::{AlertChange, Phase};
use crate::domain::baseline::Baseline;
use crate::domain::geometry::Point;
use crate::domain::ids::{IdSeed, TrackId};
use crate::domain::scene::{Observation, Scene, SceneObject};
use crate::domain::time::Timestamp;
use crate::pipeline::detect::DetectedFrame;

/// Pictures per second of a preview.
const PER_SECOND: i32 = 15;
/// How long a caption stays.
const CAPTION: Duration = Duration::from_secs(4);
/// Captions at once.
const CAPTIONS_MAX: usize = 5;
/// Points of a drawn path.
const PATH_MAX: usize = 60;

/// Draws a preview of a video whose first picture was taken at `begin`.
pub(super) fn write(
    video: &Path,
    out: &Path,
    camera: &CameraSettings,
    begin: Timestamp,
    frames: Vec<DetectedFrame>,
) -> anyhow::Result<()> {
    let mut stage = Stage::new(camera, frames);
    let draw = Box::new(move |at: Duration, canvas: &mut Canvas<'_>| {
        stage.play_to(begin.plus(at));
        stage.draw(begin.plus(at), &mut Pen::new(canvas));
    });
    annotate(video, out, PER_SECOND, draw).with_context(|| format!("cannot write the preview {}", out.display()))
}

/// A scene that is played again, and what of it is to be seen.
struct Stage {
    scene: Scene,
    frames: VecDeque<DetectedFrame>,
    objects: Vec<SceneObject>,
    paths: BTreeMap<TrackId, VecDeque<Point>>,
    captions: VecDeque<(Timestamp, String)>,
    alarmed: BTreeMap<TrackId, Timestamp>,
}

impl Stage {
    fn new(camera: &CameraSettings, frames: Vec<DetectedFrame>) -> Self {
        let scene =
            Scene::new(camera.scene.clone(), IdSeed::from_texts(&["preview"]), Baseline::default()).without_trace();
        Self {
            scene,
            frames: frames.into(),
            objects: Vec::new(),
            paths: BTreeMap::new(),
            captions: VecDeque::new(),
            alarmed: BTreeMap::new(),
        }
    }

    fn play_to(&mut self, now: Timestamp) {
        while self.frames.front().is_some_and(|frame| frame.captured_at <= now) {
            let Some(frame) = self.frames.pop_front() else { return };
            let at = frame.captured_at;
            let changes = self
                .scene
                .observe(at, Observation::Analysed { detections: &frame.detections, luma: frame.luma.as_ref() });
            for change in changes.iter().filter(|change| change.phase == Phase::Opened) {
                self.raise(change, at);
            }
            self.objects = self.scene.objects();
            for object in self.objects.iter().filter(|object| object.seen) {
                let path = self.paths.entry(object.track).or_default();
                path.push_back(object.bbox.bottom_centre());
                if path.len() > PATH_MAX {
                    path.pop_front();
                }
            }
            let alive: Vec<TrackId> = self.objects.iter().map(|object| object.track).collect();
            self.paths.retain(|track, _| alive.contains(track));
        }
        while self.captions.front().is_some_and(|(since, _)| now.since(*since) > CAPTION) {
            self.captions.pop_front();
        }
        self.alarmed.retain(|_, since| now.since(*since) <= CAPTION);
    }

    fn raise(&mut self, change: &AlertChange, at: Timestamp) {
        let rule = change.rule.as_ref().map_or("-", |rule| rule.id.as_str());
        let who: Vec<String> = change.objects.iter().map(|o| format!("{} {}", o.class.as_str(), o.track)).collect();
        self.captions.push_back((at, format!("{} {rule}: {}", change.kind.as_str(), who.join(", "))));
        if self.captions.len() > CAPTIONS_MAX {
            self.captions.pop_front();
        }
        self.alarmed.extend(change.objects.iter().map(|object| (object.track, at)));
    }

    fn draw(&self, now: Timestamp, pen: &mut Pen<'_, '_>) {
        let config = self.scene.config();
        for zone in &config.zones {
            for hole in zone.shape.holes() {
                pen.outline(&pairs(hole.points()), true, GREY);
            }
            for polygon in zone.shape.polygons() {
                let points = pairs(polygon.points());
                pen.outline(&points, true, AMBER);
                if let Some(first) = points.first() {
                    pen.words(*first, zone.id.as_str(), AMBER);
                }
            }
        }
        for line in &config.lines {
            let points = pairs(line.line.points());
            pen.outline(&points, false, BLUE);
            arrow(&points, pen);
            if let Some(first) = points.first() {
                pen.words(*first, line.id.as_str(), BLUE);
            }
        }
        for object in &self.objects {
            let colour = self.colour(object);
            if let Some(path) = self.paths.get(&object.track) {
                let path: Vec<(f64, f64)> = path.iter().map(|p| (p.x, p.y)).collect();
                pen.outline(&path, false, colour);
            }
            let b = object.bbox;
            let corners = [(b.x, b.y), (b.x + b.w, b.y), (b.x + b.w, b.y + b.h), (b.x, b.y + b.h)];
            pen.outline(&corners, true, colour);
            let name = object.label.as_deref().unwrap_or(object.class.as_str());
            let words = format!("{name} {} {:.0}%", object.track, object.confidence.get() * 100.0);
            pen.words((b.x, b.y), &words, colour);
        }
        let mut y = 0.0;
        for (since, words) in &self.captions {
            let age = now.seconds_from(*since);
            y += pen.words((0.0, y), &format!("{words}  {age:.1} s ago"), WHITE);
        }
    }

    fn colour(&self, object: &SceneObject) -> Colour {
        if self.alarmed.contains_key(&object.track) {
            RED
        } else if object.seen {
            GREEN
        } else {
            GREY
        }
    }
}

fn pairs(points: &[Point]) -> Vec<(f64, f64)> {
    points.iter().map(|p| (p.x, p.y)).collect()
}

/// From the left of a line's middle to its right: the way that `left_to_right` means.
fn arrow(points: &[(f64, f64)], pen: &mut Pen<'_, '_>) {
    let Some([a, b]) = points.get(points.len() / 2 - 1..=points.len() / 2) else { return };
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy).max(1e-9);
    // On a screen, y down, the right hand of one who walks along (dx, dy) is at (-dy, dx).
    let (rx, ry) = (-dy / length * 0.03, dx / length * 0.03);
    let middle = (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1));
    let tip = (middle.0 + rx, middle.1 + ry);
    pen.line((middle.0 - rx, middle.1 - ry), tip, BLUE);
    for side in [-1.0, 1.0] {
        let back = (tip.0 - rx * 0.5 + side * ry * 0.4, tip.1 - ry * 0.5 - side * rx * 0.4);
        pen.line(tip, back, BLUE);
    }
}
