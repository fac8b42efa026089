//! The relay stage: what is committed goes to Kafka, oldest first, until it is acknowledged.
//!
//! Order per key and topic is kept because a batch is sent in row order and, after any failure, everything again from the
//! lowest unsent row. What is kept in memory because the store is full is sent when the outbox has nothing more of its topic.
//! Kafka's death is invisible to the line: the outbox grows, gauges say how much and how old. Ends when the record stage has ended
//! and all is sent, or the time for that is up; what is left is sent at the next start.

mod batch;
mod sweep;
mod waits;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use self::batch::{OF_A_TOPIC, TOO_LARGE, by_topic, dead_letter};
use self::sweep::{BATCH, Sweep};
use self::waits::{closed, pause_or_closed, wait};
use super::health::StageHealth;
use super::memory::Memory;
use super::ports::{Clock, Outbox, OutboxRecord, PublishError, Publisher, StoreError};
use super::record::blocking;
use crate::metrics::relay::RelayMetrics;

/// Records in one batch when there is much to catch up with: what a batch costs beside its records is paid less often.
const BATCH_MAX: usize = 4000;
/// How often the gauges are told anew while nothing happens.
const PULSE: Duration = Duration::from_secs(1);

/// The relay stage.
pub struct RelayStage<O, P> {
    /// Where unsent records come from.
    pub outbox: O,
    /// Where they go.
    pub publisher: P,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<RelayMetrics>,
    /// Whether records get through.
    pub health: watch::Sender<StageHealth>,
    /// How long, once the line has ended, it goes on sending what is left.
    pub flush_for: Duration,
    /// Moves when people or deadlines have changed an alert's state: that is committed past the record stage.
    pub states: watch::Receiver<i64>,
    /// What the store had no room for.
    pub memory: Option<Arc<Memory>>,
    /// The topic for what no topic takes. A record that is too large must not hold up those behind it for ever.
    pub dead_letters: String,
}

/// How a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// Records that are left for the next start.
    pub left: u64,
}

impl<O: Outbox + 'static, P: Publisher> RelayStage<O, P> {
    /// Relays until `committed` closes; then sends what is left for a bounded time.
    pub async fn run(mut self, mut committed: watch::Receiver<u64>) -> Result<Relayed, StoreError> {
        let mut sweep = Sweep::new(Duration::from_secs(5));
        // What was left by the last run counts from the start, not from its first success.
        (self, _) = self.backlog().await?;
        self.publisher.prepare();
        let mut open = true;
        while open {
            committed.borrow_and_update();
            self.states.borrow_and_update();
            let (stage, sent) = self.send_next(&mut committed, &mut sweep, None).await?;
            self = stage;
            open = match sent {
                Sent::Some => committed.has_changed().is_ok(),
                Sent::Nothing => wait(&mut committed, &mut self.states, PULSE).await,
                Sent::Failed(pause) => pause_or_closed(&mut committed, pause).await,
            };
        }
        let unnoted = std::mem::take(&mut sweep.unnoted);
        self.flush(committed, unnoted).await
    }

    /// Sends what is left, for a bounded time.
    async fn flush(
        mut self,
        mut committed: watch::Receiver<u64>,
        unnoted: HashSet<i64>,
    ) -> Result<Relayed, StoreError> {
        let deadline = Instant::now() + self.flush_for;
        let mut sweep = Sweep { unnoted, ..Sweep::new(Duration::from_millis(500)) };
        loop {
            let (stage, sent) = self.send_next(&mut committed, &mut sweep, Some(deadline)).await?;
            self = stage;
            match sent {
                Sent::Some if Instant::now() < deadline => {}
                Sent::Failed(pause) if Instant::now() + pause < deadline => tokio::time::sleep(pause).await,
                _ => break,
            }
        }
        while !sweep.unnoted.is_empty() && Instant::now() < deadline {
            self = self.note(&mut sweep).await?;
            if !sweep.unnoted.is_empty() {
                tokio::time::sleep(sweep.backoff.failed()).await;
            }
        }
        let lost = self.memory.as_ref().map_or(0, |memory| memory.unsent_len());
        if lost > 0 {
            tracing::error!(
                records = lost,
                "records that were only in memory were not sent; they end with this process"
            );
        }
        let (_, left) = self.backlog().await?;
        if left > 0 {
            tracing::warn!(records = left, "not all was sent in time; the rest is sent at the next start");
        }
        Ok(Relayed { left })
    }

    /// Sends the next batch of a sweep, topic by topic.
    async fn send_next(
        mut self,
        committed: &mut watch::Receiver<u64>,
        sweep: &mut Sweep,
        deadline: Option<Instant>,
    ) -> Result<(Self, Sent), StoreError> {
        // Looked at before the outbox: what came into memory before this is newer than all that the outbox then has.
        let from_memory = self.memory.as_ref().map_or_else(Vec::new, |memory| memory.unsent(BATCH, &HashSet::new()));
        // Where alerts come all the time, a sweep has no end at which a topic would get its next try.
        if sweep.retry_is_due(Instant::now()) {
            sweep.begin_anew();
        }
        let (stage, batch) = self.unsent(sweep.after, sweep.batch).await?;
        self = stage;
        let Some(mut batch) = batch else { return Ok((self, Sent::Failed(sweep.backoff.failed()))) };
        let Some(last) = batch.last().map(|record| record.row) else {
            if !sweep.unnoted.is_empty() {
                self = self.note(sweep).await?;
            }
            let held = std::mem::take(&mut sweep.held);
            sweep.begin_anew();
            (self, _) = self.backlog().await?;
            return self.send_from_memory(from_memory, held, (committed, sweep), deadline).await;
        };
        sweep.after = last;
        sweep.batch = if batch.len() < sweep.batch { BATCH } else { (sweep.batch * 2).min(BATCH_MAX) };
        batch.retain(|record| !sweep.unnoted.contains(&record.row));
        for (topic, records) in by_topic(batch) {
            if sweep.passes_over(&topic, Instant::now()) {
                continue;
            }
            let (stage, outcome) = self.deliver(records, committed, sweep, deadline).await?;
            self = stage;
            match outcome {
                Ok(()) => {
                    sweep.stuck.remove(&topic);
                    sweep.backoff.succeeded();
                    if sweep.stuck.is_empty() {
                        self.ready();
                    }
                }
                Err(why) if OF_A_TOPIC.contains(&why.reason) => {
                    self.failing(&why);
                    sweep.stick(topic, Instant::now());
                    (self, _) = self.backlog().await?;
                }
                Err(why) => {
                    self.failing(&why);
                    sweep.begin_anew();
                    sweep.batch = BATCH;
                    (self, _) = self.backlog().await?;
                    return Ok((self, Sent::Failed(sweep.backoff.failed())));
                }
            }
        }
        Ok((self, Sent::Some))
    }

    /// Delivers records of one topic. Where one is too large for Kafka, the batch is halved until it is found; it goes to the
    /// dead letters, and the rest goes on in its order.
    async fn deliver(
        mut self,
        records: Vec<OutboxRecord>,
        committed: &mut watch::Receiver<u64>,
        sweep: &mut Sweep,
        deadline: Option<Instant>,
    ) -> Result<(Self, Result<(), PublishError>), StoreError> {
        let mut parts = vec![records];
        while let Some(mut part) = parts.pop() {
            match self.publish(&part, committed, deadline).await {
                Ok(()) => self = self.acknowledged(&part, sweep).await?,
                Err(why) if why.reason == TOO_LARGE && part.len() > 1 => {
                    parts.push(part.split_off(part.len() / 2));
                    parts.push(part);
                }
                Err(why) if why.reason == TOO_LARGE => {
                    if let Err(failed) = self.bury(&part[0], &why, committed, deadline).await {
                        return Ok((self, Err(failed)));
                    }
                    sweep.unnoted.insert(part[0].row);
                    self = self.note(sweep).await?;
                }
                Err(why) => return Ok((self, Err(why))),
            }
        }
        Ok((self, Ok(())))
    }

    /// Sends a record that its topic refuses to the dead letters; without its value where that is too large for them as well.
    /// It stays in the store, whole.
    async fn bury(
        &mut self,
        record: &OutboxRecord,
        why: &PublishError,
        committed: &mut watch::Receiver<u64>,
        deadline: Option<Instant>,
    ) -> Result<(), PublishError> {
        if record.topic == self.dead_letters {
            return Err(why.clone());
        }
        let mut letter = dead_letter(record, &self.dead_letters, why);
        let mut outcome = self.publish(std::slice::from_ref(&letter), committed, deadline).await;
        if matches!(&outcome, Err(failed) if failed.reason == TOO_LARGE) {
            letter.headers.insert(0, ("dead_value".to_owned(), "left_out".to_owned()));
            letter.value.clear();
            outcome = self.publish(std::slice::from_ref(&letter), committed, deadline).await;
        }
        outcome?;
        self.metrics.buried(why.reason);
        tracing::error!(topic = record.topic, error = %why, "a record is too large for Kafka; it went to the dead letters");
        Ok(())
    }

    /// Publishes records of one topic. Once the line has ended, a broker that does not answer must not hold up the stop.
    async fn publish(
        &mut self,
        records: &[OutboxRecord],
        committed: &mut watch::Receiver<u64>,
        deadline: Option<Instant>,
    ) -> Result<(), PublishError> {
        let flush_for = self.flush_for;
        let stop = async {
            if let Some(deadline) = deadline {
                tokio::time::sleep_until(deadline).await;
            } else {
                closed(committed).await;
                tokio::time::sleep(flush_for).await;
            }
        };
        tokio::select! {
            biased;
            outcome = self.publisher.publish(records) => outcome,
            () = stop => {
                Err(PublishError { reason: "unreachable", message: "no acknowledgement before the stop".to_owned() })
            }
        }
    }

    /// The next batch; none when the store does not answer now.
    async fn unsent(mut self, after: i64, limit: usize) -> Result<(Self, Option<Vec<OutboxRecord>>), StoreError> {
        let (outbox, outcome) = blocking(self.outbox, move |outbox| outbox.unsent(after, limit)).await?;
        self.outbox = outbox;
        let batch = self.answered(outcome)?;
        Ok((self, batch))
    }

    /// Notes what Kafka has acknowledged. What the store cannot note now is remembered, and not sent again by this run.
    async fn acknowledged(mut self, batch: &[OutboxRecord], sweep: &mut Sweep) -> Result<Self, StoreError> {
        self.measure(batch);
        sweep.unnoted.extend(batch.iter().map(|record| record.row));
        self = self.note(sweep).await?;
        // Counting what waits costs the more the more waits; while much does, once a second is often enough.
        let now = Instant::now();
        if batch.len() >= BATCH && sweep.counted_at.is_some_and(|at| now.duration_since(at) < PULSE) {
            return Ok(self);
        }
        sweep.counted_at = Some(now);
        self.backlog().await.map(|(stage, _)| stage)
    }

    fn measure(&self, batch: &[OutboxRecord]) {
        let at = self.clock.now();
        for record in batch {
            tracing::debug!(topic = record.topic, row = record.row, trace = record.trace(), "acknowledged");
            self.metrics.acknowledged(at.since(record.recorded_at), at.since(record.captured_at));
        }
    }

    async fn note(mut self, sweep: &mut Sweep) -> Result<Self, StoreError> {
        let at = self.clock.now();
        let rows: Vec<i64> = sweep.unnoted.iter().copied().collect();
        let (outbox, outcome) = blocking(self.outbox, move |outbox| outbox.mark_sent(&rows, at)).await?;
        self.outbox = outbox;
        if self.answered(outcome)?.is_some() {
            sweep.unnoted.clear();
        }
        Ok(self)
    }

    /// Sends what is kept in memory, but for topics of which the outbox still has something.
    async fn send_from_memory(
        mut self,
        kept: Vec<(u64, OutboxRecord)>,
        held: HashSet<String>,
        (committed, sweep): (&mut watch::Receiver<u64>, &mut Sweep),
        deadline: Option<Instant>,
    ) -> Result<(Self, Sent), StoreError> {
        let Some(memory) = self.memory.clone() else { return Ok((self, Sent::Nothing)) };
        let (numbers, records): (Vec<u64>, Vec<OutboxRecord>) =
            kept.into_iter().filter(|(_, record)| !held.contains(&record.topic)).unzip();
        if records.is_empty() {
            return Ok((self, Sent::Nothing));
        }
        match self.publish(&records, committed, deadline).await {
            Ok(()) => {
                sweep.backoff.succeeded();
                self.ready();
                self.measure(&records);
                self.metrics.from_memory(records.len());
                memory.mark_sent(&numbers, self.clock.now());
                Ok((self, Sent::Some))
            }
            Err(why) => {
                self.failing(&why);
                Ok((self, Sent::Failed(sweep.backoff.failed())))
            }
        }
    }

    /// Tells the gauges how much is unsent and how old it is.
    async fn backlog(mut self) -> Result<(Self, u64), StoreError> {
        let (outbox, outcome) = blocking(self.outbox, Outbox::backlog).await?;
        self.outbox = outbox;
        let backlog = self.answered(outcome)?;
        if let Some(backlog) = backlog {
            let now = self.clock.now();
            self.metrics.backlog(backlog.depth, backlog.oldest.map(|oldest| now.since(oldest)));
        }
        Ok((self, backlog.map_or(0, |backlog| backlog.depth)))
    }

    /// A transient store error is noted and comes back as none.
    fn answered<T>(&self, outcome: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Transient(message) | StoreError::Full(message)) => {
                self.failing(&PublishError { reason: "store", message });
                Ok(None)
            }
            Err(fatal) => Err(fatal),
        }
    }

    fn ready(&self) {
        self.metrics.ready(true);
        if let StageHealth::Failing { reason, message } = self.health.send_replace(StageHealth::Ready) {
            tracing::info!(reason, was = message, "sending to Kafka again");
        }
    }

    /// Logged once per reason, not per try.
    fn failing(&self, why: &PublishError) {
        self.metrics.failed(why.reason);
        self.metrics.ready(false);
        self.health.send_if_modified(|health| {
            let changed = !matches!(health, StageHealth::Failing { reason, .. } if *reason == why.reason);
            if changed {
                tracing::error!(reason = why.reason, error = %why, "records do not get to Kafka; they wait in the outbox");
                *health = StageHealth::Failing { reason: why.reason, message: why.message.clone() };
            }
            changed
        });
    }
}

/// What became of a batch.
enum Sent {
    /// It was sent, but for topics that are stuck.
    Some,
    /// There was none.
    Nothing,
    /// Nothing gets through; pause for so long.
    Failed(Duration),
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
