//! Sums over a time-ordered run of values, exact and mergeable: everything that panes, windows and features
//! are made of.

use crate::{EventMs, Micro};
use serde::{Deserialize, Serialize};

/// Sums over `n` values in time order. Sums of values are in millionths, sums of times in milliseconds
/// since `origin`. Two adjacent runs merge into the run of both; nothing is lost, so a window is the merge
/// of its panes. An empty run has `n == 0` and everything else zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moments {
    pub origin: EventMs,
    pub n: i64,
    pub sum: i128,
    pub sum_sq: i128,
    /// Σ xᵢ·xᵢ₊₁ over consecutive values: the raw first autocovariance.
    pub lagged: i128,
    pub sum_t: i128,
    pub sum_tt: i128,
    pub sum_tx: i128,
    pub min: Micro,
    pub max: Micro,
    pub first: Micro,
    pub last: Micro,
    pub first_at: EventMs,
    pub last_at: EventMs,
}

impl Moments {
    pub fn starting(origin: EventMs) -> Moments {
        Moments { origin, ..Moments::default() }
    }

    /// Adds a value later than all before it.
    #[inline]
    pub fn append(&mut self, at: EventMs, value: Micro) {
        let x = value.0;
        let t = at.0 - self.origin.0;
        if self.n == 0 {
            self.first = value;
            self.first_at = at;
            self.min = value;
            self.max = value;
        } else {
            self.lagged += i128::from(self.last.0) * i128::from(x);
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
        self.n += 1;
        self.sum += i128::from(x);
        self.sum_sq += i128::from(x) * i128::from(x);
        self.sum_t += i128::from(t);
        self.sum_tt += i128::from(t) * i128::from(t);
        self.sum_tx += i128::from(t) * i128::from(x);
        self.last = value;
        self.last_at = at;
    }

    /// Appends a whole run that is later than this one. Keeps this run's origin.
    pub fn merge(&mut self, later: &Moments) {
        if later.n == 0 {
            return;
        }
        let shift = i128::from(later.origin.0 - self.origin.0);
        let n = i128::from(later.n);
        if self.n == 0 {
            self.first = later.first;
            self.first_at = later.first_at;
            self.min = later.min;
            self.max = later.max;
        } else {
            debug_assert!(self.last_at < later.first_at, "runs merge in time order");
            self.lagged += i128::from(self.last.0) * i128::from(later.first.0);
            self.min = self.min.min(later.min);
            self.max = self.max.max(later.max);
        }
        self.n += later.n;
        self.sum += later.sum;
        self.sum_sq += later.sum_sq;
        self.lagged += later.lagged;
        self.sum_t += later.sum_t + shift * n;
        self.sum_tt += later.sum_tt + 2 * shift * later.sum_t + shift * shift * n;
        self.sum_tx += later.sum_tx + shift * later.sum;
        self.last = later.last;
        self.last_at = later.last_at;
    }

    /// The mean, rounded down to a millionth; `None` when empty.
    pub fn mean(&self) -> Option<Micro> {
        (self.n > 0).then(|| Micro(self.sum.div_euclid(i128::from(self.n)) as i64))
    }

    pub fn mean_f64(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum as f64 / self.n as f64 / Micro::SCALE as f64)
    }

    /// Σ(x−m)² with m the mean rounded to a millionth: small, so that it survives the way to a float.
    fn squares(&self, m: i128) -> i128 {
        self.sum_sq - 2 * m * self.sum + i128::from(self.n) * m * m
    }

    /// Sample standard deviation (n − 1 below the line), in units; `None` below two values.
    pub fn std_f64(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        let m = i128::from(self.mean()?.0);
        let rest = self.sum - i128::from(self.n) * m;
        let squares = self.squares(m) as f64 - (rest as f64) * (rest as f64) / self.n as f64;
        Some((squares.max(0.0) / (self.n - 1) as f64).sqrt() / Micro::SCALE as f64)
    }

    /// Least-squares slope in units per minute; `None` without two different times.
    pub fn slope_f64(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        let n = i128::from(self.n);
        let tt = n * self.sum_tt - self.sum_t * self.sum_t;
        if tt == 0 {
            return None;
        }
        let m = i128::from(self.mean()?.0);
        let centred_tx = self.sum_tx - m * self.sum_t;
        let centred_sum = self.sum - n * m;
        let tx = n * centred_tx - self.sum_t * centred_sum;
        Some(tx as f64 / tt as f64 * 60_000.0 / Micro::SCALE as f64)
    }

    /// First autocorrelation r₁ = Σ(xᵢ−m)(xᵢ₊₁−m) / Σ(xᵢ−m)² (Box & Jenkins); `None` for constant runs and
    /// below three values.
    pub fn autocorrelation_f64(&self) -> Option<f64> {
        if self.n < 3 {
            return None;
        }
        let m = i128::from(self.mean()?.0);
        let squares = self.squares(m);
        if squares == 0 {
            return None;
        }
        let ends = i128::from(self.first.0) + i128::from(self.last.0);
        let covariance = self.lagged - m * (2 * self.sum - ends) + (i128::from(self.n) - 1) * m * m;
        Some(covariance as f64 / squares as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: &[(i64, f64)]) -> Moments {
        let mut moments = Moments::starting(EventMs(0));
        for (at, value) in values {
            moments.append(EventMs(*at), Micro::from_f64(*value).expect("a measurement"));
        }
        moments
    }

    #[test]
    fn known_statistics() {
        let m = run(&[(0, 1500.0), (60_000, 1502.0), (120_000, 1504.0), (180_000, 1506.0)]);
        assert_eq!(m.mean_f64(), Some(1503.0));
        assert!((m.std_f64().unwrap() - 2.581_988_897).abs() < 1e-9);
        assert!((m.slope_f64().unwrap() - 2.0).abs() < 1e-12);
        assert!((m.autocorrelation_f64().unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn merging_adjacent_runs_equals_one_run_over_both() {
        let values: Vec<(i64, f64)> = (0..40).map(|i| (i * 977, ((i * i) % 17) as f64 - 3.25)).collect();
        for cut in 0..=values.len() {
            let mut left = run(&values[..cut]);
            let mut right = Moments::starting(EventMs(12_345));
            for (at, value) in &values[cut..] {
                right.append(EventMs(*at), Micro::from_f64(*value).unwrap());
            }
            left.merge(&right);
            assert_eq!(left, run(&values), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_defined_is_none() {
        assert_eq!(run(&[]).mean(), None);
        assert_eq!(run(&[(0, 1.0)]).std_f64(), None);
        assert_eq!(run(&[(0, 2.0), (1, 2.0), (2, 2.0)]).autocorrelation_f64(), None);
    }
}
