//! The answers stage: what dispatch systems say over Kafka becomes states of alerts.
//!
//! A record's effect and the offset after it are committed together, and reading begins where the store says, so that none is
//! applied twice or lost, whoever dies when. What cannot be used is put into the outbox for the dead letters, byte for byte.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::health::StageHealth;
use super::ports::{Clock, PublishError, Recorded, StoreError};
use crate::backoff::Backoff;
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::metrics::lifecycle::LifecycleMetrics;

/// A record as it lay in the topic; nothing about it is taken for granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Which topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It changed an alert's state, and may have ended one that a person raised.
    Applied(AlertId, &'static str, Option<Recorded>),
    /// It was written down, too late to change anything.
    Late(AlertId, &'static str),
    /// It was taken before.
    Repeated,
    /// It cannot be used; the reason is one of a few words.
    Dead {
        /// For metrics and headers.
        reason: &'static str,
        /// In words.
        detail: String,
    },
}

/// Where offsets are kept, beside the effects of what was read. Calls block.
pub trait AnswerStore: Send {
    /// Per partition of a topic, the next offset to read.
    fn offsets(&mut self, topic: &str) -> Result<HashMap<i32, i64>, StoreError>;
    /// Takes records in, with the offset after the last of each partition, all or nothing. Records before the kept offset are
    /// passed over.
    fn take(&mut self, records: &[Consumed], now: Timestamp) -> Result<Vec<Taken>, StoreError>;
    /// Forgets where it was in a partition: the topic was made anew.
    fn restart(&mut self, topic: &str, partition: i32, at: i64) -> Result<(), StoreError>;
    /// The last row of all changes of states.
    fn last_change(&mut self) -> Result<i64, StoreError>;
}

/// Reads the topic. Calls block.
pub trait AnswerSource: Send {
    /// Begins at these offsets; where none is known, at the beginning. Gives those partitions in which an offset lies beyond the
    /// end, with where to begin instead.
    fn begin(&mut self, offsets: &HashMap<i32, i64>) -> Result<Vec<(i32, i64)>, PublishError>;
    /// What there is, at most a batch; waits a while for the first.
    fn next(&mut self) -> Result<Vec<Consumed>, PublishError>;
}

/// The answers stage.
pub struct AnswerStage<S, R> {
    /// Where answers go.
    pub store: S,
    /// Where they come from.
    pub source: R,
    /// The topic.
    pub topic: String,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<LifecycleMetrics>,
    /// Who shows states: the last row.
    pub states: watch::Sender<i64>,
    /// Who shows alerts.
    pub feed: broadcast::Sender<Recorded>,
    /// Whether answers come in.
    pub health: watch::Sender<StageHealth>,
}

impl<S: AnswerStore, R: AnswerSource> AnswerStage<S, R> {
    /// Takes answers until it is told to stop, on the thread that calls: reading blocks. `pause` waits, and says whether to stop.
    pub fn run(mut self, mut pause: impl FnMut(Duration) -> bool) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        let mut begun = false;
        loop {
            match self.step(begun) {
                Ok(()) => {
                    begun = true;
                    self.ready();
                    backoff.succeeded();
                    if pause(Duration::ZERO) {
                        return Ok(());
                    }
                }
                Err(Trouble::Store(StoreError::Fatal(why))) => return Err(StoreError::Fatal(why)),
                Err(trouble) => {
                    // What was read and not committed is read again from where the store says.
                    begun = false;
                    self.failing(&trouble);
                    if pause(backoff.failed()) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn step(&mut self, begun: bool) -> Result<(), Trouble> {
        if !begun {
            let offsets = self.store.offsets(&self.topic)?;
            for (partition, at) in self.source.begin(&offsets)? {
                tracing::warn!(topic = %self.topic, "the topic was made anew; answers are read from its beginning");
                self.store.restart(&self.topic, partition, at)?;
            }
        }
        let records = self.source.next()?;
        if records.is_empty() {
            return Ok(());
        }
        for taken in self.store.take(&records, self.clock.now())? {
            match taken {
                Taken::Applied(_, action, ended) => {
                    self.metrics.applied(action, "applied");
                    // An Err says that nobody listens.
                    ended.map(|ended| self.feed.send(ended).ok());
                }
                Taken::Late(_, action) => self.metrics.applied(action, "late"),
                Taken::Repeated => self.metrics.repeated(),
                Taken::Dead { reason, detail } => {
                    self.metrics.dead(reason);
                    tracing::warn!(reason, detail, "a dispatch answer cannot be used; it goes to the dead letters");
                }
            }
        }
        self.states.send_replace(self.store.last_change()?);
        Ok(())
    }

    fn ready(&self) {
        self.metrics.answers_ready(true);
        if let StageHealth::Failing { message, .. } = self.health.send_replace(StageHealth::Ready) {
            tracing::info!(was = message, "dispatch answers are read again");
        }
    }

    fn failing(&self, why: &Trouble) {
        let (reason, message) = match why {
            Trouble::Kafka(error) => (error.reason, error.message.clone()),
            Trouble::Store(error) => ("store", error.to_string()),
        };
        self.metrics.answers_ready(false);
        self.health.send_if_modified(|health| {
            let changed = !matches!(health, StageHealth::Failing { reason: was, .. } if *was == reason);
            if changed {
                tracing::error!(reason, error = message, "dispatch answers cannot be read; none is lost");
                *health = StageHealth::Failing { reason, message };
            }
            changed
        });
    }
}

enum Trouble {
    Kafka(PublishError),
    Store(StoreError),
}

impl From<PublishError> for Trouble {
    fn from(error: PublishError) -> Self {
        Self::Kafka(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
