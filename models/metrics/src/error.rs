//! What can be wrong with the figures that a metric is asked of.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricError {
    /// Scores and labels belong together one by one.
    Lengths {
        scores: usize,
        labels: usize,
    },
    NotFinite {
        index: usize,
        value: f64,
    },
    NotProbability {
        index: usize,
        value: f64,
    },
}

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetricError::Lengths { scores, labels } => {
                write!(f, "scores: {scores} of them for {labels} labels; give one score for each label")
            }
            MetricError::NotFinite { index, value } => {
                write!(f, "scores: {value} at {index} is not a finite number; scores are ordered, so each must be one")
            }
            MetricError::NotProbability { index, value } => {
                write!(f, "scores: {value} at {index} is no probability; calibration needs scores in 0 to 1")
            }
        }
    }
}

impl std::error::Error for MetricError {}
