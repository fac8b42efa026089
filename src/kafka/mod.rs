//! Kafka: the only room that knows it. Sends what the outbox holds, checks that topics are there, reads back for judges and
//! tests, and brings a broker of its own for the demo.
//!
//! Nothing is decided here and nothing is stored: order and retrying are the relay's, durability is the outbox's.

mod settings;
mod errors;
mod client;
pub mod publisher;
pub mod topics;
pub mod consumer;
pub mod answers;
pub mod embedded;

pub use answers::KafkaAnswers;
pub use client::LastError;
pub use publisher::KafkaPublisher;
pub use settings::{KafkaSettings, Mechanism, Sasl, Secret, Tls};
