//! The square, whose camera cannot be reached for a while in each round.

use super::super::actor::{Class, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::watch::What;
use super::Story;
use super::stage::{Stage, WHITE};

/// A square with a monument that nobody should climb, where no vehicle should drive. The camera cannot be reached for a while in each round; nobody comes then,
/// nor until a service that tries again ever more rarely has surely found it.
pub(in super::super) fn square(telling: u64) -> Story {
    let backdrop = Backdrop { place: Place::Square, wall: 32.0, mark: 0.0, seed: 12 };
    let mut stage = Stage::new(telling, 59, backdrop, (4.8, 0.28, 1.15));
    stage.within = [0.3, 33.6];
    stage.person(&[(2.0, -10.0, 8.0), (9.0, -0.6, 7.4), (12.5, -0.6, 7.4), (20.5, 10.0, 8.2)]);
    stage.person(&[(4.0, 11.0, 11.0), (20.0, -11.0, 11.0)]);
    stage.rider([0.85, 0.6, 0.1], &[(13.0, -13.0, 12.5), (20.0, 13.0, 12.5)]);
    stage.person(&[(16.0, -10.5, 7.6), (24.0, -0.8, 7.3), (26.0, -0.8, 7.3), (33.5, 9.8, 7.8)]);
    stage.mover(Kind::Car { paint: WHITE, tall: true }, &[(24.5, -18.0, 15.0), (33.0, 18.0, 15.0)]);
    stage.stand(Kind::Block { half: [1.1, 0.8], height: 0.9, paint: [0.5, 0.5, 0.5] }, 0.2, 9.8);
    stage.stand(Kind::Pillar { radius: 0.3, height: 3.2, paint: [0.55, 0.54, 0.52] }, 0.2, 9.79);
    stage.tree(5.2, -7.0, 14.0);
    stage.tree(5.8, 7.4, 15.0);
    stage.tree(4.6, 4.6, 18.0);
    stage.zone("monument", "Monument 纪念碑", &[[-2.2, 9.0], [2.4, 9.0], [2.2, 6.4], [-2.0, 6.4]]);
    stage.watch("approach", Class::Person, What::ZoneEnter { zone: "monument" });
    stage.watch("withdraw", Class::Person, What::ZoneExit { zone: "monument" });
    let present = What::ObjectPresent { zone: None, min_s: 1.0, clear_s: 3.0 };
    stage.watch("vehicle-on-square", Class::Car, present);
    stage.told()
}
