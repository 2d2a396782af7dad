//! Logistic regression on many variables, with a little ridge, by Newton's method.

/// P = 1 / (1 + exp(−(w₀ + Σ wᵢ xᵢ))).
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// The intercept last.
    weights: Vec<f64>,
}

/// Strength of the ridge: a weight of 1 costs as much as a hundredth of an example.
const RIDGE: f64 = 0.01;
const STEPS: usize = 25;

impl Linear {
    /// `rows` are of equal length, on a scale of about one.
    pub fn fit(rows: &[Vec<f32>], labels: &[bool]) -> Linear {
        let width = rows.first().map_or(0, Vec::len) + 1;
        let mut fit = Linear { weights: vec![0.0; width] };
        let mut loss = fit.loss(rows, labels);
        for _ in 0..STEPS {
            let Some(step) = fit.newton(rows, labels) else { break };
            let mut share = 1.0;
            let next = loop {
                let weights = fit.weights.iter().zip(&step).map(|(weight, step)| weight - share * step).collect();
                let next = Linear { weights };
                if next.loss(rows, labels) <= loss || share < 1e-3 {
                    break next;
                }
                share /= 2.0;
            };
            let next_loss = next.loss(rows, labels);
            if next_loss >= loss * (1.0 - 1e-6) {
                break;
            }
            (fit, loss) = (next, next_loss);
        }
        fit
    }

    fn score(&self, row: &[f32]) -> f64 {
        let (intercept, weights) = self.weights.split_last().expect("there is an intercept");
        intercept + row.iter().zip(weights).map(|(x, weight)| f64::from(*x) * weight).sum::<f64>()
    }

    pub fn probability(&self, row: &[f32]) -> f64 {
        1.0 / (1.0 + (-self.score(row)).exp())
    }

    fn loss(&self, rows: &[Vec<f32>], labels: &[bool]) -> f64 {
        let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
        let of = |(row, label): (&Vec<f32>, &bool)| softplus(if *label { -self.score(row) } else { self.score(row) });
        let ridge = RIDGE / 2.0 * self.weights.iter().map(|weight| weight * weight).sum::<f64>();
        ridge + rows.iter().zip(labels).map(of).sum::<f64>()
    }

    fn newton(&self, rows: &[Vec<f32>], labels: &[bool]) -> Option<Vec<f64>> {
        let width = self.weights.len();
        let mut gradient: Vec<f64> = self.weights.iter().map(|weight| RIDGE * weight).collect();
        let mut curvature = vec![0.0f64; width * width];
        let mut x = vec![1.0f64; width];
        for (row, label) in rows.iter().zip(labels) {
            for (x, value) in x.iter_mut().zip(row) {
                *x = f64::from(*value);
            }
            let p = self.probability(row);
            let error = p - f64::from(u8::from(*label));
            let weight = p * (1.0 - p);
            gradient.iter_mut().zip(&x).for_each(|(gradient, x)| *gradient += error * x);
            if weight > 1e-6 {
                for i in 0..width {
                    let scaled = weight * x[i];
                    let line = &mut curvature[i * width..i * width + i + 1];
                    line.iter_mut().zip(&x).for_each(|(c, x)| *c += scaled * x);
                }
            }
        }
        (0..width).for_each(|i| curvature[i * width + i] += RIDGE);
        solve(curvature, gradient, width)
    }
}

/// Solves a symmetric positive definite system given by its lower half (Cholesky); `None` when it is not definite.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - dot;
            a[i * n + j] = if i == j {
                if rest <= 0.0 {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / a[j * n + j]
            };
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * n + i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_system_is_solved() {
        let x = solve(vec![4.0, 0.0, 2.0, 3.0], vec![8.0, 7.0], 2).unwrap();
        // 4 x + 2 y = 8, 2 x + 3 y = 7.
        assert!((x[0] - 1.25).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12, "{x:?}");
        assert_eq!(solve(vec![1.0, 0.0, 2.0, 1.0], vec![1.0, 1.0], 2), None);
    }

    #[test]
    fn the_law_behind_drawn_labels_is_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let law = Linear { weights: vec![1.5, -0.7, 0.2] };
        let rows: Vec<Vec<f32>> = (0..20_000).map(|_| (0..2).map(|_| rng.random_range(-2.0..2.0)).collect()).collect();
        let labels: Vec<bool> = rows.iter().map(|row| rng.random::<f64>() < law.probability(row)).collect();
        let fit = Linear::fit(&rows, &labels);
        for (found, real) in fit.weights.iter().zip(&law.weights) {
            assert!((found - real).abs() < 0.08, "{fit:?}");
        }
    }
}
