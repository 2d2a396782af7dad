//! What comes out of a way: defects, rate and energy, for every law that is believed possible.

use super::ask::{Changes, Estimate, Outcome};
use super::path::Path;
use crate::forecast::BAND_90;
use crate::parameter::Parameter;
use crate::quality::{DEFECTS, Exposure, LONGEST_LAG, Law, any, exposed};
use crate::state::State;
use crate::throughput::energy_kw;

/// Laws that stand for the belief.
pub const LAWS: usize = 48;
/// Defects are taken every so many minutes.
const EVERY_MIN: usize = 5;
/// Believed relative standard deviation of changes of electric power.
const POWER_SD: f64 = 0.1;
/// What a ceiling of the knowledge base may be off by, as a share of the effect.
const CEILING_SD: f64 = 0.03;

/// Shares of ware with defects under one law: by type, and with any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defective {
    pub by_type: [f64; DEFECTS],
    pub any: f64,
}

/// Everything about a way that an answer is made of.
pub struct Tally {
    pub units: f64,
    pub rate_per_h: f64,
    pub fuel_m3_h: f64,
    pub power_kw: f64,
    /// Under each law.
    pub under: Vec<Defective>,
}

/// The minutes before and on the way, one after the other.
pub fn rows(state: &State, path: &Path) -> Vec<Exposure> {
    let mut rows = Vec::with_capacity(LONGEST_LAG + 1 + path.exposures.len() * path.step_min);
    rows.extend_from_slice(state.quality.exposures());
    for exposure in &path.exposures {
        rows.extend(std::iter::repeat_n(*exposure, path.step_min));
    }
    rows
}

pub fn tally(state: &State, path: &Path, laws: &[Law]) -> Tally {
    let rows = rows(state, path);
    let steps = path.exposures.len();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut under = vec![Defective::default(); laws.len()];
    let mut weight = 0.0;
    let minutes = steps * path.step_min;
    let mut minute = EVERY_MIN.min(minutes) / 2;
    while minute < minutes {
        let units = path.rate_per_h[minute / path.step_min];
        if units > 0.0 {
            weight += units;
            let exposed = exposed(&rows[..=LONGEST_LAG + 1 + minute]);
            for (sum, law) in under.iter_mut().zip(laws) {
                let probabilities = law.probabilities(&exposed);
                sum.any += units * any(&probabilities);
                for (sum, probability) in sum.by_type.iter_mut().zip(&probabilities) {
                    *sum += units * probability;
                }
            }
        }
        minute += EVERY_MIN;
    }
    for sum in &mut under {
        sum.any /= weight.max(1e-9);
        sum.by_type.iter_mut().for_each(|share| *share /= weight.max(1e-9));
    }
    let rate_per_h = mean(&path.rate_per_h);
    Tally {
        units: rate_per_h * minutes as f64 / 60.0,
        rate_per_h,
        fuel_m3_h: mean(&path.fuel_m3_h),
        power_kw: mean(&path.power_kw),
        under,
    }
}

impl Tally {
    pub fn outcome(&self) -> Outcome {
        let count = self.under.len() as f64;
        let defect_rate = self.under.iter().map(|share| share.any).sum::<f64>() / count;
        let mut defect_rates = [0.0; DEFECTS];
        for under in &self.under {
            for (mean, share) in defect_rates.iter_mut().zip(&under.by_type) {
                *mean += share / count;
            }
        }
        Outcome {
            defect_rate,
            defect_rates,
            quality_score: 1.0 - defect_rate,
            rate_per_h: self.rate_per_h,
            energy_kw: energy_kw(self.fuel_m3_h, self.power_kw),
        }
    }
}

/// What the scenario changes, paired law by law.
pub fn changes(state: &State, baseline: &Tally, scenario: &Tally) -> Changes {
    let difference = |share: &dyn Fn(&Defective) -> f64| {
        let pairs = baseline.under.iter().zip(&scenario.under);
        let drawn: Vec<f64> = pairs.map(|(before, after)| share(after) - share(before)).collect();
        let counted = chance(baseline, share).hypot(chance(scenario, share));
        of_share(drawn, counted)
    };
    let defect_rate = difference(&|under| under.any);
    let rate = scenario.rate_per_h - baseline.rate_per_h;
    let fuel_kw = energy_kw(scenario.fuel_m3_h - baseline.fuel_m3_h, 0.0);
    let power_kw = scenario.power_kw - baseline.power_kw;
    let fuel_sd = fuel_kw * state.channels[Parameter::FuelFlow.index()].term_sd(0);
    Changes {
        defect_rate,
        defect_rates: std::array::from_fn(|defect| difference(&move |under| under.by_type[defect])),
        quality_score: Estimate { value: -defect_rate.value, low: -defect_rate.high, high: -defect_rate.low },
        rate_per_h: normal(rate, rate.abs() * state.throughput.relative_sd()),
        energy_kw: normal(fuel_kw + power_kw, fuel_sd.hypot(POWER_SD * power_kw)),
    }
}

/// Standard deviation of a share that is counted on as many units as there are.
fn chance(tally: &Tally, share: &dyn Fn(&Defective) -> f64) -> f64 {
    let mean = tally.under.iter().map(share).sum::<f64>() / tally.under.len() as f64;
    (mean * (1.0 - mean).max(0.0) / tally.units.max(1.0)).sqrt()
}

fn normal(value: f64, sd: f64) -> Estimate {
    Estimate { value, low: value - BAND_90 * sd, high: value + BAND_90 * sd }
}

/// The mean of what was drawn, with a band that holds what inspection will count: the spread of the laws, and the
/// chance with which two runs of so many units have defects.
fn of_share(mut drawn: Vec<f64>, counted: f64) -> Estimate {
    drawn.sort_by(f64::total_cmp);
    let value = drawn.iter().sum::<f64>() / drawn.len() as f64;
    let rank = |share: f64| drawn[((share * drawn.len() as f64) as usize).min(drawn.len() - 1)];
    let chance = BAND_90 * counted.hypot(CEILING_SD * value);
    Estimate {
        value,
        low: value - (value - rank(0.05)).max(0.0).hypot(chance),
        high: value + (rank(0.95) - value).max(0.0).hypot(chance),
    }
}
