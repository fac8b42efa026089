//! Whether an event's beginning could be seen at all: nothing stood before it, and it was in the picture.

use super::super::cameras::{DemoCamera, PERIOD_S};
use super::super::scene::{Painter, Scene};
use super::TruthEvent;

/// What is hidden is measured on pictures of this size.
const PAINTED: (usize, usize) = (240, 136);
/// So much of it must be seen ...
const SEEN: f32 = 0.5;
/// ... at one of these moments at least, in seconds from its beginning.
const AROUND_S: [f64; 5] = [0.0, -0.4, 0.4, -0.8, 0.8];

/// Looks at a camera's scene.
pub(super) struct Eyes {
    scene: Scene,
}

impl Eyes {
    pub(super) fn new(camera: &DemoCamera) -> Self {
        Self { scene: Scene { view: camera.scene.view.sized(PAINTED.0, PAINTED.1), ..camera.scene.clone() } }
    }

    /// Whether who did it was seen about when it began.
    pub(super) fn see_beginning(&mut self, event: &TruthEvent) -> bool {
        let Some(actor) = event.actor else { return true };
        let mut painter = Painter::blank(&self.scene);
        AROUND_S.iter().any(|off| {
            let t = (event.start_s + off).rem_euclid(f64::from(PERIOD_S));
            painter.paint(t as f32).iter().any(|s| s.actor == actor && s.visible >= SEEN)
        })
    }
}
