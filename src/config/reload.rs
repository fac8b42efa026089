//! What changed between two configurations, camera by camera. Pure; `app` acts on it.

use super::{CameraSettings, Settings};
use crate::domain::ids::CameraId;

/// What a running service does to get from one configuration to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Cameras to start.
    pub added: Vec<CameraSettings>,
    /// Cameras to stop.
    pub removed: Vec<CameraId>,
    /// Cameras to change.
    pub changed: Vec<CameraChange>,
    /// Whether a dispatch system has got another token, or none any more.
    pub tokens: bool,
    /// Tables that changed but hold only after a restart, which a running service says and does not do.
    pub restart: Vec<&'static str>,
}

/// A camera that is in both configurations, but not alike. Where neither flag is set, only what alerts say of it changed.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraChange {
    /// As it shall be.
    pub to: CameraSettings,
    /// Whether it must be connected anew; where not, its stream and ring go on.
    pub reconnect: bool,
    /// Whether zones, lines, rules or tracking changed, which ends its alerts with `rule_changed`.
    pub rescene: bool,
}

impl Plan {
    /// What is done, a line each, for logs and for `lightbar reload`.
    pub fn lines(&self) -> Vec<String> {
        let added = self.added.iter().map(|camera| format!("camera {}: added", camera.id()));
        let removed = self.removed.iter().map(|id| format!("camera {id}: removed"));
        let changed = self.changed.iter().map(|change| {
            let what = match (change.reconnect, change.rescene) {
                (true, true) => "stream and rules changed",
                (true, false) => "stream changed",
                (false, true) => "rules changed",
                (false, false) => "description changed",
            };
            format!("camera {}: {what}", change.to.id())
        });
        let restart = self.restart.iter().map(|table| format!("[{table}]: changed, holds after a restart"));
        let tokens = self.tokens.then(|| "[[dispatch]]: tokens changed".to_owned());
        added.chain(removed).chain(changed).chain(tokens).chain(restart).collect()
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        let cameras = self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty();
        cameras && !self.tokens && self.restart.is_empty()
    }
}

/// What to do to get from `old` to `new`; a camera that is alike in both is in none of the lists.
pub fn diff(old: &Settings, new: &Settings) -> Plan {
    let added = new.cameras.iter().filter(|camera| old.camera(camera.id()).is_none()).cloned().collect();
    let removed = old.cameras.iter().map(CameraSettings::id).filter(|id| new.camera(id).is_none()).cloned().collect();
    let changed = new.cameras.iter().filter_map(|to| change(old.camera(to.id())?, to)).collect();
    let lifecycle = old.lifecycle.with_tokens_of(&new.lifecycle);
    let tokens = lifecycle != old.lifecycle;
    let restart = [
        ("service", old.service != new.service),
        ("store", old.store != new.store),
        ("evidence", old.evidence != new.evidence),
        ("http", old.http != new.http),
        ("log", old.log != new.log),
        ("kafka", old.kafka != new.kafka),
        ("inference", old.inference != new.inference),
        ("lifecycle", lifecycle != new.lifecycle),
    ];
    let restart = restart.into_iter().filter(|(_, differs)| *differs).map(|(table, _)| table).collect();
    Plan { added, removed, changed, tokens, restart }
}

fn change(from: &CameraSettings, to: &CameraSettings) -> Option<CameraChange> {
    (from != to).then(|| CameraChange {
        to: to.clone(),
        reconnect: from.stream != to.stream || from.enabled != to.enabled,
        rescene: from.scene != to.scene,
    })
}
