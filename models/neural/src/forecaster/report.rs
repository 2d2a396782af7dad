use std::ops::Range;

use lehr_metrics::interval::block_bootstrap;
use lehr_metrics::{Binning, Scored};
use serde::{Deserialize, Serialize};

use super::windows::{HORIZONS, Horizons};
use crate::error::NeuralError;

/// Draws of a bootstrap.
const DRAWS: usize = 400;
/// Draws of the calibration error that chance alone gives.
const NULL_DRAWS: usize = 200;
const SEED: u64 = 17;

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// How good a forecaster is at one horizon, on windows that it has never seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HorizonReport {
    pub windows: usize,
    pub prevalence: f64,
    pub threshold: f64,
    /// Figures of the decisions at that threshold.
    pub precision: Option<Figure>,
    pub recall: Option<Figure>,
    pub f1: Option<Figure>,
    pub accuracy: Option<Figure>,
    pub balanced_accuracy: Option<Figure>,
    pub mcc: Option<Figure>,
    /// Figures of the probabilities.
    pub auc: Option<Figure>,
    pub average_precision: Option<Figure>,
    pub brier: Option<Figure>,
    pub brier_skill: Option<Figure>,
    /// Expected calibration error, beside what a perfectly calibrated model would show 19 times of 20.
    pub ece: f64,
    pub ece_chance: f64,
    /// The recall that some threshold reaches with a precision of 0.8, chosen in hindsight.
    pub recall_at_precision_80: Option<f64>,
}

/// Judges calibrated probabilities of windows by what came, `events`; `blocks` are ranges of windows that depend on
/// each other.
pub fn report(
    probabilities: &[Horizons<f64>],
    events: &[Horizons<bool>],
    thresholds: &Horizons<f64>,
    blocks: &[Range<usize>],
) -> Result<Horizons<HorizonReport>, NeuralError> {
    let mut reports = Vec::with_capacity(HORIZONS);
    for (horizon, &threshold) in thresholds.iter().enumerate() {
        let scores: Vec<f64> = probabilities.iter().map(|probability| probability[horizon]).collect();
        let events: Vec<bool> = events.iter().map(|event| event[horizon]).collect();
        let all = Scored::new(scores.iter().copied(), events.iter().copied())?;
        reports.push(judge(&all, &scores, &events, blocks, threshold)?);
    }
    Ok(reports.try_into().expect("a report for each horizon"))
}

fn judge(
    all: &Scored,
    scores: &[f64],
    events: &[bool],
    blocks: &[Range<usize>],
    threshold: f64,
) -> Result<HorizonReport, NeuralError> {
    let figure = |of: &dyn Fn(&Scored) -> Option<f64>| -> Option<Figure> {
        let value = of(all)?;
        let interval = block_bootstrap(blocks, DRAWS, SEED, |drawn| {
            let scores = drawn.iter().map(|&index| scores[index]);
            of(&Scored::new(scores, drawn.iter().map(|&index| events[index])).ok()?)
        })?;
        Some(Figure { value, low: interval.low, high: interval.high })
    };
    Ok(HorizonReport {
        windows: all.len(),
        prevalence: all.prevalence().unwrap_or_default(),
        threshold,
        precision: figure(&|scored| scored.at(threshold).precision()),
        recall: figure(&|scored| scored.at(threshold).recall()),
        f1: figure(&|scored| scored.at(threshold).f1()),
        accuracy: figure(&|scored| scored.at(threshold).accuracy()),
        balanced_accuracy: figure(&|scored| scored.at(threshold).balanced_accuracy()),
        mcc: figure(&|scored| scored.at(threshold).mcc()),
        auc: figure(&Scored::auc),
        average_precision: figure(&Scored::average_precision),
        brier: figure(&|scored| scored.brier().ok()?),
        brier_skill: figure(&|scored| scored.brier_skill().ok()?),
        ece: all.ece(Binning::USUAL)?,
        ece_chance: all.ece_null(Binning::USUAL, NULL_DRAWS, SEED)?.upper_95,
        recall_at_precision_80: all.recall_at_precision(0.8).map(|point| point.recall),
    })
}
