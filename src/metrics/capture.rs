//! Metrics of the capture stage.

use prometheus::Registry;

/// Metrics of the capture stage.
#[derive(Debug)]
pub struct CaptureMetrics {}

impl CaptureMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let _none_yet = registry;
        Ok(Self {})
    }
}
