use serde::{Deserialize, Serialize};

use super::predict::Logits;
use super::windows::{HORIZONS, Horizons, Windows};

/// How strongly slope and shift are held at 1 and 0; as much as one window says.
const HOLD: f64 = 1.0;
const ITERATIONS_MAX: usize = 50;

/// From logits to probabilities, horizon by horizon: p = 1 / (1 + e^-(slope z + shift)).
///
/// Platt, "Probabilistic Outputs for Support Vector Machines", 1999: a temperature (1 / slope) and a shift of the
/// prevalence, fit to splits that training has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub slope: Horizons<f64>,
    pub shift: Horizons<f64>,
}

impl Calibration {
    pub const NONE: Self = Self { slope: [1.0; HORIZONS], shift: [0.0; HORIZONS] };

    /// The maximum of the likelihood, by Newton's method. The slope stays positive, so that ranks stay.
    pub fn fit(logits: &Logits, windows: &impl Windows) -> Self {
        let mut all = Self::NONE;
        for horizon in 0..HORIZONS {
            let pairs: Vec<(f64, f64)> = logits
                .iter()
                .enumerate()
                .map(|(index, logits)| {
                    (f64::from(logits[horizon]), f64::from(u8::from(windows.events(index)[horizon])))
                })
                .collect();
            (all.slope[horizon], all.shift[horizon]) = fit_one(&pairs);
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

fn fit_one(pairs: &[(f64, f64)]) -> (f64, f64) {
    let cost = |slope: f64, shift: f64| {
        let held = HOLD * ((slope - 1.0).powi(2) + shift * shift) / 2.0;
        let loss = |&(logit, event): &(f64, f64)| {
            let z = slope * logit + shift;
            z.max(0.0) + (-z.abs()).exp().ln_1p() - event * z
        };
        held + pairs.iter().map(loss).sum::<f64>()
    };
    let (mut slope, mut shift) = (1.0, 0.0);
    for _ in 0..ITERATIONS_MAX {
        let mut gradient = [HOLD * (slope - 1.0), HOLD * shift];
        let mut hessian = [HOLD, 0.0, HOLD];
        for &(logit, event) in pairs {
            let p = 1.0 / (1.0 + (-(slope * logit + shift)).exp());
            let (away, weight) = (p - event, p * (1.0 - p));
            gradient[0] += away * logit;
            gradient[1] += away;
            hessian[0] += weight * logit * logit;
            hessian[1] += weight * logit;
            hessian[2] += weight;
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        let step = [
            (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
            (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
        ];
        // Halved until it helps: far from the minimum a whole step may overshoot.
        let before = cost(slope, shift);
        let share = (0..20).map(|halved| 0.5f64.powi(halved)).find(|share| {
            slope - share * step[0] > 0.0 && cost(slope - share * step[0], shift - share * step[1]) <= before
        });
        let Some(share) = share else { break };
        slope -= share * step[0];
        shift -= share * step[1];
        if step.iter().all(|step| step.abs() < 1e-9) {
            break;
        }
    }
    (slope, shift)
}

/// The probability from which on an event is foretold such that F1 is greatest; 0.5 where there is no event.
pub fn threshold(scored: impl Iterator<Item = (f64, bool)>) -> f64 {
    let mut scored: Vec<(f64, bool)> = scored.collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    let events = scored.iter().filter(|(_, event)| *event).count();
    let (mut hits, mut best, mut at) = (0usize, 0.0, 0.5);
    for (index, &(probability, event)) in scored.iter().enumerate() {
        hits += usize::from(event);
        let next = scored.get(index + 1).map_or(0.0, |next| next.0);
        // Equal probabilities cannot be told apart.
        if next < probability {
            let f1 = 2.0 * hits as f64 / (index + 1 + events).max(1) as f64;
            if f1 > best {
                (best, at) = (f1, (probability + next) / 2.0);
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn an_overconfident_score_with_a_shifted_prevalence_is_put_right() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let pairs: Vec<(f64, f64)> = (0..40_000)
            .map(|_| {
                let z: f64 = random.random_range(-4.0..4.0);
                let event = random.random_bool(1.0 / (1.0 + (-(0.4 * z - 1.0)).exp()));
                (z, f64::from(u8::from(event)))
            })
            .collect();
        let (slope, shift) = fit_one(&pairs);
        assert!((slope - 0.4).abs() < 0.03 && (shift + 1.0).abs() < 0.06, "{slope} {shift}");
    }

    #[test]
    fn without_events_probabilities_fall_and_stay_numbers() {
        let (slope, shift) = fit_one(&[(0.3, 0.0), (-0.2, 0.0), (1.0, 0.0)]);
        assert!(slope > 0.0 && slope.is_finite() && shift < 0.0);
    }

    #[test]
    fn the_threshold_has_the_greatest_f1() {
        let scored = [(0.9, true), (0.8, false), (0.7, true), (0.3, false), (0.2, true), (0.1, false)];
        // F1 at each cut: 0.5, 0.4, 0.667, 0.571, 0.75, 0.667.
        assert!((threshold(scored.into_iter()) - 0.15).abs() < 1e-12);
        assert_eq!(threshold([(0.9, false)].into_iter()), 0.5);
        assert_eq!(threshold(std::iter::empty()), 0.5);
    }
}
