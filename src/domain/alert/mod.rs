//! Alerts: what an operator must see.

#[expect(clippy::module_inception, reason = "the file is named after the type it holds")]
pub mod alert;
pub(crate) mod book;

pub use alert::{
    AlertChange, AlertKind, AlertObject, Certainty, Crossing, Cue, EndReason, Phase, RuleRef, Severity, Status,
    Urgency, ZoneRef,
};
