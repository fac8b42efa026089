//! Calendars: weekly hours in a time zone, special days, and the sun. The only room that knows what a day is.
//!
//! A window belongs to the day on which it begins and may reach into the next. It begins when the clock on the wall first shows its
//! beginning and ends when the clock last shows its end: where a clock is set back over an edge, the window is the longer for it,
//! and an edge that a clock set forward leaves out is at the moment of setting. Pure but for the time zones' rules, which are the
//! machine's or, where it has none, those that were built in.

mod days;
mod mark;
mod schedule;
mod sun;

pub use days::{DayRange, SpecialDays, Weekdays};
pub use mark::{Mark, Window};
pub use schedule::{Place, Plan, Schedule, zone_names};

#[cfg(test)]
mod tests;
