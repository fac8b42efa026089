//! The promised wire forms: what leaves the house, versioned and golden-tested.
//!
//! Core types are never serialized; they are turned into the structs here, once, when they are recorded. The same event always
//! gives the same bytes: nothing that is known only at sending is in the data. Knows nothing of SQLite, Kafka or HTTP.

pub mod time;
pub mod words;
pub mod codes;
pub mod alert_v1;
mod from_domain;
pub mod text;
pub mod camera_health_v1;
pub mod alert_state_v1;
pub mod dispatch_status_v1;
pub mod explanation_v1;
pub mod explanation_text;
pub mod cloudevents;
pub mod schema;
pub mod asyncapi;
#[cfg(test)]
mod reference;

pub use alert_state_v1::AlertStateV1;
pub use alert_v1::AlertV1;
pub use camera_health_v1::CameraHealthV1;
pub use cloudevents::Stamp;
pub use explanation_v1::ExplanationV1;

use std::time::Duration;

use crate::domain::ids::NodeId;
use crate::pipeline::ports::Channel;

/// What every event says of the service that made it; checked by `config/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The site: second part of each event's source, `urn:lightbar:{site}:camera:{camera}`.
    pub site: String,
    /// This node.
    pub node: NodeId,
    /// Prefix of event types, in reverse DNS: `{prefix}.alert.opened.v1`.
    pub type_prefix: String,
    /// Prefix of topics: `{prefix}.alerts.v1`.
    pub topic_prefix: String,
    /// How long after it was recorded an alert may be acted on.
    pub expiry: Duration,
    /// Whether what is only recorded goes to Kafka too, on the tracks topic.
    pub publishes_records: bool,
}

impl Site {
    /// A site with the contract's defaults: prefix `lightbar`, alerts expire after ten minutes.
    pub fn new(site: &str, node: NodeId) -> Self {
        Self {
            site: site.to_owned(),
            node,
            type_prefix: "lightbar".to_owned(),
            topic_prefix: "lightbar".to_owned(),
            expiry: cloudevents::DEFAULT_EXPIRY,
            publishes_records: true,
        }
    }

    /// The topic that carries every alert change.
    pub fn alerts_topic(&self) -> String {
        format!("{}.alerts.v1", self.topic_prefix)
    }

    /// The topic that carries what is recorded and disturbs nobody.
    pub fn tracks_topic(&self) -> String {
        format!("{}.tracks.v1", self.topic_prefix)
    }

    /// The topic that carries what rules on trial would say.
    pub fn shadow_topic(&self) -> String {
        format!("{}.shadow.v1", self.topic_prefix)
    }

    /// Whether a channel goes to Kafka.
    pub fn publishes(&self, channel: Channel) -> bool {
        channel != Channel::Record || self.publishes_records
    }

    /// The topic for a channel.
    pub fn topic(&self, channel: Channel) -> String {
        match channel {
            Channel::Alert => self.alerts_topic(),
            Channel::Record => self.tracks_topic(),
            Channel::Shadow => self.shadow_topic(),
        }
    }

    /// The compacted topic that carries each camera's health.
    pub fn camera_health_topic(&self) -> String {
        format!("{}.camera-health.v1", self.topic_prefix)
    }

    /// The compacted topic that carries where each alert stands with people.
    pub fn alert_state_topic(&self) -> String {
        format!("{}.alert-state.v1", self.topic_prefix)
    }

    /// The topic from which answers of dispatch systems are read.
    pub fn dispatch_status_topic(&self) -> String {
        format!("{}.dispatch-status.v1", self.topic_prefix)
    }

    /// The topic for what was read and could not be used, byte for byte.
    pub fn dead_letters_topic(&self) -> String {
        format!("{}.dead-letters.v1", self.topic_prefix)
    }

    /// The topic for stored alerts that are sent again on request.
    pub fn resend_topic(&self) -> String {
        format!("{}.resend.v1", self.topic_prefix)
    }

    /// The topic for what is audited.
    pub fn audit_topic(&self) -> String {
        format!("{}.audit.v1", self.topic_prefix)
    }
}
