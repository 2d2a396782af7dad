use pulp::Arch;

use super::exp;
use super::sum::{LANES, sum};

/// Turns each row into shares of 1, in place.
pub fn softmax(rows: &mut [f32], width: usize) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(width) {
                let mut most = f32::MIN;
                for value in &*row {
                    most = most.max(*value);
                }
                for value in &mut *row {
                    *value = exp(*value - most);
                }
                let share = 1.0 / sum(row, |value| value);
                for value in &mut *row {
                    *value *= share;
                }
            }
        },
    );
}

/// Turns the gradient of [`softmax`]'s result, in place, into that of what it was given.
pub fn softmax_back(shares: &[f32], gradient: &mut [f32], width: usize) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (shares, gradient) in shares.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
                let mut lanes = [0.0f32; LANES];
                for (at, (share, gradient)) in shares.iter().zip(&*gradient).enumerate() {
                    lanes[at % LANES] += share * gradient;
                }
                let mean: f32 = lanes.iter().sum();
                for (share, gradient) in shares.iter().zip(gradient) {
                    *gradient = share * (*gradient - mean);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_their_gradient_is_the_slope() {
        let width = 21;
        let row: Vec<f32> = (0..width).map(|at| (at as f32 * 1.3).sin() * 2.0).collect();
        let towards: Vec<f32> = (0..width).map(|at| (at as f32 * 0.9).cos()).collect();
        let loss = |row: &[f32]| -> f32 {
            let mut shares = row.to_vec();
            softmax(&mut shares, width);
            shares.iter().zip(&towards).map(|(share, towards)| share * towards).sum()
        };
        let mut shares = row.clone();
        softmax(&mut shares, width);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let mut gradient = towards.clone();
        softmax_back(&shares, &mut gradient, width);
        for at in 0..width {
            let moved = |by: f32| {
                let mut row = row.clone();
                row[at] += by;
                loss(&row)
            };
            let slope = (moved(0.02) - moved(-0.02)) / 0.04;
            assert!((gradient[at] - slope).abs() < 1e-4, "{at}: {} is not {slope}", gradient[at]);
        }
    }
}
