//! Rules: what turns tracks into alerts. One file per rule kind, `engine.rs` runs them.

pub mod rule;

pub use rule::{Anchor, ObjectFilter, Rule, RuleSpec};
