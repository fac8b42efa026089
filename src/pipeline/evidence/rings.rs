//! The rings of all cameras that run: evidence is made of the best stream of each.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::ids::CameraId;
use crate::pipeline::ring::SharedRing;

/// Which ring is whose; shared by who starts cameras and who makes evidence.
#[derive(Clone, Debug, Default)]
pub struct Rings(Arc<RwLock<BTreeMap<CameraId, SharedRing>>>);

impl Rings {
    /// A camera runs, and this is its best stream.
    pub fn put(&self, camera: &CameraId, ring: SharedRing) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(camera.clone(), ring);
    }

    /// A camera runs no longer. Who follows its ring keeps it.
    pub fn remove(&self, camera: &CameraId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(camera);
    }

    /// The ring of a camera that runs.
    pub fn of(&self, camera: &CameraId) -> Option<SharedRing> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(camera).cloned()
    }
}
