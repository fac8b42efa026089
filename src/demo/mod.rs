//! The demo: the street's cameras, served over real RTSP, and a judge of the alerts they cause.
//!
//! `crate::street` draws and knows the truth, `encode` makes streams of it once, `server` serves them from a process of its own,
//! `judge` compares. The only room beside `camera/` that names GStreamer. Never part of a running service.

pub mod encode;
pub mod server;
mod feeder;
pub mod child;
pub mod settings;
pub mod judge;
pub mod patrol;
pub mod dispatch;

/// What went wrong with the demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A stream was not encoded.
    #[error("encoding {stream} failed: {reason}")]
    Encode {
        /// Which.
        stream: String,
        /// What the encoder said.
        reason: String,
    },
    /// The folder of encoded streams cannot be used.
    #[error("the cache of encoded streams at {path} cannot be used: {source}")]
    Cache {
        /// Where it is.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The cameras were not served.
    #[error("serving the street failed: {0}")]
    Serve(String),
    /// The serving process did not do what was asked.
    #[error("the street's own process {0}")]
    Child(String),
}
