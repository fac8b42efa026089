//! Alert changes drawn from a seed: alerts of some cameras open, change and end, in every channel, small and large; sometimes a
//! camera is not seen for a while.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::alert::{
    AlertChange, AlertKind, AlertObject, Certainty, Cue, EndReason, Phase, RuleRef, Status, ZoneRef,
};
use crate::domain::camera::{CameraCard, Privacy, Purpose};
use crate::domain::detection::{Confidence, ModelCard, ObjectClass};
use crate::domain::geometry::BBox;
use crate::domain::ids::{AlertId, CameraId, RuleId, TrackId, ZoneId};
use crate::domain::rules::Deliver;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::pipeline::packet::{CaptureClock, ClockQuality};
use crate::pipeline::ports::{Decided, Fact, FrameRef};

const CAMERAS: usize = 8;
/// Alerts of one camera that are open at once; beyond it the oldest ends.
const OPEN: usize = 12;
const KINDS: [AlertKind; 5] = [
    AlertKind::ZoneEnter,
    AlertKind::Loitering,
    AlertKind::ObjectRemoved,
    AlertKind::ObjectAbandoned,
    AlertKind::ZonePresence,
];

/// Where the changes come from.
pub(super) struct Script {
    random: fastrand::Rng,
    cameras: Vec<Drilled>,
    model: Arc<ModelCard>,
    frames: u64,
}

struct Drilled {
    card: Arc<CameraCard>,
    open: Vec<AlertChange>,
    blind: bool,
}

impl Script {
    /// The same seed draws the same kinds of changes; ids differ with the time.
    pub(super) fn new(seed: u64) -> Self {
        let cameras = (0..CAMERAS).filter_map(|n| CameraId::parse(&format!("drill-{n}")).ok()).map(Drilled::new);
        Self {
            random: fastrand::Rng::with_seed(seed),
            cameras: cameras.collect(),
            model: Arc::new(ModelCard {
                name: "drill".to_owned(),
                version: "1".to_owned(),
                sha256: "00".repeat(32),
                runtime: "none".to_owned(),
            }),
            frames: 0,
        }
    }

    /// What is decided next.
    pub(super) fn next(&mut self, now: Timestamp) -> Fact {
        self.frames += 1;
        let at = self.random.usize(..self.cameras.len());
        let camera = &mut self.cameras[at];
        let id = camera.card.id.clone();
        let draw = self.random.u32(..100);
        if draw < 2 {
            camera.blind = !camera.blind;
            return if camera.blind {
                Fact::BlindSince { camera: id, from: now, cause: BlindCause::Stalled }
            } else {
                Fact::SightedSince { camera: id, at: now }
            };
        }
        let change = if camera.open.is_empty() || (draw < 45 && camera.open.len() < OPEN) {
            let opened = opened(&mut self.random, id, now);
            camera.open.push(opened.clone());
            opened
        } else {
            let n = self.random.usize(..camera.open.len());
            let change = &mut camera.open[n];
            change.revision += 1;
            // A wall clock that was set back must not make an alert end before it began: a camera's timeline never goes back.
            change.captured_at = now.max(change.captured_at);
            if draw < 75 {
                change.phase = Phase::Updated;
                change.clone()
            } else {
                change.phase = Phase::Ended;
                change.ended_at = Some(change.captured_at);
                change.end_reason = Some(EndReason::Left);
                camera.open.swap_remove(n)
            }
        };
        Fact::Alert(Box::new(Decided {
            detected_at: change.captured_at.plus(Duration::from_millis(40)),
            change,
            camera: Arc::clone(&camera.card),
            clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
            frame: Some(FrameRef { width: 1920, height: 1080, number: self.frames, pts: BEAT * self.frames as u32 }),
            model: Some(Arc::clone(&self.model)),
            explanation: None,
        }))
    }
}

const BEAT: Duration = Duration::from_millis(40);

impl Drilled {
    fn new(id: CameraId) -> Self {
        let card = CameraCard {
            name: Some(format!("演练 {id}")),
            address: Some("演练路 1 号".to_owned()),
            id,
            position: None,
            gb_id: None,
            place_code: None,
            org_code: None,
            grid_code: None,
            site_id: None,
            playback_url: None,
            privacy: Privacy { purpose: Purpose::PublicOrder, basis: None, mask_rev: 0, retention_days: 30 },
        };
        Self { card: Arc::new(card), open: Vec::new(), blind: false }
    }
}

fn opened(random: &mut fastrand::Rng, camera: CameraId, now: Timestamp) -> AlertChange {
    let kind = KINDS[random.usize(..KINDS.len())];
    let (severity, urgency) = kind.defaults();
    // Most alerts are of one object; some are of a crowd, and large.
    let count = if random.u32(..20) == 0 { random.u32(20..120) } else { random.u32(1..4) };
    let (deliver, status) = match random.u32(..10) {
        0 => (Deliver::Record, Status::Exercise),
        1 => (Deliver::Alert, Status::Test),
        _ => (Deliver::Alert, Status::Exercise),
    };
    AlertChange {
        id: AlertId::new(now, random.u128(..)),
        revision: 1,
        phase: Phase::Opened,
        status,
        deliver,
        held_back: false,
        watched: None,
        kind,
        cues: vec![Cue::Detector],
        camera,
        rule: RuleId::parse("drill").ok().map(|id| RuleRef {
            id,
            rev: 1,
            threshold: None,
            hours: None,
            expires_after: None,
        }),
        zone: ZoneId::parse("drill").ok().map(|id| ZoneRef { id, rev: 1, name: None, category: None }),
        captured_at: now,
        started_at: now,
        ended_at: None,
        end_reason: None,
        severity,
        urgency,
        certainty: Certainty::Likely,
        confidence: Some(Confidence::clamped(0.5)),
        count,
        objects: (0..count).map(|n| object(random, n, now)).collect(),
        crossing: None,
    }
}

fn object(random: &mut fastrand::Rng, n: u32, now: Timestamp) -> AlertObject {
    AlertObject {
        track: TrackId(u64::from(n)),
        class: ObjectClass::Person,
        label: None,
        confidence: Confidence::clamped(random.f32()),
        bbox: BBox::new(random.f64() * 0.9, random.f64() * 0.8, 0.1, 0.2),
        first_seen_at: now,
        last_seen_at: now,
        dwell: None,
        velocity: [0.0, 0.0],
        speed: None,
    }
}
