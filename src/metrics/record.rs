//! Metrics of the record stage.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::domain::scene::BlindCause;

/// Metrics of the record stage.
#[derive(Debug)]
pub struct RecordMetrics {
    received: IntCounter,
    committed: IntCounter,
    failures: IntCounter,
    slow: IntCounter,
    kept: IntCounter,
    evicted: IntCounterVec,
    in_memory: IntGauge,
    without_evidence: IntCounter,
    ready: IntGauge,
    commit_seconds: Histogram,
    capture_to_record_seconds: Histogram,
    alerts: IntCounterVec,
    blind: IntCounterVec,
    seen: IntGaugeVec,
}

impl RecordMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| super::add(registry, IntCounter::new(name, help)?);
        Ok(Self {
            received: counter("lightbar_record_facts_received_total", "Facts that came to the record stage.")?,
            committed: counter("lightbar_record_facts_committed_total", "Facts whose commit has returned.")?,
            failures: counter("lightbar_record_failures_total", "Tries to commit that failed and are made again.")?,
            slow: counter("lightbar_record_slow_commits_total", "Commits that took longer than store.slow_commit_s.")?,
            kept: counter(
                "lightbar_record_memory_kept_total",
                "Facts that the store did not take and that were kept in memory.",
            )?,
            evicted: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new(
                        "lightbar_record_memory_dropped_total",
                        "Facts that left memory at its bound without being recorded, by reason: delivered, lost.",
                    ),
                    &["reason"],
                )?,
            )?,
            in_memory: super::add(
                registry,
                IntGauge::new("lightbar_record_in_memory", "Facts that are only in memory.")?,
            )?,
            without_evidence: counter(
                "lightbar_record_without_evidence_total",
                "Alerts of which no evidence is made, since too many wait for theirs.",
            )?,
            ready: super::add(registry, IntGauge::new("lightbar_record_ready", "1 while facts can be recorded.")?)?,
            commit_seconds: super::add(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new("lightbar_record_commit_seconds", "Time of one commit, a batch of facts.")
                        .buckets(super::LATENCY_BUCKETS.to_vec()),
                )?,
            )?,
            capture_to_record_seconds: super::add(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "lightbar_record_capture_to_commit_seconds",
                        "From the capture of the frame that caused an alert change to its commit.",
                    )
                    .buckets(super::LATENCY_BUCKETS.to_vec()),
                )?,
            )?,
            alerts: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new("lightbar_record_alerts_opened_total", "Alerts whose opening was committed."),
                    &["camera", "kind"],
                )?,
            )?,
            blind: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new("lightbar_record_blind_total", "Times that sight of a camera was lost, by cause."),
                    &["camera", "cause"],
                )?,
            )?,
            seen: super::add(
                registry,
                IntGaugeVec::new(
                    Opts::new(
                        "lightbar_record_camera_seen",
                        "1 while a camera is seen, 0 while it is not; absent where it was taken out by configuration.",
                    ),
                    &["camera"],
                )?,
            )?,
        })
    }

    /// Facts came.
    pub fn received(&self, facts: usize) {
        self.received.inc_by(facts as u64);
    }

    /// A batch was committed.
    pub fn committed(&self, facts: usize, took: Duration) {
        self.committed.inc_by(facts as u64);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// A change of an alert was committed.
    pub fn alert(&self, camera: &str, kind: &str, opened: bool, since_capture: Duration) {
        self.capture_to_record_seconds.observe(since_capture.as_secs_f64());
        if opened {
            self.alerts.with_label_values(&[camera, kind]).inc();
        }
    }

    /// Sight of a camera was lost.
    pub fn blind(&self, camera: &str, cause: &str) {
        self.blind.with_label_values(&[camera, cause]).inc();
        if cause == BlindCause::Disabled.as_str() {
            // Whoever takes a camera out does not want to be told for ever that it is not seen. An Err: it never was.
            self.seen.remove_label_values(&[camera]).ok();
        } else {
            self.seen.with_label_values(&[camera]).set(0);
        }
    }

    /// Sight of a camera came back.
    pub fn sighted(&self, camera: &str) {
        self.seen.with_label_values(&[camera]).set(1);
    }

    /// A try failed.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// A commit takes long.
    pub fn slow(&self) {
        self.slow.inc();
    }

    /// There will be no evidence of an alert.
    pub fn without_evidence(&self) {
        self.without_evidence.inc();
    }

    /// Facts were kept in memory.
    pub fn kept(&self, facts: usize) {
        self.kept.inc_by(facts as u64);
    }

    /// Facts left memory at its bound.
    pub fn evicted(&self, delivered: usize, lost: usize) {
        self.evicted.with_label_values(&["delivered"]).inc_by(delivered as u64);
        self.evicted.with_label_values(&["lost"]).inc_by(lost as u64);
    }

    /// How many facts are only in memory.
    pub fn in_memory(&self, facts: usize) {
        self.in_memory.set(i64::try_from(facts).unwrap_or(i64::MAX));
    }

    /// Whether facts can be recorded.
    pub fn ready(&self, ready: bool) {
        self.ready.set(ready.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_was_taken_out_is_no_longer_missed() {
        let registry = Registry::new();
        let metrics = RecordMetrics::register(&registry).expect("names are unique");
        let missed = || {
            let families = registry.gather();
            let seen = families.iter().find(|family| family.name() == "lightbar_record_camera_seen");
            seen.map_or(0, |family| family.get_metric().iter().filter(|m| m.get_gauge().get_value() == 0.0).count())
        };
        metrics.sighted("gate");
        metrics.blind("gate", BlindCause::Unreachable.as_str());
        metrics.blind("yard", BlindCause::Starting.as_str());
        assert_eq!(missed(), 2);
        metrics.blind("gate", BlindCause::Disabled.as_str());
        assert_eq!(missed(), 1);
        metrics.sighted("gate");
        metrics.blind("gate", BlindCause::Stalled.as_str());
        assert_eq!(missed(), 2, "and again when it is back");
    }
}
