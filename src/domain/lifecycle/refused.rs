//! Why something is not done, in words that say what could be.

use std::time::Duration;

use super::words::{Action, Role, State};

/// Why a request is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody can do this now.
    #[error("an alert that is {state} cannot be told to {action}; legal now: {}", words(legal))]
    Illegal {
        /// What was wanted.
        action: Action,
        /// Where the alert stands.
        state: State,
        /// What this role could do.
        legal: Vec<Action>,
    },
    /// This role cannot.
    #[error("a {role} may not {action} an alert that is {state}; who may: {}", roles(allowed))]
    Forbidden {
        /// What was wanted.
        action: Action,
        /// By whom.
        role: Role,
        /// Where the alert stands.
        state: State,
        /// Who could.
        allowed: Vec<Role>,
    },
    /// Something is not said.
    #[error("to {action} wants a {field}")]
    Missing {
        /// What was wanted.
        action: Action,
        /// What is missing.
        field: &'static str,
    },
    /// Something is said that means nothing here.
    #[error("to {action} takes no {field}")]
    Meaningless {
        /// What was wanted.
        action: Action,
        /// What is too much.
        field: &'static str,
    },
    /// A dismissal stands.
    #[error("a dismissal is undone by who made it within {} s, later or by others only as a supervisor; or reopen it as one", within.as_secs())]
    UndoOver {
        /// How long it can be undone.
        within: Duration,
    },
    /// The id was used for something else.
    #[error("the id {id:?} was used for {before} on this alert; a new request wants a new id")]
    IdReused {
        /// The id.
        id: String,
        /// For what.
        before: Action,
    },
    /// The history is as long as it may be.
    #[error("this alert's history is full at {max} entries; close it")]
    Full {
        /// The bound.
        max: usize,
    },
}

impl Refused {
    /// The field that is to blame, by its name in requests.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Illegal { .. } | Self::UndoOver { .. } | Self::Full { .. } => "action",
            Self::Forbidden { .. } => "role",
            Self::Missing { field, .. } | Self::Meaningless { field, .. } => field,
            Self::IdReused { .. } => "id",
        }
    }
}

fn words(actions: &[Action]) -> String {
    if actions.is_empty() {
        return "nothing".to_owned();
    }
    actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", ")
}

fn roles(roles: &[Role]) -> String {
    if roles.is_empty() {
        return "nobody".to_owned();
    }
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}
