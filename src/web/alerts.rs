//! Recorded alerts: newest first by pages, or one by its id. An alert is the very JSON that Kafka carries.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::problem::Problem;
use super::{WebState, wire};
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
    let (last_row, alerts) = state
        .read(move |reader| {
            let last_row = reader.last_row()?;
            Ok((last_row, reader.latest_alerts(before, limit, only)?))
        })
        .await?;
    let next = alerts.last().filter(|_| alerts.len() == limit).map(|oldest| oldest.alert);
    let items: Vec<String> = alerts.iter().map(item).collect();
    let next = next.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
    Ok(wire::json(format!("{{\"alerts\":[{}],\"next_before\":{next},\"last_row\":{last_row}}}", items.join(","))))
}

/// `GET /api/v1/alerts/{id}`.
pub(super) async fn one(State(state): State<WebState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = wire::parse_alert_id(&id)?;
    let found = state.read(move |reader| reader.alert(id)).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("no alert {id} is recorded here")))?;
    Ok(wire::json(item(&found)))
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
fn item(recorded: &Recorded) -> String {
    format!("{{\"row\":{},\"channel\":\"{}\",\"alert\":{}}}", recorded.row, recorded.channel.as_str(), recorded.json)
}
