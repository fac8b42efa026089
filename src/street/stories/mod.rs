//! What happens in front of each camera of the demo, told in waypoints: seconds, metres to the right, metres away. One file per
//! camera.

mod telling;
mod stage;
mod street_east;
mod yard;
mod corridor;
mod gate;
mod square;
mod forecourt;
mod quiet;

use super::scene::Scene;
use super::watch::Watch;

pub(super) use corridor::corridor;
pub(super) use forecourt::forecourt;
pub(super) use gate::gate;
pub(super) use quiet::quiet;
pub(super) use square::square;
pub(super) use street_east::street_east;
pub(super) use yard::yard;

/// A story as told: what is seen, and what is watched for.
pub(super) type Story = (Scene, Watch);
