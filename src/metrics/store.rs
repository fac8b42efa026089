//! Metrics of the store's upkeep.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use crate::domain::time::Timestamp;
use crate::pipeline::upkeep::Room;

/// Metrics of the store's upkeep.
#[derive(Debug)]
pub struct StoreMetrics {
    used_bytes: IntGauge,
    quota_bytes: IntGauge,
    disk_free_bytes: IntGauge,
    reserve_bytes: IntGauge,
    nearly_full: IntGauge,
    pruned: IntCounterVec,
    backups: IntCounterVec,
    backed_up_at: IntGauge,
}

impl StoreMetrics {
    /// Declares them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| super::add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            used_bytes: gauge("lightbar_store_used_bytes", "What the store's database uses of its file.")?,
            quota_bytes: gauge("lightbar_store_quota_bytes", "What the store's database may take; 0 without a quota.")?,
            disk_free_bytes: gauge(
                "lightbar_store_disk_free_bytes",
                "What is free on the store's disk, beside the reserve.",
            )?,
            reserve_bytes: gauge(
                "lightbar_store_reserve_bytes",
                "What is left of the reserve for a full disk or quota.",
            )?,
            nearly_full: gauge("lightbar_store_nearly_full", "1 while the store has hardly any room.")?,
            pruned: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new(
                        "lightbar_store_pruned_total",
                        "What was deleted when its time was up, by kind: sent_records, alerts, blind_intervals.",
                    ),
                    &["kind"],
                )?,
            )?,
            backups: super::add(
                registry,
                IntCounterVec::new(
                    Opts::new("lightbar_store_backups_total", "Copies of the database, by outcome: made, failed."),
                    &["outcome"],
                )?,
            )?,
            backed_up_at: gauge(
                "lightbar_store_backup_timestamp_seconds",
                "When this run of the service last copied the database, in Unix time; 0: not yet.",
            )?,
        })
    }

    /// How much room there is.
    pub fn room(&self, room: &Room, short: bool) {
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.used_bytes.set(gauge(room.used_bytes));
        self.quota_bytes.set(gauge(room.quota_bytes.unwrap_or(0)));
        self.disk_free_bytes.set(gauge(room.disk_free_bytes));
        self.reserve_bytes.set(gauge(room.held_bytes));
        self.nearly_full.set(short.into());
    }

    /// A copy was made.
    pub fn backed_up(&self, at: Timestamp) {
        self.backups.with_label_values(&["made"]).inc();
        self.backed_up_at.set(at.as_millis() / 1000);
    }

    /// A copy could not be made.
    pub fn backup_failed(&self) {
        self.backups.with_label_values(&["failed"]).inc();
    }

    /// What was deleted.
    pub fn pruned(&self, sent: usize, alerts: usize, blind: usize) {
        for (kind, count) in [("sent_records", sent), ("alerts", alerts), ("blind_intervals", blind)] {
            self.pruned.with_label_values(&[kind]).inc_by(count as u64);
        }
    }
}
