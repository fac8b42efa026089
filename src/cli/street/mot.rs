//! `lightbar street mot`: a busy street as MOT Challenge text, truth and poor detections, to judge trackers on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::domain::detection::ObjectClass;
use crate::street::actor::Class;
use crate::street::busy;
use crate::street::degraded::{Degradation, Detector};
use crate::street::scene::{Painter, Scene, Sighting, outline};

/// Who is out of the picture for so long comes back as somebody else.
const AWAY_S: f32 = 1.0;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which street.
    #[arg(long)]
    seed: u64,
    /// Frames per second.
    #[arg(long, default_value_t = 25.0)]
    fps: f32,
    /// How long it lasts.
    #[arg(long, default_value_t = 30.0)]
    seconds: f32,
    /// Width in pixels.
    #[arg(long, default_value_t = 960)]
    width: usize,
    /// Height in pixels.
    #[arg(long, default_value_t = 540)]
    height: usize,
    /// Where the truth goes: frame,id,left,top,width,height,1,class,visibility
    #[arg(long)]
    out_gt: PathBuf,
    /// Where the detections go: frame,-1,left,top,width,height,confidence,class,-1,-1
    #[arg(long)]
    out_det: PathBuf,
    /// Share of what is in full sight that is found.
    #[arg(long, default_value_t = Degradation::default().recall)]
    recall: f32,
    /// Standard deviation of a box's edge, in sizes of the box.
    #[arg(long, default_value_t = Degradation::default().jitter)]
    jitter: f32,
    /// Boxes around nothing, per frame.
    #[arg(long, default_value_t = Degradation::default().false_per_frame)]
    false_per_frame: f32,
    /// Share of finds that are called by the name of something similar.
    #[arg(long, default_value_t = Degradation::default().class_flicker)]
    class_flicker: f32,
    /// 1 is day, 0.5 is dusk.
    #[arg(long, default_value_t = 1.0)]
    light: f32,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!((0.5..=100.0).contains(&args.fps), "--fps wants 0.5 to 100, got {}", args.fps);
    let scene = busy::scene(args.seed, args.width, args.height, args.seconds);
    let how = Degradation {
        recall: args.recall,
        jitter: args.jitter,
        false_per_frame: args.false_per_frame,
        class_flicker: args.class_flicker,
        light: args.light,
    };
    let (truth, found) = sequence(&scene, Detector::new(args.seed, how), args.fps);
    fs::write(&args.out_gt, truth).with_context(|| format!("writing the truth to {}", args.out_gt.display()))?;
    fs::write(&args.out_det, found).with_context(|| format!("writing detections to {}", args.out_det.display()))
}

/// Truth and detections of a scene, looked at so often.
fn sequence(scene: &Scene, mut detector: Detector, fps: f32) -> (String, String) {
    let (mut truth, mut found) = (String::new(), String::new());
    let size = (scene.view.width as f64, scene.view.height as f64);
    let mut painter = Painter::new(scene);
    let mut visits = Visits::default();
    for i in 0..(scene.period_s * fps) as u32 {
        let t = i as f32 / fps;
        let there = painter.paint(t);
        visits.note(scene, t);
        for thing in &there {
            let id = visits.number(thing.actor);
            let [left, top, right, bottom] = thing.bbox.map(f64::from);
            row(&mut truth, (i + 1, id), [left, top, right - left, bottom - top], size);
            writeln!(truth, ",1,{},{:.3}", number(named(thing)), thing.visible).expect("writing to a string");
        }
        for seen in detector.look(t, &there) {
            let b = seen.bbox;
            row(&mut found, (i + 1, -1), [b.x, b.y, b.w, b.h], size);
            writeln!(found, ",{:.4},{},-1,-1", seen.confidence.get(), number(seen.class)).expect("writing to a string");
        }
    }
    (truth, found)
}

/// Frame, id and box in pixels; their first pixel is (1, 1).
fn row(text: &mut String, (frame, id): (u32, i64), [x, y, w, h]: [f64; 4], (width, height): (f64, f64)) {
    let (left, top) = (x * width + 1.0, y * height + 1.0);
    write!(text, "{frame},{id},{left:.2},{top:.2},{:.2},{:.2}", w * width, h * height).expect("writing to a string");
}

const fn named(thing: &Sighting) -> ObjectClass {
    match thing.class {
        Class::Person => ObjectClass::Person,
        Class::Bicycle => ObjectClass::Bicycle,
        Class::Car => ObjectClass::Car,
        Class::Bag => ObjectClass::Bag,
    }
}

/// A class's number: its place in the contract's order, from 1.
fn number(class: ObjectClass) -> usize {
    class as usize + 1
}

/// Who is in the picture for the how-manieth time.
#[derive(Default)]
struct Visits {
    numbers: BTreeMap<usize, (i64, f32)>,
    next: i64,
}

impl Visits {
    fn note(&mut self, scene: &Scene, t: f32) {
        for (i, actor) in scene.actors.iter().enumerate() {
            if outline(&scene.view, actor, t).is_none() {
                continue;
            }
            let known = self.numbers.get(&i).filter(|(_, last)| t - last <= AWAY_S).map(|(number, _)| *number);
            let number = known.unwrap_or_else(|| {
                self.next += 1;
                self.next
            });
            self.numbers.insert(i, (number, t));
        }
    }

    fn number(&self, actor: usize) -> i64 {
        self.numbers.get(&actor).map_or(0, |(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_and_a_frame_rate_changes_only_how_often_it_looks() {
        let scene = busy::scene(3, 160, 90, 6.0);
        let detector = || Detector::new(3, Degradation::default());
        let (truth, found) = sequence(&scene, detector(), 5.0);
        assert_eq!((&truth, &found), (&sequence(&scene, detector(), 5.0).0, &sequence(&scene, detector(), 5.0).1));
        let ids = |text: &str| -> std::collections::BTreeSet<String> {
            text.lines().filter_map(|l| l.split(',').nth(1)).map(str::to_owned).collect()
        };
        let often = sequence(&scene, detector(), 25.0).0;
        assert!(ids(&truth).is_subset(&ids(&often)));
        assert!(found.lines().all(|l| l.split(',').count() == 10));
    }
}
