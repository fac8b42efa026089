//! An alert that a person raises: somebody saw on a picture what no rule did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::problem::Problem;
use super::{WebState, alerts, lifecycle, wire};
use crate::contract::words;
use crate::domain::alert::{AlertChange, AlertKind, Certainty, Cue, Phase, Severity, Status, Urgency};
use crate::domain::camera::CameraCard;
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::lifecycle::{Action, Request, Role};
use crate::domain::rules::Deliver;
use crate::domain::time::Timestamp;
use crate::pipeline::packet::{CaptureClock, ClockQuality};
use crate::pipeline::ports::Decided;

const SEVERITIES: [Severity; 4] = [Severity::Minor, Severity::Moderate, Severity::Severe, Severity::Extreme];
const URGENCIES: [Urgency; 3] = [Urgency::Immediate, Urgency::Expected, Urgency::Future];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportBody {
    camera: String,
    by: String,
    severity: String,
    urgency: Option<String>,
    reason: Option<String>,
}

/// `POST /api/v1/alerts`: `{"camera", "by", "severity", "urgency"?, "reason"?}`; the alert's kind is `manual`, and the reason
/// becomes the first note of its history. With `Idempotency-Key` it is raised once.
pub(super) async fn report(
    State(state): State<WebState>,
    headers: HeaderMap,
    body: Result<Json<ReportBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let unknown =
        || Problem::not_found(format!("there is no camera {:?}; GET /api/v1/cameras lists them", body.camera));
    let camera = CameraId::parse(&body.camera).ok().and_then(|id| state.board.card(&id));
    let camera = camera.ok_or_else(|| unknown().with("field", json!("camera")))?;
    let severity = cap("severity", &body.severity, &SEVERITIES, words::severity)?;
    let urgency = cap("urgency", body.urgency.as_deref().unwrap_or("Immediate"), &URGENCIES, words::urgency)?;
    let actor = lifecycle::name("by", &body.by)?;
    let reason = lifecycle::text("reason", body.reason)?;
    let request = lifecycle::request_id(&headers)?;
    let now = state.clock.now();
    let decided = decided(camera, AlertId::new(now, lifecycle::random()?), now, (severity, urgency));
    let recorded = state
        .at_lifecycle(move |store| {
            let recorded = store.report(&request, &decided, now)?;
            if let Some(reason) = reason {
                let note = Request {
                    id: format!("{request}/note"),
                    action: Action::Note,
                    actor,
                    role: Role::Operator,
                    at: now,
                    reason: Some(reason),
                    disposition: None,
                    recipient: None,
                };
                store.apply(recorded.alert, note, None, now)?;
            }
            Ok(recorded)
        })
        .await?;
    tracing::info!(alert = %recorded.alert, "a person raised an alert");
    let (location, body) = (format!("/api/v1/alerts/{}", recorded.alert), alerts::item(&recorded, None));
    // Nobody may be watching; the alert is recorded all the same.
    drop(state.live.send(recorded));
    let mut response = (StatusCode::CREATED, wire::json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn cap<T: Copy>(field: &'static str, said: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, Problem> {
    all.iter().copied().find(|&known| word(known) == said).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|&known| word(known)).collect();
        Problem::bad_request(format!("{field} is one of {}, got {said:?}", words.join(", ")))
            .with("field", json!(field))
    })
}

fn decided(camera: Arc<CameraCard>, id: AlertId, now: Timestamp, (severity, urgency): (Severity, Urgency)) -> Decided {
    let change = AlertChange {
        id,
        revision: 1,
        phase: Phase::Opened,
        status: Status::Actual,
        deliver: Deliver::Alert,
        held_back: false,
        watched: None,
        kind: AlertKind::Manual,
        cues: vec![Cue::Person],
        camera: camera.id.clone(),
        rule: None,
        zone: None,
        captured_at: now,
        started_at: now,
        ended_at: None,
        end_reason: None,
        severity,
        urgency,
        certainty: Certainty::Observed,
        confidence: None,
        count: 0,
        objects: Vec::new(),
        crossing: None,
    };
    let clock = ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None };
    Decided { change, camera, clock, detected_at: now, frame: None, model: None, explanation: None }
}
