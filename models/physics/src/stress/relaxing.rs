//! Glass that relaxes: elastic constants, spectra and their dependence on temperature.
//!
//! Thermorheologically simple (O. S. Narayanaswamy, J. Am. Ceram. Soc. 54 (1971) 491): all spectra share the reduced
//! time ξ = ∫φ dt with
//! φ = exp\[(H/R)·(1/T_ref − x/T − (1 − x)/T_f)\] (C. T. Moynihan et al., J. Am. Ceram. Soc. 59 (1976) 12).

use super::prony::{Prony, TERMS};
use crate::viscosity::Vft;
use crate::{Celsius, GAS_CONSTANT, Kelvin, Log10Viscosity, PascalSeconds, PhysicsError};

/// Elastic, thermal and relaxation constants of a glass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RelaxingGlass {
    /// Instantaneous Young's modulus, Pa.
    pub young_pa: f64,
    pub poisson: f64,
    /// Share of the bulk modulus that never relaxes; the shear modulus relaxes altogether.
    pub bulk_rest: f64,
    /// Linear expansion of the frozen glass and of the liquid in equilibrium, 1/K.
    pub expansion_glass_per_k: f64,
    pub expansion_liquid_per_k: f64,
    pub shift: Shift,
    pub structure: Prony,
    pub shear: Prony,
    /// Of the share of the bulk modulus that relaxes.
    pub bulk: Prony,
}

/// How much faster than at the reference temperature glass relaxes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    pub reference: Kelvin,
    /// Activation energy over the gas constant, H/R in K.
    pub activation_k: f64,
    /// Share of the temperature in φ, 0 to 1; the rest is the fictive temperature's.
    pub x: f64,
}

impl Shift {
    /// φ: reduced seconds in a second.
    pub fn speed(&self, temperature: Kelvin, fictive: Kelvin) -> f64 {
        let inverse = self.x / temperature.0 + (1.0 - self.x) / fictive.0;
        (self.activation_k * (1.0 / self.reference.0 - inverse)).exp()
    }

    /// The temperature at which glass of this fictive temperature relaxes at `speed`; infinite if it never does.
    pub fn temperature_at(&self, speed: f64, fictive: Kelvin) -> Kelvin {
        let inverse = 1.0 / self.reference.0 - speed.ln() / self.activation_k - (1.0 - self.x) / fictive.0;
        Kelvin(if inverse > 0.0 { self.x / inverse } else { f64::INFINITY })
    }
}

const STRUCTURE: Prony = Prony {
    weights: [0.05523, 0.08205, 0.1215, 0.2286, 0.2860, 0.22662],
    times_s: [5.965e-4, 1.077e-2, 0.1362, 1.505, 6.747, 29.63],
};
const SHEAR: Prony = Prony {
    weights: [0.05523, 0.08205, 0.1215, 0.2286, 0.2860, 0.22662],
    times_s: [6.658e-5, 1.197e-3, 1.514e-2, 0.1672, 0.7497, 3.292],
};
const BULK: Prony = Prony {
    weights: [0.0222, 0.0224, 0.0286, 0.2137, 0.394, 0.3191],
    times_s: [5.009e-5, 9.945e-4, 2.022e-3, 1.925e-2, 0.1199, 2.033],
};

impl RelaxingGlass {
    /// Soda-lime glass after H. Carré & L. Daudeville, J. Eng. Mech. 125 (1999) 914, with the parameters of A. Aronen &
    /// R. Karvinen, Glass Struct. Eng. 3 (2018) 3–15. Its fourth structural time is 1.505 s; a copy with 0.1505 s
    /// circulates. Two activation energies circulate with these spectra: this one, and that of
    /// [`RelaxingGlass::NIELSEN`].
    pub const CARRE_DAUDEVILLE: RelaxingGlass = RelaxingGlass {
        young_pa: 70e9,
        poisson: 0.22,
        bulk_rest: 0.18,
        expansion_glass_per_k: 9e-6,
        expansion_liquid_per_k: 32e-6,
        shift: Shift { reference: Kelvin(869.0), activation_k: 76_200.0, x: 0.5 },
        structure: STRUCTURE,
        shear: SHEAR,
        bulk: BULK,
    };

    /// The same spectra with the activation energy 457.05 kJ/mol and the expansion of the liquid after J. H. Nielsen et
    /// al., Comput. Struct. 88 (2010) 963.
    pub const NIELSEN: RelaxingGlass = RelaxingGlass {
        expansion_liquid_per_k: 25.1e-6,
        shift: Shift { reference: Kelvin(869.0), activation_k: 457_050.0 / GAS_CONSTANT, x: 0.5 },
        ..RelaxingGlass::CARRE_DAUDEVILLE
    };

    /// Without structural relaxation: what remains is viscoelasticity with constant expansion.
    pub fn without_structure(self) -> RelaxingGlass {
        RelaxingGlass { expansion_liquid_per_k: self.expansion_glass_per_k, ..self }
    }

    /// The same spectra for a glass of another viscosity: the reference temperature moves to where that glass has the
    /// viscosity G·Σ w·τ of the shear spectrum, about 10^10.5 Pa·s.
    ///
    /// Error: the glass never has this viscosity.
    pub fn anchored_to(self, curve: &Vft) -> Result<RelaxingGlass, PhysicsError> {
        let Celsius(reference) = curve.temperature_at(self.reference_viscosity().log10())?;
        let shift = Shift { reference: Celsius(reference).kelvin(), ..self.shift };
        Ok(RelaxingGlass { shift, ..self })
    }

    /// Equilibrium viscosity at the reference temperature.
    pub fn reference_viscosity(&self) -> PascalSeconds {
        PascalSeconds(self.shear_pa() * self.shear.mean_time_s())
    }

    /// Where glass in equilibrium has this viscosity according to the shear spectrum and its activation energy: close
    /// to the curve of viscosity in the transition range, far from it in the melt.
    pub fn temperature_at(&self, viscosity: Log10Viscosity) -> Kelvin {
        let speed = self.reference_viscosity().0 / viscosity.pascal_seconds().0;
        Kelvin(1.0 / (1.0 / self.shift.reference.0 - speed.ln() / self.shift.activation_k))
    }

    /// Instantaneous shear modulus, Pa.
    pub fn shear_pa(&self) -> f64 {
        0.5 * self.young_pa / (1.0 + self.poisson)
    }

    /// Instantaneous bulk modulus, Pa.
    pub fn bulk_pa(&self) -> f64 {
        self.young_pa / (3.0 * (1.0 - 2.0 * self.poisson))
    }

    /// Shear moduli of the terms, Pa.
    pub(crate) fn shear_terms_pa(&self) -> [f64; TERMS] {
        self.shear.weights.map(|weight| weight * self.shear_pa())
    }

    /// Bulk moduli of the terms, Pa.
    pub(crate) fn bulk_terms_pa(&self) -> [f64; TERMS] {
        self.bulk.weights.map(|weight| weight * (1.0 - self.bulk_rest) * self.bulk_pa())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viscosity::{ANNEALING, STRAIN};

    #[test]
    fn moduli_are_those_of_the_sources() {
        let glass = RelaxingGlass::CARRE_DAUDEVILLE;
        assert!((glass.bulk_pa() / 41.667e9 - 1.0).abs() < 1e-4);
        assert!((glass.shear_pa() / 28.689e9 - 1.0).abs() < 1e-4);
        assert!((RelaxingGlass::NIELSEN.shift.activation_k - 54_970.0).abs() < 5.0);
        for prony in [glass.structure, glass.shear, glass.bulk] {
            assert!((prony.weights.iter().sum::<f64>() - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn an_anchored_glass_has_the_viscosity_of_its_curve_at_the_reference() {
        let glass = RelaxingGlass::CARRE_DAUDEVILLE.anchored_to(&Vft::CONTAINER).unwrap();
        let Log10Viscosity(there) = Vft::CONTAINER.log10_viscosity(glass.shift.reference.celsius()).unwrap();
        assert!((there - glass.reference_viscosity().log10().0).abs() < 1e-9);
        assert!((glass.shift.reference.0 - 869.0).abs() < 10.0, "{:?}", glass.shift.reference);
    }

    #[test]
    fn the_shear_spectrum_puts_the_annealing_range_where_soda_lime_glass_has_it() {
        let glass = RelaxingGlass::CARRE_DAUDEVILLE;
        let [annealing, strain] = [ANNEALING, STRAIN].map(|point| glass.temperature_at(point));
        assert!((annealing.celsius().0 - 562.0).abs() < 2.0, "{annealing:?}");
        assert!((strain.celsius().0 - 530.0).abs() < 2.0, "{strain:?}");
        let there = glass.shift.temperature_at(1e-6, annealing);
        assert!((glass.shift.speed(there, annealing) / 1e-6 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn glass_in_equilibrium_relaxes_at_the_reference_speed_there() {
        let shift = RelaxingGlass::CARRE_DAUDEVILLE.shift;
        assert_eq!(shift.speed(shift.reference, shift.reference), 1.0);
        assert!(shift.speed(Kelvin(700.0), Kelvin(700.0)) < 1e-8);
    }
}
