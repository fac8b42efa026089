//! Every metric of the service, declared once: names, help and buckets. One struct per stage.
//!
//! Labels are bounded: `camera`, `stream`, `rule`, `kind`, `reason`, `cause`, `stage`. Never a track, an alert, an address.

pub mod capture;
pub mod detect;
pub mod analyze;
pub mod record;
pub mod relay;
pub mod web;
pub mod process;
#[cfg(test)]
mod reference;

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
    /// Detections to alerts.
    pub analyze: Arc<analyze::AnalyzeMetrics>,
    /// Fact to commit.
    pub record: Arc<record::RecordMetrics>,
    /// Commit to acknowledgement.
    pub relay: Arc<relay::RelayMetrics>,
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
