//! The street itself: what there is to see, drawn with its truth. Pure: the same seed gives the same bytes everywhere.

pub mod view;
pub mod rng;
pub mod shape;
pub mod raster;
pub mod backdrop;
pub mod body;
pub mod person;
pub mod car;
pub mod actor;
pub mod scene;
pub mod random;
pub mod busy;
pub mod degraded;
pub mod watch;
pub mod cameras;
mod stories;
pub mod truth;

#[cfg(test)]
mod tests;
