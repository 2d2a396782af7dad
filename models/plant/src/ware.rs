//! How the process makes defects.
//!
//! Each mechanism raises the probability of its own defect as the process leaves its target towards a
//! threshold: a few per cent half-way, the full figure somewhat beyond. Under that lies a background, mildly
//! dependent on set-points (so that there is something to improve), on humidity and on the batch, which
//! nobody measures.

use crate::quantity::{Quantity, Table};
use crate::random::{Stream, normal};
use crate::truth::{Cause, TrueDefect};
use lehr_domain::unit::DefectType;
use rand::RngExt;

/// What a unit lived through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    pub furnace_c: f64,
    pub belt: f64,
    pub mold_c: f64,
    /// Greatest less least forming pressure within the minute before forming, MPa.
    pub variation: f64,
    pub cooling: f64,
    pub humidity: f64,
    pub batch: f64,
    pub cullet: f64,
    pub wear: f64,
    /// Probability of a stone, and of a seed, on top.
    pub stones: f64,
    pub seeds: f64,
}

/// The probabilities of a unit with nothing unusual in its past: 1.8 % in all.
const BACKGROUND: [(DefectType, f64); DefectType::COUNT] = [
    (DefectType::Crack, 0.0025),
    (DefectType::Bubble, 0.004),
    (DefectType::Chip, 0.003),
    (DefectType::Cloudiness, 0.002),
    (DefectType::Deformation, 0.002),
    (DefectType::Stain, 0.003),
    (DefectType::StressFracture, 0.0015),
];
/// How much the surroundings can change a background probability, as a factor and its inverse.
const BACKGROUND_RANGE: f64 = 2.5;
/// Scatter from unit to unit of the deviation that a mechanism sees, as a share of the way to its threshold.
const SCATTER: f64 = 0.04;
/// Deviation, as a share of the way to the threshold, at which half the full probability is reached, and the
/// steepness there: 4.7 % of the full figure half-way, 88 % at the threshold, 99 % a quarter beyond.
const HALF: f64 = 0.8;
const STEEP: f64 = 0.1;
/// Below this share of the way a mechanism is silent; there it would give 0.7 % of its full figure.
const SILENT: f64 = 0.3;

#[derive(Clone)]
struct Mechanism {
    cause: Cause,
    defect: DefectType,
    /// Probability well beyond the threshold.
    full: f64,
    threshold: f64,
    /// Where the process is at home.
    home: f64,
    seen: fn(&Past) -> f64,
}

/// The mechanisms of one line.
#[derive(Clone)]
pub(crate) struct Mechanisms {
    list: Vec<Mechanism>,
    nominal: Table,
}

/// The catalogue's target where it leaves room up to the threshold, else the usual one: a threshold at the
/// target would make every unit defective.
fn home(nominal: &Table, quantity: Quantity, threshold: f64) -> f64 {
    let usual = quantity.profile().target;
    let room = (threshold - nominal[quantity]) / (threshold - usual);
    if room > 0.2 { nominal[quantity] } else { usual }
}

impl Mechanisms {
    pub fn new(nominal: &Table) -> Mechanisms {
        let of = |cause, defect, full, quantity, threshold, seen: fn(&Past) -> f64| Mechanism {
            cause,
            defect,
            full,
            threshold,
            home: home(nominal, quantity, threshold),
            seen,
        };
        let furnace = Quantity::FurnaceTemperature;
        let list = vec![
            of(Cause::FurnaceHot, DefectType::Crack, 0.85, furnace, 1600.0, |past| past.furnace_c),
            of(Cause::FurnaceCold, DefectType::Cloudiness, 0.78, furnace, 1450.0, |past| past.furnace_c),
            of(Cause::BeltFast, DefectType::Deformation, 0.82, Quantity::BeltSpeed, 180.0, |past| past.belt),
            of(Cause::MoldCold, DefectType::StressFracture, 0.75, Quantity::MoldTemperature, 280.0, |past| past.mold_c),
            of(Cause::CoolingFast, DefectType::Crack, 0.90, Quantity::CoolingRate, 7.0, |past| past.cooling),
            Mechanism {
                cause: Cause::PressureUnsteady,
                defect: DefectType::Bubble,
                full: 0.88,
                threshold: 15.0,
                home: 0.0,
                seen: |past| past.variation,
            },
        ];
        Mechanisms { list, nominal: nominal.clone() }
    }

    /// The defects of a unit, sorted. Takes the same number of draws whatever the past, so that a unit's
    /// luck stays its own in every alternative history.
    pub fn defects(&self, past: &Past, rng: &mut Stream) -> Vec<TrueDefect> {
        let scatter = SCATTER * normal(rng) + 0.01 * past.humidity;
        let mut found: Vec<TrueDefect> = Vec::new();
        let mut add = |defect: DefectType, cause: Cause, probability: f64, draw: f64| {
            if draw < probability && found.iter().all(|other| other.defect != defect) {
                found.push(TrueDefect { defect, cause });
            }
        };
        for mechanism in &self.list {
            add(mechanism.defect, mechanism.cause, mechanism.probability(past, scatter), rng.random());
        }
        add(DefectType::Bubble, Cause::Cullet, (0.02 * past.cullet + past.seeds).min(1.0), rng.random());
        add(DefectType::Cloudiness, Cause::Cullet, (0.006 * past.cullet).min(1.0), rng.random());
        add(DefectType::Stain, Cause::Refractory, (0.015 * past.wear + past.stones).min(1.0), rng.random());
        for (defect, probability) in BACKGROUND {
            add(defect, Cause::Background, probability * self.background_factor(defect, past), rng.random());
        }
        found.sort();
        found
    }

    /// How far the surroundings and the settings raise or lower a background probability.
    fn background_factor(&self, defect: DefectType, past: &Past) -> f64 {
        let furnace = past.furnace_c - self.nominal[Quantity::FurnaceTemperature];
        let belt = past.belt / self.nominal[Quantity::BeltSpeed] - 1.0;
        let mold = past.mold_c - self.nominal[Quantity::MoldTemperature];
        let cooling = past.cooling / self.nominal[Quantity::CoolingRate] - 1.0;
        let exponent = match defect {
            DefectType::Crack => furnace / 60.0 + 3.0 * cooling,
            DefectType::Bubble => -furnace / 50.0 + 0.3 * past.batch,
            DefectType::Chip => 5.0 * belt + 0.2 * past.humidity,
            DefectType::Cloudiness => -furnace / 60.0 + 0.3 * past.batch,
            DefectType::Deformation => 8.0 * belt + mold / 80.0,
            DefectType::Stain => 0.3 * past.humidity,
            DefectType::StressFracture => -mold / 50.0 + 2.0 * cooling,
        };
        exponent.exp().clamp(1.0 / BACKGROUND_RANGE, BACKGROUND_RANGE)
    }
}

impl Mechanism {
    fn probability(&self, past: &Past, scatter: f64) -> f64 {
        let way = ((self.seen)(past) - self.home) / (self.threshold - self.home);
        if way < SILENT {
            return 0.0;
        }
        self.full / (1.0 + (-(way + scatter - HALF) / STEEP).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    const SOUND: Past = Past {
        furnace_c: 1520.0,
        belt: 150.0,
        mold_c: 450.0,
        variation: 2.0,
        cooling: 4.5,
        humidity: 0.0,
        batch: 0.0,
        cullet: 0.0,
        wear: 0.0,
        stones: 0.0,
        seeds: 0.0,
    };

    fn share(past: &Past, defect: DefectType) -> f64 {
        const UNITS: u64 = 20_000;
        let mechanisms = Mechanisms::new(&Table::of(|quantity| quantity.profile().target));
        let has = |unit: &u64| {
            let mut rng = stream(11, Purpose::Unit, &[*unit]);
            mechanisms.defects(past, &mut rng).iter().any(|found| found.defect == defect)
        };
        (0..UNITS).filter(has).count() as f64 / UNITS as f64
    }

    #[test]
    fn far_beyond_its_threshold_a_mechanism_gives_its_probability_and_half_way_a_few_per_cent() {
        let cases: [(DefectType, f64, Past, Past); 6] = [
            (DefectType::Crack, 0.85, Past { furnace_c: 1640.0, ..SOUND }, Past { furnace_c: 1560.0, ..SOUND }),
            (DefectType::Cloudiness, 0.78, Past { furnace_c: 1420.0, ..SOUND }, Past { furnace_c: 1485.0, ..SOUND }),
            (DefectType::Deformation, 0.82, Past { belt: 195.0, ..SOUND }, Past { belt: 165.0, ..SOUND }),
            (DefectType::StressFracture, 0.75, Past { mold_c: 220.0, ..SOUND }, Past { mold_c: 365.0, ..SOUND }),
            (DefectType::Bubble, 0.88, Past { variation: 22.0, ..SOUND }, Past { variation: 7.5, ..SOUND }),
            (DefectType::Crack, 0.90, Past { cooling: 7.9, ..SOUND }, Past { cooling: 5.75, ..SOUND }),
        ];
        for (defect, full, beyond, half_way) in cases {
            let (beyond, half_way) = (share(&beyond, defect), share(&half_way, defect));
            assert!((beyond - full).abs() < 0.03, "{defect:?} beyond: {beyond}");
            assert!((0.02..0.08).contains(&half_way), "{defect:?} half-way: {half_way}");
        }
    }

    #[test]
    fn better_settings_mean_fewer_defects() {
        let slower = share(&Past { belt: 142.5, ..SOUND }, DefectType::Deformation);
        let usual = share(&SOUND, DefectType::Deformation);
        assert!(slower < 0.9 * usual && slower > 0.3 * usual, "{slower} of {usual}");
    }
}
