//! What each kind of alert is called in the standards of others. The table stands in the contract; here it is once in code.
//!
//! GB/T 28181-2022 (alarm method, type, event type), GA/T 1400.3 (event sort), GA/T 2000.254 (video analysis event code),
//! ONVIF topics (within `tns1:`).

use super::alert_v1::{Codes, Gb28181};
use crate::domain::alert::{AlertKind, Severity};

/// CAP severity as GB/T 28181 alarm priority: 1 is the highest.
pub const fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Extreme => 1,
        Severity::Severe => 2,
        Severity::Moderate => 3,
        Severity::Minor | Severity::Unknown => 4,
    }
}

/// CAP severity as CloudEvents severity text and number.
pub const fn ce_severity(severity: &str) -> (&'static str, u8) {
    match severity.as_bytes() {
        b"Extreme" => ("EXTREME", 21),
        b"Severe" => ("SEVERE", 17),
        b"Moderate" => ("MODERATE", 13),
        b"Minor" => ("MINOR", 9),
        _ => ("UNKNOWN", 5),
    }
}

/// The foreign codes of a kind.
pub fn of(kind: AlertKind) -> Codes {
    use AlertKind as K;
    let (gb, sort, gat254, topic) = match kind {
        K::LineCross => ((5, 5, None), 19, Some("05"), Some("RuleEngine/LineDetector/Crossed")),
        K::ZoneEnter => ((5, 6, Some(1)), 20, Some("06"), Some("RuleEngine/FieldDetector/ObjectsInside")),
        K::ZoneExit => ((5, 6, Some(2)), 20, Some("06"), Some("RuleEngine/FieldDetector/ObjectsInside")),
        K::ZonePresence => ((5, 6, None), 20, Some("06"), Some("RuleEngine/FieldDetector/ObjectsInside")),
        K::Loitering => ((5, 8, None), 22, Some("08"), Some("RuleEngine/LoiteringDetector/ObjectIsLoitering")),
        K::WrongWay => ((5, 7, None), 21, Some("07"), Some("RuleEngine/LineDetector/Crossed")),
        K::Crowd => ((5, 10, None), 15, Some("11"), Some("RuleEngine/CountAggregation/OccupancyCounter")),
        K::ObjectAbandoned => ((5, 3, None), 23, None, Some("RuleEngine/ObjectAbandoned")),
        K::ObjectRemoved => ((5, 4, None), 24, Some("09"), Some("RuleEngine/ObjectRemoved")),
        K::VehicleStopped | K::Storm | K::Overload | K::Store => ((5, 2, None), 0, None, None),
        K::ObjectPresent => ((5, 2, None), 5, None, Some("RuleEngine/ObjectDetection/Object")),
        K::FastMove => ((5, 12, None), 4, Some("04"), None),
        K::CameraTamper => ((5, 13, None), 0, None, Some("VideoSource/GlobalSceneChange/AnalyticsService")),
        // Three topics fit (too dark, too bright, too blurry); which one is not known by the kind alone.
        K::VideoDegraded => ((5, 11, None), 0, None, None),
        K::VideoLoss => ((2, 1, None), 0, None, Some("VideoSource/SignalLoss")),
        K::Manual => ((5, 1, None), 0, None, None),
    };
    Codes {
        gb28181: Some(Gb28181 { method: gb.0, r#type: Some(gb.1), event_type: gb.2 }),
        gat1400_event_sort: Some(sort),
        gat2000_254: gat254.map(str::to_owned),
        onvif_topic: topic.map(|topic: &str| format!("tns1:{topic}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_contract() {
        let removed = of(AlertKind::ObjectRemoved);
        assert_eq!(removed.gb28181, Some(Gb28181 { method: 5, r#type: Some(4), event_type: None }));
        assert_eq!(removed.gat1400_event_sort, Some(24));
        assert_eq!(removed.gat2000_254.as_deref(), Some("09"));
        assert_eq!(of(AlertKind::ZoneExit).gb28181.and_then(|gb| gb.event_type), Some(2));
        assert_eq!(of(AlertKind::VideoLoss).gb28181, Some(Gb28181 { method: 2, r#type: Some(1), event_type: None }));
    }

    #[test]
    fn priority_one_is_the_highest() {
        let all = [Severity::Extreme, Severity::Severe, Severity::Moderate, Severity::Minor];
        assert_eq!(all.map(priority), [1, 2, 3, 4]);
        assert_eq!(ce_severity("Severe"), ("SEVERE", 17));
        assert_eq!(ce_severity("Unknown"), ("UNKNOWN", 5));
    }
}
