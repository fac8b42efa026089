//! One thing that was done: as it was asked for, and as it stands in the history.

use super::words::{Action, Disposition, Role, State};
use crate::domain::time::Timestamp;

/// Something somebody wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Told again under the same id, it is done once.
    pub id: String,
    /// What.
    pub action: Action,
    /// Who.
    pub actor: String,
    /// With what right.
    pub role: Role,
    /// When, by the clock of who says it; the service's own for what it takes in itself.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: Option<String>,
    /// What became of it.
    pub disposition: Option<Disposition>,
    /// Who is sent, or who does it from now on.
    pub recipient: Option<String>,
}

/// What was done; never changed, never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counts the entries of an alert, from 1.
    pub number: u32,
    /// What was asked for.
    pub request: Request,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// When it was taken in, by the service's clock.
    pub recorded_at: Timestamp,
    /// It came after what follows it, so it is written down and changes nothing.
    pub late: bool,
}

impl Entry {
    /// Whether the state changed.
    pub fn changes(&self) -> bool {
        self.from != self.to
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Done.
    Applied,
    /// Written down; it came too late to change anything.
    Late,
    /// It was done before, under the same id.
    Repeated,
}
