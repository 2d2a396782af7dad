//! Logistic regression on one variable: recalibration (Platt 1999, Cox 1958).

/// P = 1 / (1 + exp(−(intercept + slope · x))).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic {
    pub intercept: f64,
    pub slope: f64,
}

impl Logistic {
    const STEPS: usize = 100;
    /// So that separable examples have a fit: the strength of a pull towards slope 1 and intercept 0.
    const PULL: f64 = 1e-6;

    /// The likeliest, by Newton's method with halved steps; `None` when labels are all alike.
    pub fn fit(pairs: &[(f64, bool)]) -> Option<Logistic> {
        let positives = pairs.iter().filter(|(_, label)| *label).count();
        if positives == 0 || positives == pairs.len() {
            return None;
        }
        let mut fit = Logistic { intercept: 0.0, slope: 1.0 };
        let mut loss = fit.loss(pairs);
        for _ in 0..Self::STEPS {
            let step = fit.newton(pairs);
            let mut share = 1.0;
            let next = loop {
                let next = Logistic { intercept: fit.intercept - share * step.0, slope: fit.slope - share * step.1 };
                if next.loss(pairs) <= loss || share < 1e-6 {
                    break next;
                }
                share /= 2.0;
            };
            let better = loss - next.loss(pairs);
            if better <= 1e-12 * loss.abs() {
                break;
            }
            loss -= better;
            fit = next;
        }
        Some(fit)
    }

    pub fn probability(&self, x: f64) -> f64 {
        1.0 / (1.0 + (-(self.intercept + self.slope * x)).exp())
    }

    fn loss(&self, pairs: &[(f64, bool)]) -> f64 {
        let pull = Self::PULL / 2.0 * (self.intercept.powi(2) + (self.slope - 1.0).powi(2));
        let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
        let of = |(x, label): &(f64, bool)| {
            let z = self.intercept + self.slope * x;
            softplus(if *label { -z } else { z })
        };
        pull + pairs.iter().map(of).sum::<f64>() / pairs.len() as f64
    }

    /// Inverse of the curvature times the gradient.
    fn newton(&self, pairs: &[(f64, bool)]) -> (f64, f64) {
        let n = pairs.len() as f64;
        let (mut g0, mut g1) = (Self::PULL * self.intercept, Self::PULL * (self.slope - 1.0));
        let (mut h00, mut h01, mut h11) = (Self::PULL, 0.0, Self::PULL);
        for (x, label) in pairs {
            let p = self.probability(*x);
            let (error, weight) = ((p - f64::from(u8::from(*label))) / n, p * (1.0 - p) / n);
            g0 += error;
            g1 += error * x;
            h00 += weight;
            h01 += weight * x;
            h11 += weight * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_law_behind_drawn_labels_is_found() {
        let law = Logistic { intercept: -1.0, slope: 0.7 };
        let mut random = Random::new(8);
        let pairs: Vec<(f64, bool)> = (0..40_000)
            .map(|_| {
                let x = 6.0 * random.uniform() - 2.0;
                (x, random.uniform() < law.probability(x))
            })
            .collect();
        let fit = Logistic::fit(&pairs).unwrap();
        assert!((fit.intercept + 1.0).abs() < 0.05 && (fit.slope - 0.7).abs() < 0.03, "{fit:?}");
    }

    /// At the optimum the mean of the probabilities is the share of positives.
    #[test]
    fn the_fit_is_an_optimum() {
        let pairs: Vec<(f64, bool)> =
            (0..200).map(|i| (f64::from(i % 17) / 3.0 - 2.0, i % 5 == 0 || i % 17 > 12)).collect();
        let fit = Logistic::fit(&pairs).unwrap();
        let mean: f64 = pairs.iter().map(|(x, _)| fit.probability(*x)).sum::<f64>() / 200.0;
        let share = pairs.iter().filter(|(_, label)| *label).count() as f64 / 200.0;
        assert!((mean - share).abs() < 1e-4, "{mean} {share}");
    }

    #[test]
    fn labels_that_are_alike_have_no_fit_and_separable_ones_a_finite_one() {
        assert_eq!(Logistic::fit(&[(1.0, true), (2.0, true)]), None);
        let fit = Logistic::fit(&[(-2.0, false), (-1.0, false), (1.0, true), (2.0, true)]).unwrap();
        assert!(fit.slope.is_finite() && fit.slope > 5.0, "{fit:?}");
    }
}
