//! The evidence stage: for each alert that opens, a task that follows the camera's ring until the alert is over.
//!
//! It hears of changes from the record stage, after their commit, and tells what it has made as facts of its own: an alert never waits for
//! its evidence. What it has no room for is refused and counted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::follow::Follow;
use super::{Media, Rings, Vault, Wish};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::metrics::evidence::EvidenceMetrics;
use crate::pipeline::ports::{Clock, Fact};

/// Changes that wait for the stage; more are refused.
pub const QUEUE: usize = 1024;
/// Alerts of which clips are made at the same time; of more there is none.
const AT_ONCE: usize = 64;
/// Alerts that are remembered: of one that was sent from memory and recorded later is told twice.
const REMEMBERED: usize = 4 * QUEUE;

/// How much is kept of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceSettings {
    /// What is kept of the time before the alert.
    pub pre_roll: Duration,
    /// And of the time after it.
    pub post_roll: Duration,
    /// No clip is longer, rolls included.
    pub longest: Duration,
}

/// The evidence stage.
pub struct EvidenceStage {
    /// How much is kept.
    pub settings: EvidenceSettings,
    /// Where packets are.
    pub rings: Rings,
    /// Makes clips and pictures.
    pub media: Arc<dyn Media>,
    /// Keeps them.
    pub vault: Arc<dyn Vault>,
    /// Where evidence that is ready is told.
    pub facts: mpsc::Sender<Fact>,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<EvidenceMetrics>,
    /// The hash of the configuration that runs.
    pub configuration: String,
}

impl EvidenceStage {
    /// Runs until told to stop; then clips that are not done end where they are, marked as cut, and all is sealed and told.
    pub async fn run(self, mut wishes: mpsc::Receiver<Wish>, stop: watch::Receiver<bool>) {
        self.tell_left_behind().await;
        let mut stopped = stop.clone();
        let mut begun = BTreeSet::new();
        let stage = Arc::new(self);
        let mut following: JoinSet<AlertId> = JoinSet::new();
        let mut ends: HashMap<AlertId, watch::Sender<Option<Timestamp>>> = HashMap::new();
        loop {
            tokio::select! {
                biased;
                Some(done) = following.join_next(), if !following.is_empty() => {
                    match done {
                        Ok(alert) => drop(ends.remove(&alert)),
                        Err(error) => tracing::error!(%error, "making evidence panicked"),
                    }
                    stage.metrics.in_flight(following.len());
                }
                _ = stopped.wait_for(|stop| *stop) => break,
                wish = wishes.recv() => {
                    let Some(wish) = wish else { break };
                    if let Some(end) = ends.get(&wish.alert) {
                        end.send_if_modified(|end| {
                            let news = wish.ended_at.is_some() && *end != wish.ended_at;
                            if news {
                                *end = wish.ended_at;
                            }
                            news
                        });
                    } else if wish.opens && begun.insert(wish.alert) {
                        // Ids sort by time: the oldest are forgotten.
                        if begun.len() > REMEMBERED {
                            begun.pop_first();
                        }
                        let Some(ring) = stage.ring(&wish, following.len()) else { continue };
                        let (end, ended) = watch::channel(wish.ended_at);
                        ends.insert(wish.alert, end);
                        let follow = Follow { stage: Arc::clone(&stage), wish, ring, ended, stop: stop.clone() };
                        following.spawn(follow.run());
                        stage.metrics.in_flight(following.len());
                    }
                }
            }
        }
        while let Some(done) = following.join_next().await {
            if let Err(error) = done {
                tracing::error!(%error, "making evidence panicked");
            }
        }
        stage.metrics.in_flight(0);
    }

    fn ring(&self, wish: &Wish, following: usize) -> Option<crate::pipeline::ring::SharedRing> {
        let ring = self.rings.of(&wish.camera);
        let reason = match &ring {
            None => "no_stream",
            Some(_) if following >= AT_ONCE => "busy",
            Some(_) => return ring,
        };
        self.metrics.refused(reason);
        tracing::warn!(alert = %wish.alert, camera = %wish.camera, reason, "there is no evidence of this alert");
        None
    }

    /// What a crash left is sealed as it was found: it cannot be made again.
    async fn tell_left_behind(&self) {
        let vault = Arc::clone(&self.vault);
        let found = tokio::task::spawn_blocking(move || {
            let stories = vault.left_behind()?;
            let seal = |story: super::Story| {
                // It died before the first byte.
                let nothing = story.pieces.is_empty();
                let sealed = if nothing { vault.discard(&story).map(|()| Vec::new()) } else { vault.seal(&story) };
                (story.alert, sealed)
            };
            Ok::<_, super::VaultError>(stories.into_iter().map(seal).collect::<Vec<_>>())
        });
        match found.await {
            Ok(Ok(sealed)) => {
                for (alert, outcome) in sealed {
                    match outcome {
                        Ok(sealed) if sealed.is_empty() => {}
                        Ok(sealed) => {
                            tracing::warn!(%alert, "evidence that the last run did not finish is kept as it was found");
                            self.metrics.sealed(&sealed);
                            if self.facts.send(Fact::Evidence { alert, sealed }).await.is_err() {
                                return;
                            }
                        }
                        Err(error) => tracing::error!(%alert, %error, "evidence of the last run cannot be sealed"),
                    }
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "what the last run left of evidence cannot be read"),
            Err(error) => tracing::error!(%error, "looking for what the last run left of evidence panicked"),
        }
    }
}
