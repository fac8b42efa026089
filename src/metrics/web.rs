//! Metrics of the web room: requests and feed clients.

use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Metrics of the web room.
#[derive(Debug)]
pub struct WebMetrics {
    requests: IntCounterVec,
    /// Whether `/readyz` says that the service does its work; set when the metrics are asked for.
    pub ready: IntGauge,
    /// Feed clients connected now.
    pub feed_clients: IntGauge,
    /// Alert changes sent to feed clients.
    pub feed_sent: IntCounter,
    /// Times a feed client was too slow and was told to reload.
    pub feed_reloads: IntCounter,
    /// Feed clients refused because there were too many.
    pub feed_refused: IntCounter,
}

impl WebMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            requests: keep(
                registry,
                IntCounterVec::new(
                    Opts::new("lightbar_web_requests_total", "Requests answered, by route and HTTP status."),
                    &["route", "status"],
                )?,
            )?,
            ready: keep(registry, IntGauge::new("lightbar_web_ready", "1 while /readyz answers 200.")?)?,
            feed_clients: keep(registry, IntGauge::new("lightbar_web_feed_clients", "Feed clients connected now.")?)?,
            feed_sent: keep(
                registry,
                IntCounter::new(
                    "lightbar_web_feed_sent_total",
                    "Alert changes sent to feed clients, once per client.",
                )?,
            )?,
            feed_reloads: keep(
                registry,
                IntCounter::new(
                    "lightbar_web_feed_reloads_total",
                    "Times a feed client was too slow and was served again from the store.",
                )?,
            )?,
            feed_refused: keep(
                registry,
                IntCounter::new(
                    "lightbar_web_feed_refused_total",
                    "Feed clients refused because there were too many.",
                )?,
            )?,
        })
    }

    /// Counts an answered request; `route` is the pattern, never the address that was asked for.
    pub fn answered(&self, route: &str, status: u16) {
        self.requests.with_label_values(&[route, &status.to_string()]).inc();
    }
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
