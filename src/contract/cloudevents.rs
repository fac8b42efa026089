//! CloudEvents 1.0 attributes as Kafka headers (binary content mode).

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::time::{parse_rfc3339, rfc3339};
use super::{AlertV1, CameraHealthV1, Site, codes};

/// Headers in the order in which they are sent.
pub type Headers = Vec<(String, String)>;

/// What the store adds to an event: its place in the row of events of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Counts events of one source within an epoch, from 1; gaps are visible.
    pub sequence: u64,
    /// Changes when the store is made anew or restored.
    pub epoch: &'a str,
}

/// The source of what concerns a camera, or the node where no camera is concerned.
pub fn alert_source(alert: &AlertV1, site: &Site) -> String {
    match &alert.camera {
        Some(camera) => camera_source(&camera.id, site),
        None => format!("urn:lightbar:{}:node:{}", site.site, site.node),
    }
}

fn camera_source(camera: &str, site: &Site) -> String {
    format!("urn:lightbar:{}:camera:{camera}", site.site)
}

/// The headers of an alert's revision. The same revision always has the same headers.
pub fn alert_headers(alert: &AlertV1, site: &Site, stamp: Stamp<'_>) -> Headers {
    let id = format!("{}.{}", alert.alert_id, alert.revision);
    let (severity_text, severity_number) = codes::ce_severity(&alert.severity);
    let recorded = parse_rfc3339(&alert.timing.recorded_at).unwrap_or_default();
    let own =
        alert.rule.as_ref().and_then(|rule| rule.expires_after_s).and_then(|s| Duration::try_from_secs_f64(s).ok());
    headers(&[
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", &id),
        ("ce_source", &alert_source(alert, site)),
        ("ce_type", &format!("{}.alert.{}.v1", site.type_prefix, alert.phase)),
        ("ce_subject", &alert.alert_id),
        ("ce_time", &alert.timing.captured_at),
        ("ce_dataschema", super::schema::ALERT_URN),
        ("ce_partitionkey", alert.key()),
        ("ce_sequence", &format!("{:020}", stamp.sequence)),
        ("ce_epoch", stamp.epoch),
        ("ce_recordedtime", &alert.timing.recorded_at),
        ("ce_expirytime", &rfc3339(recorded.plus(own.unwrap_or(site.expiry)))),
        ("ce_severitytext", severity_text),
        ("ce_severitynumber", &severity_number.to_string()),
        ("ce_traceparent", &traceparent(&alert.alert_id, &id)),
    ])
}

/// The headers of a camera's health. No sequence: on a compacted topic gaps are the rule.
pub fn camera_health_headers(health: &CameraHealthV1, site: &Site, stamp: Stamp<'_>) -> Headers {
    headers(&[
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", &format!("health.{}.{}", stamp.epoch, stamp.sequence)),
        ("ce_source", &camera_source(&health.camera.id, site)),
        ("ce_type", &format!("{}.camera-health.changed.v1", site.type_prefix)),
        ("ce_subject", &health.camera.id),
        ("ce_time", &health.since),
        ("ce_dataschema", super::schema::CAMERA_HEALTH_URN),
        ("ce_partitionkey", &health.camera.id),
        ("ce_recordedtime", &health.recorded_at),
    ])
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// W3C trace context: the trace is the alert (all its revisions share it), the span is the revision.
fn traceparent(alert_id: &str, event_id: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(event_id.as_bytes()).into();
    let span = digest[..8].iter().fold(0u64, |span, &byte| span << 8 | u64::from(byte));
    format!("00-{}-{span:016x}-01", alert_id.replace('-', ""))
}

/// How long an alert may be acted on unless the site says otherwise.
pub const DEFAULT_EXPIRY: Duration = Duration::from_mins(10);
