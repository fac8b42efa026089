//! Copies of the store, made beside the line every so often; not while room is short.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::health::StageHealth;
use super::ports::{Clock, StoreError};
use super::record::blocking;
use crate::domain::time::Timestamp;
use crate::metrics::store::StoreMetrics;

/// How often it is asked whether a copy is due. A copy that failed is tried again after this.
const ASK_EVERY: Duration = Duration::from_mins(5);

/// Makes copies of the store. Calls block, for as long as the store is large.
pub trait StoreBackups: Send {
    /// When the newest was made.
    fn newest(&mut self) -> Option<Timestamp>;
    /// Makes one, and removes the oldest where there are enough; gives where it is.
    fn make(&mut self, now: Timestamp) -> Result<PathBuf, StoreError>;
}

/// Makes a copy whenever the newest is older than `every`; runs until it is aborted.
pub async fn run_backups<B: StoreBackups + 'static>(
    mut backups: B,
    every: Duration,
    (clock, metrics): (Arc<dyn Clock>, Arc<StoreMetrics>),
    room: watch::Receiver<StageHealth>,
) -> Result<(), StoreError> {
    let mut ask = tokio::time::interval(ASK_EVERY);
    ask.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ask.tick().await;
        if matches!(*room.borrow(), StageHealth::Failing { .. }) {
            continue;
        }
        let now = clock.now();
        let (back, made) = blocking(backups, move |backups| match backups.newest() {
            Some(newest) if now.since(newest) < every => Ok(None),
            _ => backups.make(now).map(Some),
        })
        .await?;
        backups = back;
        match made {
            Ok(None) => {}
            Ok(Some(path)) => {
                metrics.backed_up(now);
                tracing::info!(path = %path.display(), "the store was copied");
            }
            Err(error) => {
                metrics.backup_failed();
                tracing::error!(%error, "the store could not be copied; it is tried again");
            }
        }
    }
}
