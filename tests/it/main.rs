//! Integration tests with real parts. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod support;
mod camera;
mod config;
mod inference;
mod model_pull;
//! Promises, tested with real parts: real SQLite, real Kafka, real RTSP. One crate, so that it links once.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test says what it does by its name")]
mod contract;
mod store;
mod kafka;
