//! What the record stage tells the evidence stage of a change that it has committed.

use crate::domain::alert::{Cue, Phase, Status};
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;
use crate::pipeline::packet::ClockQuality;
use crate::pipeline::ports::Decided;

/// A committed change of an alert of which there shall be evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Which alert.
    pub alert: AlertId,
    /// Which camera saw it.
    pub camera: CameraId,
    /// The alert's kind, in the contract's word.
    pub kind: &'static str,
    /// The rule and its revision.
    pub rule: Option<(String, u32)>,
    /// The model's name and the hash of its file.
    pub model: Option<(String, String)>,
    /// How well capture times are known.
    pub clock: ClockQuality,
    /// When what it tells of began.
    pub started_at: Timestamp,
    /// When the picture behind this change was captured.
    pub captured_at: Timestamp,
    /// When it ended; none while it lasts.
    pub ended_at: Option<Timestamp>,
    /// Whether it begins with this change.
    pub opens: bool,
}

impl Wish {
    /// None for what nobody saw, such as a lost stream, and for rules on trial.
    pub fn of(decided: &Decided) -> Option<Self> {
        let change = &decided.change;
        let seen = change.cues.iter().any(|cue| matches!(cue, Cue::Detector | Cue::Motion | Cue::StaticChange));
        let asked = seen && change.status != Status::Test && change.phase != Phase::Updated;
        asked.then(|| Self {
            alert: change.id,
            camera: change.camera.clone(),
            kind: change.kind.as_str(),
            rule: change.rule.as_ref().map(|rule| (rule.id.to_string(), rule.rev)),
            model: decided.model.as_ref().map(|model| (model.name.clone(), model.sha256.clone())),
            clock: decided.clock,
            started_at: change.started_at,
            captured_at: change.captured_at,
            ended_at: change.ended_at,
            opens: change.phase == Phase::Opened,
        })
    }
}
