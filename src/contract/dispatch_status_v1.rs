//! Dispatch status data, version 1: what dispatch systems and patrols answer. The one form that comes in from outside, over Kafka
//! and over HTTP, so it is read with suspicion; unknown fields are let pass.

use serde::{Deserialize, Serialize};

use super::alert_v1::Word;
use super::time::parse_rfc3339;
use crate::domain::ids::AlertId;
use crate::domain::lifecycle::{Action, Disposition, Request, Role};

/// Texts are at most so long.
const TEXT_MAX: usize = 500;
/// Names and ids are at most so long.
pub const NAME_MAX: usize = 128;

/// An answer, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct DispatchStatusV1 {
    pub schema_version: Word,
    pub status_id: String,
    pub alert_id: String,
    pub status: Word,
    pub system: String,
    pub actor: String,
    pub role: Word,
    pub at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Word>,
}

/// An answer, understood; whether it may be given is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// About which alert.
    pub alert: AlertId,
    /// Who sent it.
    pub system: String,
    /// What it asks for.
    pub request: Request,
}

/// Why an answer is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Unreadable {
    /// The field that is to blame; none: the whole.
    pub field: Option<&'static str>,
    /// What it got and what it wants.
    pub detail: String,
}

fn bad<T>(field: &'static str, detail: String) -> Result<T, Unreadable> {
    Err(Unreadable { field: Some(field), detail })
}

impl DispatchStatusV1 {
    /// The JSON; one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("an answer is always JSON: {e}"))
    }
}

impl Answer {
    /// Reads an answer.
    pub fn read(json: &[u8]) -> Result<Self, Unreadable> {
        let said: DispatchStatusV1 = serde_json::from_slice(json)
            .map_err(|e| Unreadable { field: None, detail: format!("no dispatch status v1: {e}") })?;
        Self::understood(said)
    }

    /// Understands an answer that was read as JSON.
    pub fn understood(said: DispatchStatusV1) -> Result<Self, Unreadable> {
        if said.schema_version.strip_prefix("1.").is_none_or(|minor| minor.parse::<u32>().is_err()) {
            return bad("schema_version", format!("schema_version is {:?}, wants 1.x", said.schema_version));
        }
        let Some(alert) = AlertId::parse(&said.alert_id) else {
            return bad("alert_id", format!("alert_id is {:?}, wants a UUID in lower case", said.alert_id));
        };
        let Some(action) = Action::of_answer(&said.status) else {
            let known = "accepted, en_route, on_scene, resolved or refused";
            return bad("status", format!("status is {:?}, wants {known}", said.status));
        };
        let Some(role @ (Role::Patrol | Role::Dispatcher)) = Role::from_word(&said.role) else {
            return bad("role", format!("role is {:?}, wants patrol or dispatcher", said.role));
        };
        let Some(at) = parse_rfc3339(&said.at) else {
            return bad("at", format!("at is {:?}, wants a moment such as 2026-03-01T08:00:00.000Z", said.at));
        };
        let disposition = match said.disposition.as_deref() {
            None => None,
            Some(word) => match Disposition::from_word(word) {
                Some(disposition) => Some(disposition),
                None => return bad("disposition", format!("disposition {word:?} is not known")),
            },
        };
        for (field, text) in [("status_id", &said.status_id), ("system", &said.system), ("actor", &said.actor)] {
            check_name(field, text)?;
        }
        if said.reason.as_ref().is_some_and(|reason| reason.is_empty() || reason.chars().count() > TEXT_MAX) {
            return bad("reason", format!("reason wants 1 to {TEXT_MAX} characters"));
        }
        // Two systems may count alike.
        let id = format!("{}/{}", said.system, said.status_id);
        let request =
            Request { id, action, actor: said.actor, role, at, reason: said.reason, disposition, recipient: None };
        Ok(Self { alert, system: said.system, request })
    }
}

fn check_name(field: &'static str, text: &str) -> Result<(), Unreadable> {
    if text.trim().is_empty() || text.chars().count() > NAME_MAX || text.chars().any(char::is_control) {
        return bad(field, format!("{field} is {text:?}, wants 1 to {NAME_MAX} printable characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn good() -> Value {
        json!({
            "schema_version": "1.0", "status_id": "7", "alert_id": "019ca869-5000-7000-8000-000000000000", "status": "on_scene",
            "system": "county-110", "actor": "unit-7", "role": "patrol", "at": "2026-03-01T16:00:00.000+08:00",
        })
    }

    #[test]
    fn a_good_answer_is_understood_and_what_a_later_version_adds_is_let_pass() {
        let mut value = good();
        value["schema_version"] = "1.9".into();
        value["speed_kmh"] = 50.into();
        let answer = Answer::read(value.to_string().as_bytes()).unwrap();
        assert_eq!((answer.request.action, answer.request.id.as_str()), (Action::Arrive, "county-110/7"));
        assert_eq!(super::super::time::rfc3339(answer.request.at), "2026-03-01T08:00:00.000Z");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (field, wrong) in [
            ("schema_version", json!("2.0")),
            ("status_id", json!("")),
            ("alert_id", json!("17")),
            ("status", json!("arrived")),
            ("system", json!("a\nb")),
            ("actor", json!("x".repeat(NAME_MAX + 1))),
            ("role", json!("operator")),
            ("at", json!("yesterday")),
            ("reason", json!("")),
            ("disposition", json!("eaten")),
        ] {
            let mut value = good();
            value[field] = wrong;
            let refused = Answer::read(value.to_string().as_bytes()).unwrap_err();
            assert_eq!(refused.field, Some(field), "{refused}");
        }
        let mut missing = good();
        missing.as_object_mut().unwrap().remove("at");
        assert!(Answer::read(missing.to_string().as_bytes()).unwrap_err().detail.contains("at"), "names it");
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Answer::read(&bytes).is_err());
        }
    }
}
