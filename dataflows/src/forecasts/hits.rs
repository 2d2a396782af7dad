//! Forecasts held against what came, summed up.

use lehr_domain::{Micro, Ratio};
use serde::{Deserialize, Serialize};

/// Bins of probability, of equal width, by which calibration is judged.
const BINS: usize = 15;

const ONE: i64 = 1_000_000;

/// Sums over forecasts of which it is known what came. Counts and millionths: exact in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hits {
    pub true_positive: i64,
    pub false_positive: i64,
    pub false_negative: i64,
    pub true_negative: i64,
    /// Of (probability − what came)², each rounded to millionths.
    squares: i64,
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Bin {
    n: i64,
    came: i64,
    /// In millionths.
    probability: i64,
}

impl Hits {
    /// Adds a forecast, or takes it away with `times` −1.
    pub fn count(&mut self, probability: Micro, expected: bool, came: bool, times: i64) {
        let cell = match (expected, came) {
            (true, true) => &mut self.true_positive,
            (true, false) => &mut self.false_positive,
            (false, true) => &mut self.false_negative,
            (false, false) => &mut self.true_negative,
        };
        *cell += times;
        let probability = probability.0.clamp(0, ONE);
        let off = probability - i64::from(came) * ONE;
        self.squares += times * (off * off / ONE);
        let bin = &mut self.bins[((probability * BINS as i64 / ONE) as usize).min(BINS - 1)];
        bin.n += times;
        bin.came += times * i64::from(came);
        bin.probability += times * probability;
    }

    /// Adds all forecasts that another counted: the same as if each had been counted here.
    pub fn merge(&mut self, other: &Hits) {
        self.true_positive += other.true_positive;
        self.false_positive += other.false_positive;
        self.false_negative += other.false_negative;
        self.true_negative += other.true_negative;
        self.squares += other.squares;
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.n += more.n;
            bin.came += more.came;
            bin.probability += more.probability;
        }
    }

    pub fn n(&self) -> i64 {
        self.true_positive + self.false_positive + self.false_negative + self.true_negative
    }

    pub fn came(&self) -> i64 {
        self.true_positive + self.false_negative
    }

    pub fn accuracy(&self) -> Ratio {
        Ratio::new(self.true_positive + self.true_negative, self.n())
    }

    pub fn precision(&self) -> Ratio {
        Ratio::new(self.true_positive, self.true_positive + self.false_positive)
    }

    pub fn recall(&self) -> Ratio {
        Ratio::new(self.true_positive, self.came())
    }

    pub fn f1(&self) -> Ratio {
        let twice = 2 * self.true_positive;
        Ratio::new(twice, twice + self.false_positive + self.false_negative)
    }

    pub fn brier(&self) -> Option<f64> {
        let n = self.n();
        (n > 0).then(|| self.squares as f64 / (n * ONE) as f64)
    }

    /// Σ |share that came − mean probability| of each bin, weighted by its forecasts (Naeini et al., 2015).
    pub fn calibration_error(&self) -> Option<f64> {
        let n = self.n();
        let off: i64 = self.bins.iter().map(|bin| (bin.came * ONE - bin.probability).abs()).sum();
        (n > 0).then(|| off as f64 / (n * ONE) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micro(value: f64) -> Micro {
        Micro((value * 1e6) as i64)
    }

    #[test]
    fn figures_of_four_forecasts() {
        let mut hits = Hits::default();
        for (probability, expected, came) in
            [(0.9, true, true), (0.8, true, false), (0.1, false, false), (0.3, false, true)]
        {
            hits.count(micro(probability), expected, came, 1);
        }
        assert_eq!((hits.n(), hits.came()), (4, 2));
        assert_eq!(hits.accuracy().to_f64(), Some(0.5));
        assert_eq!(hits.precision().to_f64(), Some(0.5));
        assert_eq!(hits.recall().to_f64(), Some(0.5));
        assert_eq!(hits.f1().to_f64(), Some(0.5));
        let brier = (0.01 + 0.64 + 0.01 + 0.49) / 4.0;
        assert!((hits.brier().unwrap() - brier).abs() < 1e-6);
        // Each in a bin of its own.
        let off = (0.1 + 0.8 + 0.1 + 0.7) / 4.0;
        assert!((hits.calibration_error().unwrap() - off).abs() < 1e-6);
    }

    #[test]
    fn merged_sums_are_those_of_all_forecasts() {
        let count = |hits: &mut Hits, place: i64| {
            let probability = Micro(place * 37_000 % 1_000_001);
            hits.count(probability, probability.0 > 400_000, place % 3 == 0, 1);
        };
        let (mut all, mut parts) = (Hits::default(), [Hits::default(), Hits::default()]);
        for place in 0..200 {
            count(&mut all, place);
            count(&mut parts[(place % 7 > 2) as usize], place);
        }
        let mut merged = Hits::default();
        parts.iter().for_each(|part| merged.merge(part));
        assert_eq!((merged.n(), merged), (200, all));
    }

    #[test]
    fn what_is_taken_away_leaves_nothing() {
        let mut hits = Hits::default();
        for times in [1, -1] {
            hits.count(micro(1.0), true, true, times);
            hits.count(micro(0.0), false, true, times);
        }
        assert_eq!(hits, Hits::default());
        assert_eq!((hits.brier(), hits.calibration_error()), (None, None));
    }
}
