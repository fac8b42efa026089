//! Who belongs to whom at the least cost: optimal assignment (Hungarian method, Kuhn 1955) over allowed pairs only.
//!
//! A picture falls into small groups that do not compete with each other, so each group is solved for itself: with a hundred
//! objects most groups have one member and cost nothing.

/// A pair that may be matched, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) cost: f64,
}

/// Matches rows with columns so that the sum of costs is least, where leaving a row unmatched costs `limit`. Gives
/// (row, column) by ascending row.
pub(super) fn assign(pairs: &[Pair], limit: f64) -> Vec<(usize, usize)> {
    let mut matched = Vec::new();
    for group in groups(pairs) {
        if let [only] = group.as_slice() {
            if only.cost < limit {
                matched.push((only.row, only.col));
            }
        } else {
            solve(&group, limit, &mut matched);
        }
    }
    matched.sort_unstable();
    matched
}

/// Pairs that share rows or columns, directly or through others.
fn groups(pairs: &[Pair]) -> Vec<Vec<Pair>> {
    let rows = pairs.iter().map(|p| p.row + 1).max().unwrap_or(0);
    let cols = pairs.iter().map(|p| p.col + 1).max().unwrap_or(0);
    let mut parent: Vec<usize> = (0..rows + cols).collect();
    for pair in pairs {
        let (a, b) = (root(&mut parent, pair.row), root(&mut parent, rows + pair.col));
        parent[a.max(b)] = a.min(b);
    }
    let mut slots = vec![usize::MAX; rows + cols];
    let mut groups: Vec<Vec<Pair>> = Vec::new();
    for pair in pairs {
        let top = root(&mut parent, pair.row);
        if slots[top] == usize::MAX {
            slots[top] = groups.len();
            groups.push(Vec::new());
        }
        groups[slots[top]].push(*pair);
    }
    groups
}

fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

/// Solves one group; each row gets a column of its own besides, which stands for "unmatched".
fn solve(group: &[Pair], limit: f64, matched: &mut Vec<(usize, usize)>) {
    let index = |keys: Vec<usize>| {
        let mut keys = keys;
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    let rows = index(group.iter().map(|p| p.row).collect());
    let cols = index(group.iter().map(|p| p.col).collect());
    let width = cols.len() + rows.len();
    let forbidden = limit.mul_add(1e3, 1e3);
    let mut cost = vec![forbidden; rows.len() * width];
    for pair in group {
        let r = rows.binary_search(&pair.row).unwrap_or(0);
        let c = cols.binary_search(&pair.col).unwrap_or(0);
        cost[r * width + c] = pair.cost.min(forbidden);
    }
    for r in 0..rows.len() {
        cost[r * width + cols.len() + r] = limit;
    }
    for (r, c) in hungarian(&cost, rows.len(), width).into_iter().enumerate() {
        if c < cols.len() && cost[r * width + c] < limit {
            matched.push((rows[r], cols[c]));
        }
    }
}

/// The column of each row in a least-cost assignment; `rows <= cols`. Shortest augmenting paths with potentials, O(rows² cols).
fn hungarian(cost: &[f64], rows: usize, cols: usize) -> Vec<usize> {
    let (mut u, mut v) = (vec![0.0; rows + 1], vec![0.0; cols + 1]);
    // Index 0 is "none" in all of these, so rows and columns count from 1 here.
    let mut owner = vec![0; cols + 1];
    let mut way = vec![0; cols + 1];
    for row in 1..=rows {
        owner[0] = row;
        let mut col = 0;
        let mut least = vec![f64::INFINITY; cols + 1];
        let mut used = vec![false; cols + 1];
        while owner[col] != 0 {
            used[col] = true;
            let (from, mut delta, mut next) = (owner[col], f64::INFINITY, 0);
            for c in 1..=cols {
                if used[c] {
                    continue;
                }
                let reduced = cost[(from - 1) * cols + c - 1] - u[from] - v[c];
                if reduced < least[c] {
                    (least[c], way[c]) = (reduced, col);
                }
                if least[c] < delta {
                    (delta, next) = (least[c], c);
                }
            }
            for c in 0..=cols {
                if used[c] {
                    u[owner[c]] += delta;
                    v[c] -= delta;
                } else {
                    least[c] -= delta;
                }
            }
            col = next;
        }
        while col != 0 {
            owner[col] = owner[way[col]];
            col = way[col];
        }
    }
    let mut columns = vec![0; rows];
    for c in 1..=cols {
        if owner[c] > 0 {
            columns[owner[c] - 1] = c - 1;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn best_by_trying(pairs: &[Pair], row: usize, rows: usize, taken: u32, limit: f64) -> f64 {
        if row == rows {
            return 0.0;
        }
        let unmatched = limit + best_by_trying(pairs, row + 1, rows, taken, limit);
        pairs
            .iter()
            .filter(|p| p.row == row && taken & (1 << p.col) == 0)
            .map(|p| p.cost + best_by_trying(pairs, row + 1, rows, taken | 1 << p.col, limit))
            .fold(unmatched, f64::min)
    }

    #[test]
    fn the_sum_decides_and_not_the_greedy_choice() {
        let pair = |row, col, cost| Pair { row, col, cost };
        let pairs = [pair(0, 0, 0.1), pair(0, 1, 0.2), pair(1, 0, 0.2), pair(1, 1, 0.9)];
        assert_eq!(assign(&pairs, 2.0), [(0, 1), (1, 0)]);
    }

    proptest! {
        #[test]
        fn no_assignment_is_cheaper(costs in proptest::collection::vec(proptest::option::of(0.0..1.5f64), 25)) {
            let pairs: Vec<Pair> = costs.iter().enumerate()
                .filter_map(|(i, c)| c.map(|cost| Pair { row: i / 5, col: i % 5, cost })).collect();
            let matched = assign(&pairs, 1.0);
            let mut cols: Vec<_> = matched.iter().map(|m| m.1).collect();
            cols.sort_unstable();
            cols.dedup();
            prop_assert_eq!(cols.len(), matched.len(), "a column was given twice");
            let sum: f64 = matched.iter()
                .filter_map(|m| pairs.iter().find(|p| (p.row, p.col) == *m)).map(|p| p.cost).sum();
            let total = sum + (5 - matched.len()) as f64;
            prop_assert!((total - best_by_trying(&pairs, 0, 5, 0, 1.0)).abs() < 1e-9);
        }
    }
}
