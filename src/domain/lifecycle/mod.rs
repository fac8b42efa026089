//! What people do with an alert, apart from its physical life: who may do what when, what was done, and what is overdue.
//!
//! An alert's state is never stored beside its history: it follows from it, so no history leads to a state that is none. Nothing
//! here changes by itself: a deadline that passes is an escalation, told to people, and the alert stays where it is. Knows no
//! names of people but those that they give themselves as actors.

pub mod words;
pub mod entry;
pub mod refused;
pub mod table;
pub mod history;
pub mod deadlines;
pub mod incident;

pub use deadlines::{Deadlines, Due, Escalation, Timer};
pub use entry::{Entry, Fate, Request};
pub use history::{Lifecycle, UNDO_DEFAULT};
pub use incident::{Adjacency, Neighbours, Place, Sighting};
pub use refused::Refused;
pub use words::{Action, Disposition, Role, State};

#[cfg(test)]
mod laws_tests;
