//! Runs a camera's rules and lets their notices become alert changes.

use super::line_cross::LineCross;
use super::loitering::Loitering;
use super::object_removed::ObjectRemoved;
use super::rule::{Rule, RuleSpec};
use super::watch::{Notice, Watch};
use super::zone_enter::ZoneEnter;
use super::zone_exit::ZoneExit;
use crate::domain::alert::book::{AlertBook, Opening};
use crate::domain::alert::{AlertChange, EndReason};
use crate::domain::geometry::Zone;
use crate::domain::ids::ZoneId;
use crate::domain::scene::{NamedLine, SceneConfig};
use crate::domain::time::Timestamp;

pub(crate) use super::watch::{Post, View};

/// The rules of one camera, each with its memory.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    post: Post,
    watch: Box<dyn Watch>,
}

impl Engine {
    pub(crate) fn new(config: &SceneConfig) -> Self {
        Self { running: config.rules.iter().map(|rule| Running::new(post(rule, config))).collect() }
    }

    /// Takes other rules: one that has not changed, nor its zone or line, keeps its memory; alerts of the others end.
    pub(crate) fn reconfigure(
        &mut self,
        config: &SceneConfig,
        at: Timestamp,
        book: &mut AlertBook,
    ) -> Vec<AlertChange> {
        let mut old = std::mem::take(&mut self.running);
        for rule in &config.rules {
            let post = post(rule, config);
            let same = |r: &Running| r.post.rule == post.rule && r.post.zone == post.zone && r.post.line == post.line;
            let kept = old.iter().position(same).map(|i| old.remove(i));
            self.running.push(kept.unwrap_or_else(|| Running::new(post)));
        }
        old.iter().flat_map(|gone| book.end_rule(&gone.post.rule.id, at, EndReason::RuleChanged)).collect()
    }

    /// One look at the scene.
    pub(crate) fn look(&mut self, view: &View<'_>, book: &mut AlertBook) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        let mut notices = Vec::new();
        for running in &mut self.running {
            running.watch.look(view, &running.post, &mut notices);
            for notice in notices.drain(..) {
                running.take(notice, view.at, book, &mut changes);
            }
            let cooldown = running.post.rule.cooldown;
            running.post.spoke.retain(|_, last| view.at.since(*last) < cooldown);
        }
        changes
    }

    /// Sight was lost for long.
    pub(crate) fn lose_sight(&mut self) {
        for running in &mut self.running {
            running.watch.lose_sight();
        }
    }
}

impl Running {
    fn new(post: Post) -> Self {
        let watch: Box<dyn Watch> = match post.rule.spec {
            RuleSpec::LineCross { .. } => Box::<LineCross>::default(),
            RuleSpec::ZoneEnter { .. } => Box::<ZoneEnter>::default(),
            RuleSpec::ZoneExit { .. } => Box::<ZoneExit>::default(),
            RuleSpec::Loitering { .. } => Box::<Loitering>::default(),
            RuleSpec::ObjectRemoved { .. } => Box::<ObjectRemoved>::default(),
        };
        Self { post, watch }
    }

    fn take(&mut self, notice: Notice, at: Timestamp, book: &mut AlertBook, changes: &mut Vec<AlertChange>) {
        let rule = &self.post.rule.id;
        match notice {
            Notice::Began { subject, since, object, crossing, hold } => {
                if self.post.may_speak(subject, at) {
                    let opening = Opening { at, since, subject, object, crossing, hold };
                    changes.extend(book.open(&self.post, opening));
                    self.post.spoke.insert(subject, at);
                }
            }
            Notice::Continued { subject, object } => changes.extend(book.update(rule, subject, at, object)),
            Notice::Over { subject, at: ended_at, reason, object } => {
                let ended = book.end(rule, subject, (at, ended_at), reason, object);
                // Who stayed and left has rest from his leaving; a moment's rest counts from the moment.
                if ended.is_some() && matches!(self.post.rule.spec, RuleSpec::Loitering { .. }) {
                    self.post.spoke.insert(subject, at);
                }
                changes.extend(ended);
            }
        }
    }
}

/// A rule with its ground. One whose zone or line is not there watches nothing (`config/` refuses such).
fn post(rule: &Rule, config: &SceneConfig) -> Post {
    let zone = |id: &ZoneId| -> Option<Zone> { config.zones.iter().find(|z| z.id == *id).cloned() };
    let line = |id: &ZoneId| -> Option<NamedLine> { config.lines.iter().find(|l| l.id == *id).cloned() };
    let (zone, line) = match &rule.spec {
        RuleSpec::LineCross { line: id, .. } => (None, line(id)),
        RuleSpec::ZoneEnter { zone: id } | RuleSpec::ZoneExit { zone: id } | RuleSpec::Loitering { zone: id, .. } => {
            (zone(id), None)
        }
        RuleSpec::ObjectRemoved { zone: id, .. } => (id.as_ref().and_then(zone), None),
    };
    Post { rule: rule.clone(), zone, line, spoke: std::collections::BTreeMap::new() }
}
