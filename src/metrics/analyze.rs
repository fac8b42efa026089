//! Metrics of the analyze stage: detections to alerts.

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Seconds; deciding takes microseconds, waiting in the queue before it may take longer.
const DECIDE_BUCKETS: &[f64] = &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0];

/// Metrics of the analyze stage.
#[derive(Debug)]
pub struct AnalyzeMetrics {
    observations: IntCounterVec,
    tracks: IntGaugeVec,
    changes: IntCounterVec,
    opened: IntCounterVec,
    armed: IntGaugeVec,
    held_back: IntCounterVec,
    decide_seconds: Histogram,
}

impl AnalyzeMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name, help, labels: &[&str]| keep(registry, IntCounterVec::new(Opts::new(name, help), labels)?);
        Ok(Self {
            observations: counters(
                "lightbar_analyze_observations_total",
                "Observations taken in by the scene: frames looked at, and looks that found nothing changed.",
                &["camera"],
            )?,
            tracks: keep(
                registry,
                IntGaugeVec::new(Opts::new("lightbar_analyze_tracks", "Objects tracked at this moment."), &["camera"])?,
            )?,
            changes: counters(
                "lightbar_analyze_alert_changes_total",
                "Alert changes decided, by kind and phase: opened, updated, ended.",
                &["kind", "phase"],
            )?,
            opened: counters("lightbar_analyze_alerts_opened_total", "Alerts opened.", &["camera", "rule", "kind"])?,
            armed: keep(
                registry,
                IntGaugeVec::new(
                    Opts::new(
                        "lightbar_analyze_rule_armed",
                        "Whether what the rule notices is an alert at this moment.",
                    ),
                    &["camera", "rule"],
                )?,
            )?,
            held_back: counters(
                "lightbar_analyze_alerts_held_back_total",
                "Alerts that were only recorded, since the rule had given as many within the hour as it may.",
                &["camera", "rule"],
            )?,
            decide_seconds: keep(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new("lightbar_analyze_decided_seconds", "From detections to decided alert changes.")
                        .buckets(DECIDE_BUCKETS.to_vec()),
                )?,
            )?,
        })
    }

    /// The metrics of one camera's scene, looked up once.
    pub fn scene(&self, camera: &str) -> SceneMetrics {
        SceneMetrics {
            observations: self.observations.with_label_values(&[camera]),
            tracks: self.tracks.with_label_values(&[camera]),
            decide_seconds: self.decide_seconds.clone(),
        }
    }

    /// Counts a decided alert change; `phase` is the contract's word for it.
    pub fn decided(&self, kind: &str, phase: &str) {
        self.changes.with_label_values(&[kind, phase]).inc();
    }

    /// Counts an opened alert; `rule` is empty for what speaks of the stream itself.
    pub fn opened(&self, camera: &str, rule: &str, kind: &str) {
        self.opened.with_label_values(&[camera, rule, kind]).inc();
    }

    /// Says whether what a rule notices is an alert now.
    pub fn armed(&self, camera: &str, rule: &str, armed: bool) {
        self.armed.with_label_values(&[camera, rule]).set(i64::from(armed));
    }

    /// Counts an alert beyond the rule's limit per hour.
    pub fn held_back(&self, camera: &str, rule: &str) {
        self.held_back.with_label_values(&[camera, rule]).inc();
    }

    /// Forgets the gauges of a camera that was removed. Counters stay: they tell of what was.
    pub fn forget(&self, camera: &str) {
        // An Err says that it was never there, which is as good.
        self.tracks.remove_label_values(&[camera]).ok();
    }
}

/// One camera's scene.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is described where it is declared")]
pub struct SceneMetrics {
    pub observations: IntCounter,
    pub tracks: IntGauge,
    pub decide_seconds: Histogram,
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
