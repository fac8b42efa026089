//! What a scene knew when its service stopped: the things that stood, so that a restart does not make them new.
//!
//! Only things are kept, never what lives: a person who stood there may be another one after the restart, and telling them
//! apart is deliberately out of reach. Plain data; `store/` keeps it, [`Scene::new`](super::scene::Scene::new) takes it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alert::{AlertChange, Phase};
use super::detection::{Confidence, ObjectClass};
use super::geometry::BBox;
use super::ids::{RuleId, TrackId};
use super::time::Timestamp;
use super::tracking::Track;

/// The things that stood before a camera, as last known. Empty for a camera that was never watched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// Until when they were watched.
    pub as_of: Timestamp,
    /// Numbers of tracks below this one are taken.
    pub next_track: u64,
    /// What stood, by age.
    pub things: Vec<StandingThing>,
}

/// A thing that stood.
#[derive(Clone, Debug, PartialEq)]
pub struct StandingThing {
    /// Its track.
    pub track: TrackId,
    /// What it was taken for.
    pub class: ObjectClass,
    /// The model's own name for it.
    pub label: Option<Arc<str>>,
    /// How sure the detector was of it.
    pub confidence: Confidence,
    /// Where it rested.
    pub bbox: BBox,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// Since when it rested.
    pub rest_since: Timestamp,
    /// Rules that have had an alert about it since it came to rest: they have nothing new to say of it until it moves.
    pub told: Vec<RuleId>,
}

/// Which rules have had an alert about which track, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(BTreeMap<TrackId, BTreeMap<RuleId, Timestamp>>);

impl Told {
    /// What was told before a restart.
    pub(super) fn new(baseline: &Baseline) -> Self {
        let rules = |thing: &StandingThing| thing.told.iter().map(|rule| (rule.clone(), baseline.as_of)).collect();
        let told = baseline.things.iter().filter(|thing| !thing.told.is_empty());
        Self(told.map(|thing| (thing.track, rules(thing))).collect())
    }

    /// Takes in what the rules said.
    pub(super) fn note(&mut self, changes: &[AlertChange]) {
        for change in changes.iter().filter(|change| change.phase == Phase::Opened) {
            let Some(rule) = &change.rule else { continue };
            for object in &change.objects {
                self.0.entry(object.track).or_default().insert(rule.id.clone(), change.captured_at);
            }
        }
    }

    /// The rules that have spoken of a track since it came to rest.
    pub(super) fn of(&self, track: &Track) -> Vec<RuleId> {
        let rules = self.0.get(&track.id()).into_iter().flatten();
        rules.filter(|(_, at)| **at >= track.rest_since()).map(|(rule, _)| rule.clone()).collect()
    }

    /// Forgets tracks that are no more.
    pub(super) fn forget(&mut self, ended: &[Track]) {
        for track in ended {
            self.0.remove(&track.id());
        }
    }
}
