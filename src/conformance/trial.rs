//! Records on which a consumer's patience is tried: all that the contract allows and a quiet day does not show.
//!
//! A consumer that handles these handles what a broken network, a restart and the next version of Lightbar will send it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Record;
use crate::contract::time::rfc3339;
use crate::contract::{AlertV1, Site, Stamp, cloudevents};
use crate::domain::ids::{AlertId, NodeId};
use crate::domain::time::Timestamp;

/// A record of the trial, and what a consumer should make of it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What is special about it.
    pub about: &'static str,
    /// What is right to do with it.
    pub wanted: &'static str,
    /// The record; its place is not known yet.
    pub record: Record,
    /// When it was captured: the record's timestamp.
    pub captured_at: Timestamp,
}

const EXAMPLE: &str = include_str!("../../deploy/schemas/examples/loitering.opened.json");
const LATE: Duration = Duration::from_mins(3);
const TOO_LATE: Duration = Duration::from_mins(20);

/// The trial, as if it happened now. `tail` makes its alerts' ids unlike those of another trial.
pub fn records(now: Timestamp, tail: u128) -> Vec<Trial> {
    let teller = Teller::new(now, tail);
    let mut told = Vec::new();
    let mut tell = |about, wanted, record: Record, captured_at| told.push(Trial { about, wanted, record, captured_at });

    let first = teller.alert(1, "gate-north", "loitering", now);
    let opened = teller.record(&first, 1);
    tell("an alert opens", "act", opened.clone(), now);
    tell("the same record again, byte for byte", "repeat", opened, now);
    let updated = next(&first, "updated", now);
    tell("it is updated", "update", teller.record(&updated, 2), now);

    let late = teller.alert(2, "gate-east", "zone_enter", now.minus(LATE));
    tell("an alert of some minutes ago, as after a broken network", "late", teller.record(&late, 1), now.minus(LATE));
    let expired = teller.alert(3, "gate-east", "fast_move", now.minus(TOO_LATE));
    tell("an alert too old to act on", "expired", teller.record(&expired, 2), now.minus(TOO_LATE));
    let mut drill = teller.alert(4, "gate-east", "wrong_way", now);
    drill.status = "Exercise".into();
    tell("an alert of a drill", "drill", teller.record(&drill, 3), now);

    let future = teller.alert(5, "gate-north", "drone_seen", now);
    tell(
        "one record is missing; a kind, a class, fields and a minor version of the future",
        "act",
        teller.future(&future, 4),
        now,
    );
    let reviewed = next(&updated, "reviewed", now);
    tell("a phase of the future", "update", teller.future(&reviewed, 5), now);
    let mut ended = next(&reviewed, "ended", now);
    ended.end_reason = Some("left".into());
    ended.timing.ended_at = Some(rfc3339(now));
    tell("it ends", "close", teller.record(&ended, 6), now);
    tell("an event of a family of the future", "pass over", teller.stranger(), now);
    told
}

/// The next revision of an alert.
fn next(alert: &AlertV1, phase: &'static str, now: Timestamp) -> AlertV1 {
    let mut alert = alert.clone();
    alert.revision += 1;
    alert.phase = phase.into();
    alert.timing.captured_at = rfc3339(now);
    alert.timing.recorded_at = rfc3339(now);
    alert
}

struct Teller {
    site: Site,
    epoch: String,
    tail: u128,
    now: Timestamp,
}

impl Teller {
    fn new(now: Timestamp, tail: u128) -> Self {
        let node = NodeId::parse("trial").expect("a slug");
        Self { site: Site::new("trial", node), epoch: format!("trial-{:x}", now.as_millis()), tail, now }
    }

    fn alert(&self, n: u128, camera: &str, kind: &'static str, at: Timestamp) -> AlertV1 {
        let mut alert: AlertV1 = serde_json::from_str(EXAMPLE).expect("a published example");
        alert.alert_id = AlertId::new(at, self.tail.wrapping_add(n)).to_string();
        alert.kind = kind.into();
        alert.camera.iter_mut().for_each(|of| camera.clone_into(&mut of.id));
        let timing = &mut alert.timing;
        (timing.captured_at, timing.detected_at, timing.recorded_at) = (rfc3339(at), rfc3339(at), rfc3339(at));
        timing.started_at = Some(rfc3339(at));
        let said = format!("trial of {kind}");
        alert.text.iter_mut().for_each(|text| {
            text.en.headline.clone_from(&said);
            text.zh_cn.headline = format!("测试：{kind}");
        });
        alert
    }

    fn record(&self, alert: &AlertV1, sequence: u64) -> Record {
        let headers = cloudevents::alert_headers(alert, &self.site, Stamp { sequence, epoch: &self.epoch });
        Record { key: alert.key().to_owned(), headers, value: alert.to_json().into_bytes(), ..Record::default() }
    }

    /// The record as a later minor version might send it.
    fn future(&self, alert: &AlertV1, sequence: u64) -> Record {
        let mut record = self.record(alert, sequence);
        let mut data: Value = serde_json::to_value(alert).expect("an alert is always JSON");
        data["schema_version"] = json!("1.7");
        data["weather"] = json!({"rain": true});
        data["objects"][0]["class"] = json!("drone");
        data["objects"][0]["height_m"] = json!(12.5);
        data["text"]["fr"] = json!({"headline": "un drone"});
        record.value = data.to_string().into_bytes();
        for (name, value) in &mut record.headers {
            if name == "ce_dataschema" {
                "urn:lightbar:schema:alert:1.7".clone_into(value);
            }
        }
        record.headers.push(("ce_mood".to_owned(), "calm".to_owned()));
        record
    }

    /// An event that has nothing to do with alerts.
    fn stranger(&self) -> Record {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("content-type", "application/json"),
            header("ce_specversion", "1.0"),
            header("ce_id", &format!("weather.{}", self.now.as_millis())),
            header("ce_source", "urn:lightbar:trial:camera:gate-north"),
            header("ce_type", "lightbar.weather.changed.v1"),
            header("ce_time", &rfc3339(self.now)),
        ];
        Record { key: "gate-north".to_owned(), headers, value: b"[1]".to_vec(), ..Record::default() }
    }
}
