//! Rules: what turns tracks into alerts. One file per rule kind, `engine.rs` runs them.
//!
//! A rule sees tracks look by look (`watch::View`) and says what it noticed (`watch::Notice`); that alerts have ids, revisions
//! and cooldowns is not its matter. What each kind means, for people: `docs/rules.md`.

pub mod rule;
pub mod conduct;
mod watch;
mod shift;
mod limit;
mod presence;
mod line_cross;
mod zone_enter;
mod zone_exit;
mod loitering;
mod stays;
mod episode;
mod zone_presence;
mod object_present;
mod crowd;
mod wrong_way;
mod vehicle_stopped;
mod fast_move;
mod changed_place;
mod object_removed;
mod object_abandoned;
pub(crate) mod engine;

pub use conduct::{Conduct, Deliver, Mode};
pub use crowd::Crowd;
pub use engine::RuleStanding;
pub use fast_move::{FastMove, Speed};
pub use line_cross::LineCross;
pub use loitering::Loitering;
pub use object_abandoned::{ObjectAbandoned, Owner};
pub use object_present::ObjectPresent;
pub use object_removed::ObjectRemoved;
pub use rule::{Anchor, ObjectFilter, Rule, RuleSpec};
pub use vehicle_stopped::VehicleStopped;
pub use wrong_way::{Heading, WrongWay};
pub use zone_enter::ZoneEnter;
pub use zone_exit::ZoneExit;
pub use zone_presence::ZonePresence;
