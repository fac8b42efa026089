//! Schedules against the clock on the wall, minute by minute.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::domain::hours::Hours;
use crate::domain::time::Timestamp;

const ZONES: [&str; 8] = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
    "UTC",
];

fn plan(zone: &str, weekly: &[(&str, &str)], special: &[(&str, &str, &[&str])]) -> Plan {
    let window = |text: &&str| Window::parse(text).unwrap();
    Plan {
        name: "test".to_owned(),
        zone: zone.to_owned(),
        weekly: weekly.iter().map(|(days, text)| (Weekdays::parse(days).unwrap(), window(text))).collect(),
        special: special
            .iter()
            .map(|(first, last, windows)| SpecialDays {
                days: DayRange::parse(first, Some(last)).unwrap(),
                windows: windows.iter().map(window).collect(),
            })
            .collect(),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_nanos(i64::try_from(text.parse::<Moment>().unwrap().as_nanosecond()).unwrap())
}

/// `18:00..06:00` as minutes, the end beyond a day where it is on the next one. Written apart from the code that is tested.
fn minutes(window: &str) -> (i64, i64) {
    let minute = |text: &str| text[..2].parse::<i64>().unwrap() * 60 + text[3..].parse::<i64>().unwrap();
    let (from, to) = window.split_once("..").unwrap();
    let (from, to) = (minute(from), minute(to));
    (from, if to <= from { to + 1440 } else { to })
}

/// What the clock on the wall says of each minute from a day on: windows of each day from when the clock first shows their beginning
/// until it last shows what is before their end.
fn on_the_wall(zone: &TimeZone, first: Date, days: i32, windows: impl Fn(Date) -> Vec<(i64, i64)>) -> Vec<(i64, bool)> {
    let start = zone.to_timestamp(first.at(0, 0, 0, 0)).unwrap().as_second().div_euclid(60) - 4 * 1440;
    let minutes: Vec<i64> = (start..start + i64::from(days + 8) * 1440).collect();
    let shown: Vec<DateTime> = minutes.iter().map(|m| zone.to_datetime(Moment::from_second(m * 60).unwrap())).collect();
    let mut holds = vec![false; minutes.len()];
    for i in -3..days + 3 {
        let day = first.checked_add(i.days()).unwrap();
        for (from, to) in windows(day) {
            let edge = |minute: i64| day.at(0, 0, 0, 0).checked_add(minute.minutes()).unwrap();
            // Within two days of where it would be without summer time: else a year would take minutes.
            let near = usize::try_from((i + 4) * 1440).unwrap();
            let (low, high) = (near.saturating_sub(2 * 1440), (near + 4 * 1440).min(shown.len()));
            let begin = low + shown[low..high].iter().position(|c| *c >= edge(from)).unwrap();
            let end = low + shown[low..high].iter().rposition(|c| *c < edge(to)).unwrap();
            for held in holds.iter_mut().take(end + 1).skip(begin) {
                *held = true;
            }
        }
    }
    // The margins do not know of windows outside.
    let inner = 4 * 1440..minutes.len() - 4 * 1440;
    minutes.into_iter().zip(holds).skip(inner.start).take(inner.len()).collect()
}

fn agrees(plan: &Plan, first: Date, days: i32, windows: impl Fn(Date) -> Vec<(i64, i64)>) -> Result<(), String> {
    let schedule = Schedule::new(plan.clone(), None).unwrap();
    let zone = TimeZone::get(&plan.zone).unwrap();
    let wall = on_the_wall(&zone, first, days, windows);
    let moment = |minute: i64| Timestamp::from_millis(minute * 60_000);
    // Asked as the engine asks: only when a change was announced.
    let (mut holds, mut change) = (schedule.holds(moment(wall[0].0)), schedule.next_change(moment(wall[0].0)));
    for (minute, wanted) in wall {
        let now = moment(minute);
        if change.is_some_and(|change| change <= now) {
            (holds, change) = (schedule.holds(now), schedule.next_change(now));
        }
        if holds != wanted {
            let shown = zone.to_datetime(Moment::from_second(minute * 60).unwrap());
            return Err(format!("{} at {shown}: {holds}, on the wall {wanted}", schedule.text()));
        }
    }
    Ok(())
}

#[test]
fn a_year_in_many_zones_is_as_on_the_wall() {
    let (week, end, feast) = ("22:30..06:15", "01:30..02:45", "09:00..17:00");
    for zone in ZONES {
        let plan = plan(zone, &[("mon-fri", week), ("sat-sun", end)], &[("2026-10-01", "2026-10-07", &[feast])]);
        let windows = |day: Date| {
            let is_feast = (Date::constant(2026, 10, 1)..=Date::constant(2026, 10, 7)).contains(&day);
            let weekend = day.weekday().to_monday_zero_offset() >= 5;
            vec![minutes(if is_feast {
                feast
            } else if weekend {
                end
            } else {
                week
            })]
        };
        agrees(&plan, Date::constant(2026, 1, 1), 366, windows).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_windows_are_as_on_the_wall(
        zone in 0..ZONES.len(),
        day in 0..360i32,
        edges in proptest::collection::vec((0..1440i32, 1..1440i32, 0..7usize, 0..7usize), 1..4),
    ) {
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let clock = |minute: i32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let weekly: Vec<(String, String, usize, usize)> = edges
            .iter()
            .map(|&(from, length, a, b)| {
                (format!("{}-{}", NAMES[a], NAMES[b]), format!("{}..{}", clock(from), clock(from + length)), a, b)
            })
            .collect();
        let texts: Vec<(&str, &str)> = weekly.iter().map(|(days, window, ..)| (days.as_str(), window.as_str())).collect();
        let windows = |day: Date| {
            let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap();
            let within = |a: usize, b: usize| if a <= b { (a..=b).contains(&weekday) } else { weekday >= a || weekday <= b };
            weekly.iter().filter(|(.., a, b)| within(*a, *b)).map(|(_, window, ..)| minutes(window)).collect()
        };
        let first = Date::constant(2026, 1, 1).checked_add(day.days()).unwrap();
        prop_assert_eq!(agrees(&plan(ZONES[zone], &texts, &[]), first, 9, windows), Ok(()));
    }
}

#[test]
fn a_night_is_longer_when_the_clock_is_set_back_and_shorter_when_it_is_set_forward() {
    let schedule = Schedule::new(plan("Europe/Berlin", &[("sat", "18:00..06:00")], &[]), None).unwrap();
    assert_eq!(schedule.next_change(at("2026-10-24T16:00:00Z")), Some(at("2026-10-25T05:00:00Z")), "13 hours");
    assert_eq!(schedule.next_change(at("2026-03-28T17:00:00Z")), Some(at("2026-03-29T04:00:00Z")), "11 hours");
}

#[test]
fn special_days_hold_instead_of_the_week_and_a_dated_one_goes_before_a_yearly_one() {
    let special: &[(&str, &str, &[&str])] =
        &[("12-24", "12-26", &[]), ("2026-12-25", "2026-12-25", &["10:00..11:00", "13:00..14:00"])];
    let schedule = Schedule::new(plan("UTC", &[("mon-sun", "20:00..04:00")], special), None).unwrap();
    assert!(schedule.holds(at("2026-12-24T03:59:00Z")), "the night before belongs to the day on which it began");
    assert!(!schedule.holds(at("2026-12-24T21:00:00Z")));
    assert!(schedule.holds(at("2026-12-25T13:30:00Z")) && !schedule.holds(at("2026-12-25T12:00:00Z")));
    assert!(!schedule.holds(at("2027-12-25T13:30:00Z")), "closed in other years");
    assert_eq!(schedule.next_change(at("2026-12-25T14:00:00Z")), Some(at("2026-12-27T20:00:00Z")));
}

#[test]
fn from_sunset_to_sunrise_is_the_dark_also_where_the_sun_does_not_rise_or_set() {
    let dark = plan("Europe/Oslo", &[("mon-sun", "sunset..sunrise")], &[]);
    assert!(dark.needs_place() && Schedule::new(dark.clone(), None).is_none());
    let tromso = Schedule::new(dark, Some(Place { latitude: 69.65, longitude: 18.96 })).unwrap();
    for hour in 0..24 {
        assert!(tromso.holds(at(&format!("2026-12-20T{hour:02}:30:00Z"))), "polar night, {hour}");
        assert!(!tromso.holds(at(&format!("2026-06-20T{hour:02}:30:00Z"))), "polar day, {hour}");
    }
    let spring = at("2026-03-20T12:00:00Z");
    assert!(!tromso.holds(spring));
    let sunset = tromso.next_change(spring).unwrap();
    assert!(sunset.since(at("2026-03-20T16:50:00Z")).as_secs() < 1200, "{sunset:?}");
}

#[test]
fn what_never_holds_is_known_and_so_is_the_longest_time() {
    let longest = |weekly: &[(&str, &str)], special: &[(&str, &str, &[&str])]| {
        Schedule::new(plan("UTC", weekly, special), None).unwrap().longest_s()
    };
    assert_eq!(longest(&[], &[]), 0);
    assert_eq!(longest(&[], &[("10-01", "10-01", &[])]), 0);
    assert_eq!(longest(&[], &[("2031-10-01", "2031-10-02", &["08:00..09:00"])]), 3600);
    assert_eq!(longest(&[("mon", "22:00..24:00"), ("tue", "00:00..03:00")], &[]), 5 * 3600, "joined over midnight");
    let always = Schedule::new(plan("UTC", &[("mon-sun", "00:00..24:00")], &[]), None).unwrap();
    assert_eq!(always.next_change(at("2026-01-01T00:00:00Z")), None);
}
