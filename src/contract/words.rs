//! The contract's words for the core's enums, once and for all.

use crate::domain::alert::{AlertKind, Certainty, Cue, EndReason, Phase, Severity, Status, Urgency};
use crate::domain::camera::{Datum, Purpose};
use crate::domain::geometry::CrossingDirection;
use crate::pipeline::packet::CaptureClock;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident($type:ident) { $($variant:ident => $word:literal),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            pub const fn $name(value: $type) -> &'static str {
                match value { $($type::$variant => $word),+ }
            }
        )+
    };
}

words! {
    /// `phase`
    phase(Phase) { Opened => "opened", Updated => "updated", Ended => "ended" }
    /// `status`
    status(Status) { Actual => "Actual", Exercise => "Exercise", System => "System", Test => "Test" }
    /// `cues[]`
    cue(Cue) {
        Detector => "detector", Motion => "motion", StaticChange => "static_change", Stream => "stream", Person => "person",
    }
    /// `end_reason`
    end_reason(EndReason) {
        Left => "left", Timeout => "timeout", CameraLost => "camera_lost", Restart => "restart", RuleChanged => "rule_changed",
        Closed => "closed",
    }
    /// `severity`
    severity(Severity) {
        Extreme => "Extreme", Severe => "Severe", Moderate => "Moderate", Minor => "Minor", Unknown => "Unknown",
    }
    /// `urgency`
    urgency(Urgency) {
        Immediate => "Immediate", Expected => "Expected", Future => "Future", Past => "Past", Unknown => "Unknown",
    }
    /// `certainty`
    certainty(Certainty) {
        Observed => "Observed", Likely => "Likely", Possible => "Possible", Unlikely => "Unlikely", Unknown => "Unknown",
    }
    /// `privacy.purpose`
    purpose(Purpose) {
        PublicOrder => "public_order", TrafficSafety => "traffic_safety", KeyAreaProtection => "key_area_protection",
        Rescue => "rescue", FacilitySafety => "facility_safety", CriminalInvestigation => "criminal_investigation",
        SystemTest => "system_test",
    }
    /// `camera.position.datum`
    datum(Datum) { Wgs84 => "WGS84", Cgcs2000 => "CGCS2000", Gcj02 => "GCJ02" }
    /// `timing.capture_clock`
    capture_clock(CaptureClock) { RtcpNtp => "rtcp_ntp", Arrival => "arrival", File => "file" }
    /// `crossing.direction`
    direction(CrossingDirection) { LeftToRight => "left_to_right", RightToLeft => "right_to_left" }
}

/// The kind of that name, if this version knows it.
pub fn kind_named(word: &str) -> Option<AlertKind> {
    AlertKind::ALL.into_iter().find(|kind| kind.as_str() == word)
}
