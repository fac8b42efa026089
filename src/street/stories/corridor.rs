//! The corridor in which a bicycle stands.

use super::super::actor::{Class, Deed, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::cameras::PERIOD_S;
use super::super::watch::What;
use super::Story;
use super::stage::{RED, Stage};

/// A bicycle stands in the corridor. Two people talk in front of it: it is hidden, not gone. Then somebody takes it, and later
/// brings it back. A trolley is pushed past it. A second bicycle is nobody's business.
pub(in super::super) fn corridor(telling: u64) -> Story {
    let backdrop = Backdrop { place: Place::Corridor, wall: 8.2, mark: 0.0, seed: 9 };
    let mut stage = Stage::new(telling, 47, backdrop, (2.8, 0.24, 1.15));
    stage.together(|stage| {
        stage.person(&[(0.8, -8.0, 6.0), (6.0, 0.1, 6.35), (12.0, 0.1, 6.35), (17.0, 8.0, 6.2)]);
        stage.person(&[(0.8, 8.5, 6.3), (6.3, 1.0, 6.4), (11.6, 1.0, 6.4), (18.0, -8.0, 5.6)]);
    });
    stage.together(|stage| {
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
        stage.person_doing(&[
            (42.0, -9.5, 6.7, Deed::Ride),
            (45.6, -1.4, 7.25, Deed::Ride),
            (46.6, 0.2, 7.3, Deed::Ride),
            (47.0, 0.6, 7.3, Deed::Walk),
            (47.4, 0.5, 6.9, Deed::Reach),
            (48.6, 0.5, 6.9, Deed::Walk),
            (54.0, 8.0, 6.4, Deed::Walk),
        ]);
    });
    stage.person(&[(31.0, 8.0, 5.9), (41.0, -8.0, 5.9)]);
    stage.together(|stage| {
        stage.mover(Kind::Trolley(3), &[(50.0, 6.8, 5.7), (59.0, -7.0, 5.7)]);
        stage.person(&[(50.0, 7.9, 5.7), (59.4, -6.6, 5.7)]);
    });
    stage.stand(Kind::Bicycle([0.14, 0.15, 0.17]), -3.7, 7.5);
    stage.stand(Kind::Pillar { radius: 0.16, height: 3.4, paint: [0.74, 0.73, 0.70] }, 3.3, 4.9);
    stage.zone("rack", "Bicycle rack 自行车停放处", &[[-0.7, 8.0], [2.0, 8.0], [1.9, 6.8], [-0.7, 6.8]]);
    stage.watch("bicycle-taken", Class::Bicycle, What::ObjectRemoved { zone: "rack", settle_s: 6.0, gone_s: 3.0 });
    stage.told()
}
