//! Tracking: detections of successive frames become objects with a path. Driven by time, never by frame counts.
//!
//! Read `tracker` first. `track` is one object, `kalman` its motion, `association` what a pairing costs, `assignment` the
//! cheapest pairing of all. Deterministic: the same detections give the same tracks.

mod kalman;
mod assignment;
mod association;
pub mod track;
pub mod tracker;

pub(crate) use association::family;
pub use track::Track;
pub use tracker::Tracker;
pub(crate) use tracker::{HIDDEN_SHARE, covered_share, is_living};

/// How the tracker decides; the defaults are for 5 analysed frames per second and hold from 2 to 30.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackerConfig {
    /// Detections at least so sure may begin a track.
    pub confirm_confidence: f32,
    /// Detections at least so sure may continue one.
    pub keep_confidence: f32,
    /// A moving track unseen for so long is over.
    pub lost_after: std::time::Duration,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self { confirm_confidence: 0.4, keep_confidence: 0.1, lost_after: std::time::Duration::from_secs(2) }
    }
}
