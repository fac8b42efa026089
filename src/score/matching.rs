//! Which alert tells of which event: as many as can be matched, and of all such matchings the one whose beginnings fit best.
//!
//! Taking events in order and giving each the first alert that fits can leave one without, so the whole is solved: shortest
//! augmenting paths (Ford and Fulkerson's way with costs) over small groups that share no alert. Costs are whole numbers, so the
//! result does not hang on rounding.

/// An event (`row`) and an alert (`col`) that fit, and how badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) cost: i64,
}

/// Matches; gives (row, col) in order of rows.
pub(super) fn assign(fits: &[Fit]) -> Vec<(usize, usize)> {
    let mut matched = Vec::new();
    for group in groups(fits) {
        if let [only] = group.as_slice() {
            matched.push((only.row, only.col));
        } else {
            matched.extend(solve(&group));
        }
    }
    matched.sort_unstable();
    matched
}

/// Fits that share rows or columns, directly or through others; a group keeps the order of `fits`.
fn groups(fits: &[Fit]) -> Vec<Vec<Fit>> {
    let rows = fits.iter().map(|f| f.row + 1).max().unwrap_or(0);
    let cols = fits.iter().map(|f| f.col + 1).max().unwrap_or(0);
    let mut parent: Vec<usize> = (0..rows + cols).collect();
    for fit in fits {
        let (a, b) = (root(&mut parent, fit.row), root(&mut parent, rows + fit.col));
        parent[a.max(b)] = a.min(b);
    }
    let mut place = vec![None; rows + cols];
    let mut groups: Vec<Vec<Fit>> = Vec::new();
    for fit in fits {
        let top = root(&mut parent, fit.row);
        let index = *place[top].get_or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[index].push(*fit);
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

/// One group: rows are added one by one; each addition takes the cheapest way to one matched row more.
fn solve(group: &[Fit]) -> Vec<(usize, usize)> {
    let numbers = |of: fn(&Fit) -> usize| {
        let mut all: Vec<usize> = group.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (rows, cols) = (numbers(|f| f.row), numbers(|f| f.col));
    let index = |all: &[usize], number: usize| all.binary_search(&number).unwrap_or_default();
    let fits: Vec<Fit> =
        group.iter().map(|f| Fit { row: index(&rows, f.row), col: index(&cols, f.col), cost: f.cost }).collect();
    let mut of_row: Vec<Option<usize>> = vec![None; rows.len()];
    let mut of_col: Vec<Option<usize>> = vec![None; cols.len()];
    while let Some(path) = cheapest_path(&fits, &of_row, &of_col) {
        for (row, col) in path {
            of_row[row] = Some(col);
            of_col[col] = Some(row);
        }
    }
    of_row.iter().enumerate().filter_map(|(row, col)| col.map(|col| (rows[row], cols[col]))).collect()
}

/// The cheapest way from any free row to any free column, alternating between fits that are not taken and such that are; the
/// (row, col) pairs to take. Bellman and Ford's method: costs of taken fits count negative.
fn cheapest_path(fits: &[Fit], of_row: &[Option<usize>], of_col: &[Option<usize>]) -> Option<Vec<(usize, usize)>> {
    let mut to_row: Vec<Option<i64>> = of_row.iter().map(|col| col.is_none().then_some(0)).collect();
    let mut to_col: Vec<Option<(i64, usize)>> = vec![None; of_col.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for fit in fits {
            if let Some(cost) = to_row[fit.row]
                && of_row[fit.row] != Some(fit.col)
                && to_col[fit.col].is_none_or(|(known, _)| cost + fit.cost < known)
            {
                to_col[fit.col] = Some((cost + fit.cost, fit.row));
                changed = true;
            }
            // A taken fit is walked back, from its column to its row.
            if let (Some(taken_by), Some((cost, _))) = (of_col[fit.col], to_col[fit.col])
                && taken_by == fit.row
                && to_row[fit.row].is_none_or(|known| cost - fit.cost < known)
            {
                to_row[fit.row] = Some(cost - fit.cost);
                changed = true;
            }
        }
    }
    let free = (0..of_col.len()).filter(|&col| of_col[col].is_none());
    let (_, mut col) = free.filter_map(|col| to_col[col].map(|(cost, _)| (cost, col))).min()?;
    let mut path = Vec::new();
    loop {
        let (_, row) = to_col[col]?;
        path.push((row, col));
        match of_row[row] {
            Some(before) => col = before,
            None => return Some(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fit(row: usize, col: usize, cost: i64) -> Fit {
        Fit { row, col, cost }
    }

    #[test]
    fn as_many_as_possible_then_as_well_as_possible() {
        // Row 0 fits column 0 best, but row 1 fits only column 0.
        assert_eq!(assign(&[fit(0, 0, 1), fit(0, 1, 9), fit(1, 0, 5)]), [(0, 1), (1, 0)]);
        assert_eq!(assign(&[fit(0, 0, 5), fit(0, 1, 1), fit(1, 0, 1), fit(1, 1, 5)]), [(0, 1), (1, 0)]);
        assert_eq!(assign(&[]), []);
    }

    /// All ways, for few.
    fn best_by_trying(fits: &[Fit], rows: usize, taken: &mut Vec<usize>, row: usize) -> (usize, i64) {
        if row == rows {
            return (0, 0);
        }
        let mut best = best_by_trying(fits, rows, taken, row + 1);
        for f in fits.iter().filter(|f| f.row == row) {
            if !taken.contains(&f.col) {
                taken.push(f.col);
                let (count, cost) = best_by_trying(fits, rows, taken, row + 1);
                taken.pop();
                let this = (count + 1, cost + f.cost);
                if this.0 > best.0 || (this.0 == best.0 && this.1 < best.1) {
                    best = this;
                }
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_matching_is_better(costs in prop::collection::vec(prop::option::weighted(0.5, 0_i64..20), 25)) {
            let all = costs.iter().enumerate();
            let fits: Vec<Fit> = all.filter_map(|(i, c)| c.map(|cost| fit(i / 5, i % 5, cost))).collect();
            let found = assign(&fits);
            let cost: i64 = found.iter().map(|&(r, c)| fits.iter().find(|f| (f.row, f.col) == (r, c)).unwrap().cost).sum();
            let mut cols: Vec<usize> = found.iter().map(|&(_, c)| c).collect();
            cols.sort_unstable();
            cols.dedup();
            prop_assert_eq!(cols.len(), found.len());
            prop_assert_eq!((found.len(), cost), best_by_trying(&fits, 5, &mut Vec::new(), 0));
        }
    }
}
