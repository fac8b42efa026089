//! Metrics of the capture stage: camera to frame.
//!
//! Two rules hold at every moment and are tested: packets `received = passed + dropped + in flight`; frames
//! `decoded = offered + dropped{not_due, repeated}`, where `replaced` counts offered frames that nobody took.

use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
};

use crate::domain::scene::BlindCause;

/// Seconds; from what one frame interval costs to what a dead network costs.
const LATENCY_BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0];
const PACKET_REASONS: &[&str] = &["before_key", "decoder_behind", "decode_failed"];
const RING_REASONS: &[&str] = &["outdated", "overflowed"];
const FRAME_REASONS: &[&str] = &["not_due", "repeated", "replaced"];
const CAUSES: [&str; BlindCause::ALL.len()] = {
    let mut words = [""; BlindCause::ALL.len()];
    let mut i = 0;
    while i < words.len() {
        words[i] = BlindCause::ALL[i].as_str();
        i += 1;
    }
    words
};
const CAMERA: &[&str] = &["camera"];
const STREAM: &[&str] = &["camera", "stream"];
const STREAM_REASON: &[&str] = &["camera", "stream", "reason"];

/// Metrics of the capture stage.
#[derive(Debug)]
pub struct CaptureMetrics {
    received: IntCounterVec,
    received_bytes: IntCounterVec,
    passed: IntCounterVec,
    dropped: IntCounterVec,
    in_flight: IntGaugeVec,
    ring_seconds: GaugeVec,
    ring_bytes: IntGaugeVec,
    ring_evicted: IntCounterVec,
    connects: IntCounterVec,
    failures: IntCounterVec,
    online: IntGaugeVec,
    decoded: IntCounterVec,
    offered: IntCounterVec,
    frames_dropped: IntCounterVec,
    decode_errors: IntCounterVec,
    decoder_restarts: IntCounterVec,
    blind_seconds: CounterVec,
    capture_latency: Histogram,
    decode_latency: Histogram,
}

impl CaptureMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name, help, labels| keep(registry, IntCounterVec::new(Opts::new(name, help), labels)?);
        let gauges = |name, help, labels| keep(registry, IntGaugeVec::new(Opts::new(name, help), labels)?);
        let latency = |name, help: &str| {
            keep(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec()))?)
        };
        Ok(Self {
            received: counters("lightbar_capture_packets_received_total", "Packets received from the camera.", STREAM)?,
            received_bytes: counters(
                "lightbar_capture_received_bytes_total",
                "Bytes of packets received from the camera.",
                STREAM,
            )?,
            passed: counters(
                "lightbar_capture_packets_passed_total",
                "Packets given to the decoder, or to the ring where the stream is not analysed.",
                STREAM,
            )?,
            dropped: counters(
                "lightbar_capture_packets_dropped_total",
                "Packets not passed on, by reason: before_key, decoder_behind, decode_failed.",
                STREAM_REASON,
            )?,
            in_flight: gauges("lightbar_capture_packets_in_flight", "Packets waiting for the decoder.", STREAM)?,
            ring_seconds: keep(
                registry,
                GaugeVec::new(
                    Opts::new("lightbar_capture_ring_seconds", "Video time held in the packet ring."),
                    STREAM,
                )?,
            )?,
            ring_bytes: gauges("lightbar_capture_ring_bytes", "Bytes held in the packet ring.", STREAM)?,
            ring_evicted: counters(
                "lightbar_capture_ring_evicted_packets_total",
                "Packets that left the ring, by reason: outdated, overflowed.",
                STREAM_REASON,
            )?,
            connects: counters("lightbar_capture_connects_total", "Tries to connect to the camera.", STREAM)?,
            failures: counters(
                "lightbar_capture_failures_total",
                "Connections that failed or broke, by cause.",
                &["camera", "stream", "cause"],
            )?,
            online: gauges("lightbar_capture_online", "1 while packets come from the camera.", STREAM)?,
            decoded: counters("lightbar_capture_frames_decoded_total", "Frames that came out of the decoder.", CAMERA)?,
            offered: counters("lightbar_capture_frames_offered_total", "Frames offered to the detector.", CAMERA)?,
            frames_dropped: counters(
                "lightbar_capture_frames_dropped_total",
                "Frames not looked at, by reason: not_due, repeated, replaced.",
                &["camera", "reason"],
            )?,
            decode_errors: counters(
                "lightbar_capture_decode_errors_total",
                "Damaged packets and frames that the decoder survived.",
                CAMERA,
            )?,
            decoder_restarts: counters(
                "lightbar_capture_decoder_restarts_total",
                "Decoders that died and were replaced.",
                CAMERA,
            )?,
            blind_seconds: keep(
                registry,
                CounterVec::new(
                    Opts::new(
                        "lightbar_capture_blind_seconds_total",
                        "Time without sight, added when sight returns or its cause changes.",
                    ),
                    CAMERA,
                )?,
            )?,
            capture_latency: latency("lightbar_capture_received_seconds", "From capture to arrival.")?,
            decode_latency: latency("lightbar_capture_decoded_seconds", "From arrival to the decoded frame.")?,
        })
    }

    /// The metrics of one stream, looked up once.
    pub fn stream(&self, camera: &str, stream: &str) -> StreamMetrics {
        let labels = &[camera, stream];
        let reason = |vec: &IntCounterVec, reason| vec.with_label_values(&[camera, stream, reason]);
        StreamMetrics {
            received: self.received.with_label_values(labels),
            received_bytes: self.received_bytes.with_label_values(labels),
            passed: self.passed.with_label_values(labels),
            before_key: reason(&self.dropped, "before_key"),
            decoder_behind: reason(&self.dropped, "decoder_behind"),
            decode_failed: reason(&self.dropped, "decode_failed"),
            in_flight: self.in_flight.with_label_values(labels),
            ring_seconds: self.ring_seconds.with_label_values(labels),
            ring_bytes: self.ring_bytes.with_label_values(labels),
            ring_outdated: reason(&self.ring_evicted, "outdated"),
            ring_overflowed: reason(&self.ring_evicted, "overflowed"),
            connects: self.connects.with_label_values(labels),
            online: self.online.with_label_values(labels),
            capture_latency: self.capture_latency.clone(),
        }
    }

    /// The metrics of one camera's frames, looked up once.
    pub fn frames(&self, camera: &str) -> FrameMetrics {
        let reason = |reason| self.frames_dropped.with_label_values(&[camera, reason]);
        FrameMetrics {
            decoded: self.decoded.with_label_values(&[camera]),
            offered: self.offered.with_label_values(&[camera]),
            not_due: reason("not_due"),
            repeated: reason("repeated"),
            replaced: reason("replaced"),
            decode_errors: self.decode_errors.with_label_values(&[camera]),
            decoder_restarts: self.decoder_restarts.with_label_values(&[camera]),
            blind_seconds: self.blind_seconds.with_label_values(&[camera]),
            decode_latency: self.decode_latency.clone(),
        }
    }

    /// Takes a camera that was removed out of the exposition.
    pub fn forget(&self, camera: &str) {
        let by_reason =
            [(&self.dropped, PACKET_REASONS), (&self.ring_evicted, RING_REASONS), (&self.failures, &CAUSES)];
        for stream in ["main", "sub"] {
            for counters in [&self.received, &self.received_bytes, &self.passed, &self.connects] {
                drop(counters.remove_label_values(&[camera, stream]));
            }
            for gauges in [&self.in_flight, &self.ring_bytes, &self.online] {
                drop(gauges.remove_label_values(&[camera, stream]));
            }
            drop(self.ring_seconds.remove_label_values(&[camera, stream]));
            for (counters, reasons) in by_reason {
                for reason in reasons {
                    drop(counters.remove_label_values(&[camera, stream, reason]));
                }
            }
        }
        for counters in [&self.decoded, &self.offered, &self.decode_errors, &self.decoder_restarts] {
            drop(counters.remove_label_values(&[camera]));
        }
        for reason in FRAME_REASONS {
            drop(self.frames_dropped.remove_label_values(&[camera, reason]));
        }
        drop(self.blind_seconds.remove_label_values(&[camera]));
    }

    /// Counts a connection that failed or broke.
    pub fn failed(&self, camera: &str, stream: &str, cause: &str) {
        self.failures.with_label_values(&[camera, stream, cause]).inc();
    }
}

/// One stream of one camera.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is described where it is declared")]
pub struct StreamMetrics {
    pub received: IntCounter,
    pub received_bytes: IntCounter,
    pub passed: IntCounter,
    pub before_key: IntCounter,
    pub decoder_behind: IntCounter,
    pub decode_failed: IntCounter,
    pub in_flight: IntGauge,
    pub ring_seconds: Gauge,
    pub ring_bytes: IntGauge,
    pub ring_outdated: IntCounter,
    pub ring_overflowed: IntCounter,
    pub connects: IntCounter,
    pub online: IntGauge,
    pub capture_latency: Histogram,
}

/// The frames of one camera.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is described where it is declared")]
pub struct FrameMetrics {
    pub decoded: IntCounter,
    pub offered: IntCounter,
    pub not_due: IntCounter,
    pub repeated: IntCounter,
    pub replaced: IntCounter,
    pub decode_errors: IntCounter,
    pub decoder_restarts: IntCounter,
    pub blind_seconds: Counter,
    pub decode_latency: Histogram,
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests {
    use prometheus::{Encoder, TextEncoder};

    use super::*;

    #[test]
    fn a_camera_that_is_forgotten_is_gone() {
        let registry = Registry::new();
        let metrics = CaptureMetrics::register(&registry).expect("names are unique");
        let shown = || {
            let mut text = Vec::new();
            TextEncoder::new().encode(&registry.gather(), &mut text).expect("metrics encode");
            String::from_utf8(text).expect("metrics are text")
        };
        for (camera, stream) in [("gate", "main"), ("gate", "sub"), ("yard", "main")] {
            metrics.stream(camera, stream).received.inc();
            metrics.frames(camera).decoded.inc();
            metrics.failed(camera, stream, BlindCause::Stalled.as_str());
        }
        assert!(shown().contains("\"gate\""));
        metrics.forget("gate");
        assert!(!shown().contains("\"gate\"") && shown().contains("\"yard\""), "{}", shown());
    }
}
