//! What holds for the alerts of every run, whatever happened.

use std::collections::BTreeMap;

use lightbar::domain::alert::{AlertChange, Phase};
use lightbar::domain::ids::AlertId;

/// Opens first, ends last and once, revisions count by one, times in order.
pub(crate) fn laws(changes: &[AlertChange]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut seen: BTreeMap<AlertId, &AlertChange> = BTreeMap::new();
    for change in changes {
        let before = seen.insert(change.id, change);
        let in_order = match before {
            None => change.phase == Phase::Opened && change.revision == 1,
            Some(b) => {
                change.phase != Phase::Opened
                    && b.phase != Phase::Ended
                    && change.revision == b.revision + 1
                    && change.captured_at >= b.captured_at
                    && change.started_at == b.started_at
            }
        };
        let times = change.started_at <= change.captured_at
            && change.ended_at.is_none_or(|end| end >= change.started_at && end <= change.captured_at);
        let ends = (change.phase == Phase::Ended) == (change.ended_at.is_some() && change.end_reason.is_some());
        if !(in_order && times && ends) {
            complaints.push(format!("breaks the law of alerts: {change:?} after {before:?}"));
        }
    }
    complaints
}
