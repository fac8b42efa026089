//! Runs a camera's rules and lets their notices become alert changes.
//!
//! A rule watches only in its hours, and begins anew with them: what was there before is for it as if first seen then. What it
//! notices is an alert or a record, as its conduct, the hours in which it is armed and people's orders say at that moment.

use super::conduct::Deliver;
use super::limit::{Limit, Room};
use super::rule::Rule;
use super::shift::Shift;
use super::watch::{Notice, Watch};
use crate::domain::alert::book::{AlertBook, Fate};
use crate::domain::alert::{AlertChange, AlertKind, EndReason};
use crate::domain::arming::{Arming, Order, WatchedThing, ordered};
use crate::domain::ids::{RuleId, TrackId};
use crate::domain::scene::SceneConfig;
use crate::domain::time::Timestamp;
use crate::domain::trace::HeldBackBy;
use crate::domain::tracking::family;

pub(crate) use super::watch::{Beginning, Concerned, Post, View};

/// Two boxes that share so much of their union are of the same standing thing.
const SAME_PLACE: f64 = 0.3;

/// The rules of one camera, each with its memory.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    running: Vec<Running>,
    desk: Desk,
    held_back: Vec<HeldBack>,
}

/// A condition that held without an alert, for the trace.
#[derive(Debug)]
pub(crate) struct HeldBack {
    pub(crate) rule: RuleId,
    pub(crate) subject: TrackId,
    pub(crate) by: HeldBackBy,
}

/// What people have ordered.
#[derive(Debug, Default)]
struct Desk {
    orders: Vec<Order>,
    watched: Vec<WatchedThing>,
}

#[derive(Debug)]
struct Running {
    post: Post,
    watch: Box<dyn Watch>,
    hours: Shift,
    armed: Shift,
    limit: Limit,
    storm_since: Timestamp,
    /// What became of notices at the last look.
    delivered: Deliver,
}

/// How a rule stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStanding {
    /// Which rule.
    pub rule: RuleId,
    /// Whether it watches: it is within its hours.
    pub watches: bool,
    /// What becomes of what it notices.
    pub deliver: Deliver,
    /// What people have ordered about it.
    pub ordered: Arming,
    /// When hours change this by themselves, as far as is known.
    pub next_change: Option<Timestamp>,
}

impl Engine {
    pub(crate) fn new(config: &SceneConfig) -> Self {
        let running = config.rules.iter().map(|rule| Running::new(post(rule, config))).collect();
        Self { running, desk: Desk::default(), held_back: Vec::new() }
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
        old.iter().flat_map(|gone| book.end_rule(&gone.post.rule.id, (at, at), EndReason::RuleChanged)).collect()
    }

    /// Takes what people have ordered, in the order in which they did.
    pub(crate) fn order(&mut self, orders: Vec<Order>) {
        self.desk.orders = orders;
    }

    /// Takes the things that people have asked to watch.
    pub(crate) fn watch_over(&mut self, things: Vec<WatchedThing>) {
        self.desk.watched = things;
    }

    /// How each rule stands.
    pub(crate) fn standings(&self, at: Timestamp) -> Vec<RuleStanding> {
        self.running.iter().map(|running| running.standing(&self.desk, at)).collect()
    }

    /// What time alone brings about: hours that are over, and storms.
    pub(crate) fn pass_time(&mut self, now: Timestamp, book: &mut AlertBook) -> Vec<AlertChange> {
        self.running.iter_mut().flat_map(|running| running.pass_time(now, book)).collect()
    }

    /// Rules in `told` have spoken of a standing thing before a restart: they are silent about it until it rests elsewhere.
    pub(crate) fn recall(&mut self, thing: TrackId, told: &[RuleId]) {
        for running in self.running.iter_mut().filter(|r| told.contains(&r.post.rule.id)) {
            running.post.told_before.insert(thing);
        }
    }

    /// One look at the scene, after time has passed until then.
    pub(crate) fn look(&mut self, view: &View<'_>, book: &mut AlertBook) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        let mut notices = Vec::new();
        for running in &mut self.running {
            let stands = |thing: &TrackId| {
                view.tracks.iter().any(|t| t.id() == *thing && (t.is_restored() || !t.is_stationary()))
            };
            running.post.told_before.retain(stands);
            if !running.watches() {
                continue;
            }
            running.turn_to_people(&self.desk, view.at, book, &mut changes);
            // What was there when the hours began is as if first seen then.
            let since = running.post.watched_since.unwrap_or(view.sighted_since);
            let view = View { sighted_since: view.sighted_since.max(since), ..*view };
            running.watch.look(&view, &running.post, &mut notices);
            for mut notice in notices.drain(..) {
                view.measure(&mut notice);
                let held = running.take(notice, view.at, (&mut self.desk, book), &mut changes);
                self.held_back.extend(held);
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
        Self {
            watch: post.rule.spec.settings().watch(),
            hours: Shift::default(),
            armed: Shift::default(),
            limit: Limit::default(),
            storm_since: Timestamp::default(),
            delivered: Deliver::Alert,
            post,
        }
    }

    /// Whether it is within the rule's hours.
    fn watches(&self) -> bool {
        self.post.rule.conduct.hours.is_none() || self.post.watched_since.is_some()
    }

    fn pass_time(&mut self, now: Timestamp, book: &mut AlertBook) -> Vec<AlertChange> {
        let conduct = &self.post.rule.conduct;
        if let Some(armed) = &conduct.armed {
            self.armed.turn(armed, now);
        }
        let over = conduct.hours.as_ref().and_then(|hours| self.hours.turn(hours, now));
        self.post.watched_since = self.hours.holds_since();
        if let Some(over) = over {
            self.watch = self.post.rule.spec.settings().watch();
            self.limit.forget();
            return book.end_rule(&self.post.rule.id, (now, over), EndReason::Timeout);
        }
        let calm = self.limit.calms(conduct.max_per_hour, now);
        calm.and_then(|(over, count)| book.end_storm(&self.post.rule.id, (now, over), count)).into_iter().collect()
    }

    /// What becomes of what the rule notices at this moment.
    fn deliver(&self, desk: &Desk, at: Timestamp) -> Deliver {
        let conduct = &self.post.rule.conduct;
        match (ordered(&desk.orders, &self.post.rule.id, at), &conduct.armed) {
            (Arming::Armed, _) => Deliver::Alert,
            (Arming::AsConfigured, Some(_)) if self.armed.holds_since().is_some() => Deliver::Alert,
            (Arming::Disarmed, _) | (Arming::AsConfigured, Some(_)) => Deliver::Record,
            (Arming::AsConfigured, None) => conduct.deliver,
        }
    }

    fn standing(&self, desk: &Desk, at: Timestamp) -> RuleStanding {
        let rule = &self.post.rule;
        let changes = [
            rule.conduct.hours.as_ref().and_then(|_| self.hours.next_change()),
            rule.conduct.armed.as_ref().and_then(|_| self.armed.next_change()),
        ];
        RuleStanding {
            rule: rule.id.clone(),
            watches: self.watches(),
            deliver: self.deliver(desk, at),
            ordered: ordered(&desk.orders, &rule.id, at),
            next_change: changes.into_iter().flatten().min(),
        }
    }

    /// Makes alerts of the records that go on, when the rule has just been armed.
    fn turn_to_people(&mut self, desk: &Desk, at: Timestamp, book: &mut AlertBook, changes: &mut Vec<AlertChange>) {
        let deliver = self.deliver(desk, at);
        let before = std::mem::replace(&mut self.delivered, deliver);
        if (before, deliver) == (Deliver::Record, Deliver::Alert) {
            let max = self.post.rule.conduct.max_per_hour;
            changes.extend(book.raise(&self.post.rule, at, || self.limit.ask(max, at) == Room::Free));
        }
    }

    fn take(
        &mut self,
        notice: Notice,
        at: Timestamp,
        (desk, book): (&mut Desk, &mut AlertBook),
        changes: &mut Vec<AlertChange>,
    ) -> Option<HeldBack> {
        match notice {
            Notice::Began(beginning) => {
                let subject = beginning.subject;
                let rule = self.post.rule.id.clone();
                if !self.post.may_speak(subject, at) {
                    return Some(HeldBack { rule, subject, by: HeldBackBy::Cooldown });
                }
                let (fate, storm) = self.fate(&beginning.concerned, at, desk, book);
                changes.extend(book.open(&self.post, at, beginning, fate));
                changes.extend(storm);
                self.post.note_spoken(subject, at);
                if fate.held_back {
                    return Some(HeldBack { rule, subject, by: HeldBackBy::Limit });
                }
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

    /// What becomes of an opening, and what the storm has to say to it.
    fn fate(
        &mut self,
        concerned: &Concerned,
        at: Timestamp,
        desk: &mut Desk,
        book: &mut AlertBook,
    ) -> (Fate, Option<AlertChange>) {
        let rule = &self.post.rule;
        // Who asked for this one thing is told, whatever else holds.
        if let Some(watched) = desk.take_watched(rule, concerned) {
            return (Fate { deliver: Deliver::Alert, held_back: false, watched: Some(watched) }, None);
        }
        let deliver = self.deliver(desk, at);
        let told = Fate { deliver, held_back: false, watched: None };
        if deliver == Deliver::Record {
            return (told, None);
        }
        match self.limit.ask(rule.conduct.max_per_hour, at) {
            Room::Free => (told, None),
            Room::None { held_back, speak } => {
                if held_back == 1 {
                    self.storm_since = at;
                }
                let storm = speak.then(|| book.storm(&self.post.rule, at, self.storm_since, held_back));
                (Fate { deliver: Deliver::Record, held_back: true, watched: None }, storm)
            }
        }
    }
}

impl Desk {
    /// The order to watch a thing that is gone now; an order is good for once.
    fn take_watched(&mut self, rule: &Rule, concerned: &Concerned) -> Option<i64> {
        if rule.spec.kind() != AlertKind::ObjectRemoved {
            return None;
        }
        let is_it = |thing: &WatchedThing| {
            let mut objects = concerned.objects.iter();
            objects.any(|o| family(thing.class) == family(o.class) && thing.bbox.iou(&o.bbox) >= SAME_PLACE)
        };
        let index = self.watched.iter().position(is_it)?;
        Some(self.watched.remove(index).id)
    }
}

/// A rule with its ground. One whose zone or line is not there watches nothing (`config/` refuses such).
fn post(rule: &Rule, config: &SceneConfig) -> Post {
    let zone = rule.spec.zone().and_then(|id| config.zones.iter().find(|zone| zone.id == *id));
    let line = rule.spec.line().and_then(|id| config.lines.iter().find(|line| line.id == *id));
    Post::new(rule.clone(), zone.cloned(), line.cloned())
}
