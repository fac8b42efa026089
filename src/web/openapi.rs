//! The description of this interface, as it lies in `deploy/openapi.json`.

use axum::response::Response;

use super::wire;

/// OpenAPI 3.1.
pub const DOCUMENT: &str = include_str!("../../deploy/openapi.json");

/// `GET /api/v1/openapi.json`.
pub(super) async fn document() -> Response {
    wire::json(DOCUMENT.to_owned())
}
