//! Viscosity of glass as a function of temperature, and the temperatures at which it has the viscosities that
//! melting, forming and annealing are known by.
//!
//! log10 η\[Pa·s\] = A + B/(T − T0) with T in °C (Vogel 1921, Fulcher 1925, Tammann & Hesse 1926). A composition gives
//! such a curve by [`lakatos`] or [`fluegel`].

use crate::{Celsius, Kelvin, Log10Viscosity, PhysicsError};

pub mod fluegel;
pub mod lakatos;

/// A curve of viscosity, log10 η\[Pa·s\] = `a` + `b`/(T − `t0`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vft {
    /// log10 of the viscosity in Pa·s that is approached at high temperature.
    pub a: f64,
    /// K, positive.
    pub b: f64,
    /// Where the curve ends: viscosity grows without bound towards it.
    pub t0: Celsius,
}

/// Temperatures at which a glass has its named viscosities. The names are those of ASTM C162; softening is
/// Littleton's point (ASTM C338), annealing and strain are approximately those of ASTM C336.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedPoints {
    /// 10¹ Pa·s.
    pub melting: Celsius,
    /// 10³ Pa·s: where gobs are formed.
    pub working: Celsius,
    /// 10⁴ Pa·s.
    pub flow: Celsius,
    /// 10^6.6 Pa·s: a fibre sags under its own weight.
    pub softening: Celsius,
    /// 10¹² Pa·s: stress leaves within minutes.
    pub annealing: Celsius,
    /// 10^13.5 Pa·s: stress leaves within hours.
    pub strain: Celsius,
}

pub const MELTING: Log10Viscosity = Log10Viscosity(1.0);
pub const WORKING: Log10Viscosity = Log10Viscosity(3.0);
pub const FLOW: Log10Viscosity = Log10Viscosity(4.0);
pub const SOFTENING: Log10Viscosity = Log10Viscosity(6.6);
pub const ANNEALING: Log10Viscosity = Log10Viscosity(12.0);
pub const STRAIN: Log10Viscosity = Log10Viscosity(13.5);

impl Vft {
    /// Container glass 74SiO2-13Na2O-10.5CaO-1.3Al2O3 (wt%), 550 to 1450 °C. The constants circulate with the label
    /// dPa·s; only in Pa·s do they give the measured 1467 °C at 10 Pa·s (within 10 K).
    pub const CONTAINER: Vft = Vft { a: -2.309, b: 3922.0, t0: Celsius(291.0) };
    /// Float glass 73SiO2-14Na2O-9CaO-4MgO (wt%), 550 to 1450 °C; of the same table as [`Vft::CONTAINER`].
    pub const FLOAT: Vft = Vft { a: -2.585, b: 4215.0, t0: Celsius(263.0) };
    /// NIST standard reference material 710, soda-lime-silica, 10¹ to 10¹² Pa·s. Agrees to 1 K with the certified
    /// temperatures, and to 0.3 K with Napolitano & Hawkins, J. Res. NBS 68A (1964) 439.
    pub const SRM_710: Vft = Vft { a: -2.626, b: 4238.118, t0: Celsius(265.713) };

    /// The curve through three points, exactly.
    ///
    /// Errors: the points coincide in temperature or viscosity, or lie on no falling curve that flattens.
    pub fn through(points: [(Celsius, Log10Viscosity); 3]) -> Result<Vft, PhysicsError> {
        let [(t1, l1), (t2, l2), (t3, l3)] = points.map(|(temperature, log10)| (temperature.0, log10.0));
        // l1 − l2 = b (t2 − t1)/((t1 − t0)(t2 − t0)), and so for 2 and 3: their quotient is linear in t0.
        let quotient = (l1 - l2) * (t3 - t2) / ((l2 - l3) * (t2 - t1));
        let t0 = (t3 - quotient * t1) / (1.0 - quotient);
        let b = (l1 - l2) * (t1 - t0) * (t2 - t0) / (t2 - t1);
        let a = l1 - b / (t1 - t0);
        let curve = Vft { a, b, t0: Celsius(t0) };
        let holds = a.is_finite() && b > 0.0 && b.is_finite() && t0 < t1.min(t2).min(t3);
        if holds { Ok(curve) } else { Err(PhysicsError::NoCurve) }
    }

    /// Error: `temperature` is not above `t0`.
    pub fn log10_viscosity(&self, temperature: Celsius) -> Result<Log10Viscosity, PhysicsError> {
        Ok(Log10Viscosity(self.a + self.b / self.above_vogel(temperature)?))
    }

    /// d(log10 η)/dT in 1/K, negative: by how much a temperature must be held for a viscosity to be.
    ///
    /// Error: `temperature` is not above `t0`.
    pub fn slope_per_k(&self, temperature: Celsius) -> Result<f64, PhysicsError> {
        Ok(-self.b / self.above_vogel(temperature)?.powi(2))
    }

    /// Apparent activation energy of flow over the gas constant, d(ln η)/d(1/T), in K.
    ///
    /// Error: `temperature` is not above `t0`.
    pub fn activation_k(&self, temperature: Celsius) -> Result<f64, PhysicsError> {
        let Kelvin(kelvin) = temperature.kelvin();
        Ok(-self.slope_per_k(temperature)? * std::f64::consts::LN_10 * kelvin * kelvin)
    }

    /// The temperature at which glass has this viscosity (isokom temperature).
    ///
    /// Error: glass is never so thin on this curve.
    pub fn temperature_at(&self, log10: Log10Viscosity) -> Result<Celsius, PhysicsError> {
        if log10.0.is_nan() || log10.0 <= self.a {
            return Err(PhysicsError::TooThin { log10: log10.0, limit: self.a });
        }
        Ok(Celsius(self.t0.0 + self.b / (log10.0 - self.a)))
    }

    /// Error: glass of this curve never gets as thin as the melting point asks.
    pub fn fixed_points(&self) -> Result<FixedPoints, PhysicsError> {
        Ok(FixedPoints {
            melting: self.temperature_at(MELTING)?,
            working: self.temperature_at(WORKING)?,
            flow: self.temperature_at(FLOW)?,
            softening: self.temperature_at(SOFTENING)?,
            annealing: self.temperature_at(ANNEALING)?,
            strain: self.temperature_at(STRAIN)?,
        })
    }

    fn above_vogel(&self, temperature: Celsius) -> Result<f64, PhysicsError> {
        let above = temperature.0 - self.t0.0;
        if above > 0.0 {
            return Ok(above);
        }
        Err(PhysicsError::BelowVogel { temperature: temperature.0, vogel: self.t0.0 })
    }
}

/// Time constant η/G in s after which stress in a melt of this viscosity has left (Maxwell 1867), with the
/// instantaneous shear modulus in Pa.
pub fn maxwell_time_s(log10: Log10Viscosity, shear_modulus_pa: f64) -> f64 {
    log10.pascal_seconds().0 / shear_modulus_pa
}

#[cfg(test)]
mod tests;
