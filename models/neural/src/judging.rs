//! How good probabilities are, in figures with their intervals.

use std::ops::Range;

use lehr_metrics::interval::block_bootstrap;
use lehr_metrics::{Bin, Binning, Scored};
use serde::{Deserialize, Serialize};

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

impl Figure {
    /// Of the normal law with the same interval.
    pub fn standard_error(&self) -> f64 {
        (self.high - self.low) / (2.0 * 1.96)
    }
}

/// How good probabilities of something that is so or not are, on examples that no model has seen. A figure that is not
/// defined (a precision without decisions, say) is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub examples: usize,
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
    /// The bins of that error. Reports from before they were kept have none.
    #[serde(default)]
    pub reliability: Vec<Bin>,
    /// The recall that some threshold reaches with a precision of 0.8, chosen in hindsight.
    pub recall_at_precision_80: Option<f64>,
}

/// Judges probabilities by what was true; `blocks` are ranges of examples that depend on each other.
///
/// # Errors
/// Scores that are no probabilities, or not as many as truths.
pub fn judge(scores: &[f64], truths: &[bool], blocks: &[Range<usize>], threshold: f64) -> Result<Judged, NeuralError> {
    let all = Scored::new(scores.iter().copied(), truths.iter().copied())?;
    let of = |scored: &Scored| -> [Option<f64>; 10] {
        let decided = scored.at(threshold);
        [
            decided.precision(),
            decided.recall(),
            decided.f1(),
            decided.accuracy(),
            decided.balanced_accuracy(),
            decided.mcc(),
            scored.auc(),
            scored.average_precision(),
            scored.brier().ok().flatten(),
            scored.brier_skill().ok().flatten(),
        ]
    };
    let [precision, recall, f1, accuracy, balanced_accuracy, mcc, auc, average_precision, brier, brier_skill] =
        with_intervals(of(&all), blocks, |drawn| {
            let drawn_scores = drawn.iter().map(|&index| scores[index]);
            let scored = Scored::new(drawn_scores, drawn.iter().map(|&index| truths[index]));
            scored.map_or([None; 10], |scored| of(&scored))
        });
    Ok(Judged {
        examples: all.len(),
        prevalence: all.prevalence().unwrap_or_default(),
        threshold,
        precision,
        recall,
        f1,
        accuracy,
        balanced_accuracy,
        mcc,
        auc,
        average_precision,
        brier,
        brier_skill,
        ece: all.ece(Binning::USUAL)?,
        ece_chance: all.ece_null(Binning::USUAL, NULL_DRAWS, SEED)?.upper_95,
        reliability: all.reliability(Binning::USUAL)?,
        recall_at_precision_80: all.recall_at_precision(0.8).map(|point| point.recall),
    })
}

/// Figures of all examples with the intervals of the same figures over draws of blocks.
///
/// All figures are taken of the same draws: sorting the scores of a draw is what costs.
pub fn with_intervals<const N: usize>(
    of_all: [Option<f64>; N],
    blocks: &[Range<usize>],
    mut figures: impl FnMut(&[usize]) -> [Option<f64>; N],
) -> [Option<Figure>; N] {
    let mut drawn: Vec<[Option<f64>; N]> = Vec::with_capacity(DRAWS);
    block_bootstrap(blocks, DRAWS, SEED, |indices| {
        drawn.push(figures(indices));
        None
    });
    std::array::from_fn(|which| {
        let mut values: Vec<f64> = drawn.iter().filter_map(|figures| figures[which]).collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values[(share * last as f64).round() as usize];
        of_all[which].map(|value| Figure { value, low: at(0.025), high: at(0.975) })
    })
}

/// A figure with its interval, for people.
pub fn figure(figure: Option<Figure>) -> String {
    figure.map_or_else(|| "none".to_owned(), |f| format!("{:.3} ({:.3} to {:.3})", f.value, f.low, f.high))
}

/// A number, for people.
pub fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_lie_within_their_intervals_which_are_those_of_the_blocks() {
        let scores: Vec<f64> = (0..400).map(|index| f64::from(index % 20) / 20.0).collect();
        let truths: Vec<bool> = (0..400).map(|index| index % 20 > 12 || index % 7 == 0).collect();
        let blocks: Vec<Range<usize>> = (0..40).map(|block| block * 10..(block + 1) * 10).collect();
        let judged = judge(&scores, &truths, &blocks, 0.65).unwrap();
        let accuracy = judged.accuracy.unwrap();
        assert!(accuracy.low < accuracy.value && accuracy.value < accuracy.high, "{accuracy:?}");
        let alone = block_bootstrap(&blocks, DRAWS, SEED, |drawn| {
            Scored::new(drawn.iter().map(|&i| scores[i]), drawn.iter().map(|&i| truths[i])).ok()?.at(0.65).accuracy()
        });
        assert_eq!(alone.map(|interval| (interval.low, interval.high)), Some((accuracy.low, accuracy.high)));
        assert!(accuracy.standard_error() > 0.0);
        let bins = &judged.reliability;
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), judged.examples);
        let error: f64 = bins.iter().map(|bin| bin.count as f64 * (bin.frequency - bin.confidence).abs()).sum();
        assert!((error / judged.examples as f64 - judged.ece).abs() < 1e-12, "the error is that of the bins");
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let judged = judge(&[0.1, 0.2], &[false, false], &[0..1, 1..2], 0.5).unwrap();
        assert_eq!((judged.recall, judged.auc, judged.precision), (None, None, None));
        assert_eq!(judged.accuracy.map(|figure| figure.value), Some(1.0));
    }
}
