//! Metrics of what people and patrols do with alerts.

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

/// Metrics of the lifecycle.
#[derive(Debug)]
pub struct LifecycleMetrics {
    transitions: IntCounterVec,
    escalations: IntCounterVec,
    repeated: IntCounter,
    dead: IntCounterVec,
    /// Without a label, and so without a series until it is first said: where no dispatch system is configured nothing is read,
    /// which is no trouble.
    ready: IntGaugeVec,
}

impl LifecycleMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            super::add(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            transitions: counters(
                "lightbar_lifecycle_transitions_total",
                "What was done with alerts, by action and by what became of it: applied, or late.",
                &["action", "outcome"],
            )?,
            escalations: counters(
                "lightbar_lifecycle_escalations_total",
                "Deadlines of alerts that passed, by deadline.",
                &["timer"],
            )?,
            repeated: super::add(
                registry,
                IntCounter::new("lightbar_lifecycle_repeated_total", "Requests and answers that were told again.")?,
            )?,
            dead: counters(
                "lightbar_lifecycle_dead_letters_total",
                "Dispatch answers that could not be used, by reason.",
                &["reason"],
            )?,
            ready: super::add(
                registry,
                IntGaugeVec::new(
                    Opts::new(
                        "lightbar_lifecycle_answers_ready",
                        "1 while dispatch answers are read from Kafka; absent where none are.",
                    ),
                    &[],
                )?,
            )?,
        })
    }

    /// Something was done.
    pub fn applied(&self, action: &str, outcome: &str) {
        self.transitions.with_label_values(&[action, outcome]).inc();
    }

    /// A deadline has passed.
    pub fn escalated(&self, timer: &str) {
        self.escalations.with_label_values(&[timer]).inc();
    }

    /// Something was told again.
    pub fn repeated(&self) {
        self.repeated.inc();
    }

    /// An answer could not be used.
    pub fn dead(&self, reason: &str) {
        self.dead.with_label_values(&[reason]).inc();
    }

    /// Whether answers are read.
    pub fn answers_ready(&self, ready: bool) {
        self.ready.with_label_values::<&str>(&[]).set(ready.into());
    }
}
