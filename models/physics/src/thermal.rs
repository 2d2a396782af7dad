//! Thermal properties of soda-lime glass, and the material that conduction is computed with.

use crate::composition::{Calibration, Oxide, WeightPercent};
use crate::error::within;
use crate::{Celsius, Kelvin, PhysicsError, STEFAN_BOLTZMANN};

/// Density at 20 °C of container and float glass, kg/m³ (±1 %).
pub const DENSITY_CONTAINER_KG_M3: f64 = 2520.0;
pub const DENSITY_FLOAT_KG_M3: f64 = 2530.0;
/// Density of the melt at about 1400 °C, kg/m³ (±3 %).
pub const DENSITY_MELT_KG_M3: f64 = 2350.0;
/// Linear expansion of the solid glass from 20 to 300 °C, 1/K (±3 %).
pub const EXPANSION_CONTAINER_PER_K: f64 = 9.0e-6;
pub const EXPANSION_FLOAT_PER_K: f64 = 9.5e-6;
/// Refractive index of soda-lime glass in the near infrared.
pub const REFRACTIVE_INDEX: f64 = 1.5;

/// What a conduction solver asks of a material. `enthalpy` must be the integral of `heat_capacity`, and
/// `conductivity_integral` that of `conductivity`: energy is conserved exactly because only the integrals are used
/// for balances, the derivatives for convergence.
pub trait Material {
    /// J/m³ above an arbitrary zero.
    fn enthalpy(&self, temperature: Kelvin) -> f64;
    /// J/(m³·K), positive.
    fn heat_capacity(&self, temperature: Kelvin) -> f64;
    /// ∫k dT in W/m above an arbitrary zero (Kirchhoff's transformation).
    fn conductivity_integral(&self, temperature: Kelvin) -> f64;
    /// W/(m·K), positive.
    fn conductivity(&self, temperature: Kelvin) -> f64;
}

impl<M: Material + ?Sized> Material for &M {
    fn enthalpy(&self, temperature: Kelvin) -> f64 {
        (**self).enthalpy(temperature)
    }
    fn heat_capacity(&self, temperature: Kelvin) -> f64 {
        (**self).heat_capacity(temperature)
    }
    fn conductivity_integral(&self, temperature: Kelvin) -> f64 {
        (**self).conductivity_integral(temperature)
    }
    fn conductivity(&self, temperature: Kelvin) -> f64 {
        (**self).conductivity(temperature)
    }
}

/// A glass as heat conduction sees it. Density is constant, so that a slab keeps its mass and thickness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThermalGlass {
    pub density_kg_m3: f64,
    pub heat_capacity: HeatCapacity,
    pub conductivity: Conductivity,
}

impl ThermalGlass {
    /// Constant properties, as benchmarks of tempering take them: 2530 kg/m³, 1200 J/(kg·K), 1.4 W/(m·K).
    pub const CONSTANT: ThermalGlass = ThermalGlass {
        density_kg_m3: DENSITY_FLOAT_KG_M3,
        heat_capacity: HeatCapacity::Constant(1200.0),
        conductivity: Conductivity::constant(1.4),
    };
    /// Float glass from room temperature to 700 °C, after Aronen & Karvinen, Glass Struct. Eng. 3 (2018) 3–15.
    pub const FLOAT: ThermalGlass = ThermalGlass {
        density_kg_m3: DENSITY_FLOAT_KG_M3,
        heat_capacity: HeatCapacity::TEMPERING,
        conductivity: Conductivity::PHONON,
    };
    /// Container glass from room temperature to the softening point; heat capacity and conduction as float glass.
    pub const CONTAINER: ThermalGlass = ThermalGlass { density_kg_m3: DENSITY_CONTAINER_KG_M3, ..Self::FLOAT };

    /// k/(ρ·c_p) in m²/s.
    pub fn diffusivity_m2_s(&self, temperature: Kelvin) -> f64 {
        self.conductivity(temperature) / self.heat_capacity(temperature)
    }
}

impl Material for ThermalGlass {
    fn enthalpy(&self, temperature: Kelvin) -> f64 {
        self.density_kg_m3 * self.heat_capacity.enthalpy_j_kg(temperature)
    }
    fn heat_capacity(&self, temperature: Kelvin) -> f64 {
        self.density_kg_m3 * self.heat_capacity.at(temperature)
    }
    fn conductivity_integral(&self, temperature: Kelvin) -> f64 {
        self.conductivity.integral_w_m(temperature)
    }
    fn conductivity(&self, temperature: Kelvin) -> f64 {
        self.conductivity.at(temperature)
    }
}

/// Specific heat at constant pressure, J/(kg·K).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeatCapacity {
    Constant(f64),
    /// One straight line below a temperature and another from there on; enthalpy is continuous, the capacity need not.
    TwoLines {
        break_k: Kelvin,
        below: Line,
        above: Line,
    },
    SharpGinther(SharpGinther),
}

/// `at_zero_kelvin` + `per_k`·T, T in K.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub at_zero_kelvin: f64,
    pub per_k: f64,
}

impl HeatCapacity {
    /// Through the glass transition, for tempering: 893 + 0.4 T below 850 K and 1433 + 0.0065 T above, T in K
    /// (parameters of Aronen & Karvinen, Glass Struct. Eng. 3 (2018) 3–15); ±3 %.
    pub const TEMPERING: HeatCapacity = HeatCapacity::TwoLines {
        break_k: Kelvin(850.0),
        below: Line { at_zero_kelvin: 893.0, per_k: 0.4 },
        above: Line { at_zero_kelvin: 1433.0, per_k: 6.5e-3 },
    };

    /// J/(kg·K) at `temperature`.
    pub fn at(&self, temperature: Kelvin) -> f64 {
        match self {
            HeatCapacity::Constant(value) => *value,
            HeatCapacity::TwoLines { break_k, below, above } => {
                let line = if temperature < *break_k { below } else { above };
                line.at_zero_kelvin + line.per_k * temperature.0
            }
            HeatCapacity::SharpGinther(model) => model.at(temperature.celsius()),
        }
    }

    /// J/kg above an arbitrary zero; differences count.
    pub fn enthalpy_j_kg(&self, temperature: Kelvin) -> f64 {
        match self {
            HeatCapacity::Constant(value) => value * temperature.0,
            HeatCapacity::TwoLines { break_k, below, above } => {
                let line = if temperature < *break_k { below } else { above };
                line.integral(*break_k, temperature)
            }
            HeatCapacity::SharpGinther(model) => model.enthalpy_j_kg(temperature.celsius()),
        }
    }

    /// J/(kg·K), the mean over a range of temperature that is not empty.
    pub fn mean(&self, from: Kelvin, to: Kelvin) -> f64 {
        (self.enthalpy_j_kg(to) - self.enthalpy_j_kg(from)) / (to.0 - from.0)
    }
}

impl Line {
    fn integral(&self, from: Kelvin, to: Kelvin) -> f64 {
        (self.at_zero_kelvin + 0.5 * self.per_k * (from.0 + to.0)) * (to.0 - from.0)
    }
}

/// Mean specific heat from 0 °C to t, (a·t + c0)/(0.00146·t + 1) in cal/(g·K), with factors of the composition:
/// D. E. Sharp & L. B. Ginther, J. Am. Ceram. Soc. 34 (1951) 260; ±3 %, from 0 to 1400 °C.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharpGinther {
    a: f64,
    c0: f64,
}

const CALORIE_PER_G_J_PER_KG: f64 = 4186.8;
const SHARP_GINTHER_PER_C: f64 = 0.00146;

/// 10⁶·a and c0.
const SHARP_GINTHER_FACTORS: [(Oxide, f64, f64); 7] = [
    (Oxide::SiO2, 468.0, 0.1657),
    (Oxide::Al2O3, 453.0, 0.1765),
    (Oxide::CaO, 410.0, 0.1709),
    (Oxide::MgO, 514.0, 0.2142),
    (Oxide::Na2O, 829.0, 0.2229),
    (Oxide::K2O, 445.0, 0.1756),
    (Oxide::SO3, 830.0, 0.189),
];

const SHARP_GINTHER_CALIBRATION: Calibration = Calibration {
    model: "Sharp & Ginther 1951",
    unit: "wt%",
    ranges: &[
        (Oxide::SiO2, 0.0, 100.0),
        (Oxide::Al2O3, 0.0, 100.0),
        (Oxide::CaO, 0.0, 100.0),
        (Oxide::MgO, 0.0, 100.0),
        (Oxide::Na2O, 0.0, 100.0),
        (Oxide::K2O, 0.0, 100.0),
        (Oxide::SO3, 0.0, 100.0),
    ],
    rest: 1.0,
};

impl SharpGinther {
    /// Error: more than 1 wt% of oxides without a factor.
    pub fn new(glass: &WeightPercent) -> Result<SharpGinther, PhysicsError> {
        SHARP_GINTHER_CALIBRATION.check(|oxide| glass.of(oxide))?;
        let mut model = SharpGinther { a: 0.0, c0: 0.0 };
        for (oxide, a, c0) in SHARP_GINTHER_FACTORS {
            model.a += a * 1e-6 * glass.of(oxide) / 100.0;
            model.c0 += c0 * glass.of(oxide) / 100.0;
        }
        Ok(model)
    }

    /// J/(kg·K), mean from 0 °C to `temperature`.
    pub fn mean_from_zero(&self, Celsius(t): Celsius) -> f64 {
        CALORIE_PER_G_J_PER_KG * (self.a * t + self.c0) / (SHARP_GINTHER_PER_C * t + 1.0)
    }

    /// J/kg above 0 °C.
    pub fn enthalpy_j_kg(&self, temperature: Celsius) -> f64 {
        self.mean_from_zero(temperature) * temperature.0
    }

    /// J/(kg·K): the derivative of the enthalpy.
    pub fn at(&self, Celsius(t): Celsius) -> f64 {
        let below = SHARP_GINTHER_PER_C * t + 1.0;
        let slope = SHARP_GINTHER_PER_C * (self.a * t + self.c0) * t;
        CALORIE_PER_G_J_PER_KG * ((2.0 * self.a * t + self.c0) * below - slope) / (below * below)
    }
}

/// Conductivity of heat, W/(m·K): `at_0c` + `per_k`·(T − 273.15) + `radiative`·T³.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conductivity {
    pub at_0c: f64,
    pub per_k: f64,
    /// W/(m·K⁴).
    pub radiative: f64,
}

impl Conductivity {
    /// By phonons alone, 0.975 + 8.58e-4 (T − 273.15) (parameters of Aronen & Karvinen, Glass Struct. Eng. 3 (2018)
    /// 3–15); ±5 %.
    pub const PHONON: Conductivity = Conductivity { at_0c: 0.975, per_k: 8.58e-4, radiative: 0.0 };

    pub const fn constant(w_mk: f64) -> Conductivity {
        Conductivity { at_0c: w_mk, per_k: 0.0, radiative: 0.0 }
    }

    /// Adds the conductivity of radiation, 16 n²σT³/(3 κ_R) (S. Rosseland 1924), with the Rosseland mean absorption
    /// coefficient in 1/m. It holds only for glass many times 1/κ_R thick: melts, not panes.
    ///
    /// Errors: an index outside 1 to 3, an absorption coefficient that is not positive.
    pub fn with_radiation(self, refractive_index: f64, absorption_per_m: f64) -> Result<Conductivity, PhysicsError> {
        within("the refractive index", refractive_index, 1.0, 3.0)?;
        within("the absorption coefficient in 1/m", absorption_per_m, 1e-3, 1e6)?;
        let radiative = 16.0 * refractive_index.powi(2) * STEFAN_BOLTZMANN / (3.0 * absorption_per_m);
        Ok(Conductivity { radiative, ..self })
    }

    /// W/(m·K).
    pub fn at(&self, Kelvin(t): Kelvin) -> f64 {
        self.at_0c + self.per_k * (t - 273.15) + self.radiative * t * t * t
    }

    /// ∫k dT from 0 K in W/m.
    pub fn integral_w_m(&self, Kelvin(t): Kelvin) -> f64 {
        t * (self.at_0c + self.per_k * (0.5 * t - 273.15) + 0.25 * self.radiative * t * t * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn container() -> WeightPercent {
        WeightPercent::new(&[(Oxide::SiO2, 74.0), (Oxide::Na2O, 13.5), (Oxide::CaO, 11.0), (Oxide::Al2O3, 1.5)])
            .unwrap()
    }

    /// 16 n²σT³/(3 κ_R) by hand.
    #[test]
    fn radiation_conducts_as_rosseland_says() {
        for (absorption_per_m, celsius, expected) in [(50.0, 1200.0, 43.5), (20.0, 1400.0, 159.4), (400.0, 600.0, 1.13)]
        {
            let radiation = Conductivity::constant(0.0).with_radiation(1.5, absorption_per_m).unwrap();
            let found = radiation.at(Celsius(celsius).kelvin());
            assert!((found / expected - 1.0).abs() < 0.005, "{found} instead of {expected}");
        }
    }

    #[test]
    fn glass_without_factors_has_no_heat_capacity() {
        let lead = WeightPercent::new(&[(Oxide::SiO2, 60.0), (Oxide::PbO, 30.0), (Oxide::K2O, 10.0)]).unwrap();
        assert!(matches!(SharpGinther::new(&lead), Err(PhysicsError::NoTerm { oxide: Oxide::PbO, .. })));
    }

    proptest! {
        #[test]
        fn integrals_belong_to_their_derivatives(kelvin in 300.0..1700.0_f64, absorption in 20.0..500.0_f64) {
            // The step of capacity at 850 K has no derivative.
            prop_assume!((kelvin - 850.0).abs() > 1.0);
            let model = SharpGinther::new(&container()).unwrap();
            let capacities = [HeatCapacity::TEMPERING, HeatCapacity::SharpGinther(model)];
            for heat_capacity in capacities {
                let conductivity = Conductivity::PHONON.with_radiation(1.5, absorption).unwrap();
                let glass = ThermalGlass { density_kg_m3: 2500.0, heat_capacity, conductivity };
                let (below, above) = (Kelvin(kelvin - 0.1), Kelvin(kelvin + 0.1));
                let capacity = (glass.enthalpy(above) - glass.enthalpy(below)) / 0.2;
                let conducted = (glass.conductivity_integral(above) - glass.conductivity_integral(below)) / 0.2;
                prop_assert!((capacity / glass.heat_capacity(Kelvin(kelvin)) - 1.0).abs() < 1e-6);
                prop_assert!((conducted / glass.conductivity(Kelvin(kelvin)) - 1.0).abs() < 1e-6);
            }
        }
    }
}
