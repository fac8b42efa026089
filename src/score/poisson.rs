//! How often false alerts may really come, when so many were seen in so long: the exact upper bound of a Poisson count.

/// The greatest mean that still gives `seen` or fewer in one of twenty tries: the one-sided 95 % upper bound (Garwood 1936).
/// None seen gives 3.0, so a short quiet time proves little.
pub(super) fn upper_95(seen: usize) -> f64 {
    let seen_f = seen as f64;
    // The bound lies between the count and this, for every count.
    let (mut low, mut high) = (seen_f, seen_f + 5.0 * seen_f.sqrt() + 5.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if at_most(seen, middle) > 0.05 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The chance of `seen` or fewer where `mean` are expected; summed by logarithms, so that large counts do not overflow.
fn at_most(seen: usize, mean: f64) -> f64 {
    let (mut log_term, mut sum) = (-mean, (-mean).exp());
    for k in 1..=seen {
        log_term += (mean / k as f64).ln();
        sum += log_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables of the chi-squared distribution: half its 95 % point with 2 (n + 1) degrees of freedom.
    #[test]
    fn bounds_are_those_of_the_tables() {
        for (seen, bound) in
            [(0, 2.9957), (1, 4.7439), (2, 6.2958), (5, 10.5130), (10, 16.9622), (50, 63.287), (100, 118.079)]
        {
            let got = upper_95(seen);
            assert!((got - bound).abs() < 2e-3 * bound.max(1.0), "{seen}: {got}");
        }
        assert!(upper_95(2000) > 2000.0 && upper_95(2000) < 2100.0);
    }
}
