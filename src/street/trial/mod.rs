//! The trial of the rules: the street's stories played before the real, pure `Scene`, without cameras, models or Kafka, many times
//! faster than they happen, and judged against what is known to have happened.
//!
//! `condition` says under what circumstances, `pace` how often is looked, `take` plays one camera's story, `program` plays many
//! and gathers what `crate::score` judges, `quiet` plays streets on which nothing happens. Pure but for its threads.

pub mod condition;
pub mod pace;
pub mod take;
pub mod program;
pub mod quiet;

#[cfg(test)]
mod tests;
