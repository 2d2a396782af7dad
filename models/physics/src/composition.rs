//! What glass is made of: shares of oxides by weight and by mole.

use crate::PhysicsError;
use std::fmt;

/// The oxides that any model of this crate has a term for, and what is common beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oxide {
    SiO2,
    Al2O3,
    B2O3,
    Na2O,
    K2O,
    Li2O,
    CaO,
    MgO,
    BaO,
    SrO,
    ZnO,
    PbO,
    Fe2O3,
    TiO2,
    SO3,
    Sb2O3,
}

const OXIDES: usize = 16;

impl Oxide {
    pub const ALL: [Oxide; OXIDES] = {
        use Oxide::*;
        [SiO2, Al2O3, B2O3, Na2O, K2O, Li2O, CaO, MgO, BaO, SrO, ZnO, PbO, Fe2O3, TiO2, SO3, Sb2O3]
    };

    /// g/mol, from the standard atomic weights of IUPAC 2021.
    pub fn molar_mass_g(self) -> f64 {
        match self {
            Oxide::SiO2 => 60.083,
            Oxide::Al2O3 => 101.960,
            Oxide::B2O3 => 69.617,
            Oxide::Na2O => 61.979,
            Oxide::K2O => 94.195,
            Oxide::Li2O => 29.879,
            Oxide::CaO => 56.077,
            Oxide::MgO => 40.304,
            Oxide::BaO => 153.326,
            Oxide::SrO => 103.619,
            Oxide::ZnO => 81.379,
            Oxide::PbO => 223.199,
            Oxide::Fe2O3 => 159.687,
            Oxide::TiO2 => 79.865,
            Oxide::SO3 => 80.057,
            Oxide::Sb2O3 => 291.517,
        }
    }
}

impl fmt::Display for Oxide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How far the sum of a composition may be from 100 %: analyses as they are published are off by up to one percent.
const TOTAL_TOLERANCE: f64 = 1.5;

/// Shares in % by weight; what is not named is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightPercent([f64; OXIDES]);

/// Shares in mol%, SiO2 among them; what is not named is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MolPercent([f64; OXIDES]);

impl WeightPercent {
    /// Refuses shares outside 0 to 100 %, an oxide named twice, and a sum more than 1.5 % from 100 %.
    pub fn new(shares: &[(Oxide, f64)]) -> Result<WeightPercent, PhysicsError> {
        Ok(WeightPercent(checked(shares)?))
    }

    pub fn of(&self, oxide: Oxide) -> f64 {
        self.0[oxide as usize]
    }

    /// Sums to 100 % whatever the sum of the weights.
    pub fn mol_percent(&self) -> MolPercent {
        MolPercent(converted(&self.0, |oxide| 1.0 / oxide.molar_mass_g()))
    }
}

impl MolPercent {
    /// Refuses shares outside 0 to 100 %, an oxide named twice, and a sum more than 1.5 % from 100 %.
    pub fn new(shares: &[(Oxide, f64)]) -> Result<MolPercent, PhysicsError> {
        Ok(MolPercent(checked(shares)?))
    }

    pub fn of(&self, oxide: Oxide) -> f64 {
        self.0[oxide as usize]
    }

    /// Sums to 100 % whatever the sum of the moles.
    pub fn weight_percent(&self) -> WeightPercent {
        WeightPercent(converted(&self.0, Oxide::molar_mass_g))
    }
}

fn checked(shares: &[(Oxide, f64)]) -> Result<[f64; OXIDES], PhysicsError> {
    let mut percents = [0.0; OXIDES];
    let mut named = [false; OXIDES];
    for &(oxide, percent) in shares {
        if std::mem::replace(&mut named[oxide as usize], true) {
            return Err(PhysicsError::Twice { oxide });
        }
        if !(0.0..=100.0).contains(&percent) {
            return Err(PhysicsError::Share { oxide, percent });
        }
        percents[oxide as usize] = percent;
    }
    let total: f64 = percents.iter().sum();
    if (total - 100.0).abs() > TOTAL_TOLERANCE {
        return Err(PhysicsError::Total(total));
    }
    Ok(percents)
}

fn converted(shares: &[f64; OXIDES], factor: impl Fn(Oxide) -> f64) -> [f64; OXIDES] {
    let amounts = Oxide::ALL.map(|oxide| shares[oxide as usize] * factor(oxide));
    let total: f64 = amounts.iter().sum();
    amounts.map(|amount| amount * 100.0 / total)
}

/// What a composition model was fitted to.
pub(crate) struct Calibration {
    pub model: &'static str,
    pub unit: &'static str,
    /// Least and greatest share of each oxide with a term, in `unit`.
    pub ranges: &'static [(Oxide, f64, f64)],
    /// Oxides without a term may add up to this much: fining agents, colours and traces.
    pub rest: f64,
}

/// Beyond what decimal shares lose in binary.
const ROUNDING: f64 = 1e-9;

impl Calibration {
    /// Names the first oxide out of range, or the greatest of too many that the model knows nothing of.
    pub fn check(&self, share: impl Fn(Oxide) -> f64) -> Result<(), PhysicsError> {
        let (model, unit) = (self.model, self.unit);
        for &(oxide, low, high) in self.ranges {
            let percent = share(oxide);
            if percent < low - ROUNDING || percent > high + ROUNDING {
                return Err(PhysicsError::Oxide { model, oxide, percent, unit, low, high });
            }
        }
        let known = |oxide: &Oxide| self.ranges.iter().any(|(with_term, ..)| with_term == oxide);
        let mut rest = 0.0;
        let mut greatest = (0.0, Oxide::SiO2);
        for oxide in Oxide::ALL.into_iter().filter(|oxide| !known(oxide)) {
            rest += share(oxide);
            if share(oxide) > greatest.0 {
                greatest = (share(oxide), oxide);
            }
        }
        if rest > self.rest + ROUNDING {
            return Err(PhysicsError::NoTerm { model, oxide: greatest.1, percent: rest, unit });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
