//! Recorded alerts: newest first by pages, or one by its id. An alert is the very JSON that Kafka carries.

use std::collections::HashMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::problem::Problem;
use super::{WebState, lifecycle, wire};
use crate::domain::ids::AlertId;
use crate::pipeline::lifecycle::StateChange;
use crate::pipeline::ports::Recorded;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    before: Option<String>,
    deliver: Option<String>,
}

/// `GET /api/v1/alerts?limit=&before=&deliver=`: each alert once, at its newest change, the one opened
/// last first; those of `alert` (where nothing is said), `record`, `shadow`, or `all`; `next_before` is the next page's `before`. `last_row` is read first, so a feed that is
/// opened with `after=last_row` misses nothing; it may repeat what the list has already.
pub(super) async fn list(
    State(state): State<WebState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {LIMIT_MAX}, got {limit}")));
    }
    let before = query.before.as_deref().map(wire::parse_alert_id).transpose()?;
    let only = wire::parse_channels(query.deliver.as_deref())?;
    let states_row = last_state(&state).await?;
    let (last_row, alerts) = state
        .read(move |reader| {
            let last_row = reader.last_row()?;
            Ok((last_row, reader.latest_alerts(before, limit, only)?))
        })
        .await?;
    let states = states(&state, alerts.iter().map(|alert| alert.alert).collect()).await?;
    let next = alerts.last().filter(|_| alerts.len() == limit).map(|oldest| oldest.alert);
    let items: Vec<String> =
        alerts.iter().map(|alert| item(alert, states.get(&alert.alert).map(|said| &*said.json))).collect();
    let next = next.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
    Ok(wire::json(format!(
        "{{\"alerts\":[{}],\"next_before\":{next},\"last_row\":{last_row},\"states_row\":{states_row}}}",
        items.join(",")
    )))
}

/// `GET /api/v1/alerts/{id}`: with how it stands and its history, where people were told of it.
pub(super) async fn one(
    State(state): State<WebState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = wire::parse_alert_id(&id)?;
    let found = state.read(move |reader| reader.alert(id)).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("no alert {id} is recorded here")))?;
    let standing = match &state.lifecycle {
        Some(_) => state.at_lifecycle(move |store| store.standing(id)).await?,
        None => None,
    };
    let Some(standing) = standing else { return Ok(wire::json(item(&found, None))) };
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == lifecycle::tag(&standing).as_bytes()) {
        return Ok(lifecycle::tagged(StatusCode::NOT_MODIFIED.into_response(), &standing));
    }
    let told = lifecycle::told(&standing);
    let body = format!(
        "{{\"row\":{},\"channel\":\"{}\",\"alert\":{},\"state\":{},\"history\":{},\"escalations\":{}}}",
        found.row,
        found.channel.as_str(),
        found.json,
        told["alert"],
        told["entries"],
        told["escalations"]
    );
    Ok(lifecycle::tagged(wire::json(body), &standing))
}

/// The last published state of each; those that are new have none.
async fn states(state: &WebState, alerts: Vec<AlertId>) -> Result<HashMap<AlertId, StateChange>, Problem> {
    if state.lifecycle.is_none() {
        return Ok(HashMap::new());
    }
    let found = state.at_lifecycle(move |store| store.states(&alerts)).await?;
    Ok(found.into_iter().map(|change| (change.alert, change)).collect())
}

/// Read before the states, so that who goes on from there misses none.
async fn last_state(state: &WebState) -> Result<i64, Problem> {
    if state.lifecycle.is_none() {
        return Ok(0);
    }
    state.at_lifecycle(|store| store.last_change()).await
}

/// `GET /api/v1/alerts/{id}/explanation`: rule and revision, the moments that mattered to its tracks, their paths.
pub(super) async fn explanation(State(state): State<WebState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = wire::parse_alert_id(&id)?;
    let found = state.read(move |reader| reader.explanation(id)).await?;
    let found =
        found.ok_or_else(|| Problem::not_found(format!("nothing is recorded here that explains an alert {id}")))?;
    Ok(wire::json(found.to_string()))
}

/// The alert's own bytes are put in untouched, so that what is shown is what was sent.
pub(super) fn item(recorded: &Recorded, state: Option<&str>) -> String {
    format!(
        "{{\"row\":{},\"channel\":\"{}\",\"alert\":{},\"state\":{}}}",
        recorded.row,
        recorded.channel.as_str(),
        recorded.json,
        state.unwrap_or("null")
    )
}
