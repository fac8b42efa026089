//! Metrics of the relay stage.

use prometheus::Registry;

/// Metrics of the relay stage.
#[derive(Debug)]
pub struct RelayMetrics {}

impl RelayMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let _none_yet = registry;
        Ok(Self {})
    }
}
