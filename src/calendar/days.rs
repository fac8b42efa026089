//! Which days: of the week, and special ones.

use std::fmt;

use jiff::civil::{Date, Weekday};

use super::mark::Window;

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    /// All seven.
    pub const ALL: Self = Self(0x7f);

    /// From `mon` or `fri-mon`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let day = |name: &str| NAMES.iter().position(|known| *known == name);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            return Err(format!("got {text:?}, wants one of {}, or a range such as \"mon-fri\"", NAMES.join(", ")));
        };
        let count = (last + 7 - first) % 7;
        Ok(Self((0..=count).fold(0, |days, i| days | 1 << ((first + i) % 7))))
    }

    /// The days of either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn contains(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> = (0..7).filter(|i| self.0 & 1 << i != 0).map(|i| NAMES[i]).collect();
        f.write_str(&days.join(","))
    }
}

/// Some days of one year or of each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    first: Day,
    last: Day,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Day {
    /// Each year where absent.
    year: Option<i16>,
    month: i8,
    of_month: i8,
}

impl Day {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("got {text:?}, wants a day such as \"2026-10-01\", or \"10-01\" for each year");
        // A leap year, so that "02-29" is a day of some years.
        let dated = if text.len() == 5 { format!("2024-{text}") } else { text.to_owned() };
        let date: Date = dated.parse().map_err(|_| wrong())?;
        Ok(Self { year: (text.len() != 5).then(|| date.year()), month: date.month(), of_month: date.day() })
    }

    fn of(date: Date, with_year: bool) -> Self {
        Self { year: if with_year { Some(date.year()) } else { None }, month: date.month(), of_month: date.day() }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(year) = self.year {
            write!(f, "{year:04}-")?;
        }
        write!(f, "{:02}-{:02}", self.month, self.of_month)
    }
}

impl DayRange {
    /// From its first and its last day, both of one year or both of each year.
    pub fn parse(first: &str, last: Option<&str>) -> Result<Self, String> {
        let first = Day::parse(first)?;
        let last = last.map_or(Ok(first), Day::parse)?;
        if first.year.is_some() != last.year.is_some() {
            return Err(format!("got {first} to {last}, wants both with a year, or both without"));
        }
        if last < first {
            return Err(format!(
                "got {first} to {last}, wants the last day after the first; write two ranges over a year's end"
            ));
        }
        Ok(Self { first, last })
    }

    pub(super) fn contains(&self, date: Date) -> bool {
        (self.first..=self.last).contains(&Day::of(date, self.is_dated()))
    }

    pub(super) const fn is_dated(&self) -> bool {
        self.first.year.is_some()
    }

    pub(super) fn first_date(&self) -> Option<Date> {
        Date::new(self.first.year?, self.first.month, self.first.of_month).ok()
    }

    /// Whether a day is in both; a day of one year goes before that of each year, so these two do not quarrel.
    pub fn quarrels_with(&self, other: &Self) -> bool {
        self.is_dated() == other.is_dated() && self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for DayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{} to {}", self.first, self.last) }
    }
}

/// Days that are not like others of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialDays {
    /// Which.
    pub days: DayRange,
    /// The windows that begin on them instead of the week's; none: closed.
    pub windows: Vec<Window>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_week_go_round() {
        assert_eq!(Weekdays::parse("mon-fri").unwrap().to_string(), "mon,tue,wed,thu,fri");
        assert_eq!(Weekdays::parse("sat-mon").unwrap().to_string(), "mon,sat,sun");
        assert_eq!(Weekdays::parse("sun").unwrap().or(Weekdays::parse("sat").unwrap()).to_string(), "sat,sun");
        assert!(Weekdays::parse("monday").is_err() && Weekdays::parse("mon-").is_err());
    }

    #[test]
    fn ranges_quarrel_only_with_their_like() {
        let range = |first, last| DayRange::parse(first, Some(last)).unwrap();
        assert!(range("2026-10-01", "2026-10-07").quarrels_with(&range("2026-10-07", "2026-10-08")));
        assert!(!range("2026-10-01", "2026-10-07").quarrels_with(&range("2026-10-08", "2026-10-09")));
        assert!(!range("10-01", "10-07").quarrels_with(&range("2026-10-07", "2026-10-08")));
        for (first, last) in
            [("2026-13-01", None), ("2026-10-02", Some("2026-10-01")), ("2026-10-01", Some("10-02")), ("1", None)]
        {
            assert!(DayRange::parse(first, last).is_err(), "{first} {last:?}");
        }
    }
}
