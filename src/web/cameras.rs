//! Whether somebody looks: cameras now, blind time in the past, and the state of the service.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{WebState, wire};
use crate::domain::arming::Arming;
use crate::domain::ids::CameraId;
use crate::domain::rules::Deliver;
use crate::pipeline::ports::{BlindInterval, BlindQuery};
use crate::pipeline::status::{CameraStatus, KafkaState, SightState};

const BLIND_LIMIT: usize = 1000;

/// `GET /api/v1/cameras`.
pub(super) async fn cameras(State(state): State<WebState>) -> Response {
    let shown: Vec<Value> = state.board.cameras(state.clock.now()).iter().map(camera).collect();
    wire::json(json!({ "cameras": shown }).to_string())
}

fn camera(camera: &CameraStatus) -> Value {
    let (online, since, cause, message) = match &camera.sight {
        SightState::Watching { since } => (true, since, None, None),
        SightState::Blind { since, cause, message } => (false, since, Some(cause.as_str()), message.as_deref()),
    };
    json!({
        "id": camera.id.as_str(),
        "name": camera.name,
        "online": online,
        "since": wire::rfc3339(*since),
        "cause": cause,
        "message": message,
        "frames_per_second": (camera.frames_per_second * 10.0).round() / 10.0,
        "last_frame_at": camera.last_frame_at.map(wire::rfc3339),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlindParameters {
    camera: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// `GET /api/v1/blind?camera=&from=&to=`: at most a thousand intervals; `truncated` says that there are more.
pub(super) async fn blind(
    State(state): State<WebState>,
    query: Result<Query<BlindParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let camera = asked
        .camera
        .map(|id| CameraId::parse(&id))
        .transpose()
        .map_err(|error| Problem::bad_request(format!("camera: {error}")))?;
    let moment = |name, text: Option<String>| text.map(|text| wire::parse_time(name, &text)).transpose();
    let (from, to) = (moment("from", asked.from)?, moment("to", asked.to)?);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(Problem::bad_request("from is later than to"));
    }
    let query = BlindQuery { camera, from, to, limit: BLIND_LIMIT + 1 };
    let mut found = state.read(move |reader| reader.blind(&query)).await?;
    let truncated = found.len() > BLIND_LIMIT;
    found.truncate(BLIND_LIMIT);
    let now = state.clock.now();
    let shown: Vec<Value> = found
        .iter()
        .map(|interval: &BlindInterval| {
            json!({
                "camera": interval.camera,
                "from": wire::rfc3339(interval.from),
                "to": interval.to.map(wire::rfc3339),
                "seconds": interval.to.unwrap_or(now).since(interval.from).as_millis() as f64 / 1000.0,
                "cause": interval.cause,
            })
        })
        .collect();
    Ok(wire::json(json!({ "blind": shown, "truncated": truncated }).to_string()))
}

/// `GET /api/v1/status`.
pub(super) async fn status(State(state): State<WebState>) -> Response {
    let now = state.clock.now();
    let cameras = state.board.cameras(now);
    let online = cameras.iter().filter(|camera| matches!(camera.sight, SightState::Watching { .. })).count();
    let started = state.board.started_at();
    let outbox = state.board.outbox().map(|backlog| {
        json!({
            "depth": backlog.depth,
            "oldest_age_s": backlog.oldest.map_or(0.0, |oldest| now.since(oldest).as_millis() as f64 / 1000.0),
        })
    });
    let model = state.board.model().map(|model| {
        json!({
            "name": model.name, "version": model.version, "sha256": model.sha256, "runtime": model.runtime,
        })
    });
    let rules: Vec<_> = state.board.scenes().into_values().flat_map(|scene| scene.rules).collect();
    let armed = rules.iter().filter(|rule| rule.watches && rule.deliver == Deliver::Alert).count();
    let ordered = rules.iter().filter(|rule| rule.ordered != Arming::AsConfigured).count();
    wire::json(
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "now": wire::rfc3339(now),
            "started_at": wire::rfc3339(started),
            "uptime_s": now.since(started).as_secs(),
            "ready": state.board.latches().iter().all(|latch| latch.waiting_for.is_none()),
            "cameras": { "online": online, "total": cameras.len() },
            "rules": { "armed": armed, "ordered": ordered, "total": rules.len() },
            "outbox": outbox,
            "kafka": state.board.kafka().map_or_else(|| json!({ "state": "unknown" }), kafka),
            "answers": state.board.answers().map(kafka),
            "model": model,
        })
        .to_string(),
    )
}

fn kafka(state: KafkaState) -> Value {
    match state {
        KafkaState::Connected => json!({ "state": "connected" }),
        KafkaState::Failing { since, reason, message } => {
            json!({ "state": "failing", "since": wire::rfc3339(since), "reason": reason, "message": message })
        }
    }
}
