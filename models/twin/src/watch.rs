//! How far each quantity departs from what the set-points alone ask for, in standard deviations that were learned in
//! normal operation: the evidence on which a diagnosis stands.

use serde::{Deserialize, Serialize};

/// Forgetting of the running mean of departures: eight minutes.
const FAST_SHARE: f64 = 1.0 / 8.0;
/// Centre and spread forget with three days.
const FORGETS_MIN: f64 = 3.0 * 1440.0;
/// Before so many minutes no departure is judged.
const LEARNS_MIN: u32 = 360;
/// Departures beyond this are no normal operation and teach nothing.
const NORMAL: f64 = 3.5;
/// A fast mean of noise and disturbances has at least this share of the catalogue's sigma, and at first this much.
const LEAST_SIGMAS: f64 = 0.3;
const FIRST_SIGMAS: f64 = 0.5;
/// From here on a departure is timed, until it falls below this.
const STIRS: f64 = 2.5;
const CALMS: f64 = 1.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    sigma: f64,
    fast: f64,
    centre: f64,
    variance: f64,
    seen: u32,
    /// Minutes for which it has departed noticeably.
    stirring: u32,
    /// In standard deviations.
    pub departure: f64,
    /// Minutes from when it was first noticed to when it was beyond doubt; 0 while it is not.
    pub onset: u32,
    /// Minutes for which it has been beyond doubt.
    pub beyond: u32,
    /// Minutes for which it counts as explained by equipment that was found to fail.
    pub explained: u32,
}

impl Watch {
    pub fn new(sigma: f64) -> Watch {
        Watch {
            sigma,
            fast: 0.0,
            centre: 0.0,
            variance: (FIRST_SIGMAS * sigma).powi(2),
            seen: 0,
            stirring: 0,
            departure: 0.0,
            onset: 0,
            beyond: 0,
            explained: 0,
        }
    }

    /// Takes in a departure; `allowance` is the variance that it may have because gains and time constants are not
    /// known better.
    pub fn see(&mut self, value: f64, allowance: f64, doubtless: f64) {
        self.fast = if self.seen == 0 { value } else { self.fast + FAST_SHARE * (value - self.fast) };
        self.seen = self.seen.saturating_add(1);
        let learning = self.seen < LEARNS_MIN;
        let off = self.fast - self.centre;
        let variance = self.variance.max((LEAST_SIGMAS * self.sigma).powi(2));
        let departure = off / (variance + allowance).sqrt();
        if learning || departure.abs() < NORMAL {
            let share = (1.0 / f64::from(self.seen)).max(1.0 / FORGETS_MIN);
            self.centre += share * off;
            // The centre of a transient is not that of normal operation, so it is not spread either.
            if allowance < variance {
                let bounded = off.abs().min(NORMAL * variance.sqrt());
                self.variance += share * (bounded * bounded - self.variance) * (1.0 - share);
            }
        }
        self.departure = if learning { 0.0 } else { departure };
        let stirs = self.departure.abs() > if self.stirring > 0 { CALMS } else { STIRS };
        self.stirring = if stirs { self.stirring.saturating_add(1) } else { 0 };
        self.explained = self.explained.saturating_sub(1);
        self.beyond = if self.departure.abs() > doubtless { self.beyond.saturating_add(1) } else { 0 };
        if self.beyond == 0 {
            self.onset = 0;
        } else if self.onset == 0 {
            self.onset = self.stirring.max(1);
        }
    }
}
