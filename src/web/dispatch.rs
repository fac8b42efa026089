//! The answers of dispatch systems over HTTP: for those without Kafka, in the same form and with the same effect.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::problem::Problem;
use super::{WebState, lifecycle, wire};
use crate::contract::dispatch_status_v1::{Answer, DispatchStatusV1};
use crate::pipeline::lifecycle::AHEAD_MAX;

/// `POST /api/v1/alerts/{id}/dispatch-status`: a dispatch status v1. What cannot be used is told to who sent it, so it is no dead
/// letter. Who sends it shows the token of its system, or sits on this machine.
pub(super) async fn status(
    State(state): State<WebState>,
    Path(id): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Json<DispatchStatusV1>, JsonRejection>,
) -> Result<Response, Problem> {
    let alert = wire::parse_alert_id(&id)?;
    let Json(said) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let answer = Answer::understood(said)
        .map_err(|wrong| Problem::bad_request(wrong.detail).with("field", json!(wrong.field)))?;
    if answer.alert != alert {
        let detail = format!("alert_id is {}, but this address is of {alert}", answer.alert);
        return Err(Problem::bad_request(detail).with("field", json!("alert_id")));
    }
    let policy = state.lifecycle.as_ref().map(|door| std::sync::Arc::clone(&door.policy)).unwrap_or_default();
    if let Some(why) = policy.distrusts(&answer.system, answer.request.role) {
        state.metrics.lifecycle.dead("unauthorized");
        return Err(Problem::forbidden(why).with("field", json!("system")));
    }
    if let Some(door) = &state.lifecycle
        && let Err(problem) = door.tokens.admit(&answer.system, peer, &headers)
    {
        state.metrics.lifecycle.dead("unauthorized");
        return Err(problem);
    }
    let now = state.clock.now();
    if answer.request.at > now.plus(AHEAD_MAX) {
        let (said, now) = (wire::rfc3339(answer.request.at), wire::rfc3339(now));
        return Err(Problem::bad_request(format!("at is {said}, and it is {now} here; wants a moment that has been"))
            .with("field", json!("at")));
    }
    let outcome = state.at_lifecycle(move |store| store.apply(alert, answer.request, None, now)).await?;
    lifecycle::answer(&state, alert, outcome)
}
