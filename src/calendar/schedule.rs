//! A plan of hours at a place: whether it holds, and when that changes.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp as Moment, ToSpan};

use super::days::{DayRange, SpecialDays, Weekdays};
use super::mark::{DAY, Mark, Window};
use super::sun;
use crate::domain::hours::Hours;
use crate::domain::time::Timestamp;

/// A window may reach so many days around the one on which it begins: its length, and the sun's offsets.
const REACH: i32 = 2;
/// How far a change is looked for, in growing steps.
const HORIZONS: [i32; 4] = [4, 32, 370, 800];
/// Shorter is no window, but the seam of two polar days.
const SHORTEST_S: i64 = 60;

/// Hours as people write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What rules call them.
    pub name: String,
    /// IANA name of the time zone.
    pub zone: String,
    /// Windows that begin on days of the week.
    pub weekly: Vec<(Weekdays, Window)>,
    /// Days that are not like others.
    pub special: Vec<SpecialDays>,
}

/// Where it is, for the sun: degrees north and east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

impl Plan {
    /// Whether it asks for the sun, and so for a place.
    pub fn needs_place(&self) -> bool {
        let windows = self.weekly.iter().map(|(_, window)| window);
        let mut all = windows.chain(self.special.iter().flat_map(|special| &special.windows));
        all.any(|window| window.from.is_of_the_sun() || window.to.is_of_the_sun())
    }

    /// The two special days that quarrel over a day, if any do.
    pub fn quarrel(&self) -> Option<(&DayRange, &DayRange)> {
        let of = |i: usize| &self.special[i].days;
        let pairs = (0..self.special.len()).flat_map(|i| (0..i).map(move |j| (j, i)));
        pairs.map(|(j, i)| (of(j), of(i))).find(|(a, b)| a.quarrels_with(b))
    }

    /// All that it means, as one text.
    fn text(&self, place: Option<Place>) -> String {
        let mut text = self.zone.clone();
        for (days, window) in &self.weekly {
            write!(text, "; {days} {window}").expect("writing to a string does not fail");
        }
        for special in &self.special {
            let windows: Vec<String> = special.windows.iter().map(ToString::to_string).collect();
            write!(text, "; {}: {}", special.days, windows.join(" ")).expect("writing to a string does not fail");
        }
        if let (true, Some(place)) = (self.needs_place(), place) {
            write!(text, "; at {},{}", place.latitude, place.longitude).expect("writing to a string does not fail");
        }
        text
    }
}

/// Names of all time zones.
pub fn zone_names() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    names.push("UTC".to_owned());
    names.sort();
    names.dedup();
    names
}

/// A plan that can be asked.
#[derive(Clone, Debug)]
pub struct Schedule {
    plan: Plan,
    zone: TimeZone,
    place: Option<Place>,
    text: String,
}

/// In Unix seconds, the end exclusive.
type Span = (i64, i64);

impl Schedule {
    /// The plan at a place; none where its time zone is unknown, or it needs a place and has none.
    pub fn new(plan: Plan, place: Option<Place>) -> Option<Self> {
        let zone = TimeZone::get(&plan.zone).ok()?;
        if plan.needs_place() && place.is_none() {
            return None;
        }
        Some(Self { text: plan.text(place), plan, zone, place })
    }

    /// The longest time, in seconds, for which it holds without a break; 0 where it never holds. Looked for over a whole year, and
    /// around special days of other years.
    pub fn longest_s(&self) -> i64 {
        let year = Date::constant(2026, 1, 1);
        let around = self.plan.special.iter().filter_map(|special| special.days.first_date());
        let spans = around.map(|date| (date, 10)).chain([(year, 380)]);
        spans.flat_map(|(date, days)| self.spans(date, days)).map(|(from, to)| to - from).max().unwrap_or(0)
    }

    /// What holds of days `-REACH..days` from `date`, merged and in order.
    fn spans(&self, date: Date, days: i32) -> Vec<Span> {
        let mut all: Vec<Span> = (-REACH..days)
            .filter_map(|i| date.checked_add(i.days()).ok())
            .flat_map(|day| self.windows(day).into_iter().filter_map(move |window| self.span(day, window)))
            .collect();
        all.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(all.len());
        for (from, to) in all {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    /// The windows that begin on a day.
    fn windows(&self, day: Date) -> Vec<Window> {
        let special =
            |dated: bool| self.plan.special.iter().find(|s| s.days.is_dated() == dated && s.days.contains(day));
        if let Some(special) = special(true).or_else(|| special(false)) {
            return special.windows.clone();
        }
        let weekly = self.plan.weekly.iter().filter(|(days, _)| days.contains(day.weekday()));
        weekly.map(|(_, window)| *window).collect()
    }

    fn span(&self, day: Date, window: Window) -> Option<Span> {
        let end_day = if window.ends_on_next_day() { day.tomorrow().ok()? } else { day };
        let (from, to) = (self.edge(day, window.from, Side::First)?, self.edge(end_day, window.to, Side::Last)?);
        (to - from >= SHORTEST_S).then_some((from, to))
    }

    fn edge(&self, day: Date, mark: Mark, side: Side) -> Option<i64> {
        match mark {
            Mark::Clock(DAY) => self.instant(day.tomorrow().ok()?.at(0, 0, 0, 0), side),
            Mark::Clock(minutes) => {
                let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
                self.instant(day.to_datetime(time), side)
            }
            Mark::Sun(event, offset) => {
                let noon = self.instant(day.at(12, 0, 0, 0), Side::First)?;
                let place = self.place?;
                Some(sun::moment(event, noon, place.latitude, place.longitude) + i64::from(offset) * 60)
            }
        }
    }

    /// When the clock on the wall shows it: first, last, or, where it never does, when it is set past it.
    fn instant(&self, shown: DateTime, side: Side) -> Option<i64> {
        let with = |offset: jiff::tz::Offset| offset.to_timestamp(shown).ok().map(Moment::as_second);
        match (self.zone.to_ambiguous_timestamp(shown).offset(), side) {
            (AmbiguousOffset::Unambiguous { offset }, _) => with(offset),
            (AmbiguousOffset::Fold { before, .. }, Side::First) => with(before),
            (AmbiguousOffset::Fold { after, .. }, Side::Last) => with(after),
            (AmbiguousOffset::Gap { before, .. }, _) => {
                let after_setting = Moment::from_second(with(before)? + 1).ok()?;
                self.zone.preceding(after_setting).next().map(|setting| setting.timestamp().as_second())
            }
        }
    }

    fn date_of(&self, at: Timestamp) -> Option<Date> {
        let moment = Moment::from_second(at.as_nanos().div_euclid(1_000_000_000)).ok()?;
        Some(self.zone.to_datetime(moment).date())
    }
}

#[derive(Clone, Copy)]
enum Side {
    First,
    Last,
}

impl Hours for Schedule {
    fn name(&self) -> &str {
        &self.plan.name
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn holds(&self, at: Timestamp) -> bool {
        let second = at.as_nanos().div_euclid(1_000_000_000);
        let Some(date) = self.date_of(at) else { return false };
        self.spans(date, REACH).iter().any(|(from, to)| (*from..*to).contains(&second))
    }

    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let second = at.as_nanos().div_euclid(1_000_000_000);
        let date = self.date_of(at)?;
        for horizon in HORIZONS {
            // What is beyond may still be joined to what comes after.
            let certain = self.instant(date.checked_add((horizon - REACH).days()).ok()?.at(0, 0, 0, 0), Side::First)?;
            let edges = self.spans(date, horizon).into_iter().flat_map(|(from, to)| [from, to]);
            let next = { edges }.find(|edge| *edge > second);
            if let Some(edge) = next.filter(|edge| *edge < certain) {
                return Some(Timestamp::from_nanos(edge.saturating_mul(1_000_000_000)));
            }
        }
        None
    }
}
