//! A rule: which objects, doing what, where.

use std::sync::Arc;
use std::time::Duration;

use super::table::{Table, unknown};
use crate::domain::alert::{AlertKind, Severity, Urgency};
use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::geometry::CrossingDirection;
use crate::domain::ids::{RuleId, ZoneId};
use crate::domain::rules::{
    Anchor, LineCross, Loitering, ObjectFilter, ObjectRemoved, Rule, RuleSpec, ZoneEnter, ZoneExit,
};

pub(super) const KEYS: &[&str] = &[
    "id",
    "kind",
    "rev",
    "classes",
    "labels",
    "min_confidence",
    "min_height",
    "max_height",
    "anchor",
    "severity",
    "urgency",
    "cooldown_s",
    "line",
    "direction",
    "zone",
    "dwell_s",
    "settle_s",
    "gone_s",
];

/// Keys that mean something to rules of one kind only.
const OWN_KEYS: [(AlertKind, &[&str]); 5] = [
    (AlertKind::LineCross, &["line", "direction"]),
    (AlertKind::ZoneEnter, &["zone"]),
    (AlertKind::ZoneExit, &["zone"]),
    (AlertKind::Loitering, &["zone", "dwell_s"]),
    (AlertKind::ObjectRemoved, &["zone", "settle_s", "gone_s"]),
];

/// What a camera's rules may name.
pub(super) struct Names<'a> {
    pub(super) zones: Vec<&'a str>,
    pub(super) lines: Vec<&'a str>,
}

/// Reads a `[[camera.rule]]`.
pub(super) fn read(table: &Table<'_>, names: &Names<'_>) -> Option<Rule> {
    let id = table.parsed("id", RuleId::parse);
    if id.is_none() {
        table.missing::<()>("id", "a slug that is unique among the camera's rules");
    }
    let filter = read_filter(table);
    let severities = [
        ("minor", Severity::Minor),
        ("moderate", Severity::Moderate),
        ("severe", Severity::Severe),
        ("extreme", Severity::Extreme),
        ("unknown", Severity::Unknown),
    ];
    let urgencies = [
        ("immediate", Urgency::Immediate),
        ("expected", Urgency::Expected),
        ("future", Urgency::Future),
        ("past", Urgency::Past),
        ("unknown", Urgency::Unknown),
    ];
    let (severity, urgency) = (table.choice("severity", &severities), table.choice("urgency", &urgencies));
    let cooldown = table.seconds("cooldown_s", 0.0..=86_400.0).unwrap_or(Duration::from_secs(10));
    let rev = table.whole("rev", 1..=u32::MAX).unwrap_or(1);
    let spec = read_spec(table, names)?;
    let mut rule = Rule { rev, filter, cooldown, ..Rule::new(id?, spec) };
    rule.severity = severity.unwrap_or(rule.severity);
    rule.urgency = urgency.unwrap_or(rule.urgency);
    Some(rule)
}

fn read_spec(table: &Table<'_>, names: &Names<'_>) -> Option<RuleSpec> {
    let kinds: Vec<(&'static str, AlertKind)> = OWN_KEYS.iter().map(|(kind, _)| (kind.as_str(), *kind)).collect();
    let Some(kind) = table.choice("kind", &kinds) else {
        return table.missing("kind", "one of line_cross, zone_enter, zone_exit, loitering, object_removed");
    };
    let own = OWN_KEYS.iter().find(|(k, _)| *k == kind).map_or(&[][..], |(_, keys)| *keys);
    let of_other_kinds = |key: &str| OWN_KEYS.iter().any(|(_, keys)| keys.contains(&key)) && !own.contains(&key);
    table.note_useless_keys(|key| !of_other_kinds(key), &format!("a rule of kind {}", kind.as_str()));
    match kind {
        AlertKind::LineCross => {
            let directions = [
                ("left_to_right", Some(CrossingDirection::LeftToRight)),
                ("right_to_left", Some(CrossingDirection::RightToLeft)),
                ("any", None),
            ];
            let direction = table.choice("direction", &directions).flatten();
            Some(RuleSpec::LineCross(LineCross { line: known(table, "line", &names.lines)?, direction }))
        }
        AlertKind::ZoneEnter => Some(RuleSpec::ZoneEnter(ZoneEnter { zone: known(table, "zone", &names.zones)? })),
        AlertKind::ZoneExit => Some(RuleSpec::ZoneExit(ZoneExit { zone: known(table, "zone", &names.zones)? })),
        AlertKind::Loitering => {
            let dwell = table.seconds("dwell_s", 1.0..=86_400.0);
            if dwell.is_none() {
                table.missing::<()>("dwell_s", "how many seconds are too long, from 1 to 86400");
            }
            Some(RuleSpec::Loitering(Loitering { zone: known(table, "zone", &names.zones)?, dwell: dwell? }))
        }
        _ => {
            let zone = if table.has("zone") { Some(known(table, "zone", &names.zones)?) } else { None };
            let settle = table.seconds("settle_s", 1.0..=86_400.0).unwrap_or(Duration::from_secs(10));
            let gone = table.seconds("gone_s", 0.5..=600.0).unwrap_or(Duration::from_secs(2));
            Some(RuleSpec::ObjectRemoved(ObjectRemoved { zone, settle, gone }))
        }
    }
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

fn read_filter(table: &Table<'_>) -> ObjectFilter {
    let classes: Vec<&str> = ObjectClass::ALL.iter().map(|class| class.as_str()).collect();
    let class = |text: &str| ObjectClass::from_name(text).ok_or_else(|| unknown("class", text, &classes));
    let anchors = [("bottom_centre", Anchor::BottomCentre), ("centre", Anchor::Centre)];
    let min_height = table.number("min_height", 0.0..=1.0).unwrap_or(0.0);
    let max_height = table.number("max_height", 0.0..=1.0).unwrap_or(1.0);
    if min_height > max_height {
        table.wrong::<()>(
            "min_height",
            &format!("got {min_height} above max_height {max_height}, wants it below: nothing would fit"),
        );
    }
    ObjectFilter {
        classes: table.list("classes", class).unwrap_or_default(),
        labels: table.list("labels", label).unwrap_or_default(),
        min_confidence: Confidence::clamped(table.number("min_confidence", 0.0..=1.0).unwrap_or(0.4) as f32),
        min_height,
        max_height,
        anchor: table.choice("anchor", &anchors).unwrap_or_default(),
    }
}

/// Which labels there are, only the model knows; a label that it never gives matches nothing.
fn label(text: &str) -> Result<Arc<str>, &'static str> {
    if text.trim().is_empty() { Err("got an empty text, wants a class name of the model") } else { Ok(text.into()) }
}
