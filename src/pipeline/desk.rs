//! The desk: what people have ordered, as all cameras' scenes and the pages share it. The store keeps it; whoever changes it there
//! puts it here anew, and each analyze task takes what concerns its camera.

use crate::domain::arming::{Order, WatchedThing};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::StoreError;

/// All orders that hold or may hold again, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    /// That rules are armed or disarmed.
    pub arming: Vec<ArmingOrder>,
    /// That things are watched.
    pub watched: Vec<WatchOrder>,
}

/// That rules are armed or disarmed.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmingOrder {
    /// Only of this camera, or of all.
    pub camera: Option<CameraId>,
    /// What is ordered.
    pub order: Order,
    /// When it was given.
    pub given_at: Timestamp,
    /// Who gave it, by his own word: there is no log-in yet.
    pub given_by: String,
}

/// That a standing thing is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchOrder {
    /// Where it stands.
    pub camera: CameraId,
    /// Which thing; its id is the order's.
    pub thing: WatchedThing,
    /// When it was given.
    pub given_at: Timestamp,
    /// Who gave it, by his own word.
    pub given_by: String,
}

impl Desk {
    /// The orders about one camera's rules.
    pub fn orders(&self, camera: &CameraId) -> Vec<Order> {
        let concern = |given: &&ArmingOrder| given.camera.as_ref().is_none_or(|named| named == camera);
        self.arming.iter().filter(concern).map(|given| given.order.clone()).collect()
    }

    /// The things that are watched by one camera.
    pub fn things(&self, camera: &CameraId) -> Vec<WatchedThing> {
        self.watched.iter().filter(|order| order.camera == *camera).map(|order| order.thing.clone()).collect()
    }
}

/// Keeps orders over restarts, each with who gave it and when. Calls block.
pub trait DeskStore: Send + Sync {
    /// All orders that have not ended by `now`.
    fn desk(&self, now: Timestamp) -> Result<Desk, StoreError>;
    /// Keeps an order about rules. One without an end ends all earlier ones about the same rules or fewer.
    fn arm(&self, order: &ArmingOrder) -> Result<(), StoreError>;
    /// Keeps an order to watch a thing (whose own id says nothing yet); gives its id.
    fn watch(&self, order: &WatchOrder) -> Result<i64, StoreError>;
    /// Takes an order to watch back; says whether there was one.
    fn unwatch(&self, id: i64, at: Timestamp, by: &str) -> Result<bool, StoreError>;
}
