//! Scores beside the truth of each.

use crate::confusion::Confusion;
use crate::error::MetricError;

/// A score and the truth for each example: what ranking and calibration are figures of.
///
/// Held in descending order of score, so that the figures that rank need no further sorting.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub(crate) pairs: Vec<(f64, bool)>,
    positives: usize,
}

impl Scored {
    /// # Errors
    ///
    /// When lengths differ, or a score is no finite number.
    pub fn new(
        scores: impl ExactSizeIterator<Item = f64>,
        labels: impl ExactSizeIterator<Item = bool>,
    ) -> Result<Scored, MetricError> {
        if scores.len() != labels.len() {
            return Err(MetricError::Lengths { scores: scores.len(), labels: labels.len() });
        }
        let mut pairs: Vec<(f64, bool)> = scores.zip(labels).collect();
        if let Some(index) = pairs.iter().position(|(score, _)| !score.is_finite()) {
            return Err(MetricError::NotFinite { index, value: pairs[index].0 });
        }
        // By label as well, so that equal sets are equal whatever the order they came in.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let positives = pairs.iter().filter(|(_, label)| *label).count();
        Ok(Scored { pairs, positives })
    }

    /// From single-precision scores, as networks give them.
    ///
    /// # Errors
    ///
    /// As [`Scored::new`].
    pub fn of(scores: &[f32], labels: &[bool]) -> Result<Scored, MetricError> {
        Scored::new(scores.iter().map(|score| f64::from(*score)), labels.iter().copied())
    }

    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn positives(&self) -> usize {
        self.positives
    }

    pub fn negatives(&self) -> usize {
        self.pairs.len() - self.positives
    }

    /// Share of positives.
    pub fn prevalence(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.positives as f64 / self.len() as f64)
    }

    /// The decisions of a threshold: positive from it on.
    pub fn at(&self, threshold: f64) -> Confusion {
        Confusion::count(self.pairs.iter().map(|(score, label)| (*score >= threshold, *label)))
    }

    /// # Errors
    ///
    /// When a score is no probability.
    pub(crate) fn probabilities(&self) -> Result<&[(f64, bool)], MetricError> {
        match self.pairs.iter().position(|(score, _)| !(0.0..=1.0).contains(score)) {
            Some(index) => Err(MetricError::NotProbability { index, value: self.pairs[index].0 }),
            None => Ok(&self.pairs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(Scored::of(&[0.5], &[]), Err(MetricError::Lengths { scores: 1, labels: 0 }));
        let error = Scored::of(&[0.5, f32::NAN], &[true, false]).unwrap_err();
        assert!(error.to_string().contains("at 1 is not a finite number"), "{error}");
        let error = Scored::of(&[0.5, 1.5], &[true, false]).unwrap().brier().unwrap_err();
        assert!(error.to_string().contains("1.5 at 0 is no probability"), "{error}");
    }

    #[test]
    fn a_threshold_decides_from_itself_on() {
        let scored = Scored::of(&[0.25, 0.5, 0.75], &[false, true, true]).unwrap();
        let counts = scored.at(0.5);
        assert_eq!((counts.true_positives, counts.true_negatives, counts.total()), (2, 1, 3));
        assert_eq!((scored.positives(), scored.negatives(), scored.prevalence()), (2, 1, Some(2.0 / 3.0)));
    }
}
