//! The alerts of one camera that are open: who opened, updates follow, the end comes last and once.
//!
//! Never forgets an open alert without ending it. Bounded: the oldest ends by the clock when there are too many.

use super::alert::{AlertChange, AlertKind, Certainty, Cue, EndReason, Phase, RuleRef, Status, ZoneRef};
use crate::domain::detection::Confidence;
use crate::domain::ids::{CameraId, IdSeed, RuleId, TrackId};
use crate::domain::rules::engine::{Beginning, Concerned, Post};
use crate::domain::rules::{Deliver, Mode, Rule};
use crate::domain::time::Timestamp;

/// Alerts that may be open at once.
const MAX_OPEN: usize = 1024;

/// The open alerts of one camera.
#[derive(Debug)]
pub(crate) struct AlertBook {
    camera: CameraId,
    ids: IdSeed,
    open: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    subject: Option<TrackId>,
    expires: Option<Timestamp>,
    alert: AlertChange,
}

/// What becomes of an opening.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    pub(crate) deliver: Deliver,
    pub(crate) held_back: bool,
    pub(crate) watched: Option<i64>,
}

impl AlertBook {
    pub(crate) const fn new(camera: CameraId, ids: IdSeed) -> Self {
        Self { camera, ids, open: Vec::new() }
    }

    /// Opens an alert of a rule. One that is still open for the same rule and subject ends first.
    pub(crate) fn open(&mut self, post: &Post, at: Timestamp, with: Beginning, fate: Fate) -> Vec<AlertChange> {
        let rule = &post.rule;
        let mut changes: Vec<_> =
            self.end(&rule.id, with.subject, (at, at), EndReason::Timeout, None).into_iter().collect();
        if self.open.len() >= MAX_OPEN {
            changes.push(finish(self.open.remove(0), (at, at), EndReason::Timeout, None));
        }
        let settings = rule.spec.settings();
        let confidence = confidence(&with.concerned);
        let zone = post.zone.as_ref().map(|zone| ZoneRef {
            id: zone.id.clone(),
            rev: zone.rev,
            name: zone.name.clone(),
            category: zone.category.clone(),
        });
        let alert = AlertChange {
            id: self.ids.next(at, rule.id.as_str()),
            revision: 1,
            phase: Phase::Opened,
            status: status(rule, Status::Actual),
            deliver: fate.deliver,
            held_back: fate.held_back,
            watched: fate.watched,
            kind: settings.kind(),
            cues: with.cues,
            camera: self.camera.clone(),
            rule: Some(rule_ref(rule, settings.threshold())),
            zone,
            captured_at: at,
            started_at: with.since.min(at),
            ended_at: None,
            end_reason: None,
            severity: rule.severity,
            urgency: rule.urgency,
            certainty: confidence.map_or(Certainty::Unknown, |sure| certainty(sure, settings.is_concluded())),
            confidence,
            count: with.concerned.count,
            objects: with.concerned.objects,
            crossing: with.crossing,
        };
        changes.push(alert.clone());
        self.open.push(Entry { subject: Some(with.subject), expires: with.hold.map(|hold| at.plus(hold)), alert });
        changes
    }

    /// Opens `video_loss`, which speaks of the stream and not of what is in the picture.
    pub(crate) fn open_video_loss(&mut self, at: Timestamp, since: Timestamp) -> AlertChange {
        let kind = AlertKind::VideoLoss;
        let (severity, urgency) = kind.defaults();
        let alert = AlertChange {
            id: self.ids.next(at, kind.as_str()),
            revision: 1,
            phase: Phase::Opened,
            status: Status::Actual,
            deliver: Deliver::Alert,
            held_back: false,
            watched: None,
            kind,
            cues: vec![Cue::Stream],
            camera: self.camera.clone(),
            rule: None,
            zone: None,
            captured_at: at,
            started_at: since,
            ended_at: None,
            end_reason: None,
            severity,
            urgency,
            certainty: Certainty::Observed,
            confidence: None,
            count: 0,
            objects: Vec::new(),
            crossing: None,
        };
        self.open.push(Entry { subject: None, expires: None, alert: alert.clone() });
        alert
    }

    /// Says that `held_back` alerts of a rule were held back since `since`: opens its storm, or updates it.
    pub(crate) fn storm(&mut self, rule: &Rule, at: Timestamp, since: Timestamp, held_back: u32) -> AlertChange {
        if let Some(entry) = self.open.iter_mut().find(|e| e.is_storm_of(&rule.id)) {
            let alert = &mut entry.alert;
            (alert.revision, alert.phase) = (alert.revision + 1, Phase::Updated);
            (alert.captured_at, alert.count) = (at, held_back);
            return alert.clone();
        }
        let kind = AlertKind::Storm;
        let (severity, urgency) = kind.defaults();
        let alert = AlertChange {
            id: self.ids.next(at, kind.as_str()),
            revision: 1,
            phase: Phase::Opened,
            status: status(rule, Status::System),
            deliver: Deliver::Alert,
            held_back: false,
            watched: None,
            kind,
            cues: vec![Cue::Stream],
            camera: self.camera.clone(),
            rule: Some(rule_ref(rule, rule.conduct.max_per_hour.map(f64::from))),
            zone: None,
            captured_at: at,
            started_at: since,
            ended_at: None,
            end_reason: None,
            severity,
            urgency,
            certainty: Certainty::Observed,
            confidence: None,
            count: held_back,
            objects: Vec::new(),
            crossing: None,
        };
        self.open.push(Entry { subject: None, expires: None, alert: alert.clone() });
        alert
    }

    /// Ends a rule's storm, which is over since `at.1`, with the whole count.
    pub(crate) fn end_storm(
        &mut self,
        rule: &RuleId,
        at: (Timestamp, Timestamp),
        held_back: u32,
    ) -> Option<AlertChange> {
        let index = self.open.iter().position(|e| e.is_storm_of(rule))?;
        let mut entry = self.open.remove(index);
        entry.alert.count = held_back;
        Some(finish(entry, at, EndReason::Left, None))
    }

    /// Makes alerts of a rule's open records: what goes on when a rule is armed concerns people from then on. The record ends as
    /// `rule_changed`, and an alert of its own begins; `admit` says whether there is room for it.
    pub(crate) fn raise(&mut self, rule: &Rule, at: Timestamp, mut admit: impl FnMut() -> bool) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        let goes_on = |e: &Entry| e.expires.is_none() && e.subject.is_some() && e.alert.deliver == Deliver::Record;
        for index in 0..self.open.len() {
            let entry = &mut self.open[index];
            if !goes_on(entry) || entry.alert.rule.as_ref().is_none_or(|r| r.id != rule.id) || !admit() {
                continue;
            }
            let alert = AlertChange {
                id: self.ids.next(at, rule.id.as_str()),
                revision: 1,
                phase: Phase::Opened,
                deliver: Deliver::Alert,
                held_back: false,
                captured_at: at,
                ..entry.alert.clone()
            };
            let record =
                Entry { subject: None, expires: None, alert: std::mem::replace(&mut entry.alert, alert.clone()) };
            changes.push(finish(record, (at, at), EndReason::RuleChanged, None));
            changes.push(alert);
        }
        changes
    }

    /// A new revision of an open alert.
    pub(crate) fn update(
        &mut self,
        rule: &RuleId,
        subject: TrackId,
        at: Timestamp,
        concerned: Concerned,
    ) -> Option<AlertChange> {
        let entry = self.open.iter_mut().find(|e| e.is(rule, subject))?;
        entry.alert.revision += 1;
        entry.alert.phase = Phase::Updated;
        entry.alert.captured_at = at;
        entry.alert.watched = None;
        quote(&mut entry.alert, concerned);
        Some(entry.alert.clone())
    }

    /// Ends the alert of `rule` about `subject`, if one is open; `at` is (now, when it was over).
    pub(crate) fn end(
        &mut self,
        rule: &RuleId,
        subject: TrackId,
        at: (Timestamp, Timestamp),
        reason: EndReason,
        concerned: Option<Concerned>,
    ) -> Option<AlertChange> {
        let index = self.open.iter().position(|e| e.is(rule, subject))?;
        Some(finish(self.open.remove(index), at, reason, concerned))
    }

    /// Ends what is over by the clock.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<AlertChange> {
        let due: Vec<Entry> = self.open.extract_if(.., |e| e.expires.is_some_and(|at| at <= now)).collect();
        due.into_iter()
            .map(|e| {
                let over = e.expires.unwrap_or(now);
                finish(e, (now, over), EndReason::Timeout, None)
            })
            .collect()
    }

    /// Ends `video_loss`.
    pub(crate) fn end_video_loss(&mut self, at: Timestamp, reason: EndReason) -> Vec<AlertChange> {
        self.end_where(at, at, reason, |e| e.alert.kind == AlertKind::VideoLoss)
    }

    /// Ends all alerts of a rule; `at` is (now, when they were over).
    pub(crate) fn end_rule(
        &mut self,
        rule: &RuleId,
        at: (Timestamp, Timestamp),
        reason: EndReason,
    ) -> Vec<AlertChange> {
        self.end_where(at.0, at.1, reason, |e| e.alert.rule.as_ref().is_some_and(|r| r.id == *rule))
    }

    /// Ends all alerts that speak of what is in the picture; they were last known to hold at `known`.
    pub(crate) fn end_seen(&mut self, at: Timestamp, known: Timestamp, reason: EndReason) -> Vec<AlertChange> {
        self.end_where(at, known, reason, |e| e.subject.is_some())
    }

    /// Ends every alert.
    pub(crate) fn end_all(&mut self, at: Timestamp, reason: EndReason) -> Vec<AlertChange> {
        self.end_where(at, at, reason, |_| true)
    }

    fn end_where(
        &mut self,
        now: Timestamp,
        over: Timestamp,
        reason: EndReason,
        which: impl Fn(&Entry) -> bool,
    ) -> Vec<AlertChange> {
        let ended: Vec<Entry> = self.open.extract_if(.., |e| which(e)).collect();
        ended.into_iter().map(|e| finish(e, (now, over), reason, None)).collect()
    }
}

/// What a rule on trial says is a test, whatever it would be otherwise.
fn status(rule: &Rule, otherwise: Status) -> Status {
    match rule.conduct.mode {
        Mode::Live => otherwise,
        Mode::Shadow => Status::Test,
    }
}

fn rule_ref(rule: &Rule, threshold: Option<f64>) -> RuleRef {
    RuleRef {
        id: rule.id.clone(),
        rev: rule.rev,
        threshold,
        hours: rule.conduct.hours.as_ref().map(|hours| hours.name().into()),
        expires_after: rule.conduct.expires_after,
    }
}

impl Entry {
    fn is_storm_of(&self, rule: &RuleId) -> bool {
        self.alert.kind == AlertKind::Storm && self.alert.rule.as_ref().is_some_and(|r| r.id == *rule)
    }

    fn is(&self, rule: &RuleId, subject: TrackId) -> bool {
        self.subject == Some(subject) && self.alert.rule.as_ref().is_some_and(|r| r.id == *rule)
    }
}

fn finish(entry: Entry, at: (Timestamp, Timestamp), reason: EndReason, concerned: Option<Concerned>) -> AlertChange {
    let mut alert = entry.alert;
    alert.revision += 1;
    alert.phase = Phase::Ended;
    alert.captured_at = at.0;
    alert.watched = None;
    alert.ended_at = Some(at.1.clamp(alert.started_at, at.0.max(alert.started_at)));
    alert.end_reason = Some(reason);
    if let Some(concerned) = concerned {
        quote(&mut alert, concerned);
    }
    alert
}

fn quote(alert: &mut AlertChange, concerned: Concerned) {
    alert.confidence = confidence(&concerned);
    alert.count = concerned.count;
    alert.objects = concerned.objects;
}

/// The confidence behind an alert: that of the surest object.
fn confidence(concerned: &Concerned) -> Option<Confidence> {
    concerned.objects.iter().map(|object| object.confidence).max_by(|a, b| a.get().total_cmp(&b.get()))
}

/// What is concluded from not seeing is never more than likely.
fn certainty(confidence: Confidence, is_concluded: bool) -> Certainty {
    match confidence.get() {
        c if c >= 0.7 && !is_concluded => Certainty::Observed,
        c if c >= 0.5 => Certainty::Likely,
        _ => Certainty::Possible,
    }
}
