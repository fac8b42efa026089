//! The street: people pass on the pavement, cars on the road.

use super::super::actor::{Class, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::watch::What;
use super::Story;
use super::stage::{BLACK, BLUE, RED, SILVER, Stage, WHITE, car};

/// People pass on the pavement both ways; those who go east are counted. One turns back before the line, one runs. Cars keep to
/// their lanes, a queue crawls; then one comes the wrong way, and one stops where it may not. A bicycle stands on the far pavement,
/// hidden by whatever passes, and stays there.
pub(in super::super) fn street_east(telling: u64) -> Story {
    let backdrop = Backdrop { place: Place::Street, wall: 21.0, mark: 9.0, seed: 5 };
    let mut stage = Stage::new(telling, 41, backdrop, (4.2, 0.26, 1.15));
    people(&mut stage);
    cars(&mut stage);
    stage.rider([0.1, 0.45, 0.25], &[(46.0, 16.0, 13.9), (54.0, -16.0, 13.9)]);
    stage.stand(Kind::Bicycle([0.45, 0.1, 0.3]), -1.2, 16.2);
    stage.tree(4.6, -4.9, 8.5);
    stage.tree(5.0, 6.4, 8.4);
    stage.stand(Kind::Pillar { radius: 0.07, height: 5.5, paint: [0.3, 0.32, 0.33] }, 3.4, 5.4);
    stage.line("pavement", "Pavement 人行道", &[[0.0, 8.4], [0.0, 5.2]]);
    stage.watch("eastbound", Class::Person, What::LineCross { line: "pavement", left_to_right: false });
    stage.line("near-lane", "Near lane 近侧车道", &[[0.0, 12.1], [0.0, 9.2]]);
    stage.line("far-lane", "Far lane 远侧车道", &[[0.0, 15.3], [0.0, 12.3]]);
    stage.watch("against-near-lane", Class::Car, What::WrongWay { line: "near-lane", left_to_right: true });
    stage.watch("against-far-lane", Class::Car, What::WrongWay { line: "far-lane", left_to_right: false });
    stage.zone("carriageway", "Carriageway 行车道", &[[-8.0, 15.2], [8.0, 15.2], [8.0, 9.4], [-8.0, 9.4]]);
    stage.watch("stops", Class::Car, What::VehicleStopped { zone: "carriageway", dwell_s: 5.0 });
    stage.zone("walk", "Pavement, whole 人行道全段", &[[-7.4, 8.4], [7.4, 8.4], [5.6, 5.4], [-5.6, 5.4]]);
    stage.watch("runs", Class::Person, What::FastMove { zone: "walk", min_speed: 1.7, for_s: 1.0 });
    stage.zone("far-stand", "Far bicycle stand 对面自行车位", &[[-2.6, 17.2], [0.4, 17.2], [0.4, 15.7], [-2.6, 15.7]]);
    let taken = What::ObjectRemoved { zone: "far-stand", settle_s: 6.0, gone_s: 5.0 };
    stage.watch("far-bicycle-taken", Class::Bicycle, taken);
    stage.told()
}

fn people(stage: &mut Stage) {
    stage.person(&[(2.0, -9.0, 7.0), (14.0, 9.0, 7.0)]);
    stage.person(&[(11.0, 9.0, 6.2), (24.0, -9.0, 6.2)]);
    stage.person(&[(18.5, 9.5, 7.6), (22.7, -9.5, 7.6)]);
    stage.together(|stage| {
        stage.person(&[(24.0, -9.0, 7.3), (37.0, 9.0, 7.3)]);
        let bag = Kind::Bag { paint: [0.35, 0.2, 0.12], size: 0.9, lift: 0.34 };
        stage.mover(bag, &[(24.0, -8.95, 7.0), (37.0, 9.05, 7.0)]);
    });
    stage.person(&[(35.0, 9.0, 6.6), (40.5, 2.4, 6.6), (43.5, 2.4, 6.6), (49.0, 9.0, 6.6)]);
    stage.person(&[(43.5, -9.0, 6.7), (56.5, 9.0, 6.7)]);
}

/// Eastbound in the near lane, westbound in the far one.
const LANES: [f32; 2] = [10.7, 13.8];

fn cars(stage: &mut Stage) {
    let [near, far] = LANES;
    for (t, kind) in [(1.0, car(RED)), (16.5, Kind::Car { paint: WHITE, tall: true }), (30.0, car(SILVER))] {
        stage.mover(kind, &[(t, -22.0, near), (t + 5.0, 22.0, near)]);
    }
    for (t, kind) in [(8.0, car(SILVER)), (40.5, car(BLACK))] {
        stage.mover(kind, &[(t, 22.0, far), (t + 5.0, -22.0, far)]);
    }
    stage.together(|queue| {
        queue.mover(car(BLUE), &[(17.0, 22.0, far), (36.0, -22.0, far)]);
        queue.mover(car(WHITE), &[(20.2, 22.0, far), (39.2, -22.0, far)]);
    });
    stage.together(|stage| {
        stage.mover(car([0.2, 0.4, 0.3]), &[(36.0, 22.0, near), (41.0, -22.0, near)]);
        let parked = [(42.0, -22.0, near), (45.5, -2.0, near), (54.5, -2.0, near), (58.5, 22.0, near)];
        stage.mover(car([0.75, 0.6, 0.15]), &parked);
    });
}
