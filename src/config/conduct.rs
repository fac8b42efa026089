//! What all rules share beside their condition.

use super::hours::{self, KnownHours};
use super::table::Table;
use crate::domain::alert::AlertKind;
use crate::domain::rules::{Conduct, Deliver, Mode};

/// Times that a rule must be able to spend within its hours in one piece.
const WITHIN: [&str; 2] = ["dwell_s", "settle_s"];

/// Reads the shared keys of a rule of `kind`, whose own keys are good.
pub(super) fn read(table: &Table<'_>, kind: AlertKind, known: KnownHours<'_>) -> Conduct {
    let usual = Conduct::of(kind);
    let delivers = [("alert", Deliver::Alert), ("record", Deliver::Record)];
    let modes = [("live", Mode::Live), ("shadow", Mode::Shadow)];
    let spent = WITHIN.into_iter().find_map(|key| Some((key, table.number(key, 0.0..=f64::MAX)?)));
    if table.has("deliver") && table.has("armed") {
        table.wrong::<()>(
            "deliver",
            "means nothing beside armed: what the rule notices is an alert in those hours, and a record outside; remove one",
        );
    }
    Conduct {
        deliver: table.choice("deliver", &delivers).unwrap_or(usual.deliver),
        mode: table.choice("mode", &modes).unwrap_or(usual.mode),
        hours: hours::named(table, "hours", known, spent),
        armed: hours::named(table, "armed", known, None),
        max_per_hour: table.whole("max_per_hour", 1..=3600),
        expires_after: table.seconds("expires_after_s", 1.0..=86_400.0),
    }
}
