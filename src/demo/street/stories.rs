//! What happens in front of each camera of the demo, told in waypoints: seconds, metres to the right, metres away.

use std::f32::consts::TAU;

use super::actor::{Actor, Class, Deed, Kind, Waypoint};
use super::backdrop::{Backdrop, Place};
use super::cameras::PERIOD_S;
use super::random;
use super::rng::Rng;
use super::scene::{Light, Scene};
use super::shape::Rgb;
use super::view::View;
use super::watch::{Figure, Watch, WatchRule, What};

/// A waypoint as it is told.
type Told = (f32, f32, f32);

const RED: Rgb = [0.72, 0.12, 0.10];
const BLUE: Rgb = [0.13, 0.26, 0.58];
const SILVER: Rgb = [0.62, 0.64, 0.67];
const WHITE: Rgb = [0.86, 0.86, 0.86];
const BRICK: Rgb = [0.55, 0.38, 0.31];

/// A scene in the making.
struct Stage {
    scene: Scene,
    wardrobe: Rng,
}

impl Stage {
    fn new(seed: u64, backdrop: Backdrop, view: (f32, f32, f32)) -> Self {
        let (height_m, pitch, focal) = view;
        let view = View { width: 960, height: 540, focal, eye: [0.0, height_m, 0.0], pitch, yaw: 0.0 };
        let light = Light { gain: 0.98, sway: 0.05, warmth: 0.02, noise: 1.2 };
        let scene = Scene { view, backdrop, actors: Vec::new(), light, period_s: PERIOD_S };
        Self { scene, wardrobe: Rng::new(seed) }
    }

    fn add(&mut self, kind: Kind, path: Vec<Waypoint>, facing: f32) {
        let phase = self.wardrobe.range(0.0, TAU);
        self.scene.actors.push(Actor { kind, path, facing, phase });
    }

    fn person(&mut self, told: &[Told]) {
        self.person_doing(&told.iter().map(|&(t, x, z)| (t, x, z, Deed::Walk)).collect::<Vec<_>>());
    }

    fn person_doing(&mut self, told: &[(f32, f32, f32, Deed)]) {
        let look = random::look(&mut self.wardrobe);
        self.add(Kind::Person(look), told.iter().map(|&(t, x, z, deed)| Waypoint { t, x, z, deed }).collect(), 0.0);
    }

    fn mover(&mut self, kind: Kind, told: &[Told]) {
        self.add(kind, told.iter().map(|&(t, x, z)| Waypoint { t, x, z, deed: Deed::Walk }).collect(), 0.0);
    }

    fn rider(&mut self, frame: Rgb, told: &[Told]) {
        self.mover(Kind::Bicycle(frame), told);
        self.person_doing(&told.iter().map(|&(t, x, z)| (t, x, z, Deed::Ride)).collect::<Vec<_>>());
    }

    fn stand(&mut self, kind: Kind, x: f32, z: f32) {
        self.add(kind, vec![Waypoint { t: 0.0, x, z, deed: Deed::Walk }], 0.0);
    }

    fn tree(&mut self, height: f32, x: f32, z: f32) {
        let seed = self.wardrobe.bits();
        self.stand(Kind::Tree { height, seed }, x, z);
    }

    fn zone(&self, id: &'static str, name: &'static str, places: &[[f32; 2]]) -> Figure {
        Figure::on_ground(id, name, &self.scene.view, places)
    }
}

fn car(paint: Rgb) -> Kind {
    Kind::Car { paint, tall: false }
}

fn rule(id: &'static str, class: Class, what: What) -> WatchRule {
    WatchRule { id, classes: vec![class], what }
}

/// People pass on the pavement both ways; those who go east are counted. One turns back before the line.
pub(super) fn street_east() -> (Scene, Watch) {
    let backdrop = Backdrop { place: Place::Street, wall: 21.0, mark: 9.0, seed: 5 };
    let mut stage = Stage::new(41, backdrop, (4.2, 0.26, 1.15));
    stage.person(&[(2.0, -9.0, 7.0), (14.0, 9.0, 7.0)]);
    stage.person(&[(11.0, 9.0, 6.2), (24.0, -9.0, 6.2)]);
    stage.person(&[(24.0, -9.0, 7.3), (37.0, 9.0, 7.3)]);
    stage
        .mover(Kind::Bag { paint: [0.35, 0.2, 0.12], size: 0.9, lift: 0.34 }, &[(24.0, -8.95, 7.0), (37.0, 9.05, 7.0)]);
    stage.person(&[(35.0, 9.0, 6.6), (40.5, 2.4, 6.6), (43.5, 2.4, 6.6), (49.0, 9.0, 6.6)]);
    stage.person(&[(43.5, -9.0, 6.7), (56.5, 9.0, 6.7)]);
    for (t, way, kind) in [
        (1.0, 1.0, car(RED)),
        (8.0, -1.0, car(SILVER)),
        (16.5, 1.0, Kind::Car { paint: WHITE, tall: true }),
        (23.0, -1.0, car(BLUE)),
        (30.0, 1.0, car(SILVER)),
        (40.0, -1.0, car([0.15, 0.15, 0.17])),
        (52.0, 1.0, car([0.75, 0.6, 0.15])),
    ] {
        let z = if way > 0.0 { 10.7 } else { 13.8 };
        stage.mover(kind, &[(t, -22.0 * way, z), (t + 5.0, 22.0 * way, z)]);
    }
    stage.rider([0.1, 0.45, 0.25], &[(46.0, 16.0, 13.9), (54.0, -16.0, 13.9)]);
    stage.tree(4.6, -4.9, 8.5);
    stage.tree(5.0, 6.4, 8.4);
    stage.stand(Kind::Pillar { radius: 0.07, height: 5.5, paint: [0.3, 0.32, 0.33] }, 3.4, 5.4);
    let line = stage.zone("pavement", "Pavement 人行道", &[[0.0, 8.4], [0.0, 5.2]]);
    let rules = vec![rule("eastbound", Class::Person, What::LineCross { line: "pavement", left_to_right: false })];
    (stage.scene, Watch { zones: Vec::new(), lines: vec![line], rules })
}

/// One takes the rubbish out; another hangs about at the bins.
pub(super) fn yard() -> (Scene, Watch) {
    let backdrop = Backdrop { place: Place::Yard, wall: 19.0, mark: 9.6, seed: 21 };
    let mut stage = Stage::new(43, backdrop, (4.0, 0.29, 1.15));
    stage.person_doing(&[
        (2.0, -9.0, 7.0, Deed::Walk),
        (10.0, 2.4, 7.6, Deed::Reach),
        (13.0, 2.4, 7.6, Deed::Walk),
        (18.5, 9.0, 6.8, Deed::Walk),
    ]);
    stage.person(&[
        (21.0, 9.0, 6.8),
        (26.0, 3.4, 7.4),
        (29.5, 3.4, 7.4),
        (31.5, 2.0, 7.2),
        (35.5, 2.0, 7.2),
        (37.5, 3.2, 7.5),
        (42.0, 3.2, 7.5),
        (51.0, -9.0, 7.2),
    ]);
    stage.person(&[(28.0, -12.0, 11.5), (44.0, 12.0, 11.5)]);
    stage.rider(BLUE, &[(50.0, 12.0, 10.6), (56.5, -12.0, 10.6)]);
    for (x, paint) in [(1.6, [0.16, 0.34, 0.2]), (2.7, [0.2, 0.22, 0.4]), (3.8, [0.42, 0.36, 0.12])] {
        stage.stand(Kind::Block { half: [0.42, 0.38], height: 1.15, paint }, x, 9.0);
    }
    stage.stand(Kind::Bag { paint: [0.12, 0.12, 0.13], size: 1.2, lift: 0.0 }, 4.7, 8.7);
    stage.tree(4.4, -2.6, 5.4);
    stage.tree(6.0, -6.5, 13.0);
    stage.tree(5.5, 6.6, 12.6);
    let zone = stage.zone("bins", "Bins 垃圾投放点", &[[0.6, 8.5], [4.9, 8.5], [4.4, 6.5], [0.5, 6.5]]);
    let rules = vec![
        rule("at-bins", Class::Person, What::ZoneEnter { zone: "bins" }),
        rule("left-bins", Class::Person, What::ZoneExit { zone: "bins" }),
        rule("lingers", Class::Person, What::Loitering { zone: "bins", dwell_s: 8.0 }),
    ];
    (stage.scene, Watch { zones: vec![zone], lines: Vec::new(), rules })
}

/// A bicycle stands in the corridor. Two people talk in front of it: it is hidden, not gone. Then somebody takes it, and later
/// brings it back. A trolley is pushed past it. A second bicycle is nobody's business.
pub(super) fn corridor() -> (Scene, Watch) {
    let backdrop = Backdrop { place: Place::Corridor, wall: 8.2, mark: 0.0, seed: 9 };
    let mut stage = Stage::new(47, backdrop, (2.8, 0.24, 1.15));
    stage.person(&[(0.8, -8.0, 6.0), (6.0, 0.1, 6.35), (12.0, 0.1, 6.35), (17.0, 8.0, 6.2)]);
    stage.person(&[(0.8, 8.5, 6.3), (6.3, 1.0, 6.4), (11.6, 1.0, 6.4), (18.0, -8.0, 5.6)]);
    stage.mover(
        Kind::Bicycle(RED),
        &[
            (0.0, 0.6, 7.3),
            (25.0, 0.6, 7.3),
            (26.2, 2.2, 7.2),
            (29.5, 9.5, 6.7),
            (30.5, 13.0, -4.0),
            (41.0, -13.0, -4.0),
            (42.0, -9.5, 6.7),
            (45.6, -1.4, 7.25),
            (46.6, 0.2, 7.3),
            (47.0, 0.6, 7.3),
            (PERIOD_S + 1.0, 0.6, 7.3),
        ],
    );
    stage.person_doing(&[
        (16.5, -8.0, 6.5, Deed::Walk),
        (22.4, 0.3, 6.9, Deed::Reach),
        (24.6, 0.3, 6.9, Deed::Walk),
        (25.0, 0.6, 7.3, Deed::Ride),
        (26.2, 2.2, 7.2, Deed::Ride),
        (29.5, 9.5, 6.7, Deed::Ride),
    ]);
    stage.person(&[(31.0, 8.0, 5.9), (41.0, -8.0, 5.9)]);
    stage.person_doing(&[
        (42.0, -9.5, 6.7, Deed::Ride),
        (45.6, -1.4, 7.25, Deed::Ride),
        (46.6, 0.2, 7.3, Deed::Ride),
        (47.0, 0.6, 7.3, Deed::Walk),
        (47.4, 0.5, 6.9, Deed::Reach),
        (48.6, 0.5, 6.9, Deed::Walk),
        (54.0, 8.0, 6.4, Deed::Walk),
    ]);
    stage.mover(Kind::Trolley(3), &[(50.0, 6.8, 5.7), (59.0, -7.0, 5.7)]);
    stage.person(&[(50.0, 7.9, 5.7), (59.4, -6.6, 5.7)]);
    stage.stand(Kind::Bicycle([0.14, 0.15, 0.17]), -3.7, 7.5);
    stage.stand(Kind::Pillar { radius: 0.16, height: 3.4, paint: [0.74, 0.73, 0.70] }, 3.3, 4.9);
    let zone = stage.zone("rack", "Bicycle rack 自行车停放处", &[[-0.7, 8.0], [2.0, 8.0], [1.9, 6.8], [-0.7, 6.8]]);
    let rules =
        vec![rule("bicycle-taken", Class::Bicycle, What::ObjectRemoved { zone: "rack", settle_s: 6.0, gone_s: 3.0 })];
    (stage.scene, Watch { zones: vec![zone], lines: Vec::new(), rules })
}

/// Cars drive in and out, people walk in and out. Cars that come in are counted, and people who leave.
pub(super) fn gate() -> (Scene, Watch) {
    let backdrop = Backdrop { place: Place::Gate, wall: 27.0, mark: 99.0, seed: 33 };
    let mut stage = Stage::new(53, backdrop, (4.8, 0.27, 1.15));
    for t in [2.0, 33.0] {
        let paint = if t < 10.0 { SILVER } else { BLUE };
        stage.mover(
            car(paint),
            &[
                (t, -25.0, 20.0),
                (t + 4.0, -4.0, 20.0),
                (t + 4.7, -1.9, 19.0),
                (t + 5.2, -1.5, 17.5),
                (t + 10.5, -1.5, 0.0),
            ],
        );
    }
    stage.mover(
        car(WHITE),
        &[(17.0, 1.6, 0.5), (22.0, 1.6, 17.0), (22.6, 2.2, 18.6), (23.3, 4.2, 19.6), (27.5, 25.0, 19.6)],
    );
    stage.mover(
        Kind::Car { paint: RED, tall: true },
        &[(46.0, 1.6, 0.5), (51.5, 1.6, 17.0), (52.1, 2.2, 18.6), (52.8, 4.2, 19.6), (57.0, 25.0, 19.6)],
    );
    stage.person(&[(15.0, 10.0, 6.0), (21.0, 2.5, 7.0), (26.0, 2.4, 12.5), (31.0, -2.0, 15.5), (43.0, -18.0, 17.0)]);
    stage.person(&[(30.0, 18.0, 15.0), (40.0, 2.4, 13.0), (45.0, 2.2, 7.0), (52.0, -9.5, 5.8)]);
    stage.person(&[(40.5, -9.5, 6.0), (46.0, -2.2, 7.5), (50.0, -2.3, 13.0), (57.5, -15.0, 15.0)]);
    stage.stand(Kind::Block { half: [4.0, 0.22], height: 1.5, paint: BRICK }, -7.6, 9.8);
    stage.stand(Kind::Block { half: [4.0, 0.22], height: 1.5, paint: BRICK }, 7.6, 9.8);
    for x in [-3.5, 3.5] {
        stage.stand(Kind::Pillar { radius: 0.24, height: 2.5, paint: [0.62, 0.58, 0.54] }, x, 9.8);
    }
    stage.tree(5.0, -8.0, 14.0);
    stage.tree(5.6, 9.0, 15.0);
    let line = stage.zone("gateway", "Gateway 大门口", &[[-3.3, 9.6], [3.3, 9.6]]);
    let rules = vec![
        rule("car-in", Class::Car, What::LineCross { line: "gateway", left_to_right: true }),
        rule("person-out", Class::Person, What::LineCross { line: "gateway", left_to_right: false }),
    ];
    (stage.scene, Watch { zones: Vec::new(), lines: vec![line], rules })
}

/// A square with a monument that nobody should climb. The camera cannot be reached for a while in each round; nobody comes then,
/// nor until a service that tries again ever more rarely has surely found it.
pub(super) fn square() -> (Scene, Watch) {
    let backdrop = Backdrop { place: Place::Square, wall: 32.0, mark: 0.0, seed: 12 };
    let mut stage = Stage::new(59, backdrop, (4.8, 0.28, 1.15));
    stage.person(&[(2.0, -10.0, 8.0), (9.0, -0.6, 7.4), (12.5, -0.6, 7.4), (20.5, 10.0, 8.2)]);
    stage.person(&[(4.0, 11.0, 11.0), (20.0, -11.0, 11.0)]);
    stage.rider([0.85, 0.6, 0.1], &[(13.0, -13.0, 12.5), (20.0, 13.0, 12.5)]);
    stage.person(&[(16.0, -10.5, 7.6), (24.0, -0.8, 7.3), (26.0, -0.8, 7.3), (33.5, 9.8, 7.8)]);
    stage.stand(Kind::Block { half: [1.1, 0.8], height: 0.9, paint: [0.5, 0.5, 0.5] }, 0.2, 9.8);
    stage.stand(Kind::Pillar { radius: 0.3, height: 3.2, paint: [0.55, 0.54, 0.52] }, 0.2, 9.79);
    stage.tree(5.2, -7.0, 14.0);
    stage.tree(5.8, 7.4, 15.0);
    stage.tree(4.6, 4.6, 18.0);
    let zone = stage.zone("monument", "Monument 纪念碑", &[[-2.2, 9.0], [2.4, 9.0], [2.2, 6.4], [-2.0, 6.4]]);
    let rules = vec![
        rule("approach", Class::Person, What::ZoneEnter { zone: "monument" }),
        rule("withdraw", Class::Person, What::ZoneExit { zone: "monument" }),
    ];
    (stage.scene, Watch { zones: vec![zone], lines: Vec::new(), rules })
}
