//! Which cameras are seen right now: what the page and `/api/v1/status` tell, so that "no alert" is never mistaken for
//! "nothing happened". The lasting record is the store's ledger of blind time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::CameraId;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;

/// Sight of all cameras, shared between the analyze tasks (which write) and the web (which reads).
#[derive(Debug, Default)]
pub struct SightBoard {
    cameras: Mutex<BTreeMap<CameraId, Sight>>,
}

/// Sight of one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// A name for people.
    pub name: Option<String>,
    /// Seen, or why not; and since when.
    pub state: SightState,
    /// When the last looked-at frame was taken.
    pub last_frame_at: Option<Timestamp>,
    /// Looked-at frames so far.
    pub frames: u64,
}

/// Whether a camera is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SightState {
    /// Nobody looks.
    Blind {
        /// Since when.
        since: Timestamp,
        /// Why.
        cause: BlindCause,
    },
    /// Looked at.
    Sighted {
        /// Since when.
        since: Timestamp,
    },
}

impl SightBoard {
    /// A camera begins, blind.
    pub fn begin(&self, camera: &CameraId, name: Option<String>, since: Timestamp) {
        let state = SightState::Blind { since, cause: BlindCause::Starting };
        self.lock().insert(camera.clone(), Sight { name, state, last_frame_at: None, frames: 0 });
    }

    /// A camera is taken out.
    pub fn remove(&self, camera: &CameraId) {
        self.lock().remove(camera);
    }

    /// A camera's state changes.
    pub fn set(&self, camera: &CameraId, state: SightState) {
        if let Some(sight) = self.lock().get_mut(camera) {
            sight.state = state;
        }
    }

    /// A frame was looked at.
    pub fn frame(&self, camera: &CameraId, at: Timestamp) {
        if let Some(sight) = self.lock().get_mut(camera) {
            sight.last_frame_at = Some(at);
            sight.frames += 1;
        }
    }

    /// All cameras, by id.
    pub fn all(&self) -> Vec<(CameraId, Sight)> {
        self.lock().iter().map(|(id, sight)| (id.clone(), sight.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraId, Sight>> {
        // Each entry is replaced whole; a panic elsewhere cannot leave half of one.
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
