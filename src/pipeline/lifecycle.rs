//! The port behind which the states of alerts are kept, and the stage that looks at deadlines.
//!
//! Every change is one transaction with its outbox row. Whoever asks for one gets it done, or told why not; what is repeated is
//! done once. The store is asked with blocking calls.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::ports::{Clock, Decided, Recorded, StoreError};
use crate::backoff::Backoff;
use crate::domain::ids::AlertId;
use crate::domain::lifecycle::{
    Adjacency, Deadlines, Entry, Fate, Lifecycle, Refused, Request, Role, Timer, UNDO_DEFAULT,
};
use crate::domain::time::Timestamp;
use crate::metrics::lifecycle::LifecycleMetrics;

/// How often deadlines are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Others' clocks may be ahead of ours by so much; what they say of a later moment is not taken.
pub const AHEAD_MAX: Duration = Duration::from_mins(1);
/// Alerts that are looked at in one transaction.
const DUE_AT_ONCE: usize = 200;

/// What the site has decided about how alerts are handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long steps may take.
    pub deadlines: Deadlines,
    /// How long who dismissed an alert can take it back.
    pub undo_within: Duration,
    /// Which places are neighbours.
    pub adjacency: Adjacency,
    /// Whose answers are taken.
    pub systems: Vec<DispatchSystem>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            undo_within: UNDO_DEFAULT,
            adjacency: Adjacency::default(),
            systems: Vec::new(),
        }
    }
}

/// A dispatch system that may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchSystem {
    /// How it calls itself.
    pub id: String,
    /// For whom it may speak.
    pub roles: Vec<Role>,
}

impl Policy {
    /// Why an answer of this system for this role is not taken; none where it is.
    pub fn distrusts(&self, system: &str, role: Role) -> Option<String> {
        match self.systems.iter().find(|known| known.id == system) {
            None => Some(format!("no dispatch system {system:?} is configured here; see [[dispatch]]")),
            Some(known) if !known.roles.contains(&role) => {
                let roles: Vec<&str> = known.roles.iter().map(|role| role.as_str()).collect();
                Some(format!("dispatch system {system} may speak for {}, not for {role}", roles.join(", ")))
            }
            Some(_) => None,
        }
    }
}

/// An alert as it stands with people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub alert: AlertId,
    /// Its kind, in the contract's word.
    pub kind: String,
    /// The camera that saw it.
    pub camera: Option<String>,
    /// 1 to 4.
    pub priority: u8,
    /// When it is too old.
    pub expires_at: Timestamp,
    /// The incident that it belongs to.
    pub incident: Option<AlertId>,
    /// What was done with it.
    pub life: Lifecycle,
    /// The alert's own newest revision.
    pub alert_revision: u32,
    /// Records of its state so far; 0: nothing was said, it is new.
    pub state_revision: u32,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is no such alert, or none of which people are told.
    Unknown,
    /// It is not as who asked thinks.
    Stale(Box<Standing>),
    /// It is not to be done.
    Refused(Refused, Box<Standing>),
    /// It is done, now or before. With it an alert that a person raised may have ended: that revision, for the feed.
    Done(Box<Entry>, Fate, Box<Standing>, Option<Recorded>),
}

/// A change of an alert's state, as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Counts them all, in the order of recording.
    pub row: i64,
    /// Of which alert.
    pub alert: AlertId,
    /// The JSON that Kafka carries.
    pub json: Arc<str>,
}

/// What the service itself did because of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// A deadline has passed.
    Overdue(AlertId, Timer),
    /// An alert is too old.
    Expired(AlertId),
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The id of the first alert about it.
    pub id: AlertId,
    /// What it is, in the contract's word.
    pub kind: String,
    /// When its first alert was captured.
    pub began_at: Timestamp,
    /// When its last alert was captured.
    pub last_at: Timestamp,
    /// Its alerts, first seen first.
    pub sightings: Vec<Standing>,
}

/// Keeps what people do with alerts. Calls block.
pub trait LifecycleStore: Send + Sync {
    /// How an alert stands; none where people were not told of it.
    fn standing(&self, alert: AlertId) -> Result<Option<Standing>, StoreError>;
    /// Does something with an alert. `expected`: only if the alert and its state are at these revisions.
    fn apply(
        &self,
        alert: AlertId,
        request: Request,
        expected: Option<(u32, u32)>,
        now: Timestamp,
    ) -> Result<Outcome, StoreError>;
    /// Records an alert that a person raised. Told again under the same request's id, it is recorded once.
    fn report(&self, request: &str, decided: &Decided, now: Timestamp) -> Result<Recorded, StoreError>;
    /// Raises escalations and lets alerts expire, as far as it is time for it; at most so many.
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Noticed>, StoreError>;
    /// Changes of states after a row, in order.
    fn changes_after(&self, row: i64, limit: usize) -> Result<Vec<StateChange>, StoreError>;
    /// The last row of them; 0 where there is none.
    fn last_change(&self) -> Result<i64, StoreError>;
    /// The last published state of each of these alerts; those that are new have none.
    fn states(&self, alerts: &[AlertId]) -> Result<Vec<StateChange>, StoreError>;
    /// Incidents, the newest first; those that began before the one named.
    fn incidents(&self, before: Option<AlertId>, limit: usize) -> Result<Vec<Incident>, StoreError>;
    /// One incident.
    fn incident(&self, id: AlertId) -> Result<Option<Incident>, StoreError>;
}

/// The stage that looks at deadlines.
pub struct DeadlineStage {
    /// Where states are kept.
    pub store: Arc<dyn LifecycleStore>,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<LifecycleMetrics>,
    /// Who shows states: the last row.
    pub states: watch::Sender<i64>,
}

impl DeadlineStage {
    /// Looks until it is told to stop. A store that does not answer is asked again; that it does not is the record stage's to say.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut backoff = Backoff::new(LOOK_EVERY, Duration::from_secs(10));
        loop {
            let pause = match self.look().await {
                Ok(noticed) if noticed == DUE_AT_ONCE => Duration::ZERO,
                Ok(_) => {
                    backoff.succeeded();
                    LOOK_EVERY
                }
                Err(error) => {
                    tracing::warn!(%error, "deadlines of alerts cannot be looked at");
                    backoff.failed()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
        }
    }

    async fn look(&self) -> Result<usize, StoreError> {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let done = tokio::task::spawn_blocking(move || {
            let noticed = store.due(now, DUE_AT_ONCE)?;
            let last = if noticed.is_empty() { None } else { Some(store.last_change()?) };
            Ok((noticed, last))
        });
        let (noticed, last) =
            done.await.map_err(|e| StoreError::Fatal(format!("looking at deadlines broke: {e}")))??;
        for what in &noticed {
            match what {
                Noticed::Overdue(alert, timer) => {
                    self.metrics.escalated(timer.as_str());
                    tracing::warn!(%alert, timer = timer.as_str(), "a deadline has passed");
                }
                Noticed::Expired(_) => self.metrics.applied("expire", "applied"),
            }
        }
        if let Some(last) = last {
            self.states.send_replace(last);
        }
        Ok(noticed.len())
    }
}
