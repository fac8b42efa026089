//! Promises, tested with real parts: real SQLite, real Kafka, real RTSP. One crate, so that it links once.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test says what it does by its name")]

mod support;
mod contract;
mod store;
mod kafka;
