//! Named hours: when rules hold, or when they are armed.

use super::table::{Table, unknown};
use crate::calendar::{DayRange, Place, Plan, Schedule, SpecialDays, Weekdays, Window, zone_names};
use crate::domain::hours::SharedHours;

pub(super) const KEYS: &[&str] = &["id", "timezone", "weekly", "special_days"];
pub(super) const WEEKLY_KEYS: &[&str] = &["days", "windows"];
pub(super) const SPECIAL_KEYS: &[&str] = &["date", "until", "windows"];

/// The hours that rules of one camera may name.
#[derive(Clone, Copy)]
pub(super) struct KnownHours<'a> {
    /// Names as written, of good hours and bad: a rule on hours that are there but wrong is not wrong itself.
    pub(super) names: &'a [String],
    pub(super) plans: &'a [Plan],
    pub(super) place: Option<Place>,
}

/// Reads all `[[hours]]`: the names as written, and what is good of them.
pub(super) fn read_all(tables: &[Table<'_>]) -> (Vec<String>, Vec<Plan>) {
    for (i, table) in tables.iter().enumerate() {
        if table.id().is_some() && tables[..i].iter().any(|other| other.id() == table.id()) {
            table.wrong::<()>("id", "two [[hours]] have this id");
        }
    }
    let names = tables.iter().filter_map(Table::id).map(str::to_owned).collect();
    (names, tables.iter().filter_map(read).collect())
}

fn read(table: &Table<'_>) -> Option<Plan> {
    let name = table.owned("id").or_else(|| table.missing("id", "a name by which rules call these hours"));
    let zone = table
        .parsed("timezone", time_zone)
        .or_else(|| table.missing("timezone", "an IANA name, such as \"Asia/Shanghai\""));
    let mut weekly = Vec::new();
    for entry in table.tables("weekly", WEEKLY_KEYS) {
        let days = entry.list("days", Weekdays::parse);
        let days = days.map_or(Weekdays::ALL, |days| days.into_iter().fold(Weekdays::default(), Weekdays::or));
        let windows = entry.list("windows", Window::parse);
        if windows.is_none() {
            entry.missing::<()>("windows", "a list such as [\"18:00..06:00\"]");
        }
        weekly.extend(windows.unwrap_or_default().into_iter().map(|window| (days, window)));
    }
    let special = table.tables("special_days", SPECIAL_KEYS).iter().filter_map(read_special).collect();
    let plan = Plan { name: name?, zone: zone?, weekly, special };
    if let Some((one, other)) = plan.quarrel() {
        return table.wrong(
            "special_days",
            &format!("got {one} and {other}, which share a day, wants each day once: which windows would hold?"),
        );
    }
    if !plan.needs_place() {
        refuse_never(table, &plan, None)?;
    }
    Some(plan)
}

fn read_special(table: &Table<'_>) -> Option<SpecialDays> {
    let Some(first) = table.text("date") else {
        return table.missing("date", "a day such as \"2026-10-01\", or \"10-01\" for each year");
    };
    let days = match DayRange::parse(first, table.text("until")) {
        Ok(days) => Some(days),
        Err(why) => table.wrong("date", &why),
    };
    let windows = table.list("windows", Window::parse);
    if windows.is_none() {
        table.missing::<()>("windows", "a list such as [\"09:00..17:00\"], or [] for a day on which nothing holds");
    }
    Some(SpecialDays { days: days?, windows: windows? })
}

fn refuse_never(table: &Table<'_>, plan: &Plan, place: Option<Place>) -> Option<Schedule> {
    let schedule = Schedule::new(plan.clone(), place)?;
    if schedule.longest_s() > 0 {
        return Some(schedule);
    }
    table.itself_wrong("these hours never hold: wants a window of at least a minute on some day");
    None
}

/// The hours that a rule names under `key`, at its camera's place. `least` is what the rule needs of them in one piece.
pub(super) fn named(
    table: &Table<'_>,
    key: &str,
    known: KnownHours<'_>,
    least: Option<(&str, f64)>,
) -> Option<SharedHours> {
    let name = table.text(key)?;
    if !known.names.iter().any(|n| n == name) {
        let names: Vec<&str> = known.names.iter().map(String::as_str).collect();
        return table.wrong(key, &unknown("hours", name, &names));
    }
    // Hours that are wrong themselves were noted where they are.
    let plan = known.plans.iter().find(|plan| plan.name == name)?;
    if plan.needs_place() && known.place.is_none() {
        return table
            .wrong(key, &format!("got {name:?}, which asks for the sun, wants the camera's position to be given"));
    }
    let schedule = Schedule::new(plan.clone(), known.place)?;
    let longest = schedule.longest_s();
    match least {
        _ if longest == 0 => table.wrong(key, &format!("got {name:?}, which never holds at the camera's position")),
        Some((what, seconds)) if longest as f64 <= seconds => table.wrong(
            key,
            &format!("got {name:?}, which holds for {longest} s at most, wants longer than {what} = {seconds}, or the rule never speaks"),
        ),
        _ => Some(SharedHours::new(schedule)),
    }
}

fn time_zone(text: &str) -> Result<String, String> {
    let names = zone_names();
    if let Some(exact) = names.iter().find(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(exact.clone());
    }
    let wanted = text.to_lowercase().replace(' ', "_");
    let distance = |name: &String| {
        let name = name.to_lowercase();
        let city = name.rsplit('/').next().unwrap_or(&name);
        // A city alone, or a whole name with a slip.
        strsim::damerau_levenshtein(city, &wanted).min(strsim::damerau_levenshtein(&name, &wanted))
    };
    let nearest = names.iter().map(|name| (distance(name), name)).min();
    Err(match nearest {
        Some((distance, name)) if distance <= 1 + text.len() / 4 => {
            format!("unknown time zone {text:?}, did you mean {name:?}?")
        }
        _ => format!("unknown time zone {text:?}, wants an IANA name such as \"Asia/Shanghai\" or \"UTC\""),
    })
}
