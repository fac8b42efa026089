//! Metrics of the detect stage.

use prometheus::Registry;

/// Metrics of the detect stage.
#[derive(Debug)]
pub struct DetectMetrics {}

impl DetectMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let _none_yet = registry;
        Ok(Self {})
    }
}
