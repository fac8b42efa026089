//! The record stage: facts in, promises out.
//!
//! Takes what is waiting as one batch, one commit. While the store cannot take it, the stage waits and tries again, and the line behind it
//! waits too. Where there is a relay and the store refuses for longer than a grace, facts are kept in memory and sent from there, so that
//! the line goes on; all that is kept is recorded before anything newer. Ends when all who could send facts are gone and the last is committed; the relay
//! hears of the end by the closing of `committed`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};

use super::evidence::Wish;
use super::health::StageHealth;
use super::memory::Memory;
use super::ports::{Clock, Fact, FactStore, Recorded, StoreError};
use crate::backoff::Backoff;
use crate::domain::time::Timestamp;
use crate::metrics::record::RecordMetrics;

/// Facts that wait between analyze and record; a full queue makes the line wait.
pub const QUEUE: usize = 256;
/// Recorded changes a slow reader of the feed may be behind before it is told to load anew.
pub const FEED: usize = 256;
/// Facts that memory takes while the store takes none: some tens of megabytes.
pub const MEMORY: usize = 10_000;
/// How long the store may refuse before facts are kept in memory.
pub const MEMORY_AFTER: Duration = Duration::from_secs(5);
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
    /// A commit that takes longer is told.
    pub slow_after: Duration,
    /// Where facts are kept that the store refuses; none: they wait.
    pub memory: Option<Arc<Memory>>,
    /// How long the store may refuse before they are.
    pub memory_after: Duration,
    /// Evidence that became ready while facts were in memory. It waits: it takes a revision of its own, and those of what is in memory are
    /// settled.
    pub later: Vec<Fact>,
    /// Who makes evidence of what was decided, where anybody does.
    pub evidence: Option<mpsc::Sender<Wish>>,
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
        let stage = self.beat().await?;
        let left = stage.memory.as_ref().map_or(0, |memory| memory.len());
        if left > 0 {
            tracing::error!(
                left,
                "facts that the store did not take end with this process; the relay sends what it can"
            );
        }
        Ok(())
    }

    /// Commits a batch, however long it takes; or keeps it in memory.
    async fn commit(mut self, facts: Vec<Fact>) -> Result<Self, StoreError> {
        // Settled once, so that a change says the same wherever it is told.
        let at = self.clock.now();
        let facts = Arc::new(facts);
        if self.keeps() {
            self = self.empty_memory().await?;
            if self.keeps() {
                return self.keep(facts, at).await;
            }
        }
        let facts = if self.later.is_empty() {
            facts
        } else {
            let later = std::mem::take(&mut self.later);
            Arc::new(later.into_iter().chain(facts.iter().cloned()).collect())
        };
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            let began = self.clock.now();
            let batch = Arc::clone(&facts);
            let committing = blocking(self.store, move |store| store.record(&batch, at));
            let (store, outcome) = watched(committing, self.slow_after, &self.metrics, &self.health).await?;
            self.store = store;
            match outcome {
                Ok(recorded) => {
                    self.committed(&facts, recorded, began);
                    return Ok(self);
                }
                Err(StoreError::Transient(why) | StoreError::Full(why)) => self.failing(why),
                Err(fatal) => return Err(fatal),
            }
            if self.memory.is_some() && self.clock.now().since(at) >= self.memory_after {
                return self.keep(facts, at).await;
            }
            tokio::time::sleep(backoff.failed()).await;
        }
    }

    /// Whether facts are in memory: then newer ones go behind them.
    fn keeps(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| !memory.is_empty())
    }

    /// Keeps facts in memory; from there the relay sends them.
    async fn keep(mut self, facts: Arc<Vec<Fact>>, at: Timestamp) -> Result<Self, StoreError> {
        let Some(memory) = self.memory.clone() else { return Ok(self) };
        let (evidence, facts): (Vec<Fact>, Vec<Fact>) =
            facts.iter().cloned().partition(|fact| matches!(fact, Fact::Evidence { .. }));
        let room = MEMORY.saturating_sub(self.later.len());
        if evidence.len() > room {
            tracing::error!(count = evidence.len() - room, "evidence is kept, and its alerts will not tell of it");
        }
        self.later.extend(evidence.into_iter().take(room));
        self.wish_for_evidence(&facts);
        if facts.is_empty() {
            return Ok(self);
        }
        let (store, kept) = blocking(self.store, move |store| Ok(store.keep(&facts, at))).await?;
        self.store = store;
        let kept = kept?;
        if memory.is_empty() {
            tracing::error!("alerts are kept in memory, and sent from there, until the store takes them");
        }
        let shown: Vec<Recorded> = kept.iter().filter_map(|kept| kept.shown.clone()).collect();
        self.metrics.kept(kept.len());
        let evicted = memory.keep(kept);
        self.metrics.evicted(evicted.delivered, evicted.lost);
        self.metrics.in_memory(memory.len());
        for change in shown {
            // Nobody may be watching.
            drop(self.feed.send(change));
        }
        self.committed.send_modify(|commits| *commits += 1);
        Ok(self)
    }

    /// Records what is in memory, oldest first, as far as the store takes it.
    async fn empty_memory(mut self) -> Result<Self, StoreError> {
        let Some(memory) = self.memory.clone() else { return Ok(self) };
        while let Some((last, kept)) = memory.oldest(QUEUE) {
            let began = self.clock.now();
            let kept = Arc::new(kept);
            let batch = Arc::clone(&kept);
            let committing = blocking(self.store, move |store| store.record_kept(&batch, began));
            let (store, outcome) = watched(committing, self.slow_after, &self.metrics, &self.health).await?;
            self.store = store;
            match outcome {
                Ok(recorded) => {
                    memory.forget(last);
                    self.metrics.in_memory(memory.len());
                    let facts: Vec<Fact> = kept.iter().map(|kept| kept.fact.clone()).collect();
                    self.committed(&facts, recorded, began);
                }
                Err(StoreError::Transient(why) | StoreError::Full(why)) => {
                    self.failing(why);
                    return Ok(self);
                }
                Err(fatal) => return Err(fatal),
            }
        }
        Ok(self)
    }

    /// Tells everybody.
    fn committed(&self, facts: &[Fact], recorded: Vec<Recorded>, began: Timestamp) {
        let now = self.clock.now();
        self.wish_for_evidence(facts);
        self.metrics.committed(facts.len(), now.since(began));
        for fact in facts {
            match fact {
                Fact::Alert(decided) => {
                    let change = &decided.change;
                    let camera = change.camera.as_str();
                    self.metrics.alert(
                        camera,
                        change.kind.as_str(),
                        change.revision == 1,
                        now.since(change.captured_at),
                    );
                }
                Fact::BlindSince { camera, cause, .. } => self.metrics.blind(camera.as_str(), cause.as_str()),
                Fact::SightedSince { camera, .. } => self.metrics.sighted(camera.as_str()),
                Fact::Evidence { .. } => {}
            }
        }
        self.ready();
        for change in recorded {
            tracing::debug!(alert = %change.alert, trace = change.alert.trace(), row = change.row, "recorded");
            // Nobody may be watching; the alert is recorded all the same.
            drop(self.feed.send(change));
        }
        self.committed.send_modify(|commits| *commits += 1);
    }

    /// Tells who makes evidence, without waiting: an alert never waits for its evidence. Of what was kept in memory it is told when it is
    /// kept, while the ring still has the pictures, and once more when it is recorded.
    fn wish_for_evidence(&self, facts: &[Fact]) {
        let Some(evidence) = &self.evidence else { return };
        for fact in facts {
            let Fact::Alert(decided) = fact else { continue };
            let Some(wish) = Wish::of(decided) else { continue };
            if evidence.try_send(wish).is_err() {
                self.metrics.without_evidence();
                tracing::warn!(alert = %decided.change.id, "there is no evidence of this alert: too many wait for theirs");
            }
        }
    }

    async fn beat(mut self) -> Result<Self, StoreError> {
        if self.keeps() {
            return self.empty_memory().await;
        }
        if !self.later.is_empty() {
            return self.commit(Vec::new()).await;
        }
        let at = self.clock.now();
        let committing = blocking(self.store, move |store| store.heartbeat(at));
        let (store, outcome) = watched(committing, self.slow_after, &self.metrics, &self.health).await?;
        self.store = store;
        match outcome {
            Ok(()) => self.ready(),
            Err(StoreError::Transient(why) | StoreError::Full(why)) => self.failing(why),
            Err(fatal) => return Err(fatal),
        }
        Ok(self)
    }

    fn ready(&self) {
        self.metrics.ready(true);
        let was = self.health.send_replace(StageHealth::Ready);
        if let StageHealth::Failing { message, .. } = was {
            tracing::info!(was = message, "recording again");
        }
    }

    /// Logged once per state, not per try.
    fn failing(&self, why: String) {
        self.metrics.failed();
        self.metrics.ready(false);
        self.health.send_if_modified(|health| {
            let failing = StageHealth::Failing { reason: "store", message: why };
            let changed = *health != failing;
            if changed {
                if let StageHealth::Failing { message, .. } = &failing {
                    tracing::error!(error = message, "cannot record; the line waits");
                }
                *health = failing;
            }
            changed
        });
    }
}

/// Waits for a commit, and tells where it takes long: a disk that hangs gives no error.
async fn watched<T>(
    commit: impl Future<Output = T>,
    slow_after: Duration,
    metrics: &RecordMetrics,
    health: &watch::Sender<StageHealth>,
) -> T {
    tokio::pin!(commit);
    if let Ok(done) = tokio::time::timeout(slow_after, &mut commit).await {
        return done;
    }
    metrics.slow();
    metrics.ready(false);
    let message = format!(
        "a commit has been under way for {} s: the store's disk is slow or hangs, and the line waits",
        slow_after.as_secs_f64()
    );
    tracing::error!(error = message, reason = "store_slow", "recording takes long");
    health.send_replace(StageHealth::Failing { reason: "store_slow", message });
    commit.await
}

/// Runs blocking work on a port and gives the port back.
pub(super) async fn blocking<P, T>(
    mut port: P,
    work: impl FnOnce(&mut P) -> Result<T, StoreError> + Send + 'static,
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

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
