//! Whether probabilities mean what they say.

use crate::error::MetricError;
use crate::logistic::Logistic;
use crate::random::Random;
use crate::scored::Scored;
use serde::{Deserialize, Serialize};

/// How probabilities are put into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binning {
    /// Bins of equal width over 0 to 1.
    Width(usize),
    /// Bins of (nearly) equal count.
    Mass(usize),
}

impl Binning {
    /// Fifteen of equal width, as in Guo et al. 2017, "On calibration of modern neural networks".
    pub const USUAL: Binning = Binning::Width(15);
}

/// One bin of a reliability diagram. Empty bins are left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub count: usize,
    /// Mean of the probabilities.
    pub confidence: f64,
    /// Share of positives.
    pub frequency: f64,
}

/// What the calibration error of a perfectly calibrated model with these probabilities would be: it is above zero, as bins
/// hold finitely many examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EceNull {
    pub mean: f64,
    /// An error above this one in twenty perfect models would have.
    pub upper_95: f64,
}

/// The bin of each of `pairs`, which are sorted by probability.
fn bins(pairs: &[(f64, bool)], binning: Binning) -> Vec<usize> {
    let n = pairs.len();
    match binning {
        Binning::Width(bins) => {
            let last = bins.max(1) - 1;
            pairs.iter().map(|(p, _)| ((p * bins as f64) as usize).min(last)).collect()
        }
        Binning::Mass(bins) => (0..n).map(|index| index * bins.max(1) / n).collect(),
    }
}

fn reliability(pairs: &[(f64, bool)], bins: &[usize]) -> Vec<Bin> {
    let mut sums = vec![(0usize, 0.0, 0usize); bins.iter().max().map_or(0, |most| most + 1)];
    for ((probability, label), bin) in pairs.iter().zip(bins) {
        let (count, confidence, positives) = &mut sums[*bin];
        *count += 1;
        *confidence += probability;
        *positives += usize::from(*label);
    }
    let filled = sums.into_iter().filter(|(count, ..)| *count > 0);
    let bin = |(count, confidence, positives)| {
        let n = count as f64;
        Bin { count, confidence: confidence / n, frequency: positives as f64 / n }
    };
    filled.map(bin).collect()
}

fn error_of(bins: &[Bin], n: usize) -> f64 {
    bins.iter().map(|bin| bin.count as f64 * (bin.frequency - bin.confidence).abs()).sum::<f64>() / n as f64
}

impl Scored {
    /// The reliability diagram.
    ///
    /// # Errors
    ///
    /// When a score is no probability; so for all figures of calibration.
    pub fn reliability(&self, binning: Binning) -> Result<Vec<Bin>, MetricError> {
        let pairs = self.probabilities()?;
        Ok(reliability(pairs, &bins(pairs, binning)))
    }

    /// Expected calibration error: Σ nᵦ/n |frequencyᵦ − confidenceᵦ| over bins; zero for no examples. Compare with
    /// [`Scored::ece_null`]: even a perfect model has one.
    pub fn ece(&self, binning: Binning) -> Result<f64, MetricError> {
        Ok(if self.is_empty() { 0.0 } else { error_of(&self.reliability(binning)?, self.len()) })
    }

    /// The calibration error if the probabilities were right: labels are drawn from them, `draws` times over.
    pub fn ece_null(&self, binning: Binning, draws: usize, seed: u64) -> Result<EceNull, MetricError> {
        let mut pairs = self.probabilities()?.to_vec();
        if pairs.is_empty() || draws == 0 {
            return Ok(EceNull { mean: 0.0, upper_95: 0.0 });
        }
        let bins = bins(&pairs, binning);
        let mut random = Random::new(seed);
        let mut errors: Vec<f64> = (0..draws)
            .map(|_| {
                for (probability, label) in &mut pairs {
                    *label = random.uniform() < *probability;
                }
                error_of(&reliability(&pairs, &bins), pairs.len())
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        let upper_95 = errors[(errors.len() * 95).div_ceil(100) - 1];
        Ok(EceNull { mean: errors.iter().sum::<f64>() / errors.len() as f64, upper_95 })
    }

    /// Brier's score, the mean of (p − y)² (Brier 1950); zero is best; `None` for no examples.
    pub fn brier(&self) -> Result<Option<f64>, MetricError> {
        let pairs = self.probabilities()?;
        let square = |(p, label): &(f64, bool)| (p - f64::from(u8::from(*label))).powi(2);
        Ok((!pairs.is_empty()).then(|| pairs.iter().map(square).sum::<f64>() / pairs.len() as f64))
    }

    /// 1 − Brier / Brier of the prevalence: zero for whoever always says the prevalence, one for who knows. `None` when
    /// labels are all alike.
    pub fn brier_skill(&self) -> Result<Option<f64>, MetricError> {
        let Some((brier, prevalence)) = self.brier()?.zip(self.prevalence()) else { return Ok(None) };
        let climate = prevalence * (1.0 - prevalence);
        Ok((climate > 0.0).then(|| 1.0 - brier / climate))
    }

    /// −mean of ln of the probability given to what was true, probabilities kept 10⁻¹² away from 0 and 1; `None` for no
    /// examples.
    pub fn log_loss(&self) -> Result<Option<f64>, MetricError> {
        const LEAST: f64 = 1e-12;
        let pairs = self.probabilities()?;
        let loss = |(p, label): &(f64, bool)| -(if *label { *p } else { 1.0 - p }).clamp(LEAST, 1.0 - LEAST).ln();
        Ok((!pairs.is_empty()).then(|| pairs.iter().map(loss).sum::<f64>() / pairs.len() as f64))
    }

    /// Cox's recalibration: the logistic regression of the labels on the logit of the probabilities. Slope 1 and intercept 0
    /// when they are right; a slope below 1 tells of overconfidence. `None` when labels are all alike.
    pub fn recalibration(&self) -> Result<Option<Logistic>, MetricError> {
        const LEAST: f64 = 1e-6;
        let logit = |p: f64| (p.clamp(LEAST, 1.0 - LEAST) / (1.0 - p.clamp(LEAST, 1.0 - LEAST))).ln();
        let pairs: Vec<(f64, bool)> = self.probabilities()?.iter().map(|(p, label)| (logit(*p), *label)).collect();
        Ok(Logistic::fit(&pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities of a Beta(½, 3) by its quantiles' densities would need a special function; u^k is near it: many small
    /// ones and few great ones.
    fn perfect(seed: u64, n: usize) -> Scored {
        let mut random = Random::new(seed);
        let scores: Vec<f64> = (0..n).map(|_| random.uniform().powi(4)).collect();
        let labels: Vec<bool> = scores.iter().map(|p| random.uniform() < *p).collect();
        Scored::new(scores.into_iter(), labels.into_iter()).unwrap()
    }

    #[test]
    fn known_values() {
        let scored = Scored::of(&[0.9, 0.8, 0.3, 0.1], &[true, false, false, false]).unwrap();
        assert!((scored.brier().unwrap().unwrap() - (0.01 + 0.64 + 0.09 + 0.01) / 4.0).abs() < 1e-6);
        // Two bins: (0.1, 0.3) mean 0.2, none positive; (0.8, 0.9) mean 0.85, half positive.
        assert!((scored.ece(Binning::Width(2)).unwrap() - (0.5 * 0.2 + 0.5 * 0.35)).abs() < 1e-6);
        assert_eq!(scored.ece(Binning::Width(2)).unwrap(), scored.ece(Binning::Mass(2)).unwrap());
        let skill = scored.brier_skill().unwrap().unwrap();
        assert!((skill - (1.0 - 0.1875 / 0.1875)).abs() < 1e-6, "{skill}");
        let loss = -(0.9f64.ln() + 0.2f64.ln() + 0.7f64.ln() + 0.9f64.ln()) / 4.0;
        assert!((scored.log_loss().unwrap().unwrap() - loss).abs() < 1e-6);
    }

    #[test]
    fn whoever_knows_and_whoever_always_says_the_prevalence() {
        let sure = Scored::of(&[1.0, 0.0, 0.0], &[true, false, false]).unwrap();
        assert_eq!((sure.brier().unwrap(), sure.brier_skill().unwrap()), (Some(0.0), Some(1.0)));
        assert_eq!(sure.ece(Binning::USUAL).unwrap(), 0.0);
        let third = Scored::new([1.0 / 3.0; 3].into_iter(), [true, false, false].into_iter()).unwrap();
        assert!(third.brier_skill().unwrap().unwrap().abs() < 1e-12);
        assert!(third.ece(Binning::USUAL).unwrap() < 1e-12);
    }

    #[test]
    fn empty_and_full_bins() {
        let scored = Scored::of(&[1.0, 1.0, 0.0], &[true, false, false]).unwrap();
        let bins = scored.reliability(Binning::USUAL).unwrap();
        assert_eq!(bins.len(), 2);
        assert_eq!(bins[1], Bin { count: 2, confidence: 1.0, frequency: 0.5 });
        assert_eq!(Scored::of(&[], &[]).unwrap().ece(Binning::USUAL), Ok(0.0));
    }

    /// The error of a perfect model shrinks with √n, stays above zero, and the null level tells it: of 200 perfect models
    /// about ten are above the 95th percentile.
    #[test]
    fn a_perfect_model_is_at_its_null_level() {
        let mut above = 0;
        let mut sum = 0.0;
        let mut expected = 0.0;
        for seed in 0..200 {
            let scored = perfect(seed, 500);
            let null = scored.ece_null(Binning::USUAL, 200, seed).unwrap();
            let error = scored.ece(Binning::USUAL).unwrap();
            above += usize::from(error > null.upper_95);
            sum += error;
            expected += null.mean;
        }
        assert!((2..=22).contains(&above), "{above} of 200 above the 95th percentile");
        assert!((sum / expected - 1.0).abs() < 0.05, "{sum} {expected}");
        let many = perfect(1, 50_000).ece_null(Binning::USUAL, 50, 1).unwrap();
        let few = perfect(1, 500).ece_null(Binning::USUAL, 200, 1).unwrap();
        assert!((few.mean / many.mean - 10.0).abs() < 2.5, "{} {}", few.mean, many.mean);
    }

    #[test]
    fn overconfidence_shows_in_slope_and_error() {
        let right = perfect(3, 20_000);
        let slope = right.recalibration().unwrap().unwrap().slope;
        assert!((slope - 1.0).abs() < 0.05, "{slope}");
        let double = |p: f64| {
            let odds = (p.max(1e-9) / (1.0 - p)).powi(2);
            odds / (1.0 + odds)
        };
        let scores: Vec<f64> = right.pairs.iter().map(|(p, _)| double(*p)).collect();
        let sure = Scored::new(scores.into_iter(), right.pairs.iter().map(|(_, label)| *label)).unwrap();
        let slope = sure.recalibration().unwrap().unwrap().slope;
        assert!((slope - 0.5).abs() < 0.05, "{slope}");
        let null = sure.ece_null(Binning::USUAL, 100, 5).unwrap();
        assert!(sure.ece(Binning::USUAL).unwrap() > 2.0 * null.upper_95);
    }
}
