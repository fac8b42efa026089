//! The gate: cars and people, in and out.

use super::super::actor::{Class, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::watch::What;
use super::Story;
use super::stage::{BLUE, BRICK, RED, SILVER, Stage, WHITE, car};

/// Cars drive in and out, people walk in and out. Cars that come in are counted, and people who leave.
pub(in super::super) fn gate(telling: u64) -> Story {
    let backdrop = Backdrop { place: Place::Gate, wall: 27.0, mark: 99.0, seed: 33 };
    let mut stage = Stage::new(telling, 53, backdrop, (4.8, 0.27, 1.15));
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
    stage.line("gateway", "Gateway 大门口", &[[-3.3, 9.6], [3.3, 9.6]]);
    stage.watch("car-in", Class::Car, What::LineCross { line: "gateway", left_to_right: true });
    stage.watch("person-out", Class::Person, What::LineCross { line: "gateway", left_to_right: false });
    stage.told()
}
