//! The history of one alert, and what may be added to it.

use std::time::Duration;

use super::deadlines::Escalation;
use super::entry::{Entry, Fate, Request};
use super::refused::Refused;
use super::table;
use super::words::{Action, Disposition, Role, State};
use crate::domain::time::Timestamp;

/// Entries that an alert's history may have.
pub const ENTRIES_MAX: usize = 1000;
/// How long who dismissed an alert can take it back, unless the site says otherwise.
pub const UNDO_DEFAULT: Duration = Duration::from_mins(5);
/// Clocks of patrols may be wrong by so much.
const SKEW: Duration = Duration::from_mins(2);

/// What was done with one alert so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    opened_at: Timestamp,
    entries: Vec<Entry>,
    pub(super) escalations: Vec<Escalation>,
}

impl Lifecycle {
    /// Of an alert with which nobody has done anything.
    pub const fn new(opened_at: Timestamp) -> Self {
        Self { opened_at, entries: Vec::new(), escalations: Vec::new() }
    }

    /// As it was kept: entries in their order, as this type gave them out.
    pub const fn restored(opened_at: Timestamp, entries: Vec<Entry>, escalations: Vec<Escalation>) -> Self {
        Self { opened_at, entries, escalations }
    }

    /// Where the alert stands.
    pub fn state(&self) -> State {
        self.entries.last().map_or(State::New, |entry| entry.to)
    }

    /// Since when, by the service's clock.
    pub fn since(&self) -> Timestamp {
        self.changes().next_back().map_or(self.opened_at, |entry| entry.recorded_at)
    }

    /// When the alert was opened.
    pub const fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// All that was done, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The deadlines that passed, oldest first.
    pub fn escalations(&self) -> &[Escalation] {
        &self.escalations
    }

    /// What became of it, as last said; nothing while it is worked on.
    pub fn disposition(&self) -> Option<Disposition> {
        if !matches!(self.state(), State::Resolved | State::Closed | State::Dismissed) {
            return None;
        }
        let round = self.entries.iter().rev().take_while(|entry| entry.to != State::Reopened);
        round.filter(|entry| !entry.late).find_map(|entry| entry.request.disposition)
    }

    /// Who was sent, or does it now, as last said.
    pub fn recipient(&self) -> Option<&str> {
        let on_its_way = table::progress(self.state()).is_some() || self.state() == State::Transferred;
        let named = self.entries.iter().rev().filter(|entry| entry.changes());
        named.filter(|_| on_its_way).find_map(|entry| entry.request.recipient.as_deref())
    }

    pub(super) fn changes(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.changes())
    }

    /// Does what is asked for, or says why not. `undo_within`: how long who dismissed an alert can take it back.
    pub fn apply(&mut self, request: Request, now: Timestamp, undo_within: Duration) -> Result<(Entry, Fate), Refused> {
        if let Some(before) = self.entries.iter().find(|entry| entry.request.id == request.id) {
            return if before.request.action == request.action {
                Ok((before.clone(), Fate::Repeated))
            } else {
                Err(Refused::IdReused { id: request.id, before: before.request.action })
            };
        }
        if self.entries.len() >= ENTRIES_MAX {
            return Err(Refused::Full { max: ENTRIES_MAX });
        }
        let from = self.state();
        let late = self.is_late(&request);
        let to = if late { from } else { self.target(&request, now, undo_within)? };
        self.check_fields(&request)?;
        let number = self.entries.last().map_or(0, |last| last.number) + 1;
        let entry = Entry { number, request, from, to, recorded_at: now, late };
        self.entries.push(entry.clone());
        Ok((entry, if late { Fate::Late } else { Fate::Applied }))
    }

    fn target(&self, request: &Request, now: Timestamp, undo_within: Duration) -> Result<State, Refused> {
        let (from, action, role) = (self.state(), request.action, request.role);
        let Some(to) = table::next(from, action) else {
            return Err(Refused::Illegal { action, state: from, legal: table::legal(from, role) });
        };
        if !table::may(role, action, from) {
            let allowed = Role::ALL.iter().copied().filter(|&role| table::may(role, action, from)).collect();
            return Err(Refused::Forbidden { action, role, state: from, allowed });
        }
        if action != Action::Undo {
            return Ok(to);
        }
        let dismissal = self.changes().next_back().expect("nothing is dismissed without an entry that says so");
        let own = dismissal.request.actor == request.actor && now.since(dismissal.recorded_at) <= undo_within;
        if own || role == Role::Supervisor {
            Ok(dismissal.from)
        } else {
            Err(Refused::UndoOver { within: undo_within })
        }
    }

    /// Whether a patrol's answer was overtaken by what is known already: answers come reordered and from rounds that are over.
    fn is_late(&self, request: &Request) -> bool {
        let action = request.action;
        let Some(sent) = self.changes().rfind(|entry| entry.to == State::Dispatched) else { return false };
        if !action.is_answer() || !table::may(request.role, action, self.state()) {
            return false;
        }
        // From a round before the last; only then is another's clock compared with ours, and generously.
        let rounds = self.changes().filter(|entry| entry.to == State::Dispatched).count();
        if rounds > 1 && request.at.plus(SKEW) < sent.recorded_at {
            return true;
        }
        match (self.state(), table::next(self.state(), action)) {
            (_, Some(_)) => false,
            (state, None) if table::progress(state).is_some() || state == State::Closed => true,
            // The patrol is off its way: late is what it said before that, and the rest is illegal.
            _ => self.changes().next_back().is_some_and(|last| request.at <= last.request.at),
        }
    }

    fn check_fields(&self, request: &Request) -> Result<(), Refused> {
        use Action as A;
        let action = request.action;
        let missing = |field| Err(Refused::Missing { action, field });
        let concludes = matches!(action, A::Dismiss | A::Close | A::Resolve);
        match action {
            A::Dismiss if request.disposition.is_none() => return missing("disposition"),
            A::Close if request.disposition.is_none() && self.disposition().is_none() => {
                return missing("disposition");
            }
            A::Refuse | A::Note if request.reason.is_none() => return missing("reason"),
            A::Transfer if request.recipient.is_none() => return missing("recipient"),
            _ => {}
        }
        if request.disposition.is_some() && !concludes {
            return Err(Refused::Meaningless { action, field: "disposition" });
        }
        if request.recipient.is_some() && !matches!(action, A::Transfer | A::Dispatch) {
            return Err(Refused::Meaningless { action, field: "recipient" });
        }
        Ok(())
    }
}
