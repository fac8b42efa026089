//! Normalized image geometry: 0..1, origin top-left, y down.

pub mod point;
pub mod bbox;
mod segment;
pub mod line;
pub mod polygon;
pub mod zone;
pub mod ground;
pub mod ruler;

pub use bbox::BBox;
pub use ground::{GroundPlane, GroundPoint};
pub use line::{CrossingDirection, Line};
pub use point::Point;
pub use polygon::Polygon;
pub use ruler::Ruler;
pub use zone::{Zone, ZoneShape};
