//! The street: places with people, cars and things, drawn with the truth of what happens there. The demo's cameras see it, the
//! demo's model was trained on it, the rules are tried on it.
//!
//! `view` to `scene` draw, `stories` tell, `truth` knows, `configuration` says what is watched for, `trial` plays all of it before
//! the rules without a camera. Pure: the same seed gives the same bytes everywhere. Never part of a running service.

pub mod view;
pub mod rng;
pub mod shape;
pub mod raster;
pub mod backdrop;
pub mod body;
pub mod person;
pub mod car;
pub mod actor;
pub mod weather;
pub mod scene;
pub mod random;
pub mod busy;
pub mod watch;
pub mod cameras;
mod stories;
pub mod truth;
pub mod expected;
pub mod configuration;
pub mod degraded;
pub mod trial;

#[cfg(test)]
mod tests;
