//! Metrics of the relay stage.

use std::time::Duration;

use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Metrics of the relay stage.
#[derive(Debug)]
pub struct RelayMetrics {
    acknowledged: IntCounter,
    from_memory: IntCounter,
    failures: IntCounterVec,
    dead_letters: IntCounterVec,
    ready: IntGauge,
    unsent: IntGauge,
    oldest_unsent_seconds: Gauge,
    record_to_ack_seconds: Histogram,
    capture_to_ack_seconds: Histogram,
}

impl RelayMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(super::LATENCY_BUCKETS.to_vec());
            super::add(registry, Histogram::with_opts(options)?)
        };
        Ok(Self {
            acknowledged: super::add(
                registry,
                IntCounter::new("lightbar_relay_acknowledged_total", "Records that Kafka has acknowledged.")?,
            )?,
            from_memory: super::add(
                registry,
                IntCounter::new(
                    "lightbar_relay_memory_acknowledged_total",
                    "Of these, records sent from memory because the store was full.",
                )?,
            )?,
            failures: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new("lightbar_relay_failures_total", "Batches that failed and are sent again, by reason."),
                    &["reason"],
                )?,
            )?,
            dead_letters: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new(
                        "lightbar_relay_dead_letters_total",
                        "Records that their topic refused for good and that went to the dead letters, by reason.",
                    ),
                    &["reason"],
                )?,
            )?,
            ready: super::add(registry, IntGauge::new("lightbar_relay_ready", "1 while records get to Kafka.")?)?,
            unsent: super::add(registry, IntGauge::new("lightbar_outbox_unsent", "Records that wait for Kafka.")?)?,
            oldest_unsent_seconds: super::add(
                registry,
                Gauge::new("lightbar_outbox_oldest_unsent_seconds", "Age of the oldest record that waits for Kafka.")?,
            )?,
            record_to_ack_seconds: histogram(
                "lightbar_relay_record_to_ack_seconds",
                "From the recording of an event to its acknowledgement by Kafka.",
            )?,
            capture_to_ack_seconds: histogram(
                "lightbar_relay_capture_to_ack_seconds",
                "From the capture of the frame that caused an event to the event's acknowledgement by Kafka.",
            )?,
        })
    }

    /// A record was acknowledged.
    pub fn acknowledged(&self, since_record: Duration, since_capture: Duration) {
        self.acknowledged.inc();
        self.record_to_ack_seconds.observe(since_record.as_secs_f64());
        self.capture_to_ack_seconds.observe(since_capture.as_secs_f64());
    }

    /// Acknowledged records were sent from memory.
    pub fn from_memory(&self, records: usize) {
        self.from_memory.inc_by(records as u64);
    }

    /// A batch failed.
    pub fn failed(&self, reason: &str) {
        self.failures.with_label_values(&[reason]).inc();
    }

    /// A record went to the dead letters.
    pub fn buried(&self, reason: &str) {
        self.dead_letters.with_label_values(&[reason]).inc();
    }

    /// Whether records get through.
    pub fn ready(&self, ready: bool) {
        self.ready.set(ready.into());
    }

    /// What waits.
    pub fn backlog(&self, depth: u64, oldest_age: Option<Duration>) {
        self.unsent.set(i64::try_from(depth).unwrap_or(i64::MAX));
        self.oldest_unsent_seconds.set(oldest_age.unwrap_or_default().as_secs_f64());
    }
}
