//! Runs a camera's rules and lets their notices become alert changes.

use super::rule::Rule;
use super::watch::{Notice, Watch};
use crate::domain::alert::book::AlertBook;
use crate::domain::alert::{AlertChange, EndReason};
use crate::domain::ids::{RuleId, TrackId};
use crate::domain::scene::SceneConfig;
use crate::domain::time::Timestamp;
use crate::domain::trace::HeldBackBy;

pub(crate) use super::watch::{Beginning, Concerned, Post, View};

/// The rules of one camera, each with its memory.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    running: Vec<Running>,
    held_back: Vec<HeldBack>,
}

/// A condition that held without an alert, for the trace.
#[derive(Debug)]
pub(crate) struct HeldBack {
    pub(crate) rule: RuleId,
    pub(crate) subject: TrackId,
    pub(crate) by: HeldBackBy,
}

#[derive(Debug)]
struct Running {
    post: Post,
    watch: Box<dyn Watch>,
}

impl Engine {
    pub(crate) fn new(config: &SceneConfig) -> Self {
        let running = config.rules.iter().map(|rule| Running::new(post(rule, config))).collect();
        Self { running, held_back: Vec::new() }
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
            for mut notice in notices.drain(..) {
                view.measure(&mut notice);
                if let Some(held) = running.take(notice, view.at, book, &mut changes) {
                    self.held_back.push(held);
                }
            }
            let cooldown = running.post.rule.cooldown;
            running.post.spoke.retain(|_, last| view.at.since(*last) < cooldown);
        }
        changes
    }

    /// What held without an alert at the last look.
    pub(crate) fn take_held_back(&mut self) -> Vec<HeldBack> {
        std::mem::take(&mut self.held_back)
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
        let watch = post.rule.spec.settings().watch();
        Self { post, watch }
    }

    fn take(
        &mut self,
        notice: Notice,
        at: Timestamp,
        book: &mut AlertBook,
        changes: &mut Vec<AlertChange>,
    ) -> Option<HeldBack> {
        match notice {
            Notice::Began(beginning) => {
                let subject = beginning.subject;
                if !self.post.may_speak(subject, at) {
                    return Some(HeldBack { rule: self.post.rule.id.clone(), subject, by: HeldBackBy::Cooldown });
                }
                changes.extend(book.open(&self.post, at, beginning));
                self.post.note_spoken(subject, at);
            }
            Notice::Continued { subject, concerned } => {
                changes.extend(book.update(&self.post.rule.id, subject, at, concerned));
            }
            Notice::Over { subject, at: ended_at, reason, concerned } => {
                let ended = book.end(&self.post.rule.id, subject, (at, ended_at), reason, concerned);
                // Who stayed and left has rest from his leaving; a moment's rest counts from the moment.
                if ended.is_some() && self.post.rule.spec.settings().rest().is_after_end() {
                    self.post.note_spoken(subject, at);
                }
                changes.extend(ended);
            }
        }
        None
    }
}

/// A rule with its ground. One whose zone or line is not there watches nothing (`config/` refuses such).
fn post(rule: &Rule, config: &SceneConfig) -> Post {
    let zone = rule.spec.zone().and_then(|id| config.zones.iter().find(|zone| zone.id == *id));
    let line = rule.spec.line().and_then(|id| config.lines.iter().find(|line| line.id == *id));
    Post::new(rule.clone(), zone.cloned(), line.cloned())
}
