//! What people do with alerts over HTTP: one transition, the history, one alert raised by a person.
//!
//! There is no log-in yet: who acts is who he says he is, as with orders (`desk.rs`). Only JSON is taken, so that a page of
//! another site cannot act either.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::problem::Problem;
use super::{Tokens, WebState, wire};
use crate::contract::alert_state_v1::Change;
use crate::domain::lifecycle::{Action, Disposition, Escalation, Fate, Refused, Request, Role};
use crate::pipeline::lifecycle::{LifecycleStore, Outcome, Policy, Standing};
use crate::pipeline::ports::StoreError;

/// Names are at most so long.
const NAME_MAX: usize = 64;
/// Texts and ids are at most so long.
const TEXT_MAX: usize = 500;

/// Where states are kept, and who is told of them.
#[derive(Clone)]
pub struct LifecycleDoor {
    /// Keeps them.
    pub store: Arc<dyn LifecycleStore>,
    /// Tells the feed: the last row.
    pub states: watch::Sender<i64>,
    /// Whose answers are taken.
    pub policy: Arc<Policy>,
    /// What dispatch systems have to show.
    pub tokens: Arc<Tokens>,
}

impl WebState {
    /// Asks for states, or changes them, where it may block; then tells the feed.
    pub(super) async fn at_lifecycle<T, F>(&self, what: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&dyn LifecycleStore) -> Result<T, StoreError> + Send + 'static,
    {
        let Some(door) = self.lifecycle.clone() else {
            return Err(Problem::unavailable("states of alerts are not kept here"));
        };
        let done = tokio::task::spawn_blocking(move || {
            let value = what(door.store.as_ref())?;
            let last = door.store.last_change()?;
            door.states.send_if_modified(|known| std::mem::replace(known, last.max(*known)) < last);
            Ok(value)
        });
        match done.await {
            Ok(done) => done.map_err(|error| Problem::store(&error)),
            Err(error) => Err(Problem::internal(&format!("the work on a state broke down: {error}"))),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransitionBody {
    action: String,
    by: String,
    role: Option<String>,
    reason: Option<String>,
    disposition: Option<String>,
    recipient: Option<String>,
}

/// `POST /api/v1/alerts/{id}/transitions`: `{"action", "by", "role"?, "reason"?, "disposition"?, "recipient"?}`; with
/// `Idempotency-Key` done once, with `If-Match` only if the alert is still as it was read.
pub(super) async fn transition(
    State(state): State<WebState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<TransitionBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let alert = wire::parse_alert_id(&id)?;
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let now = state.clock.now();
    let request = Request {
        id: request_id(&headers)?,
        action: word("action", &body.action, Action::ALL, Action::from_word)?,
        actor: name("by", &body.by)?,
        role: role(body.role.as_deref())?,
        at: now,
        reason: text("reason", body.reason)?,
        disposition: body
            .disposition
            .as_deref()
            .map(|said| word("disposition", said, Disposition::ALL, Disposition::from_word))
            .transpose()?,
        recipient: body.recipient.as_deref().map(|said| name("recipient", said)).transpose()?,
    };
    let expected = expected(&headers)?;
    let outcome = state.at_lifecycle(move |store| store.apply(alert, request, expected, now)).await?;
    answer(&state, alert, outcome)
}

/// What became of a request, as an answer.
pub(super) fn answer(
    state: &WebState,
    alert: crate::domain::ids::AlertId,
    outcome: Outcome,
) -> Result<Response, Problem> {
    match outcome {
        Outcome::Unknown => {
            Err(Problem::not_found(format!("no alert {alert} of which people were told is recorded here")))
        }
        Outcome::Stale(standing) => Err(Problem::stale(format!(
            "the alert has changed since it was read: it is {} now, at {}; read it again",
            standing.life.state(),
            tag(&standing)
        ))),
        Outcome::Refused(refused, standing) => Err(refusal(&refused, &standing)),
        Outcome::Done(entry, fate, standing, ended) => {
            // Nobody may be watching; it is recorded all the same.
            ended.map(|ended| state.live.send(ended).ok());
            let became = match fate {
                Fate::Applied => "applied",
                Fate::Late => "late",
                Fate::Repeated => "repeated",
            };
            if fate == Fate::Repeated {
                state.metrics.lifecycle.repeated();
            } else {
                state.metrics.lifecycle.applied(entry.request.action.as_str(), became);
            }
            let body = json!({ "outcome": became, "entry": Change::transition(&entry), "alert": shown(&standing) });
            Ok(tagged(wire::json(body.to_string()), &standing))
        }
    }
}

fn refusal(refused: &Refused, standing: &Standing) -> Problem {
    let detail = refused.to_string();
    let problem = match refused {
        Refused::Illegal { legal, .. } => {
            let legal: Vec<&str> = legal.iter().map(|action| action.as_str()).collect();
            Problem::conflict(detail).with("legal", json!(legal))
        }
        Refused::Forbidden { allowed, .. } => {
            let allowed: Vec<&str> = allowed.iter().map(|role| role.as_str()).collect();
            Problem::forbidden(detail).with("allowed", json!(allowed))
        }
        Refused::Missing { .. } | Refused::Meaningless { .. } => Problem::bad_request(detail),
        Refused::UndoOver { .. } | Refused::IdReused { .. } | Refused::Full { .. } => Problem::conflict(detail),
    };
    problem.with("field", json!(refused.field())).with("state", json!(standing.life.state().as_str()))
}

/// `GET /api/v1/alerts/{id}/history`: all that was done, oldest first, late answers and notes too, and the deadlines that passed.
pub(super) async fn history(State(state): State<WebState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let alert = wire::parse_alert_id(&id)?;
    let found = state.at_lifecycle(move |store| store.standing(alert)).await?;
    let Some(standing) = found else {
        return Err(Problem::not_found(format!("no alert {alert} of which people were told is recorded here")));
    };
    Ok(tagged(wire::json(told(&standing).to_string()), &standing))
}

/// A history, for the detail of an alert too.
pub(super) fn told(standing: &Standing) -> Value {
    let entries: Vec<Change> = standing.life.entries().iter().map(Change::transition).collect();
    let escalations: Vec<Value> = standing.life.escalations().iter().map(escalation).collect();
    json!({ "alert": shown(standing), "entries": entries, "escalations": escalations })
}

fn escalation(raised: &Escalation) -> Value {
    json!({
        "timer": raised.timer.as_str(), "due_at": wire::rfc3339(raised.due_at), "raised_at": wire::rfc3339(raised.raised_at),
    })
}

/// How an alert stands, in short.
pub(super) fn shown(standing: &Standing) -> Value {
    let life = &standing.life;
    json!({
        "alert_id": standing.alert.to_string(),
        "state": life.state().as_str(),
        "since": wire::rfc3339(life.since()),
        "state_revision": standing.state_revision,
        "kind": standing.kind,
        "camera": standing.camera,
        "priority": standing.priority,
        "expires_at": wire::rfc3339(standing.expires_at),
        "disposition": life.disposition().map(Disposition::as_str),
        "recipient": life.recipient(),
        "incident_id": standing.incident.map(|id| id.to_string()),
        "overdue": life.overdue().as_ref().map(escalation),
        "etag": tag(standing),
    })
}

/// The entity tag: the revisions of the alert and of its state.
pub(super) fn tag(standing: &Standing) -> String {
    format!("\"{}.{}\"", standing.alert_revision, standing.state_revision)
}

/// The answer with its entity tag.
pub(super) fn tagged(mut response: Response, standing: &Standing) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&tag(standing)) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn expected(headers: &HeaderMap) -> Result<Option<(u32, u32)>, Problem> {
    let Some(value) = headers.get(IF_MATCH).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    if value.trim() == "*" {
        return Ok(None);
    }
    let inner = value.trim().trim_matches('"').split_once('.');
    let revisions = inner.and_then(|(alert, state)| Some((alert.parse().ok()?, state.parse().ok()?)));
    revisions.map(Some).ok_or_else(|| {
        Problem::bad_request(format!("If-Match is an ETag of this alert such as \"1.3\", got {value:?}"))
            .with("field", json!("If-Match"))
    })
}

/// The id under which a request is done once: the caller's, or one of its own.
pub(super) fn request_id(headers: &HeaderMap) -> Result<String, Problem> {
    match headers.get("idempotency-key") {
        Some(value) => {
            let said = value.to_str().unwrap_or_default().trim();
            if said.is_empty() || said.len() > 200 {
                return Err(Problem::bad_request("Idempotency-Key is 1 to 200 characters of ASCII")
                    .with("field", json!("Idempotency-Key")));
            }
            Ok(format!("web/{said}"))
        }
        None => Ok(format!("web/{:032x}", random()?)),
    }
}

pub(super) fn random() -> Result<u128, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Problem::internal(&format!("the system gives no random numbers: {e}")))?;
    Ok(u128::from_be_bytes(bytes))
}

fn role(said: Option<&str>) -> Result<Role, Problem> {
    match said.map_or(Some(Role::Operator), Role::from_word) {
        Some(role @ (Role::Operator | Role::Supervisor | Role::Dispatcher)) => Ok(role),
        _ => Err(Problem::bad_request(format!(
            "role is operator, supervisor or dispatcher, got {said:?}; patrols answer at dispatch-status"
        ))
        .with("field", json!("role"))),
    }
}

fn word<T: Copy + std::fmt::Display>(
    field: &'static str,
    said: &str,
    all: &[T],
    known: impl Fn(&str) -> Option<T>,
) -> Result<T, Problem> {
    known(said).ok_or_else(|| {
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        Problem::bad_request(format!("{field} is one of {}, got {said:?}", words.join(", ")))
            .with("field", json!(field))
    })
}

pub(super) fn name(field: &'static str, said: &str) -> Result<String, Problem> {
    let said = said.trim();
    if said.is_empty() || said.chars().count() > NAME_MAX || said.chars().any(char::is_control) {
        let detail = format!("{field} is a name of 1 to {NAME_MAX} characters");
        return Err(Problem::bad_request(detail).with("field", json!(field)));
    }
    Ok(said.to_owned())
}

pub(super) fn text(field: &'static str, said: Option<String>) -> Result<Option<String>, Problem> {
    match said.map(|said| said.trim().to_owned()) {
        Some(said) if said.is_empty() || said.chars().count() > TEXT_MAX => {
            let detail = format!("{field} is a text of 1 to {TEXT_MAX} characters");
            Err(Problem::bad_request(detail).with("field", json!(field)))
        }
        other => Ok(other),
    }
}
