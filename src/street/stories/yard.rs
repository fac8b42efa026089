//! The courtyard with its bins.

use super::super::actor::{Class, Deed, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::watch::What;
use super::Story;
use super::stage::{BLUE, Stage};

/// One takes the rubbish out; another hangs about at the bins. Two cross the lawn, one of them on a bicycle.
pub(in super::super) fn yard(telling: u64) -> Story {
    let backdrop = Backdrop { place: Place::Yard, wall: 19.0, mark: 9.6, seed: 21 };
    let mut stage = Stage::new(telling, 43, backdrop, (4.0, 0.29, 1.15));
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
    stage.person(&[(28.0, 12.0, 11.5), (44.0, -12.0, 11.5)]);
    stage.rider(BLUE, &[(50.0, 12.0, 10.6), (56.5, -12.0, 10.6)]);
    for (x, paint) in [(1.6, [0.16, 0.34, 0.2]), (2.7, [0.2, 0.22, 0.4]), (3.8, [0.42, 0.36, 0.12])] {
        stage.stand(Kind::Block { half: [0.42, 0.38], height: 1.15, paint }, x, 9.0);
    }
    stage.stand(Kind::Bag { paint: [0.12, 0.12, 0.13], size: 1.2, lift: 0.0 }, 4.7, 8.7);
    stage.tree(4.4, -2.6, 5.4);
    stage.tree(6.0, -6.5, 13.0);
    stage.tree(5.5, 6.6, 12.6);
    stage.zone("bins", "Bins 垃圾投放点", &[[0.6, 8.5], [4.9, 8.5], [4.4, 6.5], [0.5, 6.5]]);
    stage.zone("lawn", "Lawn 草坪", &[[-11.0, 12.9], [11.0, 12.9], [11.0, 10.1], [-11.0, 10.1]]);
    stage.watch("at-bins", Class::Person, What::ZoneEnter { zone: "bins" });
    stage.watch("left-bins", Class::Person, What::ZoneExit { zone: "bins" });
    stage.watch("lingers", Class::Person, What::Loitering { zone: "bins", dwell_s: 8.0 });
    stage.watch("on-lawn", Class::Person, What::ZonePresence { zone: "lawn", dwell_s: 2.0, clear_s: 3.0 });
    stage.told()
}
