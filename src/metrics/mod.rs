//! Every metric of the service, declared once: names, help and buckets. One struct per stage.
//!
//! Labels are bounded: `camera`, `stream`, `rule`, `kind`, `reason`, `cause`, `stage`. Never a track, an alert, an address.

pub mod capture;
pub mod detect;
pub mod record;
pub mod relay;

use std::sync::Arc;

use prometheus::{Encoder, Registry, TextEncoder};

/// All metrics of a service.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Camera to frame.
    pub capture: Arc<capture::CaptureMetrics>,
    /// Frame to detections.
    pub detect: Arc<detect::DetectMetrics>,
    /// Fact to commit.
    pub record: Arc<record::RecordMetrics>,
    /// Commit to acknowledgement.
    pub relay: Arc<relay::RelayMetrics>,
}

impl Metrics {
    /// Declares all of them in a registry of their own.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            capture: Arc::new(capture::CaptureMetrics::register(&registry)?),
            detect: Arc::new(detect::DetectMetrics::register(&registry)?),
            record: Arc::new(record::RecordMetrics::register(&registry)?),
            relay: Arc::new(relay::RelayMetrics::register(&registry)?),
            registry,
        })
    }

    /// The text exposition format, version 0.0.4.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|e| prometheus::Error::Msg(e.to_string()))
    }
}

/// Buckets of the delivery latencies, in seconds: from one sync of a disk to a long outage of Kafka.
const LATENCY_BUCKETS: [f64; 16] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 5.0, 60.0, 600.0];

/// Adds a metric to the registry and gives it back.
fn add<M: prometheus::core::Collector + Clone + 'static>(registry: &Registry, metric: M) -> Result<M, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
