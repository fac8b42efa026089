//! A dispatch system that is played over Kafka: hears of states on the alert-state topic, answers on dispatch-status.

use std::time::Duration;

pub use super::patrol::Saying;

use super::patrol::Patrol;
use crate::contract::{AlertStateV1, Site, cloudevents};
use crate::kafka::consumer::TopicReader;
use crate::kafka::{KafkaPublisher, KafkaSettings};
use crate::pipeline::ports::{Clock, OutboxRecord, PublishError, Publisher as _};

/// How long one look at the topic waits.
const LOOK: Duration = Duration::from_millis(200);

/// What was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// States heard.
    pub heard: u64,
    /// Records sent.
    pub sent: u64,
}

/// Plays until `over` says so; `tell` hears of each record that was sent. Reads on the thread that calls, from the topic's
/// beginning: an order that was answered before is answered again, under the same ids.
pub fn play(
    settings: &KafkaSettings,
    site: &Site,
    mut patrol: Patrol,
    clock: &dyn Clock,
    mut over: impl FnMut(&Played) -> bool,
    mut tell: impl FnMut(&Saying),
) -> Result<Played, PublishError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| PublishError { reason: "other", message: format!("no runtime: {e}") })?;
    let mut reader = TopicReader::open(settings, &site.alert_state_topic())?;
    let mut publisher = KafkaPublisher::new(settings.clone());
    let topic = site.dispatch_status_topic();
    let mut played = Played::default();
    while !over(&played) {
        let mut wait = LOOK;
        while let Some(record) = reader.next(wait)? {
            wait = Duration::ZERO;
            played.heard += 1;
            // States of a later version may say what this one does not understand.
            if let Ok(state) = serde_json::from_slice::<AlertStateV1>(&record.value) {
                patrol.hears(&state, clock.now());
            }
        }
        let now = clock.now();
        for saying in patrol.says(now) {
            let headers = saying.status.as_ref().map(|said| cloudevents::dispatch_status_headers(said, site));
            let record = OutboxRecord {
                row: 0,
                topic: topic.clone(),
                key: saying.alert.clone(),
                headers: headers.unwrap_or_default(),
                value: saying.value.clone(),
                captured_at: now,
                recorded_at: now,
            };
            runtime.block_on(publisher.publish(std::slice::from_ref(&record)))?;
            played.sent += 1;
            tell(&saying);
        }
    }
    Ok(played)
}
