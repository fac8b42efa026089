//! How much is kept of what a camera saw when an alert was raised.

use std::time::Duration;

use super::table::Table;

pub(super) const KEYS: &[&str] = &["enabled", "pre_roll_s", "post_roll_s", "longest_s", "quota_mb", "min_free_mb"];

const MIB: u64 = 1 << 20;

/// `[evidence]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceSettings {
    /// Whether there is any.
    pub enabled: bool,
    /// What is kept of the time before the alert.
    pub pre_roll: Duration,
    /// And of the time after it.
    pub post_roll: Duration,
    /// No clip is longer, rolls included.
    pub longest: Duration,
    /// All evidence may take so much; beyond, none is made.
    pub quota_bytes: u64,
    /// So much of the disk stays free; where there is less, none is made.
    pub min_free_bytes: u64,
}

impl Default for EvidenceSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            pre_roll: Duration::from_secs(5),
            post_roll: Duration::from_secs(5),
            longest: Duration::from_mins(1),
            // Some seven thousand clips of twenty seconds at 4 Mbit/s.
            quota_bytes: 64 * 1024 * MIB,
            min_free_bytes: 2 * 1024 * MIB,
        }
    }
}

impl EvidenceSettings {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let base = Self::default();
        let mib = |key, range| table.whole(key, range).map(|mib| u64::from(mib) * MIB);
        let pre_roll = table.seconds("pre_roll_s", 0.0..=60.0).unwrap_or(base.pre_roll);
        let post_roll = table.seconds("post_roll_s", 0.0..=60.0).unwrap_or(base.post_roll);
        let longest = table.seconds("longest_s", 1.0..=600.0).unwrap_or(base.longest);
        if longest < pre_roll + post_roll {
            table.wrong::<()>(
                "longest_s",
                &format!(
                    "is {} s; wants at least {} s, which is what pre_roll_s and post_roll_s take",
                    longest.as_secs_f64(),
                    (pre_roll + post_roll).as_secs_f64()
                ),
            );
        }
        Self {
            enabled: table.flag("enabled").unwrap_or(base.enabled),
            pre_roll,
            post_roll,
            longest,
            quota_bytes: mib("quota_mb", 16..=u32::MAX).unwrap_or(base.quota_bytes),
            min_free_bytes: mib("min_free_mb", 0..=u32::MAX).unwrap_or(base.min_free_bytes),
        }
    }
}
