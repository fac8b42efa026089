//! Conformance: whether records keep the contract, judged from outside, by what lies in Kafka alone; and records on which a
//! consumer's own patience is tried.
//!
//! Pure: it is given records and gives a report. It shares with the service only the published schemas and the way headers are
//! written, so that it can judge another producer as well. Knows nothing of how records are read.

mod promise;
mod schemas;
mod report;
mod checker;
pub mod trial;

pub use checker::Checker;
pub use promise::Promise;
pub use report::{Report, Violation};

/// A record as it lies in Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: String,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Record {
    /// The header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
