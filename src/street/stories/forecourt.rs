//! The station's forecourt: people meet, and bags are put down.

use super::super::actor::{Class, Deed, Kind};
use super::super::backdrop::{Backdrop, Place};
use super::super::watch::What;
use super::Story;
use super::stage::{Stage, Told};

/// Three who stand together are no crowd, five are. One puts his bag down and stays with it, another leaves his behind, and comes
/// back for it late.
pub(in super::super) fn forecourt(telling: u64) -> Story {
    let backdrop = Backdrop { place: Place::Square, wall: 26.0, mark: 0.0, seed: 77 };
    let mut stage = Stage::new(telling, 61, backdrop, (4.4, 0.30, 1.15));
    crowd(&mut stage);
    stage.together(patient_traveller);
    stage.together(forgetful_traveller);
    stage.person(&[(33.0, -12.0, 11.2), (49.0, 12.0, 11.2)]);
    stage.stand(Kind::Pillar { radius: 0.09, height: 5.0, paint: [0.3, 0.31, 0.33] }, 0.6, 11.8);
    stage.stand(Kind::Block { half: [1.2, 0.3], height: 0.5, paint: [0.45, 0.36, 0.27] }, 6.6, 12.6);
    stage.tree(5.4, -8.0, 14.5);
    stage.tree(5.0, 8.6, 15.0);
    stage.zone("meeting", "Meeting point 集合点", &[[-6.6, 10.2], [-0.6, 10.2], [-0.6, 6.0], [-5.2, 6.0]]);
    stage.zone("forecourt", "Forecourt 站前广场", &[[-8.0, 10.6], [8.0, 10.6], [6.4, 6.0], [-5.2, 6.0]]);
    let crowd = What::Crowd { zone: "meeting", count: 4, dwell_s: 3.0, clear_s: 3.0 };
    stage.watch("crowded", Class::Person, crowd);
    let left = What::ObjectAbandoned { zone: "forecourt", dwell_s: 6.0, owner_distance: 4.0, owner_absent_s: 3.0 };
    stage.watch("bag-left", Class::Bag, left);
    stage.told()
}

/// From a side to a place, and after a while to a side.
fn visit(stage: &mut Stage, from: Told, at: Told, until: f32, to: Told) {
    stage.person(&[from, at, (until, at.1, at.2), to]);
}

fn crowd(stage: &mut Stage) {
    stage.together(|stage| {
        visit(stage, (0.6, -8.6, 7.4), (4.6, -4.3, 7.2), 20.0, (24.0, -8.8, 7.0));
        visit(stage, (0.8, -9.2, 8.8), (5.6, -3.2, 8.5), 20.6, (26.2, -10.0, 8.6));
        visit(stage, (0.6, 3.5, 13.5), (6.4, -2.2, 7.4), 21.2, (26.6, -8.0, 6.4));
        visit(stage, (5.2, -10.4, 10.0), (11.0, -4.6, 9.2), 19.6, (24.6, -10.8, 9.6));
        visit(stage, (6.4, 2.0, 14.5), (12.0, -1.7, 9.0), 20.4, (27.6, -9.6, 7.8));
    });
}

/// Puts his bag down beside himself, waits, and takes it with him.
fn patient_traveller(stage: &mut Stage) {
    let bag = |lift| Kind::Bag { paint: [0.5, 0.16, 0.14], size: 1.25, lift };
    stage.person_doing(&[
        (2.5, 10.0, 8.4, Deed::Walk),
        (6.6, 5.2, 8.2, Deed::Reach),
        (7.2, 5.2, 8.2, Deed::Walk),
        (23.0, 5.2, 8.2, Deed::Reach),
        (23.6, 5.2, 8.2, Deed::Walk),
        (27.6, 10.0, 8.6, Deed::Walk),
    ]);
    stage.mover(bag(0.34), &[(2.5, 9.7, 8.1), (6.9, 4.5, 7.9)]);
    stage.mover(bag(0.0), &[(6.9, 4.5, 7.9), (23.3, 4.5, 7.9)]);
    stage.mover(bag(0.34), &[(23.3, 4.5, 7.9), (23.6, 5.0, 7.9), (27.6, 9.8, 8.3)]);
}

/// Puts his bag down and walks off; is long out of the picture when he remembers it.
fn forgetful_traveller(stage: &mut Stage) {
    let bag = |lift| Kind::Bag { paint: [0.12, 0.14, 0.3], size: 1.3, lift };
    stage.person_doing(&[
        (28.0, 9.6, 7.4, Deed::Walk),
        (32.2, 3.2, 7.3, Deed::Reach),
        (32.9, 3.2, 7.3, Deed::Walk),
        (40.4, -8.4, 7.0, Deed::Walk),
    ]);
    stage.mover(bag(0.34), &[(28.0, 9.4, 7.1), (32.5, 2.6, 7.0)]);
    stage.mover(bag(0.0), &[(32.5, 2.6, 7.0), (53.3, 2.6, 7.0)]);
    stage.person_doing(&[
        (46.6, -8.6, 7.3, Deed::Walk),
        (53.0, 2.0, 7.3, Deed::Reach),
        (53.6, 2.0, 7.3, Deed::Walk),
        (59.0, 10.4, 7.4, Deed::Walk),
    ]);
    stage.mover(bag(0.34), &[(53.3, 2.6, 7.0), (53.6, 2.3, 7.0), (59.0, 10.7, 7.1)]);
}
