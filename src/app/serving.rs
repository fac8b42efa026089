//! What the service says of itself: the web server, and the latches and states that it shows.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::metrics::Metrics;
use crate::pipeline::health::StageHealth;
use crate::pipeline::ports::{Clock, Outbox, Recorded};
use crate::pipeline::status::{KafkaState, StatusBoard};
use crate::store::{SentOutbox, SharedReader, Store};
use crate::web::{self, DeskDoor, LifecycleDoor, WebError, WebState};

/// The running web server.
pub(super) struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), WebError>>,
}

/// What the web server shows.
pub(super) struct Shown<'a> {
    pub(super) store: &'a Store,
    pub(super) feed: &'a broadcast::Sender<Recorded>,
    pub(super) metrics: &'a Metrics,
    pub(super) board: &'a Arc<StatusBoard>,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) desk: DeskDoor,
    pub(super) lifecycle: LifecycleDoor,
}

impl Serving {
    /// Takes the address and serves from now on.
    pub(super) async fn start(settings: &Settings, shown: Shown<'_>) -> anyhow::Result<Self> {
        let listener = web::bind(settings.http.listen).await?;
        let address = listener.local_addr().context("the web server has no address")?;
        let reader = Arc::new(SharedReader::new(shown.store.reader()?));
        let state = WebState::new(
            reader,
            shown.feed.clone(),
            Arc::clone(shown.board),
            Arc::clone(shown.clock),
            shown.metrics.clone(),
        )
        .with_desk(shown.desk)
        .with_lifecycle(shown.lifecycle)
        .with_vault(&crate::evidence::folder(&settings.service.data_dir));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(web::serve(listener, state, async move {
            // A dropped sender stops the server as well.
            stopped.await.ok();
        }));
        Ok(Self { address, stop, server })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets running requests finish.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.server.await.context("the web server panicked")??;
        Ok(())
    }
}

/// Keeps a latch in step with a stage: the record stage's, and that of the store's room.
pub(super) async fn watch_latch(
    latch: &'static str,
    mut health: watch::Receiver<StageHealth>,
    board: Arc<StatusBoard>,
) {
    loop {
        match health.borrow_and_update().clone() {
            StageHealth::Ready => board.release(latch),
            StageHealth::Starting => {}
            StageHealth::Failing { reason, message } => board.hold(latch, format!("{reason}: {message}")),
        }
        if health.changed().await.is_err() {
            return board.hold(latch, "its stage has stopped");
        }
    }
}

/// Keeps on the board, through `set`, how a stage stands with Kafka: the relay, or the reading of dispatch answers. Not a latch:
/// the line works without Kafka.
pub(super) async fn watch_kafka(
    mut health: watch::Receiver<StageHealth>,
    board: Arc<StatusBoard>,
    clock: Arc<dyn Clock>,
    set: fn(&StatusBoard, KafkaState),
) {
    loop {
        match health.borrow_and_update().clone() {
            StageHealth::Ready => set(&board, KafkaState::Connected),
            StageHealth::Starting => {}
            StageHealth::Failing { reason, message } => {
                set(&board, KafkaState::Failing { since: clock.now(), reason, message });
            }
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

/// Keeps the outbox's depth and age on the board, also while Kafka is turned off and nobody relays.
pub(super) async fn watch_outbox(mut outbox: SentOutbox, board: Arc<StatusBoard>) {
    let mut look = tokio::time::interval(std::time::Duration::from_secs(1));
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            let backlog = outbox.backlog();
            (outbox, backlog)
        });
        let Ok((back, backlog)) = looked.await else { return };
        outbox = back;
        match backlog {
            Ok(backlog) => board.set_outbox(backlog),
            Err(error) => tracing::warn!(%error, "cannot ask the outbox for its depth"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn the_publishers_own_word_reaches_the_board() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let board = Arc::new(StatusBoard::new(clock.now(), &[]));
        let message = "Kafka has no topic alerts; create it".to_owned();
        let (said, health) = watch::channel(StageHealth::Failing { reason: "topic_missing", message: message.clone() });
        let watching = tokio::spawn(watch_kafka(health, Arc::clone(&board), clock, StatusBoard::set_kafka));
        drop(said);
        watching.await.unwrap();
        let Some(KafkaState::Failing { reason, message: told, .. }) = board.kafka() else {
            panic!("{:?}", board.kafka())
        };
        assert_eq!((reason, told), ("topic_missing", message));
    }
}
