//! The upkeep of the store, beside the line: how much room it has, what may go, and the word of it to people.
//!
//! While room is short the service is not ready and says why, and one alert of kind `store` is open. Never deletes what is unsent,
//! open or still to be kept: it asks the store for small steps, so that commits do not wait. Knows nothing of SQLite.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::health::StageHealth;
use super::packet::{CaptureClock, ClockQuality};
use super::ports::{Clock, Decided, Fact, StoreError};
use super::record::blocking;
use crate::domain::alert::{AlertChange, AlertKind, Certainty, Cue, EndReason, Phase, Status};
use crate::domain::camera::{CameraCard, Privacy, Purpose};
use crate::domain::ids::{CameraId, IdSeed, NodeId};
use crate::domain::rules::Deliver;
use crate::domain::time::Timestamp;
use crate::metrics::store::StoreMetrics;

/// How often the store's room is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a sweep over what may go begins, while there is room.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Steps of one sweep between two looks: what is left is done after the next one.
const STEPS: usize = 40;
/// Room within the quota is short below this share of it, and no longer so above the second.
const SHORT_SHARE: f64 = 0.10;
const ENOUGH_SHARE: f64 = 0.15;
/// Room on the disk is short below the reserve's size, or this where the reserve is smaller.
const DISK_MIN_BYTES: u64 = 1 << 20;

/// What the stage needs from the store. Calls block.
pub trait StoreUpkeep: Send {
    /// How much room there is; takes the reserve again where there is enough.
    fn room(&mut self) -> Result<Room, StoreError>;
    /// Deletes a little of what may go, oldest first; with `pressed`, sent records at once, however young.
    fn prune(&mut self, now: Timestamp, pressed: bool) -> Result<Pruned, StoreError>;
}

/// The store's room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// What the database may take; none: what the disk has.
    pub quota_bytes: Option<u64>,
    /// What of it is in use.
    pub used_bytes: u64,
    /// What the reserve should be.
    pub reserve_bytes: u64,
    /// What of it is there.
    pub held_bytes: u64,
    /// What is free on the disk, beside the reserve.
    pub disk_free_bytes: u64,
}

/// What a step deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records that Kafka has.
    pub sent: usize,
    /// Alerts, with their changes and explanations.
    pub alerts: usize,
    /// Blind intervals.
    pub blind: usize,
    /// Whether there may be more to delete now.
    pub more: bool,
}

impl Room {
    /// Why room is short, in words for people; none where it is not. What is short stays so until there is clearly room again.
    pub fn shortage(&self, was_short: bool) -> Option<String> {
        let mib = |bytes: u64| bytes >> 20;
        if self.held_bytes < self.reserve_bytes {
            return Some(format!(
                "the store's reserve is in use ({} of {} MiB left, {} MiB free on the disk); free space on its disk or raise store.quota_mb",
                mib(self.held_bytes),
                mib(self.reserve_bytes),
                mib(self.disk_free_bytes)
            ));
        }
        let disk_min = self.reserve_bytes.max(DISK_MIN_BYTES) * if was_short { 2 } else { 1 };
        if self.disk_free_bytes < disk_min {
            return Some(format!(
                "the store's disk is nearly full: {} MiB free, wants {} MiB; free space on it",
                mib(self.disk_free_bytes),
                mib(disk_min)
            ));
        }
        let quota = self.quota_bytes?;
        let left = quota.saturating_sub(self.reserve_bytes).saturating_sub(self.used_bytes);
        let share = if was_short { ENOUGH_SHARE } else { SHORT_SHARE };
        ((left as f64) < quota as f64 * share).then(|| {
            format!(
                "the store has used up nearly all of its quota: {} of {} MiB; raise store.quota_mb or shorten store.retention_days",
                mib(self.used_bytes),
                mib(quota)
            )
        })
    }
}

/// The stage.
pub struct UpkeepStage<S> {
    /// The store.
    pub store: S,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<StoreMetrics>,
    /// To the record stage: the alert about the store itself.
    pub facts: mpsc::Sender<Fact>,
    /// Whether there is room.
    pub health: watch::Sender<StageHealth>,
    /// Who speaks.
    pub node: NodeId,
}

/// What people have been told of the store.
struct Told {
    ids: IdSeed,
    short: bool,
    open: Option<AlertChange>,
}

impl<S: StoreUpkeep + 'static> UpkeepStage<S> {
    /// Runs until it is aborted or the store fails for good.
    pub async fn run(mut self) -> Result<(), StoreError> {
        let started = self.clock.now();
        let mut told = Told {
            ids: IdSeed::from_texts(&["store", self.node.as_str(), &started.as_nanos().to_string()]),
            short: false,
            open: None,
        };
        let mut swept_at: Option<Timestamp> = None;
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let (store, room) = blocking(self.store, StoreUpkeep::room).await?;
            self.store = store;
            match room {
                Ok(room) => self.tell(&room, &mut told),
                Err(StoreError::Fatal(why)) => return Err(StoreError::Fatal(why)),
                // The record stage says what ails the store.
                Err(StoreError::Transient(_) | StoreError::Full(_)) => continue,
            }
            let (now, pressed) = (self.clock.now(), told.short);
            if pressed || swept_at.is_none_or(|at| now.since(at) >= SWEEP_EVERY) {
                let (stage, done) = self.sweep(pressed).await?;
                self = stage;
                if done {
                    swept_at = Some(now);
                }
            }
        }
    }

    /// Deletes what may go, step by step; says whether all of it is gone.
    async fn sweep(mut self, pressed: bool) -> Result<(Self, bool), StoreError> {
        for _ in 0..STEPS {
            let now = self.clock.now();
            let (store, pruned) = blocking(self.store, move |store| store.prune(now, pressed)).await?;
            self.store = store;
            match pruned {
                Ok(pruned) => {
                    self.metrics.pruned(pruned.sent, pruned.alerts, pruned.blind);
                    if !pruned.more {
                        return Ok((self, true));
                    }
                }
                Err(StoreError::Fatal(why)) => return Err(StoreError::Fatal(why)),
                Err(StoreError::Transient(_) | StoreError::Full(_)) => return Ok((self, true)),
            }
            // Whoever commits takes its turn between two steps.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok((self, false))
    }

    fn tell(&self, room: &Room, told: &mut Told) {
        let shortage = room.shortage(told.short);
        self.metrics.room(room, shortage.is_some());
        let was_short = std::mem::replace(&mut told.short, shortage.is_some());
        let now = self.clock.now();
        // Where the line waits already, the alert is opened, or ended, at a later look.
        match &told.open {
            None if told.short => {
                let opened = opened(told.ids.next(now, "store"), &self.node, now);
                told.open = self.hand_on(&opened).then_some(opened);
            }
            Some(open) if !told.short && self.hand_on(&ended(open, now)) => told.open = None,
            _ => {}
        }
        let health = if let Some(message) = shortage {
            if !was_short {
                tracing::error!(error = message, "the store has hardly any room");
            }
            StageHealth::Failing { reason: "store_nearly_full", message }
        } else {
            if was_short {
                tracing::info!("the store has room again");
            }
            StageHealth::Ready
        };
        self.health.send_replace(health);
    }

    fn hand_on(&self, change: &AlertChange) -> bool {
        let at = change.captured_at;
        let card = CameraCard {
            id: change.camera.clone(),
            name: None,
            address: None,
            position: None,
            gb_id: None,
            place_code: None,
            org_code: None,
            grid_code: None,
            site_id: None,
            playback_url: None,
            privacy: Privacy { purpose: Purpose::FacilitySafety, basis: None, mask_rev: 0, retention_days: 30 },
        };
        let decided = Decided {
            change: change.clone(),
            camera: Arc::new(card),
            clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
            detected_at: at,
            frame: None,
            model: None,
            explanation: None,
        };
        self.facts.try_send(Fact::Alert(Box::new(decided))).is_ok()
    }
}

fn opened(id: crate::domain::ids::AlertId, node: &NodeId, at: Timestamp) -> AlertChange {
    let (severity, urgency) = AlertKind::Store.defaults();
    AlertChange {
        id,
        revision: 1,
        phase: Phase::Opened,
        status: Status::System,
        deliver: Deliver::Alert,
        held_back: false,
        watched: None,
        kind: AlertKind::Store,
        cues: vec![Cue::Stream],
        // It concerns no camera; the contract puts the node in the place of this.
        camera: CameraId::parse(node.as_str()).expect("a node's id is a slug, as a camera's is"),
        rule: None,
        zone: None,
        captured_at: at,
        started_at: at,
        ended_at: None,
        end_reason: None,
        severity,
        urgency,
        certainty: Certainty::Observed,
        confidence: None,
        count: 0,
        objects: Vec::new(),
        crossing: None,
    }
}

fn ended(open: &AlertChange, at: Timestamp) -> AlertChange {
    AlertChange {
        revision: open.revision + 1,
        phase: Phase::Ended,
        captured_at: at,
        ended_at: Some(at),
        end_reason: Some(EndReason::Left),
        ..open.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::metrics::Metrics;
    use std::sync::Mutex;

    const MIB: u64 = 1 << 20;

    fn roomy() -> Room {
        Room {
            quota_bytes: Some(1000 * MIB),
            used_bytes: 100 * MIB,
            reserve_bytes: 50 * MIB,
            held_bytes: 50 * MIB,
            disk_free_bytes: 900 * MIB,
        }
    }

    #[test]
    fn room_is_short_by_disk_by_quota_and_by_the_reserve_and_is_so_until_there_is_clearly_room() {
        assert_eq!(roomy().shortage(false), None);
        let disk = Room { disk_free_bytes: 49 * MIB, ..roomy() };
        assert!(disk.shortage(false).is_some_and(|why| why.contains("49 MiB free")), "{disk:?}");
        let between = Room { disk_free_bytes: 70 * MIB, ..roomy() };
        assert!(between.shortage(false).is_none() && between.shortage(true).is_some());
        let quota = Room { used_bytes: 851 * MIB, ..roomy() };
        assert!(quota.shortage(false).is_some_and(|why| why.contains("quota_mb")), "{quota:?}");
        let between = Room { used_bytes: 820 * MIB, ..roomy() };
        assert!(between.shortage(false).is_none() && between.shortage(true).is_some());
        let spent = Room { held_bytes: 10 * MIB, ..roomy() };
        assert!(spent.shortage(false).is_some_and(|why| why.contains("reserve")), "{spent:?}");
        assert_eq!(Room { quota_bytes: None, used_bytes: 5000 * MIB, ..roomy() }.shortage(true), None);
    }

    /// A store whose room is set by the test; counts how it was pruned.
    #[derive(Clone)]
    struct SetRoom(Arc<Mutex<(Room, usize)>>);

    impl StoreUpkeep for SetRoom {
        fn room(&mut self) -> Result<Room, StoreError> {
            Ok(self.0.lock().unwrap().0)
        }

        fn prune(&mut self, _now: Timestamp, pressed: bool) -> Result<Pruned, StoreError> {
            self.0.lock().unwrap().1 += usize::from(pressed);
            Ok(Pruned { sent: 7, ..Pruned::default() })
        }
    }

    #[tokio::test]
    async fn a_shortage_is_one_alert_of_the_node_and_ends_with_it() {
        let set = SetRoom(Arc::new(Mutex::new((roomy(), 0))));
        let (facts, mut told) = mpsc::channel(8);
        let (health, mut said) = watch::channel(StageHealth::Starting);
        let stage = UpkeepStage {
            store: set.clone(),
            clock: Arc::new(SystemClock),
            metrics: Metrics::new().unwrap().store,
            facts,
            health,
            node: NodeId::parse("node-1").unwrap(),
        };
        let running = tokio::spawn(stage.run());
        said.wait_for(StageHealth::is_ready).await.unwrap();
        set.0.lock().unwrap().0.disk_free_bytes = 0;
        said.wait_for(|health| matches!(health, StageHealth::Failing { reason: "store_nearly_full", .. }))
            .await
            .unwrap();
        let mut next = async || match told.recv().await {
            Some(Fact::Alert(decided)) => decided.change,
            other => panic!("{other:?}"),
        };
        let opening = next().await;
        assert_eq!((opening.kind, opening.phase, opening.status), (AlertKind::Store, Phase::Opened, Status::System));
        set.0.lock().unwrap().0 = roomy();
        let end = next().await;
        assert_eq!((end.id, end.revision, end.phase), (opening.id, 2, Phase::Ended));
        said.wait_for(StageHealth::is_ready).await.unwrap();
        assert!(set.0.lock().unwrap().1 > 0, "sent records go at once while room is short");
        running.abort();
    }
}
