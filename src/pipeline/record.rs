//! The record stage: facts in, promises out.
//!
//! Takes what is waiting as one batch, one commit. Never drops a fact: while the store cannot take it, the stage waits and tries
//! again, and the line behind it waits too. Ends when all who could send facts are gone and the last is committed; the relay
//! hears of the end by the closing of `committed`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};

use super::health::StageHealth;
use super::ports::{Clock, Fact, FactStore, Recorded, StoreError};
use crate::backoff::Backoff;
use crate::metrics::record::RecordMetrics;

/// Facts that wait between analyze and record; a full queue makes the line wait.
pub const QUEUE: usize = 256;
/// Recorded changes a slow reader of the feed may be behind before it is told to load anew.
pub const FEED: usize = 256;
const HEARTBEAT: Duration = Duration::from_secs(2);

/// The record stage.
pub struct RecordStage<S> {
    /// Where facts are recorded.
    pub store: S,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<RecordMetrics>,
    /// Who shows alerts.
    pub feed: broadcast::Sender<Recorded>,
    /// Counts commits; the relay waits on it, and on its closing.
    pub committed: watch::Sender<u64>,
    /// Whether it can record.
    pub health: watch::Sender<StageHealth>,
}

impl<S: FactStore + 'static> RecordStage<S> {
    /// Runs until `facts` is closed and empty. An error is one that retrying cannot mend; facts that were not committed are
    /// then lost with the process, and the time is blind.
    pub async fn run(mut self, mut facts: mpsc::Receiver<Fact>) -> Result<(), StoreError> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(QUEUE);
        loop {
            tokio::select! {
                biased;
                received = facts.recv_many(&mut batch, QUEUE) => {
                    if received == 0 {
                        break;
                    }
                    self.metrics.received(received);
                    let facts = std::mem::take(&mut batch);
                    self = self.commit(facts).await?;
                }
                _ = heartbeat.tick() => self = self.beat().await?,
            }
        }
        self.beat().await.map(|_| ())
    }

    /// Commits a batch, however long it takes.
    async fn commit(mut self, facts: Vec<Fact>) -> Result<Self, StoreError> {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        let facts = Arc::new(facts);
        loop {
            let at = self.clock.now();
            let batch = Arc::clone(&facts);
            let (store, outcome) = blocking(self.store, move |store| store.record(&batch, at)).await?;
            self.store = store;
            match outcome {
                Ok(recorded) => {
                    self.committed(&facts, recorded, at);
                    return Ok(self);
                }
                Err(StoreError::Transient(why)) => self.failing(why),
                Err(fatal) => return Err(fatal),
            }
            tokio::time::sleep(backoff.failed()).await;
        }
    }

    /// Tells everybody.
    fn committed(&self, facts: &[Fact], recorded: Vec<Recorded>, began: crate::domain::time::Timestamp) {
        let now = self.clock.now();
        self.metrics.committed(facts.len(), now.since(began));
        for fact in facts {
            match fact {
                Fact::Alert(decided) => {
                    let change = &decided.change;
                    let camera = change.camera.as_str();
                    self.metrics.alert(camera, change.kind.as_str(), change.revision == 1, now.since(change.captured_at));
                }
                Fact::BlindSince { camera, cause, .. } => self.metrics.blind(camera.as_str(), cause.as_str()),
                Fact::SightedSince { camera, .. } => self.metrics.sighted(camera.as_str()),
            }
        }
        self.ready();
        for change in recorded {
            // Nobody may be watching; the alert is recorded all the same.
            drop(self.feed.send(change));
        }
        self.committed.send_modify(|commits| *commits += 1);
    }

    async fn beat(mut self) -> Result<Self, StoreError> {
        let at = self.clock.now();
        let (store, outcome) = blocking(self.store, move |store| store.heartbeat(at)).await?;
        self.store = store;
        match outcome {
            Ok(()) => self.ready(),
            Err(StoreError::Transient(why)) => self.failing(why),
            Err(fatal) => return Err(fatal),
        }
        Ok(self)
    }

    fn ready(&self) {
        self.metrics.ready(true);
        let was = self.health.send_replace(StageHealth::Ready);
        if let StageHealth::Failing(why) = was {
            tracing::info!(was = %why, "recording again");
        }
    }

    /// Logged once per state, not per try.
    fn failing(&self, why: String) {
        self.metrics.failed();
        self.metrics.ready(false);
        self.health.send_if_modified(|health| {
            let changed = *health != StageHealth::Failing(why.clone());
            if changed {
                tracing::error!(error = %why, "cannot record; the line waits");
                *health = StageHealth::Failing(why);
            }
            changed
        });
    }
}

/// Runs blocking work on a port and gives the port back.
pub(super) async fn blocking<P, T>(
    mut port: P, work: impl FnOnce(&mut P) -> Result<T, StoreError> + Send + 'static,
) -> Result<(P, Result<T, StoreError>), StoreError>
where
    P: Send + 'static,
    T: Send + 'static,
{
    tokio::task::spawn_blocking(move || {
        let outcome = work(&mut port);
        (port, outcome)
    })
    .await
    .map_err(|e| StoreError::Fatal(format!("work on the store did not come back: {e}")))
}
