//! From a decided change to its wire form. Numbers are rounded to what they are worth, boxes are clipped to the picture.

use std::borrow::Cow;
use std::time::Duration;

use super::alert_v1::{
    AlertV1, Bbox, Camera, Crossing, Evidence, FrameV1, Model, Node, Object, Position, Privacy, Rule, Timing, Zone,
};
use super::time::rfc3339;
use super::{Site, codes, text, words};
use crate::domain::alert::{AlertChange, AlertKind, AlertObject, Cue, EndReason};
use crate::domain::camera::CameraCard;
use crate::domain::geometry::BBox;
use crate::domain::rules::Deliver;
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::Sealed;
use crate::pipeline::ports::{Decided, FrameRef};

/// More objects than this are counted, not listed (the schema's bound).
const MAX_OBJECTS: usize = 64;
/// More evidence than this is kept and not listed (the schema's bound).
const MAX_EVIDENCE: usize = 8;
/// The smallest box side that is written: a ten-thousandth of the picture.
const MIN_SIDE: f64 = 1e-4;
const NANOS_PER_DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

impl AlertV1 {
    /// The wire form of a change that is being recorded at `recorded_at`.
    pub fn new(decided: &Decided, site: &Site, recorded_at: Timestamp) -> Self {
        let change = &decided.change;
        // A full or broken store concerns no camera, whoever noticed it.
        let of_node = change.kind == AlertKind::Store;
        let seen = change.cues.iter().any(|cue| matches!(cue, Cue::Detector | Cue::Motion | Cue::StaticChange));
        let mut alert = Self {
            schema_version: "1.0".into(),
            alert_id: change.id.to_string(),
            revision: change.revision,
            phase: words::phase(change.phase).into(),
            status: words::status(change.status).into(),
            deliver: (change.deliver == Deliver::Record).then(|| change.deliver.as_str().into()),
            kind: change.kind.as_str().into(),
            cues: change.cues.iter().map(|&cue| words::cue(cue).into()).collect(),
            camera: (!of_node).then(|| camera(&decided.camera)),
            node: of_node.then(|| Node { id: site.node.to_string() }),
            rule: change.rule.as_ref().map(|rule| Rule {
                id: rule.id.to_string(),
                rev: rule.rev.max(1),
                threshold: rule.threshold.and_then(|t| rounded(t, 3)),
                schedule_id: rule.hours.as_ref().map(ToString::to_string),
                expires_after_s: rule.expires_after.and_then(|after| rounded(after.as_secs_f64(), 3)),
            }),
            zone: change.zone.as_ref().map(|zone| Zone {
                id: zone.id.to_string(),
                rev: zone.rev.max(1),
                name: zone.name.clone(),
                category: zone.category.clone(),
            }),
            timing: timing(decided, recorded_at),
            end_reason: change.end_reason.map(|reason| words::end_reason(reason).into()),
            severity: words::severity(change.severity).into(),
            urgency: words::urgency(change.urgency).into(),
            certainty: words::certainty(change.certainty).into(),
            priority: codes::priority(change.severity),
            confidence: change.confidence.and_then(|c| rounded(c.get().into(), 3)),
            count: (change.kind != AlertKind::Storm).then_some(change.count),
            suppressed_count: (change.kind == AlertKind::Storm).then_some(change.count),
            objects: (seen || !change.objects.is_empty()).then(|| objects(change)),
            crossing: change.crossing.as_ref().map(|crossing| Crossing {
                line: crossing.line.to_string(),
                direction: words::direction(crossing.direction).into(),
            }),
            frame: decided.frame.and_then(frame),
            model: decided.model.as_ref().map(|model| Model {
                name: model.name.clone(),
                version: model.version.clone(),
                sha256: model.sha256.clone(),
                runtime: Some(model.runtime.clone()),
            }),
            evidence: None,
            privacy: privacy(&decided.camera, change.captured_at),
            codes: codes::of(change.kind),
            text: None,
        };
        alert.text = Some(text::of(&alert));
        alert
    }

    /// The last revision of an alert that was open when the service went down: nobody saw how it ended. It was alive until
    /// `last_alive`; that it is over is known `now`.
    #[must_use]
    pub fn ended_by_restart(self, last_alive: Timestamp, now: Timestamp) -> Self {
        self.ended(EndReason::Restart, last_alive, now)
    }

    /// The same alert, raised by a person, ended because people were done with it `at` that moment.
    #[must_use]
    pub fn ended_by_people(self, at: Timestamp, now: Timestamp) -> Self {
        self.ended(EndReason::Closed, at.min(now), now)
    }

    /// The same alert with evidence that has become ready: an update, whether it is over or not.
    #[must_use]
    pub fn with_evidence(mut self, sealed: &[Sealed], now: Timestamp) -> Self {
        self.revision += 1;
        self.phase = "updated".into();
        self.timing.recorded_at = rfc3339(now);
        let known = self.evidence.take().unwrap_or_default();
        let fresh: Vec<Evidence> = sealed.iter().map(|piece| evidence(&self.alert_id, piece)).collect();
        let kept = known.into_iter().filter(|old| fresh.iter().all(|new| new.id != old.id));
        let mut all: Vec<Evidence> = kept.chain(fresh.iter().cloned()).collect();
        all.truncate(MAX_EVIDENCE);
        self.evidence = Some(all);
        self
    }

    fn ended(mut self, reason: EndReason, at: Timestamp, now: Timestamp) -> Self {
        let ended_at = rfc3339(at);
        self.revision += 1;
        self.phase = "ended".into();
        self.end_reason = Some(words::end_reason(reason).into());
        // Nothing ends before what was last said of it; this form of time sorts as text.
        self.timing.ended_at = Some(ended_at.max(self.timing.captured_at.clone()));
        self.timing.captured_at = rfc3339(now).max(self.timing.captured_at);
        self.timing.detected_at = rfc3339(now);
        self.timing.recorded_at = rfc3339(now);
        self.frame = None;
        self.text = Some(text::of(&self));
        self
    }
}

fn evidence(alert: &str, sealed: &Sealed) -> Evidence {
    let piece = &sealed.piece;
    let last = piece.sample_times_ms.last().copied();
    Evidence {
        id: piece.name.clone(),
        kind: piece.kind.as_str().into(),
        role: Some(piece.role.as_str().into()),
        uri: format!("/api/v1/alerts/{alert}/evidence/{}", piece.name),
        media_type: piece.kind.media_type().into(),
        size_bytes: Some(sealed.size_bytes),
        sha256: sealed.sha256.clone(),
        captured_at: Some(rfc3339(piece.captured_at)),
        duration_s: last.and_then(|last| rounded(last as f64 / 1e3, 3)),
        masked: piece.masked,
        expires_at: None,
    }
}

fn camera(card: &CameraCard) -> Camera {
    Camera {
        id: card.id.to_string(),
        name: card.name.clone(),
        address: card.address.clone(),
        gb_id: card.gb_id.clone(),
        place_code: card.place_code.clone(),
        org_code: card.org_code.clone(),
        grid_code: card.grid_code.clone(),
        site_id: card.site_id.clone(),
        position: card.position.map(|position| Position {
            lat: position.lat,
            lon: position.lon,
            datum: words::datum(position.datum).into(),
        }),
        playback_url: card.playback_url.clone(),
    }
}

fn timing(decided: &Decided, recorded_at: Timestamp) -> Timing {
    let change = &decided.change;
    Timing {
        captured_at: rfc3339(change.captured_at),
        detected_at: rfc3339(decided.detected_at),
        recorded_at: rfc3339(recorded_at),
        started_at: Some(rfc3339(change.started_at)),
        ended_at: change.ended_at.map(rfc3339),
        capture_clock: Some(words::capture_clock(decided.clock.source).into()),
        clock_error_ms: decided.clock.error_ms.and_then(|ms| rounded(ms.abs(), 3)),
        clock_offset_ms: decided.clock.offset_ms.and_then(|ms| rounded(ms, 3)),
    }
}

fn privacy(card: &CameraCard, captured_at: Timestamp) -> Privacy {
    let kept = Duration::from_nanos(NANOS_PER_DAY.saturating_mul(card.privacy.retention_days.into()));
    Privacy {
        identification: Cow::Borrowed("none"),
        purpose: words::purpose(card.privacy.purpose).into(),
        basis: card.privacy.basis.clone(),
        mask_rev: card.privacy.mask_rev,
        retention_until: rfc3339(captured_at.plus(kept)),
    }
}

fn frame(frame: FrameRef) -> Option<FrameV1> {
    (frame.width > 0 && frame.height > 0).then(|| FrameV1 {
        width: frame.width,
        height: frame.height,
        number: Some(frame.number),
        pts_ns: u64::try_from(frame.pts.as_nanos()).ok(),
    })
}

fn objects(change: &AlertChange) -> Vec<Object> {
    change.objects.iter().take(MAX_OBJECTS).map(object).collect()
}

fn object(object: &AlertObject) -> Object {
    let [vx, vy] = object.velocity.map(|v| rounded(v, 4));
    Object {
        track_id: object.track.to_string(),
        class: object.class.as_str().into(),
        label: object.label.as_ref().map(|label| label.chars().take(32).collect()),
        confidence: rounded(object.confidence.get().into(), 3).unwrap_or(0.0),
        bbox: bbox(object.bbox),
        first_seen_at: Some(rfc3339(object.first_seen_at)),
        last_seen_at: Some(rfc3339(object.last_seen_at)),
        dwell_s: object.dwell.and_then(|dwell| rounded(dwell.as_secs_f64(), 3)),
        velocity: vx.zip(vy).map(|(x, y)| [x, y]),
        speed_mps: object.speed.and_then(|speed| rounded(speed.max(0.0), 2)),
    }
}

/// The part of the box within the picture. A predicted box may lie outside; then its nearest sliver stands for it, since an
/// alert is never dropped for its box.
fn bbox(of: BBox) -> Bbox {
    let (x, w) = span(of.x, of.x + of.w);
    let (y, h) = span(of.y, of.y + of.h);
    Bbox { x, y, w, h }
}

fn span(from: f64, to: f64) -> (f64, f64) {
    let finite = |v: f64| if v.is_finite() { v } else { 0.0 };
    let from = rounded(finite(from).clamp(0.0, 1.0 - MIN_SIDE), 4).unwrap_or(0.0);
    let to = rounded(finite(to).clamp(0.0, 1.0), 4).unwrap_or(0.0);
    (from, rounded((to - from).max(MIN_SIDE), 4).unwrap_or(MIN_SIDE))
}

/// Rounded to so many decimals; nothing for what is no number. Adding zero turns -0 into 0.
fn rounded(value: f64, decimals: i32) -> Option<f64> {
    let scale = 10f64.powi(decimals);
    value.is_finite().then(|| (value * scale).round() / scale + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn boxes_always_lie_in_the_picture(x in -3.0..3.0f64, y in -3.0..3.0f64, w in -1.0..3.0f64, h in 0.0..3.0f64) {
            let b = bbox(BBox::new(x, y, w, h));
            prop_assert!((0.0..1.0).contains(&b.x) && (0.0..1.0).contains(&b.y), "{b:?}");
            prop_assert!(b.w > 0.0 && b.h > 0.0 && b.x + b.w <= 1.0 + 1e-9 && b.y + b.h <= 1.0 + 1e-9, "{b:?}");
        }
    }

    #[test]
    fn a_box_that_is_no_number_is_a_sliver() {
        let b = bbox(BBox::new(f64::NAN, 0.5, 0.1, f64::INFINITY));
        assert_eq!((b.x, b.w), (0.0, MIN_SIDE));
        assert!(b.h > 0.0);
    }

    #[test]
    fn rounding_keeps_what_a_number_is_worth() {
        assert_eq!(rounded(f64::from(0.87_f32), 3), Some(0.87));
        assert_eq!(rounded(-0.000_01, 4).map(f64::to_bits), Some(0.0f64.to_bits()));
        assert_eq!(rounded(f64::NAN, 3), None);
    }
}
