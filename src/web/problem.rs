//! Errors as `application/problem+json` (RFC 9457), with a detail that helps whoever asked.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::pipeline::ports::StoreError;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after_s: Option<u32>,
}

impl Problem {
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail: detail.into(), retry_after_s: None }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, detail: detail.into(), retry_after_s: None }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, detail: detail.into(), retry_after_s: Some(5) }
    }

    pub(super) fn internal(detail: &str) -> Self {
        tracing::error!(detail, "a request failed");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, detail: detail.to_owned(), retry_after_s: None }
    }

    pub(super) fn store(error: &StoreError) -> Self {
        tracing::error!(%error, "the store could not be read for a request");
        match error {
            StoreError::Transient(what) | StoreError::Full(what) => {
                Self::unavailable(format!("the store cannot be read now: {what}"))
            }
            StoreError::Fatal(what) => Self::internal(&format!("the store cannot be read: {what}")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body =
            json!({ "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail });
        let mut response =
            (self.status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(format!(
        "nothing is at {}; there are /, /livez, /readyz, /metrics, and under /api/v1: feed, alerts, cameras, blind, status, \
         arming, watched",
        uri.path(),
    ))
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not answer {method}; most only answer GET", uri.path());
    Problem { status: StatusCode::METHOD_NOT_ALLOWED, detail, retry_after_s: None }
}
