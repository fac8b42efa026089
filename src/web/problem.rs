//! Errors as `application/problem+json` (RFC 9457), with a detail that helps whoever asked.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::pipeline::ports::StoreError;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after_s: Option<u32>,
    /// How to show who one is, where that was wanting (RFC 9110).
    challenge: Option<&'static str>,
    /// More members, such as the field that is to blame.
    more: Vec<(&'static str, Value)>,
}

impl Problem {
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        let (status, detail) = (StatusCode::BAD_REQUEST, detail.into());
        Self { status, detail, retry_after_s: None, challenge: None, more: Vec::new() }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::bad_request(detail) }
    }

    pub(super) fn unauthorized(detail: impl Into<String>, challenge: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, challenge: Some(challenge), ..Self::bad_request(detail) }
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, ..Self::bad_request(detail) }
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, ..Self::bad_request(detail) }
    }

    /// It is not as who asked thinks.
    pub(super) fn stale(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::PRECONDITION_FAILED, ..Self::bad_request(detail) }
    }

    /// Says more, in a member of its own.
    #[must_use]
    pub(super) fn with(mut self, member: &'static str, value: Value) -> Self {
        self.more.push((member, value));
        self
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, retry_after_s: Some(5), ..Self::bad_request(detail) }
    }

    pub(super) fn internal(detail: &str) -> Self {
        tracing::error!(detail, "a request failed");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..Self::bad_request(detail) }
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
        let mut body =
            json!({ "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail });
        for (member, value) in self.more {
            body[member] = value;
        }
        let mut response =
            (self.status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(format!(
        "nothing is at {}; there are /, /livez, /readyz, /metrics, and under /api/v1: feed, alerts, cameras, blind, status, \
         arming, watched, incidents, openapi.json",
        uri.path(),
    ))
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not answer {method}; most only answer GET", uri.path());
    Problem { status: StatusCode::METHOD_NOT_ALLOWED, ..Problem::bad_request(detail) }
}
