//! Incidents: one thing that several cameras see, with its alerts.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{WebState, lifecycle, wire};
use crate::pipeline::lifecycle::Incident;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    before: Option<String>,
}

/// `GET /api/v1/incidents?limit=&before=`: the newest first; `next_before` is the next page's `before`.
pub(super) async fn list(
    State(state): State<WebState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("limit is 1 to {LIMIT_MAX}, got {limit}");
        return Err(Problem::bad_request(detail).with("field", json!("limit")));
    }
    let before = query.before.as_deref().map(wire::parse_alert_id).transpose()?;
    let found = state.at_lifecycle(move |store| store.incidents(before, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|oldest| oldest.id.to_string());
    let shown: Vec<Value> = found.iter().map(incident).collect();
    Ok(wire::json(json!({ "incidents": shown, "next_before": next }).to_string()))
}

/// `GET /api/v1/incidents/{id}`.
pub(super) async fn one(State(state): State<WebState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = wire::parse_alert_id(&id)?;
    let found = state.at_lifecycle(move |store| store.incident(id)).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("no incident {id} is recorded here")))?;
    Ok(wire::json(incident(&found).to_string()))
}

fn incident(incident: &Incident) -> Value {
    json!({
        "incident_id": incident.id.to_string(),
        "kind": incident.kind,
        "began_at": wire::rfc3339(incident.began_at),
        "last_at": wire::rfc3339(incident.last_at),
        "sightings": incident.sightings.iter().map(lifecycle::shown).collect::<Vec<_>>(),
    })
}
