//! Alert changes as a scene would decide them. Also used by the benches.

use std::sync::Arc;
use std::time::Duration;

use lightbar::contract::Site;
use lightbar::domain::alert::{
    AlertChange, AlertKind, AlertObject, Certainty, Crossing, Cue, EndReason, Phase, RuleRef, Status, ZoneRef,
};
use lightbar::domain::camera::{CameraCard, Datum, Position, Privacy, Purpose};
use lightbar::domain::detection::{Confidence, ModelCard, ObjectClass};
use lightbar::domain::geometry::{BBox, CrossingDirection};
use lightbar::domain::ids::{AlertId, CameraId, NodeId, RuleId, TrackId, ZoneId};
use lightbar::domain::rules::Deliver;
use lightbar::domain::time::Timestamp;
use lightbar::pipeline::packet::{CaptureClock, ClockQuality};
use lightbar::pipeline::ports::{Decided, Fact, FrameRef};

/// 2026-03-01T08:00:00Z.
pub(crate) const EIGHT: Timestamp = Timestamp::from_millis(1_772_352_000_000);

pub(crate) fn camera(id: &str) -> CameraId {
    CameraId::parse(id).unwrap()
}

pub(crate) fn site() -> Arc<Site> {
    Arc::new(Site::new("county", NodeId::parse("node-1").unwrap()))
}

/// The `n`th alert id; ids sort as their numbers.
pub(crate) fn alert_id(n: u64) -> AlertId {
    AlertId::new(EIGHT.plus(Duration::from_millis(n)), u128::from(n))
}

pub(crate) fn card(id: &str) -> CameraCard {
    CameraCard {
        id: camera(id),
        name: Some("北门".to_owned()),
        address: Some("幸福路 1 号".to_owned()),
        position: Some(Position { lat: 30.25, lon: 120.17, datum: Datum::Cgcs2000 }),
        gb_id: Some("33010000001320000001".to_owned()),
        place_code: Some("330100".to_owned()),
        org_code: None,
        grid_code: None,
        site_id: None,
        playback_url: None,
        privacy: Privacy { purpose: Purpose::PublicOrder, basis: None, mask_rev: 0, retention_days: 30 },
    }
}

/// A full-grown change of a kind, revision 1, opened at eight plus `n` milliseconds.
pub(crate) fn decided(kind: AlertKind, camera_id: &str, n: u64) -> Decided {
    use AlertKind as K;
    let of_stream =
        matches!(kind, K::CameraTamper | K::VideoDegraded | K::VideoLoss | K::Storm | K::Overload | K::Store);
    let seen = !of_stream && kind != K::Manual;
    let (severity, urgency) = kind.defaults();
    let at = EIGHT.plus(Duration::from_millis(n));
    let class = if kind == K::VehicleStopped { ObjectClass::Car } else { ObjectClass::Bicycle };
    let change = AlertChange {
        id: alert_id(n),
        revision: 1,
        phase: Phase::Opened,
        status: if matches!(kind, K::Storm | K::Overload | K::Store) { Status::System } else { Status::Actual },
        deliver: Deliver::Alert,
        held_back: false,
        watched: None,
        kind,
        cues: vec![if seen {
            Cue::Detector
        } else if of_stream {
            Cue::Stream
        } else {
            Cue::Person
        }],
        camera: camera(camera_id),
        rule: seen.then(|| RuleRef {
            id: RuleId::parse("rule-1").unwrap(),
            rev: 2,
            threshold: Some(30.0),
            hours: None,
            expires_after: None,
        }),
        zone: (seen && !matches!(kind, K::LineCross | K::WrongWay)).then(|| ZoneRef {
            id: ZoneId::parse("rack").unwrap(),
            rev: 1,
            name: Some("车棚".to_owned()),
            category: Some("bicycle_parking".to_owned()),
        }),
        captured_at: at,
        started_at: at.minus(Duration::from_secs(31)),
        ended_at: None,
        end_reason: None,
        severity,
        urgency,
        certainty: Certainty::Likely,
        confidence: seen.then(|| Confidence::clamped(0.873)),
        count: if kind == K::Storm { 120 } else { u32::from(seen) },
        objects: if seen { vec![object(class, at)] } else { Vec::new() },
        crossing: matches!(kind, K::LineCross | K::WrongWay)
            .then(|| Crossing { line: ZoneId::parse("kerb").unwrap(), direction: CrossingDirection::LeftToRight }),
    };
    Decided {
        change,
        camera: Arc::new(card(camera_id)),
        clock: ClockQuality { source: CaptureClock::RtcpNtp, error_ms: Some(4.0), offset_ms: Some(-12.5) },
        detected_at: at.plus(Duration::from_millis(80)),
        frame: seen.then_some(FrameRef { width: 1920, height: 1080, number: n, pts: Duration::from_millis(n) }),
        model: seen.then(|| {
            Arc::new(ModelCard {
                name: "street".to_owned(),
                version: "1.0.0".to_owned(),
                sha256: "ab".repeat(32),
                runtime: "onnxruntime 1.24.4 CPU".to_owned(),
            })
        }),
        explanation: None,
    }
}

fn object(class: ObjectClass, at: Timestamp) -> AlertObject {
    AlertObject {
        track: TrackId(7),
        class,
        label: None,
        confidence: Confidence::clamped(0.91),
        bbox: BBox::new(0.412_345, 0.55, 0.08, 0.2),
        first_seen_at: at.minus(Duration::from_secs(40)),
        last_seen_at: at,
        dwell: Some(Duration::from_secs(31)),
        velocity: [0.012, -0.001],
        speed: None,
    }
}

/// The `n`th alert of a camera, opening.
pub(crate) fn opened(camera_id: &str, n: u64) -> Fact {
    Fact::Alert(Box::new(decided(AlertKind::ObjectRemoved, camera_id, n)))
}

/// The end of that alert.
pub(crate) fn ended(camera_id: &str, n: u64, after: Duration) -> Decided {
    let mut decided = decided(AlertKind::Loitering, camera_id, n);
    let at = decided.change.captured_at.plus(after);
    decided.change.revision = 2;
    decided.change.phase = Phase::Ended;
    decided.change.captured_at = at;
    decided.change.ended_at = Some(at);
    decided.change.end_reason = Some(EndReason::Left);
    decided.detected_at = at.plus(Duration::from_millis(80));
    decided
}
