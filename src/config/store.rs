//! How the store is kept: its room, and for how long what is in it.

use std::time::Duration;

use super::table::Table;

pub(super) const KEYS: &[&str] =
    &["quota_mb", "reserve_mb", "keep_sent_h", "retention_days", "slow_commit_s", "backup_every_h", "backup_keep"];

const MIB: u64 = 1 << 20;
const HOUR: u64 = 60 * 60;

/// `[store]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The database may grow to this size, the reserve within it.
    pub quota_bytes: u64,
    /// What is taken beforehand for when disk or quota are full.
    pub reserve_bytes: u64,
    /// How long what Kafka has acknowledged stays in the outbox.
    pub keep_sent: Duration,
    /// How long alerts that ended, their explanations and blind intervals are kept.
    pub retention: Duration,
    /// A commit that takes longer is told: the disk is slow or hangs.
    pub slow_commit: Duration,
    /// How often a copy of the database is made; none: never.
    pub backup_every: Option<Duration>,
    /// How many copies are kept.
    pub backup_keep: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            // About two million alert changes.
            quota_bytes: 8192 * MIB,
            reserve_bytes: 64 * MIB,
            keep_sent: Duration::from_secs(24 * HOUR),
            retention: Duration::from_secs(90 * 24 * HOUR),
            slow_commit: Duration::from_secs(5),
            backup_every: Some(Duration::from_secs(24 * HOUR)),
            backup_keep: 3,
        }
    }
}

impl StoreSettings {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let base = Self::default();
        let mib = |key, range| table.whole(key, range).map(|mib| u64::from(mib) * MIB);
        let hours = |key, range| table.whole(key, range).map(|hours| Duration::from_secs(u64::from(hours) * HOUR));
        let quota_bytes = mib("quota_mb", 16..=u32::MAX).unwrap_or(base.quota_bytes);
        let reserve_bytes = mib("reserve_mb", 1..=65536).unwrap_or(base.reserve_bytes.min(quota_bytes / 4));
        if reserve_bytes > quota_bytes / 2 {
            table.wrong::<()>("reserve_mb", "is more than half of quota_mb; wants less, since it is within the quota");
        }
        let retention =
            table.whole("retention_days", 1..=3650).map(|days| Duration::from_secs(u64::from(days) * 24 * HOUR));
        Self {
            quota_bytes,
            reserve_bytes,
            keep_sent: hours("keep_sent_h", 0..=8760).unwrap_or(base.keep_sent),
            retention: retention.unwrap_or(base.retention),
            slow_commit: table.seconds("slow_commit_s", 0.1..=600.0).unwrap_or(base.slow_commit),
            backup_every: hours("backup_every_h", 0..=8760)
                .map_or(base.backup_every, |every| (!every.is_zero()).then_some(every)),
            backup_keep: table.whole("backup_keep", 1..=100).unwrap_or(base.backup_keep),
        }
    }
}
