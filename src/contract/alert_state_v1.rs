//! Alert state data, version 1: where an alert stands with people, and what was done last. On a compacted topic, so that the last
//! word on each alert is always there.
//!
//! An alert about which nothing was said here yet is new: its opening on the alerts topic says so already.

use serde::{Deserialize, Serialize};

use super::alert_v1::Word;
use super::time::rfc3339;
use crate::domain::ids::AlertId;
use crate::domain::lifecycle::{Entry, Escalation, Lifecycle};
use crate::domain::time::Timestamp;

/// Where an alert stands after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct AlertStateV1 {
    pub schema_version: Word,
    pub alert_id: String,
    pub state_revision: u32,
    pub state: Word,
    pub since: String,
    pub kind: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<StateCamera>,
    pub priority: u8,
    pub opened_at: String,
    pub expires_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue: Option<Overdue>,
    pub change: Change,
}

/// Which camera saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct StateCamera {
    pub id: String,
}

/// A deadline that has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Overdue {
    pub timer: Word,
    pub due_at: String,
    pub raised_at: String,
}

/// What was done, or happened, last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Change {
    pub what: Word,
    pub recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// What an alert's state says of the alert itself.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "as in the record")]
pub struct About<'a> {
    pub alert: AlertId,
    pub kind: &'a str,
    pub camera: Option<&'a str>,
    pub priority: u8,
    pub expires_at: Timestamp,
    pub incident: Option<AlertId>,
}

impl Change {
    /// Something was done.
    pub fn transition(entry: &Entry) -> Self {
        let request = &entry.request;
        Self {
            what: "transition".into(),
            recorded_at: rfc3339(entry.recorded_at),
            id: Some(request.id.clone()),
            action: Some(request.action.as_str().into()),
            actor: Some(request.actor.clone()),
            role: Some(request.role.as_str().into()),
            at: Some(rfc3339(request.at)),
            from: Some(entry.from.as_str().into()),
            to: Some(entry.to.as_str().into()),
            reason: request.reason.clone(),
            disposition: request.disposition.map(|word| word.as_str().into()),
            recipient: request.recipient.clone(),
            late: entry.late,
        }
    }

    /// A deadline has passed; `overdue` says which.
    pub fn escalation(raised: &Escalation) -> Self {
        Self { what: "escalation".into(), recorded_at: rfc3339(raised.raised_at), ..Self::default() }
    }

    /// It was found to belong to an incident.
    pub fn incident(at: Timestamp) -> Self {
        Self { what: "incident".into(), recorded_at: rfc3339(at), ..Self::default() }
    }
}

impl AlertStateV1 {
    /// The record after a change.
    pub fn new(about: &About<'_>, life: &Lifecycle, state_revision: u32, change: Change) -> Self {
        Self {
            schema_version: "1.0".into(),
            alert_id: about.alert.to_string(),
            state_revision,
            state: life.state().as_str().into(),
            since: rfc3339(life.since()),
            kind: about.kind.to_owned().into(),
            camera: about.camera.map(|id| StateCamera { id: id.to_owned() }),
            priority: about.priority,
            opened_at: rfc3339(life.opened_at()),
            expires_at: rfc3339(about.expires_at),
            disposition: life.disposition().map(|word| word.as_str().into()),
            recipient: life.recipient().map(str::to_owned),
            incident_id: about.incident.map(|id| id.to_string()),
            overdue: life.overdue().map(|raised| Overdue {
                timer: raised.timer.as_str().into(),
                due_at: rfc3339(raised.due_at),
                raised_at: rfc3339(raised.raised_at),
            }),
            change,
        }
    }

    /// The JSON; one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("an alert's state is always JSON: {e}"))
    }
}
