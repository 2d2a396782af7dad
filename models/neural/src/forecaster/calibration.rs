use lehr_metrics::{Logistic, Scored};
use serde::{Deserialize, Serialize};

use super::predict::Logits;
use super::windows::{HORIZONS, Horizons, Windows};

/// From logits to probabilities, horizon by horizon: p = 1 / (1 + e^-(slope z + shift)).
///
/// Platt, "Probabilistic Outputs for Support Vector Machines", 1999: a temperature (1 / slope) and a shift of the
/// prevalence, fit to a split that training has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub slope: Horizons<f64>,
    pub shift: Horizons<f64>,
}

impl Calibration {
    pub const NONE: Self = Self { slope: [1.0; HORIZONS], shift: [0.0; HORIZONS] };

    /// The likeliest. A horizon without events, without windows that have none, or on which the network ranks no better
    /// than the wrong way round stays as the network has it.
    pub fn fit(logits: &Logits, windows: &impl Windows) -> Self {
        let mut all = Self::NONE;
        for horizon in 0..HORIZONS {
            let pair =
                |(index, logits): (usize, &Horizons<f32>)| (f64::from(logits[horizon]), windows.events(index)[horizon]);
            let pairs: Vec<(f64, bool)> = logits.iter().enumerate().map(pair).collect();
            if let Some(fit) = Logistic::fit(&pairs).filter(|fit| fit.slope > 0.0) {
                (all.slope[horizon], all.shift[horizon]) = (fit.slope, fit.intercept);
            }
        }
        all
    }

    pub fn probabilities(&self, logits: &Horizons<f32>) -> Horizons<f64> {
        std::array::from_fn(|horizon| {
            let z = self.slope[horizon] * f64::from(logits[horizon]) + self.shift[horizon];
            1.0 / (1.0 + (-z).exp())
        })
    }
}

/// What a forecast is worth at least where its threshold is chosen: a twentieth above the precision of 0.80 that is asked
/// for, which leaves room for plants that differ.
const PRECISION: f64 = 0.85;

/// The probability from which on an event is foretold: that of the greatest recall among those with this [`PRECISION`],
/// since an event that nobody foretold costs more than an alarm for nothing. Where none has it, that of the greatest F1;
/// 0.5 where there is no event.
pub fn threshold(scored: &Scored) -> f64 {
    let precise = scored.recall_at_precision(PRECISION).map(|point| point.threshold);
    precise.or_else(|| scored.best_f1().map(|best| best.at.threshold)).unwrap_or(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_foretold_as_is_precise_enough() {
        let scores = (0..20).map(|index| 1.0 - f64::from(index) / 20.0);
        let labels: Vec<bool> = (0..20).map(|index| index < 9 || index == 15).collect();
        let scored = Scored::new(scores, labels.iter().copied()).unwrap();
        let chosen = threshold(&scored);
        assert!((chosen - 0.6).abs() < 1e-9, "at {chosen}; the last event would cost six false alarms");
        let rare = Scored::new([0.9, 0.8, 0.7].into_iter(), [false, false, true].into_iter()).unwrap();
        assert_eq!(threshold(&rare), 0.7, "none is precise enough");
    }
}
