//! Linear equations whose matrix has three diagonals, by Thomas' elimination without pivoting: stable because the
//! diagonals of conduction dominate.

/// Solves in place: `solution` comes in as the right side. `lower[i]` and `upper[i]` stand beside `diagonal[i]` in row
/// i; `lower[0]` and the last of `upper` are not read. `diagonal` is spoilt.
pub(crate) fn solve(lower: &[f64], diagonal: &mut [f64], upper: &[f64], solution: &mut [f64]) {
    let rows = solution.len();
    assert!(lower.len() == rows && diagonal.len() == rows && upper.len() == rows && rows > 0, "rows of equal number");
    for row in 1..rows {
        let factor = lower[row] / diagonal[row - 1];
        diagonal[row] -= factor * upper[row - 1];
        solution[row] -= factor * solution[row - 1];
    }
    solution[rows - 1] /= diagonal[rows - 1];
    for row in (0..rows - 1).rev() {
        solution[row] = (solution[row] - upper[row] * solution[row + 1]) / diagonal[row];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_solution_solves_the_equations(
            rows in prop::collection::vec((-1.0..1.0_f64, 2.1..5.0_f64, -1.0..1.0_f64, -9.0..9.0_f64), 1..30)
        ) {
            let lower: Vec<f64> = rows.iter().map(|row| row.0).collect();
            let mut diagonal: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let upper: Vec<f64> = rows.iter().map(|row| row.2).collect();
            let mut solution: Vec<f64> = rows.iter().map(|row| row.3).collect();
            solve(&lower, &mut diagonal, &upper, &mut solution);
            for (i, row) in rows.iter().enumerate() {
                let before = if i == 0 { 0.0 } else { row.0 * solution[i - 1] };
                let after = if i + 1 == rows.len() { 0.0 } else { row.2 * solution[i + 1] };
                prop_assert!((before + row.1 * solution[i] + after - row.3).abs() < 1e-9);
            }
        }
    }
}
