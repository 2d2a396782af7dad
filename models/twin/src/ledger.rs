//! Forecasts that wait for what comes, and the record of how good they were.

use crate::forecast::{BAND_90, Forecast, HORIZONS, Horizon, Score};
use crate::parameter::PARAMETERS;
use serde::{Deserialize, Serialize};

/// Forecasts wait in slots; one is made every so many minutes of each horizon. Together 16 slots, some 8 kB.
const STRIDE: [i64; HORIZONS] = [1, 3, 6];
const SLOTS: [usize; HORIZONS] = [1, 5, 10];
/// Scores forget with a day.
const DAY_MIN: f64 = 1440.0;
/// How far the size of bands may be adapted, as a factor of variances, and within how many scores.
const MOST_ADAPTED: f64 = 25.0;
const ADAPTS_OVER: f64 = 200.0;
/// A squared error counts at most so much in the size of bands: faults must not blow up bands for a day.
const MOST_SQUARE: f64 = 9.0;

/// A forecast that waits, as single floats because many do, with the value at which it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Waiting {
    mean: f32,
    sd: f32,
    last: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    /// The minute that is forecast, in minutes since the epoch.
    minute: i64,
    of: [Waiting; PARAMETERS],
}

/// Forecasts and scores of one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    waiting: Vec<Slot>,
    scores: [[Score; HORIZONS]; PARAMETERS],
    /// Variance found over variance stated.
    scale: [[f64; HORIZONS]; PARAMETERS],
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger {
            waiting: Vec::new(),
            scores: [[Score::default(); HORIZONS]; PARAMETERS],
            scale: [[1.0; HORIZONS]; PARAMETERS],
        }
    }
}

impl Ledger {
    pub fn scores(&self) -> &[[Score; HORIZONS]; PARAMETERS] {
        &self.scores
    }

    /// By what the stated standard deviation is to be multiplied, as was found.
    pub fn widening(&self, parameter: usize, horizon: Horizon) -> f64 {
        self.scale[parameter][horizon as usize].sqrt()
    }

    /// Whether a forecast of this horizon is due in this minute.
    pub fn is_due(horizon: Horizon, minute: i64) -> bool {
        minute % STRIDE[horizon as usize] == 0
    }

    /// Keeps forecasts made at the end of `minute`; `last` is what was measured then, NaN where nothing was.
    pub fn keep(
        &mut self,
        horizon: Horizon,
        minute: i64,
        forecasts: &[Forecast; PARAMETERS],
        last: &[f64; PARAMETERS],
    ) {
        let of = std::array::from_fn(|index| Waiting {
            mean: forecasts[index].mean as f32,
            sd: forecasts[index].sd as f32,
            last: last[index] as f32,
        });
        let slot = Slot { minute: minute + horizon.minutes(), of };
        // Slots of a horizon lie together, each in its turn.
        let before: usize = SLOTS[..horizon as usize].iter().sum();
        let turn = (minute / STRIDE[horizon as usize]).rem_euclid(SLOTS[horizon as usize] as i64) as usize;
        let total: usize = SLOTS.iter().sum();
        if self.waiting.is_empty() {
            let none = Waiting { mean: f32::NAN, sd: 0.0, last: f32::NAN };
            self.waiting = vec![Slot { minute: i64::MIN, of: [none; PARAMETERS] }; total];
        }
        self.waiting[before + turn] = slot;
    }

    /// Holds what was measured in `minute` against what was forecast for it.
    pub fn settle(&mut self, minute: i64, measured: &[Option<f64>; PARAMETERS]) {
        for (place, slot) in self.waiting.iter().enumerate().filter(|(_, slot)| slot.minute == minute) {
            let horizon = SLOTS.iter().scan(0, |end, slots| {
                *end += slots;
                Some(*end)
            });
            let horizon = horizon.take_while(|end| place >= *end).count();
            for (index, waiting) in slot.of.iter().enumerate() {
                let (Some(measured), true) = (measured[index], waiting.mean.is_finite()) else { continue };
                score(&mut self.scores[index][horizon], &mut self.scale[index][horizon], horizon, waiting, measured);
            }
        }
    }
}

fn score(score: &mut Score, scale: &mut f64, horizon: usize, waiting: &Waiting, measured: f64) {
    score.n += 1;
    let share = (1.0 / score.n as f64).max(STRIDE[horizon] as f64 / DAY_MIN);
    let error = measured - f64::from(waiting.mean);
    let blend = |mean: f64, value: f64| mean + share * (value - mean);
    score.bias = blend(score.bias, error);
    score.rmse = blend(score.rmse * score.rmse, error * error).sqrt();
    if waiting.last.is_finite() {
        let persistence = measured - f64::from(waiting.last);
        score.rmse_persistence =
            blend(score.rmse_persistence * score.rmse_persistence, persistence * persistence).sqrt();
    }
    let sd = f64::from(waiting.sd);
    let inside = error.abs() <= BAND_90 * sd;
    score.coverage = blend(score.coverage, f64::from(u8::from(inside)));
    if sd > 0.0 {
        let square = (error / sd).powi(2).min(MOST_SQUARE);
        *scale = (*scale * (1.0 + (square - 1.0) / ADAPTS_OVER)).clamp(1.0 / MOST_ADAPTED, MOST_ADAPTED);
    }
}
