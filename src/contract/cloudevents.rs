//! CloudEvents 1.0 attributes as Kafka headers (binary content mode).

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::time::{parse_rfc3339, rfc3339};
use super::{AlertStateV1, AlertV1, CameraHealthV1, Site, codes};
use crate::domain::time::Timestamp;

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
        None => node_source(site),
    }
}

fn node_source(site: &Site) -> String {
    format!("urn:lightbar:{}:node:{}", site.site, site.node)
}

fn camera_source(camera: &str, site: &Site) -> String {
    format!("urn:lightbar:{}:camera:{camera}", site.site)
}

/// The headers of an alert's revision. The same revision always has the same headers.
pub fn alert_headers(alert: &AlertV1, site: &Site, stamp: Stamp<'_>) -> Headers {
    let id = format!("{}.{}", alert.alert_id, alert.revision);
    let trace = traceparent(&alert.alert_id, &id);
    let (severity_text, severity_number) = codes::ce_severity(&alert.severity);
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
        ("ce_expirytime", &rfc3339(expires_at(alert, site))),
        ("ce_severitytext", severity_text),
        ("ce_severitynumber", &severity_number.to_string()),
        ("ce_traceparent", &trace),
        // The name that tracing libraries look for: a consumer's own spans then hang below the alert's.
        ("traceparent", &trace),
    ])
}

/// After it dispatch must refuse the alert as too old.
pub fn expires_at(alert: &AlertV1, site: &Site) -> Timestamp {
    let recorded = parse_rfc3339(&alert.timing.recorded_at).unwrap_or_default();
    let own =
        alert.rule.as_ref().and_then(|rule| rule.expires_after_s).and_then(|s| Duration::try_from_secs_f64(s).ok());
    recorded.plus(own.unwrap_or(site.expiry))
}

/// The headers of an alert's state. No sequence, as with a camera's health: `state_revision` counts.
pub fn alert_state_headers(state: &AlertStateV1, site: &Site) -> Headers {
    let id = format!("{}.state.{}", state.alert_id, state.state_revision);
    let trace = traceparent(&state.alert_id, &id);
    let source = state.camera.as_ref().map_or_else(|| node_source(site), |camera| camera_source(&camera.id, site));
    headers(&[
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", &id),
        ("ce_source", &source),
        ("ce_type", &format!("{}.alert-state.changed.v1", site.type_prefix)),
        ("ce_subject", &state.alert_id),
        ("ce_time", &state.change.recorded_at),
        ("ce_dataschema", super::schema::ALERT_STATE_URN),
        ("ce_partitionkey", &state.alert_id),
        ("ce_recordedtime", &state.change.recorded_at),
        ("ce_expirytime", &state.expires_at),
        ("ce_traceparent", &trace),
        ("traceparent", &trace),
    ])
}

/// The headers of a dispatch status, for those who send some.
pub fn dispatch_status_headers(said: &super::dispatch_status_v1::DispatchStatusV1, site: &Site) -> Headers {
    headers(&[
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", &said.status_id),
        ("ce_source", &format!("urn:dispatch:{}", said.system)),
        ("ce_type", &format!("{}.dispatch-status.{}.v1", site.type_prefix, said.status)),
        ("ce_subject", &said.alert_id),
        ("ce_time", &said.at),
        ("ce_dataschema", super::schema::DISPATCH_STATUS_URN),
        ("ce_partitionkey", &said.alert_id),
    ])
}

/// The headers of a revision that is sent again on request: as they were, and when that is. Without its place in the live topic's
/// row, in which it does not stand here.
pub fn resent_headers(alert: &AlertV1, site: &Site, resent_at: Timestamp) -> Headers {
    let mut headers = alert_headers(alert, site, Stamp { sequence: 0, epoch: "" });
    headers.retain(|(name, _)| name != "ce_sequence" && name != "ce_epoch");
    headers.push(("lightbar-resent".to_owned(), rfc3339(resent_at)));
    headers
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

/// W3C trace context: the trace is the alert (all its revisions share it, from the frame on that opened it), the span is the
/// revision. Made from the ids alone, so that the same event says the same however often it is sent.
fn traceparent(alert_id: &str, event_id: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(event_id.as_bytes()).into();
    let span = digest[..8].iter().fold(0u64, |span, &byte| span << 8 | u64::from(byte));
    // A span of zeros would be no span.
    format!("00-{}-{:016x}-01", trace_id(alert_id), span.max(1))
}

/// The trace that an alert is, as tracing systems and our log write it.
pub fn trace_id(alert_id: &str) -> String {
    alert_id.replace('-', "")
}

/// How long an alert may be acted on unless the site says otherwise.
pub const DEFAULT_EXPIRY: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AlertId, NodeId};

    fn example() -> AlertV1 {
        let text = include_str!("../../deploy/schemas/examples/loitering.opened.json");
        serde_json::from_str(text).expect("a published example")
    }

    fn sent(alert: &AlertV1, name: &str) -> String {
        let site = Site::new("county", NodeId::parse("node-1").expect("a slug"));
        let headers = alert_headers(alert, &site, Stamp { sequence: 7, epoch: "e" });
        headers.into_iter().find(|(known, _)| known == name).map(|(_, value)| value).expect("sent")
    }

    #[test]
    fn one_trace_per_alert_and_one_span_per_revision() {
        let (first, mut second) = (example(), example());
        second.revision = 2;
        let parts = |alert: &AlertV1| {
            assert_eq!(sent(alert, "traceparent"), sent(alert, "ce_traceparent"));
            sent(alert, "traceparent").split('-').map(str::to_owned).collect::<Vec<_>>()
        };
        let (one, two) = (parts(&first), parts(&second));
        assert_eq!([one[0].as_str(), one[1].as_str(), one[3].as_str()], ["00", two[1].as_str(), "01"]);
        assert_eq!(AlertId::parse(&first.alert_id).expect("an id").trace(), one[1], "as the log has it");
        assert!(one[2] != two[2] && one[2].len() == 16, "{one:?} {two:?}");
        assert_eq!(parts(&example()), one, "the same each time");
    }

    #[test]
    fn an_alert_expires_when_its_rule_or_the_site_says() {
        let mut alert = example();
        assert_eq!(sent(&alert, "ce_expirytime"), "2026-03-01T08:10:00.085Z");
        alert.rule.as_mut().expect("a rule").expires_after_s = Some(90.5);
        assert_eq!(sent(&alert, "ce_expirytime"), "2026-03-01T08:01:30.585Z");
    }
}
