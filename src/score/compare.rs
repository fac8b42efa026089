//! What a change gains and loses: two sets of alerts side by side, alert by alert, and against the truth where there is one.

use std::time::Duration;

use super::event::{Told, Truth};
use super::judge::{Patience, Verdict, judge};
use super::matching::{Fit, assign};

/// Two sets of alerts side by side; numbers are places in the lists that were compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Found by both: (of A, of B).
    pub both: Vec<(usize, usize)>,
    /// Found by A only.
    pub only_a: Vec<usize>,
    /// Found by B only.
    pub only_b: Vec<usize>,
    /// What the truth says of it.
    pub against_truth: Option<AgainstTruth>,
}

/// What the truth says of two sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgainstTruth {
    /// Of A.
    pub a: Verdict,
    /// Of B.
    pub b: Verdict,
    /// Events that only B told.
    pub gained: Vec<usize>,
    /// Events that only A told.
    pub lost: Vec<usize>,
    /// Events that neither told.
    pub missed_by_both: Vec<usize>,
    /// Of `only_a` and of `both`' first: false alerts that B does not have.
    pub false_gone: Vec<usize>,
    /// False alerts that only B has.
    pub false_new: Vec<usize>,
}

/// Compares; alerts of the same camera and kind are the same one where their beginnings are at most `tolerance` apart.
pub fn compare(a: &[Told], b: &[Told], tolerance: Duration, truth: Option<(&Truth, Patience)>) -> Comparison {
    let mut fits = Vec::new();
    let mut by_start: Vec<usize> = (0..b.len()).collect();
    by_start.sort_by_key(|&col| (b[col].started_at, col));
    for (row, one) in a.iter().enumerate() {
        let first = by_start.partition_point(|&col| b[col].started_at < one.started_at.minus(tolerance));
        let near = by_start[first..].iter().take_while(|&&col| b[col].started_at <= one.started_at.plus(tolerance));
        for &col in near.filter(|&&col| is_alike(one, &b[col])) {
            let off = one.started_at.as_nanos().abs_diff(b[col].started_at.as_nanos());
            fits.push(Fit { row, col, cost: i64::try_from(off).unwrap_or(i64::MAX / 4) });
        }
    }
    let both = assign(&fits);
    let only_a = (0..a.len()).filter(|&i| both.iter().all(|&(row, _)| row != i)).collect();
    let only_b = (0..b.len()).filter(|&i| both.iter().all(|&(_, col)| col != i)).collect();
    let against_truth =
        truth.map(|(truth, patience)| AgainstTruth::new(judge(truth, a, patience), judge(truth, b, patience), &both));
    Comparison { both, only_a, only_b, against_truth }
}

fn is_alike(a: &Told, b: &Told) -> bool {
    let agrees = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    // Not by rule: a change may have renamed it. Classes may have changed with the model.
    a.camera == b.camera && a.kind == b.kind && agrees(&a.direction, &b.direction)
}

impl AgainstTruth {
    fn new(a: Verdict, b: Verdict, both: &[(usize, usize)]) -> Self {
        let tells = |verdict: &Verdict, event: usize| verdict.matched.iter().any(|&(told, _)| told == event);
        let only = |one: &Verdict, other: &Verdict| {
            one.matched.iter().map(|&(event, _)| event).filter(|&event| !tells(other, event)).collect()
        };
        let missed_by_both = a.missed.iter().copied().filter(|event| b.missed.contains(event)).collect();
        let twin_in_b = |i: usize| both.iter().find(|(row, _)| *row == i).map(|&(_, col)| col);
        let twin_in_a = |i: usize| both.iter().find(|(_, col)| *col == i).map(|&(row, _)| row);
        let is_false = |verdict: &Verdict, twin: Option<usize>| twin.is_some_and(|i| verdict.false_alerts.contains(&i));
        Self {
            gained: only(&b, &a),
            lost: only(&a, &b),
            missed_by_both,
            false_gone: a.false_alerts.iter().copied().filter(|&i| !is_false(&b, twin_in_b(i))).collect(),
            false_new: b.false_alerts.iter().copied().filter(|&i| !is_false(&a, twin_in_a(i))).collect(),
            a,
            b,
        }
    }

    /// Whether B is better than A in something and worse in nothing: `Some(true)`; worse in something and better in nothing:
    /// `Some(false)`; else none.
    pub fn is_better(&self) -> Option<bool> {
        let better = !self.gained.is_empty() || !self.false_gone.is_empty();
        let worse = !self.lost.is_empty() || !self.false_new.is_empty();
        (better != worse).then_some(better)
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::{event, told};
    use super::*;

    const TOLERANCE: Duration = Duration::from_secs(1);

    #[test]
    fn alert_by_alert() {
        let a = [told("a", 10.0), told("a", 20.0), told("a", 30.0)];
        let b = [told("renamed", 20.4), told("renamed", 30.0), told("renamed", 40.0)];
        let found = compare(&a, &b, TOLERANCE, None);
        assert_eq!((found.both, found.only_a, found.only_b), (vec![(1, 0), (2, 1)], vec![0], vec![2]));
    }

    #[test]
    fn the_truth_says_what_is_better() {
        let truth = Truth { events: vec![event("a", 10.0), event("a", 20.0), event("a", 60.0)], ..Truth::default() };
        let (a, b) = ([told("a", 10.0), told("a", 40.0)], [told("a", 10.0), told("a", 20.0)]);
        let found = compare(&a, &b, TOLERANCE, Some((&truth, Patience::default()))).against_truth.unwrap();
        assert_eq!(
            (found.gained.as_slice(), found.lost.len(), found.missed_by_both.as_slice()),
            (&[1][..], 0, &[2][..])
        );
        assert_eq!((found.false_gone.as_slice(), found.false_new.len()), (&[1][..], 0));
        assert_eq!(found.is_better(), Some(true));
        let back = compare(&b, &a, TOLERANCE, Some((&truth, Patience::default()))).against_truth.unwrap();
        assert_eq!((back.is_better(), back.lost.as_slice()), (Some(false), &[1][..]));
        let same = compare(&a, &a, TOLERANCE, Some((&truth, Patience::default()))).against_truth.unwrap();
        assert_eq!(same.is_better(), None);
    }
}
