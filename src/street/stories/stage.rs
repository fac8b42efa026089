//! A scene in the making: who acts is added, what is watched is drawn, and each telling varies it.

use std::f32::consts::TAU;

use super::super::actor::{Actor, Class, Deed, Kind, Waypoint};
use super::super::backdrop::Backdrop;
use super::super::cameras::PERIOD_S;
use super::super::random;
use super::super::rng::Rng;
use super::super::scene::{Light, Scene};
use super::super::shape::Rgb;
use super::super::view::View;
use super::super::watch::{Figure, Watch, WatchRule, What};
use super::Story;
use super::telling::Telling;

/// A waypoint as it is told.
pub(super) type Told = (f32, f32, f32);

pub(super) const RED: Rgb = [0.72, 0.12, 0.10];
pub(super) const BLUE: Rgb = [0.13, 0.26, 0.58];
pub(super) const SILVER: Rgb = [0.62, 0.64, 0.67];
pub(super) const WHITE: Rgb = [0.86, 0.86, 0.86];
pub(super) const BLACK: Rgb = [0.15, 0.15, 0.17];
pub(super) const BRICK: Rgb = [0.55, 0.38, 0.31];

/// A zone or a line on the ground, in metres.
struct Ground {
    id: &'static str,
    name: &'static str,
    places: Vec<[f32; 2]>,
}

/// A scene in the making.
pub(super) struct Stage {
    scene: Scene,
    wardrobe: Rng,
    telling: Telling,
    /// The seconds of the round in which somebody may act.
    pub(super) within: [f32; 2],
    together: bool,
    zones: Vec<Ground>,
    lines: Vec<Ground>,
    rules: Vec<WatchRule>,
}

impl Stage {
    /// An empty scene, seen by a camera that hangs so high, looks down so far and has that focal length. `telling` 0 is the
    /// story as it is written.
    pub(super) fn new(telling: u64, seed: u64, backdrop: Backdrop, view: (f32, f32, f32)) -> Self {
        let (height_m, pitch, focal) = view;
        let mut telling = Telling::of(telling, seed);
        let view = View { width: 960, height: 540, focal, eye: [0.0, height_m, 0.0], pitch, yaw: 0.0 };
        let light = Light { gain: 0.98, sway: 0.05, warmth: 0.02, noise: 1.2 };
        let (view, light, salt) = (telling.view(view), telling.light(light), telling.salt());
        let backdrop = Backdrop { seed: backdrop.seed ^ salt, ..backdrop };
        let scene = Scene { view, backdrop, actors: Vec::new(), light, breeze: 0.0, period_s: PERIOD_S };
        Self {
            scene,
            wardrobe: Rng::new(seed ^ salt),
            telling,
            within: [0.3, PERIOD_S - 0.3],
            together: false,
            zones: Vec::new(),
            lines: Vec::new(),
            rules: Vec::new(),
        }
    }

    fn add(&mut self, kind: Kind, path: Vec<Waypoint>, facing: f32) {
        let phase = self.wardrobe.range(0.0, TAU);
        self.scene.actors.push(Actor { kind, path, facing, phase });
        if !self.together {
            let last = self.scene.actors.len() - 1;
            self.telling.vary(&mut self.scene.actors[last..], self.within);
        }
    }

    /// All that `act` adds belongs together, and is varied together.
    pub(super) fn together(&mut self, act: impl FnOnce(&mut Self)) {
        let first = self.scene.actors.len();
        let outer = std::mem::replace(&mut self.together, true);
        act(self);
        self.together = outer;
        if !outer {
            self.telling.vary(&mut self.scene.actors[first..], self.within);
        }
    }

    pub(super) fn person(&mut self, told: &[Told]) {
        self.person_doing(&told.iter().map(|&(t, x, z)| (t, x, z, Deed::Walk)).collect::<Vec<_>>());
    }

    pub(super) fn person_doing(&mut self, told: &[(f32, f32, f32, Deed)]) {
        let look = random::look(&mut self.wardrobe);
        self.add(Kind::Person(look), told.iter().map(|&(t, x, z, deed)| Waypoint { t, x, z, deed }).collect(), 0.0);
    }

    pub(super) fn mover(&mut self, kind: Kind, told: &[Told]) {
        self.add(kind, told.iter().map(|&(t, x, z)| Waypoint { t, x, z, deed: Deed::Walk }).collect(), 0.0);
    }

    pub(super) fn rider(&mut self, frame: Rgb, told: &[Told]) {
        self.together(|stage| {
            stage.mover(Kind::Bicycle(frame), told);
            stage.person_doing(&told.iter().map(|&(t, x, z)| (t, x, z, Deed::Ride)).collect::<Vec<_>>());
        });
    }

    pub(super) fn stand(&mut self, kind: Kind, x: f32, z: f32) {
        self.add(kind, vec![Waypoint { t: 0.0, x, z, deed: Deed::Walk }], 0.0);
    }

    pub(super) fn tree(&mut self, height: f32, x: f32, z: f32) {
        let seed = self.wardrobe.bits();
        self.stand(Kind::Tree { height, seed }, x, z);
    }

    /// Draws a zone on the ground.
    pub(super) fn zone(&mut self, id: &'static str, name: &'static str, places: &[[f32; 2]]) {
        self.zones.push(Ground { id, name, places: places.to_vec() });
    }

    /// Draws a line on the ground.
    pub(super) fn line(&mut self, id: &'static str, name: &'static str, places: &[[f32; 2]]) {
        self.lines.push(Ground { id, name, places: places.to_vec() });
    }

    /// Watches for something.
    pub(super) fn watch(&mut self, id: &'static str, class: Class, what: What) {
        self.rules.push(WatchRule { id, classes: vec![class], what });
    }

    /// The story is told.
    pub(super) fn told(mut self) -> Story {
        if self.telling.mirrored {
            self.mirror();
        }
        let drawn = |grounds: &[Ground]| {
            grounds.iter().map(|g| Figure::on_ground(g.id, g.name, &self.scene.view, &g.places)).collect()
        };
        let watch = Watch { zones: drawn(&self.zones), lines: drawn(&self.lines), rules: self.rules };
        (self.scene, watch)
    }

    fn mirror(&mut self) {
        for actor in &mut self.scene.actors {
            actor.facing = TAU / 2.0 - actor.facing;
            for w in &mut actor.path {
                w.x = -w.x;
            }
        }
        for place in self.zones.iter_mut().chain(&mut self.lines).flat_map(|ground| &mut ground.places) {
            place[0] = -place[0];
        }
        for rule in &mut self.rules {
            rule.what = rule.what.mirrored();
        }
    }
}

pub(super) fn car(paint: Rgb) -> Kind {
    Kind::Car { paint, tall: false }
}
