//! Keeps what stands before a camera, so that a restart does not make it new.
//!
//! Beside the line, not on it: a slow disk makes the next save later and holds up no alert. After a kill at most the last
//! seconds are unknown; a save follows an alert within half a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::ports::{BaselineStore, StoreError};
use crate::domain::baseline::Baseline;
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;

/// How often it is kept while nothing was said.
const EVERY: Duration = Duration::from_secs(10);

/// Where all cameras' baselines are kept.
pub type SharedBaselines = Arc<Mutex<dyn BaselineStore>>;

/// Keeps one camera's baseline.
pub struct Keeper {
    camera: CameraId,
    store: SharedBaselines,
    saving: Option<JoinHandle<Result<(), StoreError>>>,
    kept: Option<Baseline>,
    kept_at: Option<Timestamp>,
    urgent: bool,
    failing: bool,
}

impl Keeper {
    /// For a camera.
    pub fn new(camera: CameraId, store: SharedBaselines) -> Self {
        Self { camera, store, saving: None, kept: None, kept_at: None, urgent: false, failing: false }
    }

    /// What stood before the camera when it was last watched; nothing where that cannot be known.
    pub fn load(&self) -> Baseline {
        let loaded = self.store.lock().unwrap_or_else(PoisonError::into_inner).load(&self.camera);
        match loaded {
            Ok(baseline) => {
                if !baseline.things.is_empty() {
                    tracing::info!(camera = %self.camera, "{} things that stood before the restart are looked for", baseline.things.len());
                }
                baseline
            }
            Err(error) => {
                tracing::error!(camera = %self.camera, %error, "what stood before the restart cannot be read; it is new");
                Baseline::default()
            }
        }
    }

    /// An alert has opened: that it was told must be known after a kill, too.
    pub(super) const fn note_alert(&mut self) {
        self.urgent = true;
    }

    /// Whether it is time to keep it; never waits.
    pub(super) async fn is_due(&mut self, now: Timestamp) -> bool {
        if self.saving.as_ref().is_some_and(|saving| !saving.is_finished()) {
            return false;
        }
        self.finished().await;
        let due = self.urgent || self.kept_at.is_none_or(|at| now.since(at) >= EVERY);
        if due {
            (self.kept_at, self.urgent) = (Some(now), false);
        }
        due
    }

    /// Saves for the last time and waits for it.
    pub(super) async fn finish(mut self, baseline: Baseline) {
        self.finished().await;
        self.keep(baseline);
        self.finished().await;
    }

    /// Begins to save, where there is something new.
    pub(super) fn keep(&mut self, baseline: Baseline) {
        let same = |kept: &Baseline| kept.next_track == baseline.next_track && kept.things == baseline.things;
        if self.kept.as_ref().is_some_and(same) {
            return;
        }
        self.kept = Some(baseline.clone());
        let (store, camera) = (Arc::clone(&self.store), self.camera.clone());
        self.saving = Some(tokio::task::spawn_blocking(move || {
            store.lock().unwrap_or_else(PoisonError::into_inner).save(&camera, &baseline)
        }));
    }

    /// Waits for a save that is under way; a failure is logged once per state.
    async fn finished(&mut self) {
        let Some(saving) = self.saving.take() else { return };
        let outcome = match saving.await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(panic) => Err(panic.to_string()),
        };
        if let Err(error) = &outcome {
            self.kept = None;
            if !self.failing {
                tracing::warn!(camera = %self.camera, %error, "what stands before the camera cannot be kept; a restart would make it new");
            }
        }
        self.failing = outcome.is_err();
    }
}
