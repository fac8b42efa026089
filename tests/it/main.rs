//! Integration tests with real parts. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod support;
mod camera;
mod config;
mod inference;
mod model_pull;
