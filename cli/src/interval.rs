//! How sure a share is: the Wilson score interval (Wilson, 1927), which stays within 0 and 1 and holds
//! for small counts and for shares near either end, where the textbook interval does not.

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of the share `hits` of `total`, both ends between 0 and 1. Of nothing, anything
/// may be true.
pub(crate) fn wilson(hits: u64, total: u64) -> (f64, f64) {
    if total == 0 {
        return (0.0, 1.0);
    }
    let n = total as f64;
    let share = hits as f64 / n;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (
        ((middle - half) / scale).max(0.0),
        ((middle + half) / scale).min(1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
        for (hits, total, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (20, 20, 0.8389, 1.0),
            (0, 0, 0.0, 1.0),
        ] {
            let found = wilson(hits, total);
            assert!((found.0 - low).abs() < 6e-5, "{hits}/{total}: {found:?}");
            assert!((found.1 - high).abs() < 6e-5, "{hits}/{total}: {found:?}");
        }
    }
}
