//! A place on which nothing happens: things stand there, and stay.

use super::super::actor::{Class, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::rng::Rng;
use super::super::watch::What;
use super::Story;
use super::stage::{BLUE, RED, SILVER, Stage, car};

/// Bicycles and a bag stand in a zone, a car beyond it, trees behind; rules of all kinds watch.
pub(in super::super) fn quiet(seed: u64) -> Story {
    let mut rng = Rng::new(seed ^ 0x9147);
    let place = rng.pick(&[Place::Street, Place::Yard, Place::Gate, Place::Square]);
    let mark = if place == Place::Street { 11.5 } else { 9.5 };
    let backdrop = Backdrop { place, wall: rng.range(19.0, 30.0), mark, seed: rng.bits() };
    let view = (rng.range(3.6, 5.2), rng.range(0.25, 0.31), 1.15);
    let mut stage = Stage::new(seed + 1, 71, backdrop, view);
    stage.stand(Kind::Bicycle(RED), rng.range(-3.0, -1.0), rng.range(7.0, 9.5));
    stage.stand(Kind::Bicycle(BLUE), rng.range(1.0, 3.0), rng.range(7.0, 9.5));
    stage.stand(Kind::Bag { paint: [0.2, 0.2, 0.24], size: 1.2, lift: 0.0 }, rng.range(-0.6, 0.6), rng.range(6.6, 8.6));
    stage.stand(car(SILVER), rng.range(-5.0, 5.0), rng.range(14.0, 17.0));
    stage.stand(Kind::Pillar { radius: 0.09, height: 5.0, paint: [0.3, 0.31, 0.33] }, rng.range(-5.0, 5.0), 11.0);
    for x in [-6.0, 0.0, 6.0] {
        stage.tree(rng.range(3.6, 5.6), x + rng.range(-1.5, 1.5), rng.range(10.6, 13.0));
    }
    stage.zone("ground", "Ground 地面", &[[-6.0, 10.8], [6.0, 10.8], [4.6, 5.6], [-4.6, 5.6]]);
    stage.line("middle", "Middle 中线", &[[0.0, 10.8], [0.0, 5.6]]);
    for (id, left_to_right) in [("west", true), ("east", false)] {
        stage.watch(id, Class::Person, What::LineCross { line: "middle", left_to_right });
    }
    stage.watch("enters", Class::Person, What::ZoneEnter { zone: "ground" });
    stage.watch("leaves", Class::Person, What::ZoneExit { zone: "ground" });
    stage.watch("lingers", Class::Person, What::Loitering { zone: "ground", dwell_s: 5.0 });
    stage.watch("occupied", Class::Person, What::ZonePresence { zone: "ground", dwell_s: 2.0, clear_s: 3.0 });
    stage.watch("crowded", Class::Person, What::Crowd { zone: "ground", count: 2, dwell_s: 2.0, clear_s: 3.0 });
    stage.watch("vehicle", Class::Car, What::ObjectPresent { zone: Some("ground"), min_s: 1.0, clear_s: 3.0 });
    let left = What::ObjectAbandoned { zone: "ground", dwell_s: 4.0, owner_distance: 4.0, owner_absent_s: 2.0 };
    stage.watch("bag-left", Class::Bag, left);
    stage.watch("against", Class::Car, What::WrongWay { line: "middle", left_to_right: true });
    stage.watch("stops", Class::Car, What::VehicleStopped { zone: "ground", dwell_s: 2.0 });
    stage.watch("runs", Class::Person, What::FastMove { zone: "ground", min_speed: 1.7, for_s: 1.0 });
    for (id, class) in [("bicycle-taken", Class::Bicycle), ("bag-taken", Class::Bag)] {
        stage.watch(id, class, What::ObjectRemoved { zone: "ground", settle_s: 5.0, gone_s: 3.0 });
    }
    stage.told()
}
