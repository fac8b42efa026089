//! Promises, tested with real parts: real RTSP, real ONNX Runtime, real SQLite, real Kafka, a real browser. One crate, so that
//! it is linked once.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it does by its name"
)]

mod support;
#[path = "../scenes/conduct.rs"]
#[allow(dead_code, reason = "shared with the tests of the core, which need all of it")]
mod conduct;
#[path = "../scenes/script.rs"]
#[allow(dead_code, reason = "as above")]
mod script;
#[path = "../scenes/play.rs"]
#[allow(dead_code, reason = "as above")]
mod play;
mod camera;
mod camera_tls;
mod media;
mod config;
mod inference;
mod model_pull;
mod contract;
mod integrate;
#[path = "../../examples/consumers/consumer.rs"]
#[allow(dead_code, reason = "its main is for whoever runs it alone")]
mod consumer;
mod cues;
mod store;
mod store_room;
mod store_memory;
mod store_care;
mod store_evidence;
mod store_versions;
mod evidence_bundle;
mod kafka;
#[path = "../faults/acl.rs"]
mod acl;
mod kafka_refusals;
mod kafka_secure;
mod kafka_commands;
mod web;
mod alert_rules;
mod lifecycle;
mod dispatch;
mod browser;
mod line;
mod evidence;
mod disk;
mod orders;
mod street;
mod score;
mod replay;
