//! Defects: from loads on the way of the ware to probabilities, calibrated on what inspection finds.

mod belief;
mod mechanism;

pub use belief::{Belief, Block, Curve};
pub use mechanism::{LONGEST_LAG, MECHANISMS, Mechanism};

use crate::minute::Minute;
use lehr_domain::ids::stable_hash;
use lehr_domain::unit::DefectType;
use serde::{Deserialize, Serialize};

pub const DEFECTS: usize = DefectType::COUNT;

/// What ware is exposed to in one minute: the loads of the mechanisms, and the logarithm of the factor by which more
/// seeds stay in the melt than in normal operation.
pub type Exposure = [f32; MECHANISMS + 1];
const SEEDS: usize = MECHANISMS;

/// Places in the window of transport at which loads are taken: thirds of it, in their middles.
const PLACES: usize = 3;

/// What the ware that is inspected in one minute was exposed to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposed {
    loads: [[f64; PLACES]; MECHANISMS],
    seeds: f64,
}

/// Units per block of learning are gathered over so many minutes.
const BLOCK_MIN: u32 = 5;
/// The first guess of the share of ware with a defect that no departure explains: one in 400, worth 800 units.
const BACKGROUND: Background = Background { found: 2.0, units: 800.0 };
/// The least load that tells of a mechanism.
const TELLS: f64 = 0.15;
/// Kept of the background from block to block: half after a day, because batch and cullet change it.
const KEPT: f64 = 1.0 - 2.4e-3;

/// A gamma distribution of the rate of defects without a cause.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Background {
    found: f64,
    units: f64,
}

/// One of the possible truths: how defects come about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    pub curves: [Curve; MECHANISMS],
    pub background: [f64; DEFECTS],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The last [`LONGEST_LAG`] + 1 minutes, the latest at the end.
    exposures: Vec<Exposure>,
    beliefs: Vec<Belief>,
    background: [Background; DEFECTS],
    minutes: u32,
    units: f64,
    found: [f64; DEFECTS],
    /// The greatest load of each mechanism that the line was ever seen at.
    pub most_load: [f64; MECHANISMS],
}

impl Default for Quality {
    fn default() -> Quality {
        Quality {
            exposures: vec![[0.0; MECHANISMS + 1]; LONGEST_LAG + 1],
            beliefs: vec![Belief::default(); MECHANISMS],
            background: [BACKGROUND; DEFECTS],
            minutes: 0,
            units: 0.0,
            found: [0.0; DEFECTS],
            most_load: [0.0; MECHANISMS],
        }
    }
}

/// What the ware inspected at the last of `rows` was exposed to. Needs more than [`LONGEST_LAG`] rows.
pub fn exposed(rows: &[Exposure]) -> Exposed {
    let ago = |minutes: usize| &rows[rows.len() - 1 - minutes];
    let mut exposed = Exposed { loads: [[0.0; PLACES]; MECHANISMS], seeds: 0.0 };
    for mechanism in Mechanism::ALL {
        let (least, most) = mechanism.known().lag_min;
        for (place, load) in exposed.loads[mechanism as usize].iter_mut().enumerate() {
            let lag = least + (most - least) * (2 * place + 1) / (2 * PLACES);
            *load = f64::from(ago(lag)[mechanism as usize]);
        }
    }
    let (least, most) = Mechanism::ColdMelt.known().lag_min;
    exposed.seeds = f64::from(ago((least + most) / 2)[SEEDS]);
    exposed
}

impl Exposed {
    /// Ware that is everywhere exposed to what is so in one minute.
    pub fn throughout(row: &Exposure) -> Exposed {
        let loads = std::array::from_fn(|mechanism| [f64::from(row[mechanism]); PLACES]);
        Exposed { loads, seeds: f64::from(row[SEEDS]) }
    }
}

impl Law {
    /// Probability of each defect.
    pub fn probabilities(&self, exposed: &Exposed) -> [f64; DEFECTS] {
        let mut free = self.background.map(|background| 1.0 - background);
        free[DefectType::Bubble as usize] =
            1.0 - (self.background[DefectType::Bubble as usize] * exposed.seeds.exp()).min(0.5);
        for mechanism in Mechanism::ALL {
            let known = mechanism.known();
            free[known.defect as usize] *= 1.0 - known.ceiling * self.affected(mechanism, exposed);
        }
        free.map(|free| 1.0 - free)
    }

    /// Share of affected ware that fails by this mechanism.
    pub fn affected(&self, mechanism: Mechanism, exposed: &Exposed) -> f64 {
        let curve = &self.curves[mechanism as usize];
        let loads = &exposed.loads[mechanism as usize];
        let (least, most) = loads.iter().fold((f64::MAX, f64::MIN), |(l, m), load| (l.min(*load), m.max(*load)));
        // Far below its onset, a mechanism costs no exponential.
        if curve.middle - most > 25.0 * curve.width {
            return 0.0;
        }
        if most - least < 0.01 {
            return curve.at(loads[PLACES / 2]);
        }
        loads.iter().map(|load| curve.at(*load)).sum::<f64>() / PLACES as f64
    }
}

/// Share of ware with any defect.
pub fn any(probabilities: &[f64; DEFECTS]) -> f64 {
    1.0 - probabilities.iter().map(|probability| 1.0 - probability).product::<f64>()
}

impl Quality {
    /// Takes in a minute: what ware is exposed to now, and what was inspected.
    pub fn see(&mut self, exposure: Exposure, minute: &Minute) {
        self.exposures.remove(0);
        self.exposures.push(exposure);
        for (most, load) in self.most_load.iter_mut().zip(&exposure) {
            *most = most.max(f64::from(*load));
        }
        self.minutes += 1;
        if minute.units.is_finite() && minute.units > 0.0 {
            self.units += minute.units;
            for (sum, found) in self.found.iter_mut().zip(&minute.defects) {
                *sum += if found.is_finite() { found.clamp(0.0, minute.units) } else { 0.0 };
            }
        }
        if self.minutes >= BLOCK_MIN {
            if self.units > 0.0 {
                self.learn();
            }
            self.minutes = 0;
            self.units = 0.0;
            self.found = [0.0; DEFECTS];
        }
    }

    fn learn(&mut self) {
        let end = self.exposures.len() - (BLOCK_MIN as usize) / 2;
        let mut rows = Vec::with_capacity(self.exposures.len());
        // The middle of the block; what left the memory meanwhile was as its successor.
        rows.resize(self.exposures.len() - end, self.exposures[0]);
        rows.extend_from_slice(&self.exposures[..end]);
        let exposed = exposed(&rows);
        let law = self.point();
        let probabilities = law.probabilities(&exposed);
        for mechanism in Mechanism::ALL {
            let known = mechanism.known();
            let defect = known.defect as usize;
            // Near normal operation a mechanism cannot be told from the background.
            if exposed.loads[mechanism as usize].iter().all(|load| *load < TELLS) {
                continue;
            }
            let own = known.ceiling * law.affected(mechanism, &exposed);
            let otherwise = 1.0 - (1.0 - probabilities[defect]) / (1.0 - own).max(1e-3);
            self.beliefs[mechanism as usize].learn(&Block {
                loads: &exposed.loads[mechanism as usize],
                units: self.units,
                found: self.found[defect],
                ceiling: known.ceiling,
                otherwise: otherwise.max(0.0),
            });
        }
        for (defect, background) in self.background.iter_mut().enumerate() {
            let own = background.found / background.units;
            let share = (own / probabilities[defect].max(1e-9)).min(1.0);
            // Where other causes prevail, units tell little of the background.
            background.found = background.found * KEPT + share * self.found[defect];
            background.units = background.units * KEPT + share * self.units;
        }
    }

    /// The belief in one law.
    pub fn point(&self) -> Law {
        Law {
            curves: std::array::from_fn(|mechanism| self.beliefs[mechanism].point),
            background: self.background.map(|background| background.found / background.units),
        }
    }

    /// Laws that stand for the belief: evenly spread, and the same each time.
    pub fn draw(&self, count: usize) -> Vec<Law> {
        let mut laws = vec![self.point(); count];
        for mechanism in 0..MECHANISMS {
            let [rank, across, along] = [0, 1, 2].map(|k| even(count, 3 * mechanism + k));
            let ranks: Vec<[f64; 3]> = (0..count).map(|draw| [rank[draw], across[draw], along[draw]]).collect();
            let curves = self.beliefs[mechanism].draw(&ranks);
            for (law, curve) in laws.iter_mut().zip(curves) {
                law.curves[mechanism] = curve;
            }
        }
        for (defect, background) in self.background.iter().enumerate() {
            // A gamma distribution of many units is nearly log-normal.
            let sd = background.found.max(1.0).recip().sqrt();
            for (law, rank) in laws.iter_mut().zip(even(count, 3 * MECHANISMS + defect)) {
                law.background[defect] *= (sd * normal(rank) - 0.5 * sd * sd).exp();
            }
        }
        laws
    }

    pub fn belief(&self, mechanism: Mechanism) -> &Belief {
        &self.beliefs[mechanism as usize]
    }

    /// The minutes on the way to inspection, the latest at the end.
    pub fn exposures(&self) -> &[Exposure] {
        &self.exposures
    }
}

/// Latin hypercube: `count` numbers between 0 and 1 that are spread evenly, in an order of the dimension's own.
fn even(count: usize, dimension: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|place| stable_hash(&[dimension as u64, *place as u64]));
    order.into_iter().map(|place| (place as f64 + 0.5) / count as f64).collect()
}

/// The quantile of the standard normal distribution, to 5e-4 (M. Abramowitz & I. A. Stegun 1964, 26.2.23).
pub fn normal(rank: f64) -> f64 {
    let tail = rank.min(1.0 - rank);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let size = t - above / below;
    if rank < 0.5 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly_and_independent_of_each_other() {
        let dimensions: Vec<Vec<f64>> = (0..3 * MECHANISMS + DEFECTS).map(|dimension| even(64, dimension)).collect();
        for (place, one) in dimensions.iter().enumerate() {
            assert!((one.iter().sum::<f64>() / 64.0 - 0.5).abs() < 1e-9);
            for other in &dimensions[..place] {
                let pairs = one.iter().zip(other);
                let correlation = pairs.map(|(one, other)| (one - 0.5) * (other - 0.5)).sum::<f64>() / 64.0 * 12.0;
                assert!(correlation.abs() < 0.5, "{correlation}");
            }
        }
        assert!((normal(0.95) - 1.6449).abs() < 1e-3 && (normal(0.5)).abs() < 1e-3);
    }
}
