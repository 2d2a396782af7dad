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

/// The probability from which on an event is foretold such that F1 is greatest; 0.5 where there is no event.
pub fn threshold(scored: &Scored) -> f64 {
    scored.best_f1().map_or(0.5, |best| best.at.threshold)
}
