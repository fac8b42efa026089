//! How long each step may take, and what is overdue. What is overdue is told; it changes no state.

use std::time::Duration;

use super::history::Lifecycle;
use super::words::State;
use crate::domain::time::Timestamp;

/// How long steps may take, by priority 1 to 4; none: as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the opening until somebody acknowledges.
    pub acknowledge: [Option<Duration>; 4],
    /// From the order until a patrol accepts.
    pub accept: [Option<Duration>; 4],
    /// From the acceptance until it is there.
    pub arrive: [Option<Duration>; 4],
    /// From then until it is done.
    pub resolve: [Option<Duration>; 4],
    /// Whether an alert with which nobody does anything until it is too old expires.
    pub expire: bool,
}

impl Default for Deadlines {
    fn default() -> Self {
        let seconds = |all: [u64; 4]| all.map(|s| (s > 0).then(|| Duration::from_secs(s)));
        Self {
            acknowledge: seconds([60, 120, 300, 0]),
            accept: seconds([60, 120, 300, 0]),
            arrive: seconds([600, 900, 1800, 0]),
            resolve: seconds([3600, 3600, 7200, 0]),
            expire: true,
        }
    }
}

/// Which deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Until somebody acknowledges.
    Acknowledge,
    /// Until a patrol accepts.
    Accept,
    /// Until it is there.
    Arrive,
    /// Until it is done.
    Resolve,
}

impl Timer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Acknowledge, Self::Accept, Self::Arrive, Self::Resolve];

    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Accept => "accept",
            Self::Arrive => "arrive",
            Self::Resolve => "resolve",
        }
    }

    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|timer| timer.as_str() == word)
    }

    /// The one that runs in a state.
    const fn of(state: State) -> Option<Self> {
        match state {
            State::New | State::Reopened => Some(Self::Acknowledge),
            State::Dispatched => Some(Self::Accept),
            State::Accepted | State::EnRoute => Some(Self::Arrive),
            State::OnScene => Some(Self::Resolve),
            _ => None,
        }
    }
}

/// A deadline that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Which.
    pub timer: Timer,
    /// The entry with which it began to run; 0: the opening.
    pub after: u32,
    /// When it passed.
    pub due_at: Timestamp,
    /// When the service noticed.
    pub raised_at: Timestamp,
}

/// What the service has to do, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// To tell that a deadline has passed.
    Escalate {
        /// Which.
        timer: Timer,
        /// The entry with which it began to run.
        after: u32,
        /// When it passes.
        at: Timestamp,
    },
    /// To let the alert expire.
    Expire {
        /// When it is too old.
        at: Timestamp,
    },
}

impl Due {
    /// When.
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Escalate { at, .. } | Self::Expire { at } => at,
        }
    }
}

impl Deadlines {
    fn of(&self, timer: Timer, priority: u8) -> Option<Duration> {
        let by_priority = match timer {
            Timer::Acknowledge => &self.acknowledge,
            Timer::Accept => &self.accept,
            Timer::Arrive => &self.arrive,
            Timer::Resolve => &self.resolve,
        };
        by_priority[usize::from(priority.clamp(1, 4)) - 1]
    }
}

impl Lifecycle {
    /// What is due next with this alert, if nobody does anything before.
    pub fn next_due(&self, priority: u8, deadlines: &Deadlines, expires_at: Timestamp) -> Option<Due> {
        let escalation = self.running(priority, deadlines);
        // What people have touched is theirs: it does not expire under their hands.
        let untouched = self.state() == State::New && self.entries().is_empty();
        let expiry = (untouched && deadlines.expire).then_some(Due::Expire { at: expires_at });
        escalation.into_iter().chain(expiry).min_by_key(|due| due.at())
    }

    fn running(&self, priority: u8, deadlines: &Deadlines) -> Option<Due> {
        let timer = Timer::of(self.state())?;
        let allowed = deadlines.of(timer, priority)?;
        let begun = self.changes().rev().take_while(|entry| Timer::of(entry.to) == Some(timer)).last();
        let (after, since) = begun.map_or((0, self.opened_at()), |entry| (entry.number, entry.recorded_at));
        let raised = self.escalations.iter().any(|told| told.timer == timer && told.after == after);
        (!raised).then(|| Due::Escalate { timer, after, at: since.plus(allowed) })
    }

    /// Notes that a deadline has passed.
    pub fn escalate(&mut self, timer: Timer, after: u32, due_at: Timestamp, now: Timestamp) -> Escalation {
        let escalation = Escalation { timer, after, due_at, raised_at: now };
        self.escalations.push(escalation);
        escalation
    }

    /// The deadline that has passed and is not met yet.
    pub fn overdue(&self) -> Option<Escalation> {
        let timer = Timer::of(self.state())?;
        let begun = self.changes().rev().take_while(|entry| Timer::of(entry.to) == Some(timer)).last();
        let after = begun.map_or(0, |entry| entry.number);
        self.escalations.iter().copied().find(|told| told.timer == timer && told.after == after)
    }
}
