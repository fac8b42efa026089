//! The edges of a window: a time on the clock, or the sun's.

use std::fmt;

pub(super) const DAY: i32 = 24 * 60;
/// An edge may be so far from the sun's.
const OFFSET_MAX: i32 = 6 * 60;

/// An edge of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Minutes after midnight, 0 to 1440.
    Clock(i32),
    /// Minutes after (or before) what the sun does.
    Sun(Event, i32),
}

/// What the sun does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is 6 degrees below the horizon, in the morning.
    Dawn,
    /// Its upper edge comes up.
    Sunrise,
    /// Its upper edge goes down.
    Sunset,
    /// It is 6 degrees below the horizon, in the evening.
    Dusk,
}

impl Event {
    const ALL: [(&'static str, Self); 4] =
        [("dawn", Self::Dawn), ("sunrise", Self::Sunrise), ("sunset", Self::Sunset), ("dusk", Self::Dusk)];

    /// About when on the clock, in minutes: decides only whether an edge is of the same day or of the next.
    const fn usual(self) -> i32 {
        match self {
            Self::Dawn => 5 * 60 + 30,
            Self::Sunrise => 6 * 60,
            Self::Sunset => 18 * 60,
            Self::Dusk => 18 * 60 + 30,
        }
    }
}

impl Mark {
    /// From `18:00`, `24:00`, `sunset`, `sunset-00:30`, `dawn+01:00`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "got {text:?}, wants a time such as \"18:30\", or the sun's such as \"sunset\" or \"sunrise+00:30\""
            )
        };
        let sun = Event::ALL.into_iter().find_map(|(word, event)| Some((event, text.strip_prefix(word)?)));
        let Some((event, rest)) = sun else {
            return minutes(text).filter(|m| *m <= DAY).map(Self::Clock).ok_or_else(wrong);
        };
        let offset = match rest.split_at_checked(1) {
            None => Some(0),
            Some(("+", by)) => minutes(by),
            Some(("-", by)) => minutes(by).map(|m| -m),
            Some(_) => None,
        };
        match offset {
            Some(offset) if offset.abs() <= OFFSET_MAX => Ok(Self::Sun(event, offset)),
            Some(_) => Err(format!("got {text:?}, wants it within 06:00 of what the sun does")),
            None => Err(wrong()),
        }
    }

    /// Whether it needs to know where it is.
    pub const fn is_of_the_sun(self) -> bool {
        matches!(self, Self::Sun(..))
    }

    const fn usual(self) -> i32 {
        match self {
            Self::Clock(minutes) => minutes,
            Self::Sun(event, offset) => event.usual() + offset,
        }
    }
}

fn minutes(text: &str) -> Option<i32> {
    let two = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Clock(m) => write!(f, "{:02}:{:02}", m / 60, m % 60),
            Self::Sun(event, offset) => {
                let word = Event::ALL.iter().find(|(_, e)| *e == event).map_or("", |(word, _)| word);
                f.write_str(word)?;
                let (sign, m) = (if offset < 0 { '-' } else { '+' }, offset.abs());
                if m == 0 { Ok(()) } else { write!(f, "{sign}{:02}:{:02}", m / 60, m % 60) }
            }
        }
    }
}

/// From one edge to another, at most a day later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: Mark,
    /// Where it ends, exclusive; on the next day where it would not come after the beginning.
    pub to: Mark,
}

impl Window {
    /// From `18:00..06:00`, `sunset-00:30..sunrise`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once("..") else {
            return Err(format!("got {text:?}, wants from and to, such as \"18:00..06:00\" or \"sunset..sunrise\""));
        };
        let window = Self { from: Mark::parse(from.trim())?, to: Mark::parse(to.trim())? };
        if window.from == Mark::Clock(DAY) {
            return Err(format!("got {text:?}, wants a beginning before 24:00"));
        }
        if window.from == window.to {
            return Err(format!("got {text:?}, wants different edges; the whole day is \"00:00..24:00\""));
        }
        Ok(window)
    }

    /// Whether it ends on the day after that on which it begins.
    pub(super) const fn ends_on_next_day(self) -> bool {
        self.to.usual() <= self.from.usual()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_there_and_back() {
        for good in ["00:00", "18:30", "24:00", "sunset", "sunrise+00:30", "dusk-01:15", "dawn"] {
            assert_eq!(Mark::parse(good).unwrap().to_string(), good);
        }
        for bad in
            ["", "24:01", "6:00", "18.30", "sunset-7:00", "sunset-06:01", "moonrise", "sunset00:30", "18:60", "+1:00"]
        {
            assert!(Mark::parse(bad).is_err(), "{bad}");
        }
    }
}
