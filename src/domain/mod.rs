//! The core: observations of a camera in, alert changes out.
//!
//! Pure: no async, no clock, no I/O, no serde, no logging. The same observations give the same alerts on any machine at
//! any speed, so a bug replays. Knows object classes only; there is deliberately no field, here or anywhere, that could
//! identify a person.
#![deny(clippy::disallowed_types)]

pub mod time;
pub mod ids;
pub mod hours;
pub mod arming;
pub mod camera;
pub mod geometry;
pub mod detection;
pub mod cues;
pub mod tracking;
pub mod rules;
pub mod alert;
pub mod lifecycle;
pub mod baseline;
mod sight;
pub mod trace;
pub mod scene;
