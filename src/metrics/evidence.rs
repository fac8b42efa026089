//! Metrics of the evidence stage: clips and pictures.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use crate::pipeline::evidence::Sealed;

/// Metrics of the evidence stage.
#[derive(Debug)]
pub struct EvidenceMetrics {
    sealed: IntCounterVec,
    bytes: IntCounterVec,
    refused: IntCounterVec,
    in_flight: IntGauge,
}

impl EvidenceMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, label: &str| {
            super::add(registry, IntCounterVec::new(Opts::new(name, help), &[label])?)
        };
        let metrics = Self {
            sealed: counters(
                "lightbar_evidence_sealed_total",
                "Pieces of evidence that were sealed, by kind: clip, snapshot.",
                "kind",
            )?,
            bytes: counters(
                "lightbar_evidence_bytes_total",
                "Bytes of sealed evidence, by kind: clip, snapshot.",
                "kind",
            )?,
            refused: counters(
                "lightbar_evidence_refused_total",
                "Evidence that could not be made or kept, by reason: no_stream, busy, gone, media, vault, disk, panic.",
                "reason",
            )?,
            in_flight: super::add(
                registry,
                IntGauge::new("lightbar_evidence_in_flight", "Alerts of which evidence is being made.")?,
            )?,
        };
        for kind in ["clip", "snapshot"] {
            metrics.sealed.with_label_values(&[kind]);
            metrics.bytes.with_label_values(&[kind]);
        }
        for reason in ["no_stream", "busy", "gone", "media", "vault", "disk", "panic"] {
            metrics.refused.with_label_values(&[reason]);
        }
        Ok(metrics)
    }

    /// These were sealed.
    pub fn sealed(&self, sealed: &[Sealed]) {
        for piece in sealed {
            let kind = piece.piece.kind.as_str();
            self.sealed.with_label_values(&[kind]).inc();
            self.bytes.with_label_values(&[kind]).inc_by(piece.size_bytes);
        }
    }

    /// There is no evidence, for this reason.
    pub fn refused(&self, reason: &str) {
        self.refused.with_label_values(&[reason]).inc();
    }

    /// So many are being made.
    pub fn in_flight(&self, alerts: usize) {
        self.in_flight.set(i64::try_from(alerts).unwrap_or(i64::MAX));
    }
}
