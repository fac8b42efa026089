//! Metrics of the detect stage.
//!
//! `in = out + dropped + in flight`, at any moment; a frame that a newer one replaces in its slot counts as in and dropped.

use prometheus::{Gauge, GaugeVec, Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

use crate::domain::detection::ModelCard;
use crate::domain::ids::CameraId;

/// Why a frame left the stage without detections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectDrop {
    /// A newer frame came before it was looked at.
    Replaced,
    /// The detector failed on it.
    DetectorFailed,
    /// The camera was removed meanwhile.
    CameraRemoved,
}

impl DetectDrop {
    const ALL: [Self; 3] = [Self::Replaced, Self::DetectorFailed, Self::CameraRemoved];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::DetectorFailed => "detector_failed",
            Self::CameraRemoved => "camera_removed",
        }
    }
}

/// Metrics of the detect stage.
#[derive(Debug)]
pub struct DetectMetrics {
    frames_in: IntCounterVec,
    frames_out: IntCounterVec,
    dropped: IntCounterVec,
    in_flight: IntGauge,
    inference: Histogram,
    model: GaugeVec,
    failing: Gauge,
}

impl DetectMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let buckets = vec![0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0];
        let seconds =
            HistogramOpts::new("lightbar_detect_inference_seconds", "Time from a frame's planes to its detections.")
                .buckets(buckets);
        let model = Opts::new("lightbar_detect_model_info", "The model in use and what it really runs on; always 1.");
        let metrics = Self {
            frames_in: counter(
                "lightbar_detect_frames_in_total",
                "Frames that reached the detect stage.",
                &["camera"],
            )?,
            frames_out: counter(
                "lightbar_detect_frames_out_total",
                "Frames that left the detect stage with their detections.",
                &["camera"],
            )?,
            dropped: counter(
                "lightbar_detect_frames_dropped_total",
                "Frames that left the detect stage without detections.",
                &["camera", "reason"],
            )?,
            in_flight: IntGauge::new("lightbar_detect_frames_in_flight", "Frames that are being looked at.")?,
            inference: Histogram::with_opts(seconds)?,
            model: GaugeVec::new(model, &["model", "version", "sha256", "runtime"])?,
            failing: Gauge::new("lightbar_detect_failing_cameras", "Cameras whose last frame the detector failed on.")?,
        };
        registry.register(Box::new(metrics.frames_in.clone()))?;
        registry.register(Box::new(metrics.frames_out.clone()))?;
        registry.register(Box::new(metrics.dropped.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        registry.register(Box::new(metrics.inference.clone()))?;
        registry.register(Box::new(metrics.model.clone()))?;
        registry.register(Box::new(metrics.failing.clone()))?;
        Ok(metrics)
    }

    /// Notes the model in use.
    pub fn uses(&self, card: &ModelCard) {
        self.model.reset();
        self.model.with_label_values(&[&card.name, &card.version, &card.sha256, &card.runtime]).set(1.0);
    }

    /// A frame was taken to be looked at.
    pub fn taken(&self, camera: &CameraId) {
        self.frames_in.with_label_values(&[camera.as_str()]).inc();
        self.in_flight.inc();
    }

    /// An unread frame was replaced by a newer one.
    pub fn replaced(&self, camera: &CameraId) {
        self.frames_in.with_label_values(&[camera.as_str()]).inc();
        self.dropped.with_label_values(&[camera.as_str(), DetectDrop::Replaced.as_str()]).inc();
    }

    /// A taken frame was looked at and handed on.
    pub fn handed_on(&self, camera: &CameraId) {
        self.in_flight.dec();
        self.frames_out.with_label_values(&[camera.as_str()]).inc();
    }

    /// A taken frame was dropped.
    pub fn dropped(&self, camera: &CameraId, why: DetectDrop) {
        self.in_flight.dec();
        self.dropped.with_label_values(&[camera.as_str(), why.as_str()]).inc();
    }

    /// A frame was looked at for so long.
    pub fn looked(&self, seconds: f64) {
        self.inference.observe(seconds);
    }

    /// A camera began to fail (`true`), or works again or left (`false`).
    pub fn failing(&self, failing: bool) {
        if failing { self.failing.inc() } else { self.failing.dec() }
    }

    /// Forgets the series of a camera that was removed.
    pub fn forget(&self, camera: &CameraId) {
        // A series that was never used is not there; that is as good.
        let gone = [
            self.frames_in.remove_label_values(&[camera.as_str()]),
            self.frames_out.remove_label_values(&[camera.as_str()]),
        ];
        let reasons = DetectDrop::ALL.map(|why| self.dropped.remove_label_values(&[camera.as_str(), why.as_str()]));
        tracing::trace!(%camera, series = gone.iter().chain(&reasons).filter(|r| r.is_ok()).count(), "detect metrics forgotten");
    }

    /// Frames in, out, dropped (for any reason) of a camera, and in flight of all.
    pub fn counts(&self, camera: &CameraId) -> DetectCounts {
        let label = camera.as_str();
        DetectCounts {
            frames_in: self.frames_in.with_label_values(&[label]).get(),
            frames_out: self.frames_out.with_label_values(&[label]).get(),
            dropped: DetectDrop::ALL
                .iter()
                .map(|why| self.dropped.with_label_values(&[label, why.as_str()]).get())
                .sum(),
            in_flight: self.in_flight.get(),
        }
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectCounts {
    /// Frames that reached the stage.
    pub frames_in: u64,
    /// Frames that left it with their detections.
    pub frames_out: u64,
    /// Frames that left it without.
    pub dropped: u64,
    /// Frames that are in it, of all cameras.
    pub in_flight: i64,
}
