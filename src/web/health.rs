//! Health and metrics, for supervisors and scrapers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{WebState, wire};
use crate::pipeline::status::{KafkaState, Latch};

/// Whether a restart would help: answering at all shows that the loop turns; a stage that stands still is named.
pub(super) async fn livez(State(state): State<WebState>) -> Result<&'static str, Problem> {
    match state.board.stuck() {
        None => Ok("ok\n"),
        Some(stage) => Err(Problem::unavailable(format!("{stage}; a restart is needed"))),
    }
}

/// Whether the service does its work: every latch, with what it waits for. Cameras are no latches: their death is normal.
/// Neither is Kafka, in either direction: alerts are decided and kept, answers lie where they are, and taking the service out of
/// rotation would end the watching for what no restart mends. It is named under `degraded`, and the alert rules wake somebody.
pub(super) async fn readyz(State(state): State<WebState>) -> Response {
    let latches = state.board.latches();
    let ready = all_released(&latches);
    let shown: Vec<_> = latches
        .iter()
        .map(|latch| {
            json!({
                "name": latch.name, "ready": latch.waiting_for.is_none(), "waiting_for": latch.waiting_for,
            })
        })
        .collect();
    let degraded = [("kafka", state.board.kafka()), ("dispatch_answers", state.board.answers())];
    let degraded: Vec<_> = degraded.into_iter().filter_map(|(name, kafka)| failing(name, kafka?)).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, wire::json(json!({ "ready": ready, "latches": shown, "degraded": degraded }).to_string())).into_response()
}

fn failing(name: &str, kafka: KafkaState) -> Option<Value> {
    let KafkaState::Failing { since, reason, message } = kafka else { return None };
    Some(json!({ "name": name, "since": wire::rfc3339(since), "reason": reason, "message": message }))
}

fn all_released(latches: &[Latch]) -> bool {
    latches.iter().all(|latch| latch.waiting_for.is_none())
}

/// The text exposition format, version 0.0.4.
pub(super) async fn metrics(State(state): State<WebState>) -> Result<Response, Problem> {
    state.metrics.web.ready.set(all_released(&state.board.latches()).into());
    let text =
        state.metrics.render().map_err(|error| Problem::internal(&format!("metrics cannot be written: {error}")))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
