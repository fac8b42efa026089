//! A rule: which objects, doing what, where.

use std::sync::Arc;
use std::time::Duration;

use super::conduct;
use super::hours::KnownHours;
use super::rule_kind;
use super::table::{Table, unknown};
use crate::domain::alert::{AlertKind, Severity, Urgency};
use crate::domain::detection::{Confidence, ObjectClass};
use crate::domain::ids::RuleId;
use crate::domain::rules::{Anchor, ObjectFilter, Rule};

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
    "hours",
    "armed",
    "deliver",
    "mode",
    "max_per_hour",
    "expires_after_s",
    "line",
    "direction",
    "zone",
    "dwell_s",
    "allowed_heading",
    "tolerance_deg",
    "min_travel",
    "clear_s",
    "count",
    "slack",
    "include_parked",
    "min_s",
    "min_speed",
    "min_speed_frame",
    "min_speed_mps",
    "for_s",
    "settle_s",
    "gone_s",
    "owner",
    "owner_distance",
    "owner_absent_s",
];

/// What a camera's rules may name.
pub(super) struct Names<'a> {
    pub(super) zones: Vec<&'a str>,
    pub(super) lines: Vec<&'a str>,
    /// Whether metres mean something.
    pub(super) has_ground: bool,
    pub(super) hours: KnownHours<'a>,
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
    let spec = rule_kind::read(table, names)?;
    let conduct = conduct::read(table, spec.kind(), names.hours);
    let mut rule = Rule { rev, filter, cooldown, conduct, ..Rule::new(id?, spec) };
    if rule.filter.classes.is_empty() && rule.spec.kind() == AlertKind::ObjectAbandoned {
        // What is left behind is what detectors often have no name for.
        rule.filter.classes = vec![ObjectClass::Bag, ObjectClass::Other, ObjectClass::Unknown];
    }
    rule.severity = severity.unwrap_or(rule.severity);
    rule.urgency = urgency.unwrap_or(rule.urgency);
    Some(rule)
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
