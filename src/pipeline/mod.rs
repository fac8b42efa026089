//! The line: what flows from a camera to a Kafka record, one file per stage in the order of the flow.
//!
//! Knows the core and the ports; never names GStreamer, ONNX Runtime, SQLite or Kafka. Every queue has a bound, a policy and
//! a counter (table in ARCHITECTURE.md).

pub mod packet;
pub mod ring;
pub mod evidence;
pub mod capture;
pub mod frame;
pub mod pacing;
pub mod slot;
pub mod shrink;
pub mod detect;
pub mod analyze;
pub mod keep;
pub mod memory;
pub mod record;
pub mod relay;
pub mod upkeep;
pub mod backup;
pub mod health;
pub mod ports;
pub mod status;
pub mod desk;
pub mod lifecycle;
pub mod answers;
