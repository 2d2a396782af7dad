//! The figures of one way to foretell.

use crate::DatasetError;
use crate::sequences::{HORIZONS, Sequences};
use lehr_metrics::interval::{Interval, block_bootstrap};
use lehr_metrics::{Binning, Scored};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// At one horizon, on the test part against the truth. What is not defined or not reached is 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Horizon {
    pub prevalence: f64,
    pub auc: f64,
    /// 95 %, by whole days of lines.
    pub auc_interval: (f64, f64),
    /// Recall at the least threshold of precision 0.8.
    pub recall_at_80: f64,
    /// The greatest F1 over all thresholds of the test itself: an optimist's figure.
    pub best_f1: f64,
    /// At the threshold of the greatest F1 on the calibration part.
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub brier: f64,
    pub brier_skill: f64,
    pub ece: f64,
    /// The error above which one in twenty perfect models would be.
    pub ece_null_95: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub name: String,
    pub windows: usize,
    pub horizons: [Horizon; HORIZONS.len()],
    /// Share of the test's positives at the longest horizon that are foretold, by what caused them.
    pub recall_by_cause: BTreeMap<String, f64>,
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AUC {:.4} ({:.4}–{:.4}), recall@P.8 {:.3}, best F1 {:.3}, P {:.3} R {:.3} F1 {:.3}, Brier {:.4} (skill {:.3}), ECE {:.4} (null {:.4}), of {:.1} %",
            self.auc,
            self.auc_interval.0,
            self.auc_interval.1,
            self.recall_at_80,
            self.best_f1,
            self.precision,
            self.recall,
            self.f1,
            self.brier,
            self.brier_skill,
            self.ece,
            self.ece_null_95,
            100.0 * self.prevalence,
        )
    }
}

const DRAWS: usize = 200;
const SEED: u64 = 20_260_131;

/// Judges probabilities of the test part; the threshold comes from those of the calibration part.
pub fn figures(
    name: &str,
    calibration: &Sequences,
    calibration_scores: &[[f64; HORIZONS.len()]],
    test: &Sequences,
    scores: &[[f64; HORIZONS.len()]],
) -> Result<Figures, DatasetError> {
    let mut horizons = Vec::new();
    let mut thresholds = Vec::new();
    for horizon in 0..HORIZONS.len() {
        let earlier = Scored::new(
            calibration_scores.iter().map(|scores| scores[horizon]),
            calibration.labels.iter().map(|label| label[horizon]),
        )?;
        let threshold = earlier.best_f1().map_or(0.5, |best| best.at.threshold);
        thresholds.push(threshold);
        horizons.push(judge(test, scores, horizon, threshold)?);
    }
    let mut found: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let longest = HORIZONS.len() - 1;
    for (index, origin) in test.origins.iter().enumerate().filter(|(index, _)| test.truths[*index][longest]) {
        let cause = origin.cause.map_or("unknown".to_owned(), |cause| format!("{cause:?}"));
        let (hits, all) = found.entry(cause).or_default();
        *hits += f64::from(u8::from(scores[index][longest] >= thresholds[longest]));
        *all += 1.0;
    }
    let horizons = horizons.try_into().expect("one for each horizon");
    let recall_by_cause = found.into_iter().map(|(cause, (hits, all))| (cause, hits / all)).collect();
    Ok(Figures { name: name.to_owned(), windows: test.len(), horizons, recall_by_cause })
}

fn judge(
    test: &Sequences,
    scores: &[[f64; HORIZONS.len()]],
    horizon: usize,
    threshold: f64,
) -> Result<Horizon, DatasetError> {
    let of = |indices: &[usize]| {
        Scored::new(
            indices.iter().map(|index| scores[*index][horizon]),
            indices.iter().map(|index| test.truths[*index][horizon]),
        )
    };
    let all: Vec<usize> = (0..test.len()).collect();
    let scored = of(&all)?;
    let known = |value: Option<f64>| value.unwrap_or(0.0);
    let interval = block_bootstrap(&test.days(), DRAWS, SEED, |drawn| of(drawn).ok()?.auc());
    let Interval { low, high } = interval.unwrap_or(Interval { low: 0.0, high: 1.0 });
    let decided = scored.at(threshold);
    Ok(Horizon {
        prevalence: known(scored.prevalence()),
        auc: known(scored.auc()),
        auc_interval: (low, high),
        recall_at_80: known(scored.recall_at_precision(0.8).map(|point| point.recall)),
        best_f1: known(scored.best_f1().map(|best| best.f1)),
        precision: known(decided.precision()),
        recall: known(decided.recall()),
        f1: known(decided.f1()),
        brier: known(scored.brier()?),
        brier_skill: known(scored.brier_skill()?),
        ece: scored.ece(Binning::USUAL)?,
        ece_null_95: scored.ece_null(Binning::USUAL, DRAWS, SEED)?.upper_95,
    })
}
