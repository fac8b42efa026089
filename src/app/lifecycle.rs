//! What people and patrols do with alerts: the store behind it, the deadlines, the answers from Kafka.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::serving;
use crate::config::{LifecycleSettings, Settings};
use crate::contract::Site;
use crate::kafka::KafkaAnswers;
use crate::metrics::Metrics;
use crate::pipeline::answers::AnswerStage;
use crate::pipeline::health::StageHealth;
use crate::pipeline::lifecycle::{DeadlineStage, DispatchSystem, LifecycleStore, Policy};
use crate::pipeline::ports::{Clock, Recorded, StoreError};
use crate::pipeline::status::StatusBoard;
use crate::store::Store;
use crate::web::{LifecycleDoor, Tokens};

/// What runs beside the line.
pub(super) struct Lifecycle {
    pub(super) door: LifecycleDoor,
    stop: watch::Sender<bool>,
    deadlines: JoinHandle<()>,
    answers: Option<JoinHandle<Result<(), StoreError>>>,
}

/// How alerts are handled here.
pub(super) fn policy(settings: &LifecycleSettings) -> Policy {
    let systems = settings.systems.iter().cloned().map(|system| DispatchSystem { id: system.id, roles: system.roles });
    Policy {
        deadlines: settings.deadlines,
        undo_within: settings.undo_within,
        adjacency: settings.adjacency.clone(),
        systems: systems.collect(),
    }
}

impl Lifecycle {
    /// Looks at deadlines and reads answers from now on.
    pub(super) fn start(
        settings: &Settings,
        (store, site, policy): (&Store, &Arc<Site>, &Arc<Policy>),
        (metrics, feed): (&Metrics, &broadcast::Sender<Recorded>),
        clock: &Arc<dyn Clock>,
        board: &Arc<StatusBoard>,
    ) -> anyhow::Result<Self> {
        let lives: Arc<dyn LifecycleStore> = Arc::new(store.lifecycles(Arc::clone(site), Arc::clone(policy))?);
        let states = watch::Sender::new(lives.last_change()?);
        let (stop, stopped) = watch::channel(false);
        let stage = DeadlineStage {
            store: Arc::clone(&lives),
            clock: Arc::clone(clock),
            metrics: Arc::clone(&metrics.lifecycle),
            states: states.clone(),
        };
        let deadlines = tokio::spawn(stage.run(stopped.clone()));
        let answers = if settings.kafka.enabled && !policy.systems.is_empty() {
            let topic = site.dispatch_status_topic();
            let (health, reading) = watch::channel(StageHealth::Starting);
            let (shown, now) = (Arc::clone(board), Arc::clone(clock));
            tokio::spawn(serving::watch_kafka(reading, shown, now, StatusBoard::set_answers));
            let stage = AnswerStage {
                store: store.answers(Arc::clone(site), Arc::clone(policy))?,
                source: KafkaAnswers::new(super::kafka_settings(&settings.kafka), topic.clone()),
                topic,
                clock: Arc::clone(clock),
                metrics: Arc::clone(&metrics.lifecycle),
                states: states.clone(),
                feed: feed.clone(),
                health,
            };
            Some(tokio::task::spawn_blocking(move || stage.run(|pause| waited(&stopped, pause))))
        } else {
            None
        };
        let tokens = Arc::new(Tokens::default());
        tokens.replace(settings.lifecycle.tokens());
        let door = LifecycleDoor { store: lives, states, policy: Arc::clone(policy), tokens };
        Ok(Self { door, stop, deadlines, answers })
    }

    /// Ends both; what was not committed is read again at the next start.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.deadlines.await.context("looking at deadlines panicked")?;
        if let Some(answers) = self.answers {
            answers.await.context("the answers stage panicked")?.context("dispatch answers could not be taken in")?;
        }
        Ok(())
    }
}

/// Waits on a thread that may block; says whether to stop.
fn waited(stopped: &watch::Receiver<bool>, pause: Duration) -> bool {
    const LOOK: Duration = Duration::from_millis(100);
    let mut left = pause;
    while !*stopped.borrow() && stopped.has_changed().is_ok() {
        if left.is_zero() {
            return false;
        }
        std::thread::park_timeout(left.min(LOOK));
        left = left.saturating_sub(LOOK);
    }
    true
}
