//! Pixel cues: what a small picture of brightness tells where a detector is blind.
//!
//! Read `luma` first: the only pixels that the core ever sees, about 160 by 90 of them and grey, far too few to know anybody
//! by. `ground` is what the picture looks like when nothing happens; `motion` what moves before it; `change` what has come to rest
//! or has gone. What the cues see and what they do not, for people: `docs/cues.md`.

pub mod luma;
mod light;
mod regions;
mod ground;
mod patch;
mod motion;
pub mod change;
pub(crate) mod explain;
mod likeness;
pub(crate) mod view;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod quiet_tests;

pub use change::{Change, ChangeKind};
pub use luma::SmallLuma;

use change::ChangeFinder;
use ground::{Ground, Whole};
pub(crate) use patch::Patch;

use std::time::Duration;

use crate::domain::detection::Detection;
use crate::domain::geometry::BBox;
use crate::domain::ids::TrackId;
use crate::domain::time::Timestamp;

/// The first looks only teach.
const WARM_UP: f64 = 1.0;

/// What a camera's cues are asked for beyond what its rules need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CueConfig {
    /// Whether rules pause while the camera looks elsewhere than where its zones and lines were drawn.
    pub watch_view: bool,
    /// After so long elsewhere, elsewhere is accepted; never where nothing is said.
    pub relearn_view: Option<Duration>,
}

impl Default for CueConfig {
    fn default() -> Self {
        Self { watch_view: true, relearn_view: None }
    }
}

/// The cues of one camera.
#[derive(Clone, Debug, Default)]
pub struct Cues {
    state: Option<State>,
    finder: ChangeFinder,
}

#[derive(Clone, Debug)]
struct State {
    begins: Timestamp,
    ground: Ground,
    whole: Whole,
}

impl Cues {
    /// One look. `explained` says of a box whether someone who lives stands before it; `new_id` numbers what is found.
    pub fn look(
        &mut self,
        at: Timestamp,
        luma: &SmallLuma,
        explained: &dyn Fn(&BBox) -> bool,
        new_id: &mut dyn FnMut() -> TrackId,
    ) {
        let same_size = |s: &&mut State| s.ground.width == luma.width() && s.ground.height == luma.height();
        let Some(state) = self.state.as_mut().filter(same_size) else {
            self.state = Some(State { begins: at, ground: Ground::new(luma), whole: Whole::Clear });
            self.finder.forget();
            return;
        };
        state.whole = state.ground.look(luma, at.seconds_from(state.begins));
        match state.whole {
            Whole::Clear if state.ground.now < WARM_UP || state.ground.is_dark() => self.finder.rest(),
            Whole::Clear => self.finder.look(&mut state.ground, state.begins, explained, new_id),
            Whole::Upheaval => self.finder.rest(),
            Whole::Relearned => self.finder.forget(),
        }
    }

    /// Sight was lost for so long that nothing can be concluded from before.
    pub fn lose_sight(&mut self) {
        self.state = None;
        self.finder.forget();
    }

    /// What moves at the last look, as detections of class `Unknown`.
    pub fn moving(&self) -> Vec<Detection> {
        let clear = |s: &&State| s.whole == Whole::Clear && s.ground.now >= WARM_UP;
        self.state.as_ref().filter(clear).map_or_else(Vec::new, |state| motion::moving(&state.ground))
    }

    /// Whether it is too dark to tell anything, or the whole picture is in upheaval.
    pub(crate) fn is_blind(&self) -> bool {
        self.state.as_ref().is_none_or(|s| s.whole != Whole::Clear || s.ground.is_dark())
    }

    /// What the picture shows in `bbox` now, to be compared with later looks.
    pub(crate) fn keep(&self, bbox: &BBox) -> Option<Patch> {
        let ground = &self.state.as_ref()?.ground;
        Some(Patch::of(&pixels_of(ground, bbox), &ground.picture))
    }

    /// Whether `patch` shows plainly what the picture still shows: it has structure, and its structure is there.
    pub(crate) fn still_shows(&self, patch: &Patch) -> bool {
        let alike = |s: &State| patch.likeness(&s.ground.picture).is_some_and(|likeness| likeness > 0.9);
        self.state.as_ref().is_some_and(|s| alike(s) && patch.share_like(&s.ground) > 0.75)
    }

    /// Whether the pixels say that something has happened in `bbox`: they differ now, or a change of `kind` was found there
    /// since `since`.
    pub(crate) fn speaks_of(&self, bbox: &BBox, kind: ChangeKind, since: Timestamp) -> bool {
        let such = |c: &&Change| c.since >= since && (c.kind == kind || c.kind == ChangeKind::Unclear);
        self.changes().iter().filter(such).any(|c| overlaps(&c.bbox, bbox))
    }

    /// The share of `bbox` that differs from what is accepted.
    pub(crate) fn difference(&self, bbox: &BBox) -> f64 {
        let Some(state) = &self.state else { return 0.0 };
        let pixels = pixels_of(&state.ground, bbox);
        pixels.iter().filter(|&&p| state.ground.differs[p]).count() as f64 / pixels.len().max(1) as f64
    }

    /// Places that look different since something happened there.
    pub fn changes(&self) -> &[Change] {
        self.finder.changes()
    }
}

/// Whether two boxes are about the same place: a shared third, or one lies for the most part in the other.
pub(crate) fn overlaps(a: &BBox, b: &BBox) -> bool {
    let shared = a.intersection(b);
    a.iou(b) >= 0.3 || shared >= 0.6 * a.area().min(b.area()) && shared > 0.0
}

fn pixels_of(ground: &Ground, bbox: &BBox) -> Vec<usize> {
    let column = |x: f64| (x.clamp(0.0, 1.0) * ground.width as f64).round() as usize;
    let row = |y: f64| (y.clamp(0.0, 1.0) * ground.height as f64).round() as usize;
    let columns = column(bbox.x)..column(bbox.x + bbox.w);
    (row(bbox.y)..row(bbox.y + bbox.h)).flat_map(|y| columns.clone().map(move |x| y * ground.width + x)).collect()
}
