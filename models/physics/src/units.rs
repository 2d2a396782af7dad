//! Units that are easily mistaken for each other, as types, and constants of nature.
//!
//! Differences of temperature and all other quantities are plain numbers with the unit in their name: a type for
//! each would hide the formulas.

/// Stefan–Boltzmann constant, W/(m²·K⁴) (CODATA 2018).
pub const STEFAN_BOLTZMANN: f64 = 5.670_374_419e-8;
/// Molar gas constant, J/(mol·K) (CODATA 2018).
pub const GAS_CONSTANT: f64 = 8.314_462_618;
/// Standard acceleration of gravity, m/s².
pub const GRAVITY: f64 = 9.806_65;

const ZERO_CELSIUS_K: f64 = 273.15;

/// A temperature in °C.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Celsius(pub f64);

/// A thermodynamic temperature in K: what radiation and relaxation are functions of.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Kelvin(pub f64);

/// A dynamic viscosity in Pa·s. Older literature has poise: ten of them make one Pa·s.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct PascalSeconds(pub f64);

/// The decadic logarithm of a viscosity in Pa·s; one less than that of the same viscosity in poise.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Log10Viscosity(pub f64);

impl Celsius {
    pub fn kelvin(self) -> Kelvin {
        Kelvin(self.0 + ZERO_CELSIUS_K)
    }
}

impl Kelvin {
    pub fn celsius(self) -> Celsius {
        Celsius(self.0 - ZERO_CELSIUS_K)
    }
}

impl From<Celsius> for Kelvin {
    fn from(temperature: Celsius) -> Kelvin {
        temperature.kelvin()
    }
}

impl From<Kelvin> for Celsius {
    fn from(temperature: Kelvin) -> Celsius {
        temperature.celsius()
    }
}

impl PascalSeconds {
    pub fn log10(self) -> Log10Viscosity {
        Log10Viscosity(self.0.log10())
    }
}

impl Log10Viscosity {
    /// From the decadic logarithm of a viscosity in poise (dPa·s).
    pub fn from_poise(log10_poise: f64) -> Log10Viscosity {
        Log10Viscosity(log10_poise - 1.0)
    }

    pub fn pascal_seconds(self) -> PascalSeconds {
        PascalSeconds(10_f64.powf(self.0))
    }
}
