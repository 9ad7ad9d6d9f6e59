//! Medians: one wrong number among many does not move them.

/// The middle of the numbers; of two in the middle their mean; 0 of none.
pub(crate) fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let n = numbers.len();
    if n == 0 { 0.0 } else { (numbers[(n - 1) / 2] + numbers[n / 2]) / 2.0 }
}

/// The number with half of the weight on either side; `numbers` are pairs of number and weight.
pub(crate) fn weighted_middle(mut numbers: Vec<(f64, f64)>) -> f64 {
    numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = numbers.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (i, (number, weight)) in numbers.iter().enumerate() {
        below += weight;
        // Sums of weights are not exact.
        if (below - half).abs() < 1e-9 {
            return numbers.get(i + 1).map_or(*number, |next| (number + next.0) / 2.0);
        }
        if below > half {
            return *number;
        }
    }
    0.0
}
