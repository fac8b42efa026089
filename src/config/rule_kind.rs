//! What each kind of rule wants to know: one entry of `KINDS` and one reader per kind.

use std::time::Duration;

use super::rule::Names;
use super::table::{Table, unknown};
use crate::domain::alert::AlertKind;
use crate::domain::geometry::CrossingDirection;
use crate::domain::ids::ZoneId;
use crate::domain::rules::{
    Crowd, FastMove, Heading, LineCross, Loitering, ObjectAbandoned, ObjectPresent, ObjectRemoved, Owner, RuleSpec,
    Speed, VehicleStopped, WrongWay, ZoneEnter, ZoneExit, ZonePresence,
};

type Read = fn(&Table<'_>, &Names<'_>) -> Option<RuleSpec>;

/// The kinds of rules that can be configured, with the keys that mean something to them and not to every rule.
const KINDS: [(AlertKind, &[&str], Read); 12] = [
    (AlertKind::LineCross, &["line", "direction"], line_cross),
    (AlertKind::ZoneEnter, &["zone"], zone_enter),
    (AlertKind::ZoneExit, &["zone"], zone_exit),
    (AlertKind::ZonePresence, &["zone", "dwell_s", "clear_s"], zone_presence),
    (AlertKind::Loitering, &["zone", "dwell_s"], loitering),
    (AlertKind::WrongWay, &["line", "direction", "zone", "allowed_heading", "tolerance_deg", "min_travel"], wrong_way),
    (AlertKind::Crowd, &["zone", "count", "slack", "dwell_s", "clear_s"], crowd),
    (AlertKind::VehicleStopped, &["zone", "dwell_s", "include_parked"], vehicle_stopped),
    (AlertKind::ObjectPresent, &["zone", "min_s", "clear_s"], object_present),
    (AlertKind::FastMove, &["zone", "min_speed", "min_speed_frame", "min_speed_mps", "for_s"], fast_move),
    (AlertKind::ObjectRemoved, &["zone", "settle_s", "gone_s"], object_removed),
    (AlertKind::ObjectAbandoned, &["zone", "dwell_s", "owner", "owner_distance", "owner_absent_s"], object_abandoned),
];

/// A speed may be given in one of these.
const SPEEDS: [&str; 3] = ["min_speed", "min_speed_frame", "min_speed_mps"];

/// Reads `kind` and what a rule of that kind wants to know.
pub(super) fn read(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let kinds: Vec<(&'static str, usize)> = KINDS.iter().enumerate().map(|(i, kind)| (kind.0.as_str(), i)).collect();
    let Some(index) = table.choice("kind", &kinds) else {
        let known: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        return table.missing("kind", &format!("one of {}", known.join(", ")));
    };
    let (kind, own, read) = KINDS[index];
    let of_other_kinds = |key: &str| KINDS.iter().any(|(_, keys, _)| keys.contains(&key)) && !own.contains(&key);
    table.note_useless_keys(|key| !of_other_kinds(key), &format!("a rule of kind {}", kind.as_str()));
    read(table, names)
}

fn line_cross(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let directions = [
        ("left_to_right", Some(CrossingDirection::LeftToRight)),
        ("right_to_left", Some(CrossingDirection::RightToLeft)),
        ("any", None),
    ];
    let direction = table.choice("direction", &directions).flatten();
    Some(RuleSpec::LineCross(LineCross { line: known(table, "line", &names.lines)?, direction }))
}

fn zone_enter(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    Some(RuleSpec::ZoneEnter(ZoneEnter { zone: known(table, "zone", &names.zones)? }))
}

fn zone_exit(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    Some(RuleSpec::ZoneExit(ZoneExit { zone: known(table, "zone", &names.zones)? }))
}

fn zone_presence(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let dwell = table.seconds("dwell_s", 0.0..=86_400.0).unwrap_or(Duration::from_secs(2));
    let clear = clear(table);
    Some(RuleSpec::ZonePresence(ZonePresence { zone: known(table, "zone", &names.zones)?, dwell, clear }))
}

fn loitering(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let dwell = dwell(table, "how many seconds are too long, from 1 to 86400");
    Some(RuleSpec::Loitering(Loitering { zone: known(table, "zone", &names.zones)?, dwell: dwell? }))
}

fn wrong_way(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    if table.has("line") && table.has("zone") {
        return table.wrong("zone", "got a zone beside a line, wants one of them: write two rules to watch both");
    }
    if table.has("zone") {
        let here = |key: &str| !["line", "direction"].contains(&key);
        table.note_useless_keys(here, "a wrong_way rule of a zone, which has an allowed_heading");
        let zone = known(table, "zone", &names.zones);
        let allowed = heading(table);
        return Some(RuleSpec::WrongWay(WrongWay::InZone { zone: zone?, allowed: allowed? }));
    }
    let here = |key: &str| !["allowed_heading", "tolerance_deg", "min_travel"].contains(&key);
    table.note_useless_keys(here, "a wrong_way rule of a line, which has a direction");
    let directions =
        [("left_to_right", CrossingDirection::LeftToRight), ("right_to_left", CrossingDirection::RightToLeft)];
    let forbidden = table
        .choice("direction", &directions)
        .or_else(|| table.missing("direction", "the direction that is forbidden: left_to_right or right_to_left"));
    if !table.has("line") {
        return table.missing("line", "the id of one of the camera's lines, or a zone with allowed_heading");
    }
    let line = known(table, "line", &names.lines);
    Some(RuleSpec::WrongWay(WrongWay::OverLine { line: line?, forbidden: forbidden? }))
}

/// An arrow on the picture, with what it is meant by.
fn heading(table: &Table<'_>) -> Option<Heading> {
    const WANTS: &str = "two different points [[x, y], [x, y]]: an arrow on the picture along which one may go";
    let tolerance = table.number("tolerance_deg", 10.0..=170.0).unwrap_or(90.0);
    let min_travel = table.number("min_travel", 0.01..=2.0).unwrap_or(0.1);
    let points = table.points("allowed_heading").or_else(|| table.missing("allowed_heading", WANTS))?;
    match points.as_slice() {
        [from, to] if from != to => Some(Heading { from: *from, to: *to, tolerance, min_travel }),
        [_, _] => table.wrong("allowed_heading", &format!("got the same point twice, wants {WANTS}")),
        other => table.wrong("allowed_heading", &format!("got a list of {}, wants {WANTS}", other.len())),
    }
}

fn crowd(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let zone = zone_or_all(table, names);
    let count = table
        .whole("count", 2..=1000)
        .or_else(|| table.missing("count", "how many are a crowd, a whole number from 2 to 1000"));
    let slack = table.whole("slack", 0..=999).unwrap_or(1);
    if let Some(count) = count.filter(|count| slack >= *count) {
        table.wrong::<()>("slack", &format!("got {slack} with count {count}, wants it below: it would never be over"));
    }
    let dwell = table.seconds("dwell_s", 0.0..=86_400.0).unwrap_or(Duration::from_secs(5));
    let clear = clear(table);
    Some(RuleSpec::Crowd(Crowd { zone: zone?, count: count?, slack, dwell, clear }))
}

fn vehicle_stopped(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let zone = zone_or_all(table, names);
    let dwell = dwell(table, "after how many seconds a vehicle counts as stopped, from 1 to 86400");
    let include_parked = table.flag("include_parked").unwrap_or(false);
    Some(RuleSpec::VehicleStopped(VehicleStopped { zone: zone?, dwell: dwell?, include_parked }))
}

fn object_present(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let zone = zone_or_all(table, names);
    let min = table.seconds("min_s", 0.0..=3600.0).unwrap_or(Duration::from_secs(1));
    let clear = clear(table);
    Some(RuleSpec::ObjectPresent(ObjectPresent { zone: zone?, min, clear }))
}

fn fast_move(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let zone = zone_or_all(table, names);
    let during = table.seconds("for_s", 0.5..=10.0).unwrap_or(Duration::from_secs(1));
    let min_speed = speed(table, names);
    Some(RuleSpec::FastMove(FastMove { zone: zone?, min_speed: min_speed?, during }))
}

/// One of three speeds.
fn speed(table: &Table<'_>, names: &Names<'_>) -> Option<Speed> {
    let given: Vec<&str> = SPEEDS.into_iter().filter(|key| table.has(key)).collect();
    match given.as_slice() {
        ["min_speed"] => table.number("min_speed", 0.1..=100.0).map(Speed::Heights),
        ["min_speed_frame"] => table.number("min_speed_frame", 0.01..=10.0).map(Speed::Widths),
        ["min_speed_mps"] if !names.has_ground => {
            let message =
                "got metres, but the ground before this camera is not known; wants [camera.ground] with points";
            table.wrong("min_speed_mps", message)
        }
        ["min_speed_mps"] => table.number("min_speed_mps", 0.1..=100.0).map(Speed::Metres),
        [_, second, ..] => table.wrong(second, &format!("got more than one speed, wants one of {}", SPEEDS.join(", "))),
        _ => {
            let wants = "object heights per second, from 0.1 to 100 (2 is a running person); or min_speed_frame or min_speed_mps";
            table.missing("min_speed", wants)
        }
    }
}

fn object_removed(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let zone = zone_or_all(table, names)?;
    let settle = table.seconds("settle_s", 1.0..=86_400.0).unwrap_or(Duration::from_secs(10));
    let gone = table.seconds("gone_s", 0.5..=600.0).unwrap_or(Duration::from_secs(2));
    Some(RuleSpec::ObjectRemoved(ObjectRemoved { zone, settle, gone }))
}

fn object_abandoned(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let zone = zone_or_all(table, names);
    let dwell = table.seconds("dwell_s", 1.0..=86_400.0).unwrap_or(Duration::from_secs(30));
    let matters = table.flag("owner").unwrap_or(true);
    let distance = table.number("owner_distance", 0.5..=100.0).unwrap_or(5.0);
    let absent = table.seconds("owner_absent_s", 0.0..=3600.0).unwrap_or(Duration::from_secs(10));
    if !matters {
        let here = |key: &str| !["owner_distance", "owner_absent_s"].contains(&key);
        table.note_useless_keys(here, "an object_abandoned rule with owner = false");
    }
    let owner = matters.then_some(Owner { distance, absent });
    Some(RuleSpec::ObjectAbandoned(ObjectAbandoned { zone: zone?, dwell, owner }))
}

fn dwell(table: &Table<'_>, wants: &str) -> Option<Duration> {
    table.seconds("dwell_s", 1.0..=86_400.0).or_else(|| table.missing("dwell_s", wants))
}

fn clear(table: &Table<'_>) -> Duration {
    table.seconds("clear_s", 0.2..=3600.0).unwrap_or(Duration::from_secs(5))
}

/// The zone; `Some(None)` where none is named, for kinds that then watch the whole picture.
#[expect(clippy::option_option, reason = "given, absent and wrong are three things")]
fn zone_or_all(table: &Table<'_>, names: &Names<'_>) -> Option<Option<ZoneId>> {
    if table.has("zone") { known(table, "zone", &names.zones).map(Some) } else { Some(None) }
}

/// The id under `key`, which must be one of `names`.
fn known(table: &Table<'_>, key: &str, names: &[&str]) -> Option<ZoneId> {
    let Some(text) = table.text(key) else {
        return table.missing(key, &format!("the id of one of the camera's {key}s"));
    };
    if names.contains(&text) {
        // Where the id itself is no good, that was noted where it was given.
        return ZoneId::parse(text).ok();
    }
    table.wrong(key, &unknown(key, text, names))
}

#[cfg(test)]
pub(super) fn kinds() -> impl Iterator<Item = AlertKind> {
    KINDS.iter().map(|(kind, _, _)| *kind)
}

#[cfg(test)]
pub(super) fn own_keys() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(|(_, keys, _)| keys.iter().copied())
}
