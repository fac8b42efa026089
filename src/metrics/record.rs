//! Metrics of the record stage.

use prometheus::Registry;

/// Metrics of the record stage.
#[derive(Debug)]
pub struct RecordMetrics {}

impl RecordMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let _none_yet = registry;
        Ok(Self {})
    }
}
