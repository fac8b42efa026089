//! Every metric of the service, declared once: names, help and buckets. One struct per stage.
//!
//! Labels are bounded: `camera`, `stream`, `rule`, `kind`, `reason`, `cause`, `stage`. Never a track, an alert, an address.

pub mod capture;
pub mod detect;
pub mod analyze;
pub mod record;
pub mod relay;
pub mod store;
pub mod evidence;
pub mod lifecycle;
pub mod web;
pub mod process;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod alert_rules;

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{Encoder, Registry, TextEncoder};

/// Seconds; fine around the aims (50 ms for commit and publish, 500 ms for everything after a rule's own dwell time).
const LATENCY_BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0, 60.0];

/// All metrics of a service.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Camera to frame.
    pub capture: Arc<capture::CaptureMetrics>,
    /// Frame to detections.
    pub detect: Arc<detect::DetectMetrics>,
    /// Detections to alerts.
    pub analyze: Arc<analyze::AnalyzeMetrics>,
    /// Fact to commit.
    pub record: Arc<record::RecordMetrics>,
    /// Commit to acknowledgement.
    pub relay: Arc<relay::RelayMetrics>,
    /// The store's room.
    pub store: Arc<store::StoreMetrics>,
    /// Clips and pictures.
    pub evidence: Arc<evidence::EvidenceMetrics>,
    /// What people and patrols do with alerts.
    pub lifecycle: Arc<lifecycle::LifecycleMetrics>,
    /// Requests and feed clients.
    pub web: Arc<web::WebMetrics>,
    /// The process itself.
    pub process: Arc<process::ProcessMetrics>,
}

impl Metrics {
    /// Declares all of them in a registry of their own.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            capture: Arc::new(capture::CaptureMetrics::register(&registry)?),
            detect: Arc::new(detect::DetectMetrics::register(&registry)?),
            analyze: Arc::new(analyze::AnalyzeMetrics::register(&registry)?),
            record: Arc::new(record::RecordMetrics::register(&registry)?),
            relay: Arc::new(relay::RelayMetrics::register(&registry)?),
            store: Arc::new(store::StoreMetrics::register(&registry)?),
            evidence: Arc::new(evidence::EvidenceMetrics::register(&registry)?),
            lifecycle: Arc::new(lifecycle::LifecycleMetrics::register(&registry)?),
            web: Arc::new(web::WebMetrics::register(&registry)?),
            process: Arc::new(process::ProcessMetrics::register(&registry)?),
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

/// Registers a metric and gives a handle to it.
fn add<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
