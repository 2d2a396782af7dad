use std::ops::Range;

use super::windows::{HORIZONS, Horizons};
use crate::error::NeuralError;
use crate::judging::{Judged, judge};

/// Judges calibrated probabilities of windows by what came, `events`, horizon by horizon; `blocks` are ranges of windows
/// that depend on each other.
///
/// # Errors
/// Scores that are no probabilities, or not as many as events.
pub fn report(
    probabilities: &[Horizons<f64>],
    events: &[Horizons<bool>],
    thresholds: &Horizons<f64>,
    blocks: &[Range<usize>],
) -> Result<Horizons<Judged>, NeuralError> {
    let mut reports = Vec::with_capacity(HORIZONS);
    for (horizon, &threshold) in thresholds.iter().enumerate() {
        let scores: Vec<f64> = probabilities.iter().map(|probability| probability[horizon]).collect();
        let events: Vec<bool> = events.iter().map(|event| event[horizon]).collect();
        reports.push(judge(&scores, &events, blocks, threshold)?);
    }
    Ok(reports.try_into().expect("a report for each horizon"))
}
