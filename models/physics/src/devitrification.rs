//! Whether glass may crystallise: the liquidus, and how far forming stays away from it.

use crate::viscosity::{Vft, WORKING};
use crate::{Celsius, Log10Viscosity, PhysicsError};

/// The temperature above which no crystal is stable. Below it, and while the glass is thin enough to grow them,
/// crystals (devitrite, wollastonite, cristobalite) come up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liquidus(pub Celsius);

impl Liquidus {
    /// Typical of container glass, ±25 K.
    pub const CONTAINER: Liquidus = Liquidus(Celsius(1040.0));
    /// Typical of float glass, ±25 K.
    pub const FLOAT: Liquidus = Liquidus(Celsius(1000.0));

    /// K above the liquidus; negative where glass devitrifies if it is given the time.
    pub fn margin_k(&self, temperature: Celsius) -> f64 {
        temperature.0 - self.0.0
    }

    /// Viscosity at the liquidus: the thickest that glass can be kept at without crystals.
    ///
    /// Error: the curve ends above the liquidus.
    pub fn viscosity(&self, curve: &Vft) -> Result<Log10Viscosity, PhysicsError> {
        curve.log10_viscosity(self.0)
    }

    /// K by which the working point (10³ Pa·s) is above the liquidus. Negative asks for forming in motion: the gob must
    /// not linger at the orifice.
    ///
    /// Error: the curve never gets as thin as the working point.
    pub fn forming_margin_k(&self, curve: &Vft) -> Result<f64, PhysicsError> {
        Ok(self.margin_k(curve.temperature_at(WORKING)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_and_float_glass_are_formable_at_their_liquidus() {
        let container = Liquidus::CONTAINER.viscosity(&Vft::CONTAINER).unwrap().0;
        let float = Liquidus::FLOAT.viscosity(&Vft::FLOAT).unwrap().0;
        assert!((container - 2.93).abs() < 0.01 && (float - 3.13).abs() < 0.01, "{container} {float}");
        assert!((Liquidus::CONTAINER.forming_margin_k(&Vft::CONTAINER).unwrap() + 10.3).abs() < 0.5);
    }
}
