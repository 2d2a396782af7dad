//! How long glass can be formed: the time in which it cools from one viscosity to another.

use crate::conduction::Exchange;
use crate::error::within;
use crate::thermal::{Material, ThermalGlass};
use crate::viscosity::Vft;
use crate::{Celsius, Kelvin, Log10Viscosity, PhysicsError};

/// Two viscosities that bound forming, with the temperatures at which a glass has them. A "long" glass has a wide
/// window, a "short" one sets fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FormingWindow {
    /// Where the glass is thinnest.
    pub from: Celsius,
    /// Where it is thickest.
    pub to: Celsius,
}

/// Intervals of Simpson's rule, even; the integrand is smooth but for the step of some heat capacities.
const INTERVALS: usize = 64;

impl FormingWindow {
    /// Errors: the glass is never so thin; `thick` is not thicker than `thin`.
    pub fn new(glass: &Vft, thin: Log10Viscosity, thick: Log10Viscosity) -> Result<FormingWindow, PhysicsError> {
        within("the log10 viscosity at the end of forming", thick.0, thin.0, f64::MAX)?;
        Ok(FormingWindow { from: glass.temperature_at(thin)?, to: glass.temperature_at(thick)? })
    }

    pub fn width_k(&self) -> f64 {
        self.from.0 - self.to.0
    }

    /// Seconds that a wall of this thickness, cooled on one face and of even temperature, takes through the window:
    /// ∫ρ·c·d dT/q. Its reciprocal bounds the speed of the machine.
    ///
    /// Errors: a thickness that is not positive; a face that does not cool the wall to the end of the window.
    pub fn duration_s(&self, wall_m: f64, glass: &ThermalGlass, face: &Exchange) -> Result<f64, PhysicsError> {
        within("the thickness of the wall in m", wall_m, f64::MIN_POSITIVE, 1.0)?;
        let (from, to) = (self.from.kelvin(), self.to.kelvin());
        within("the heat flow at the end of forming in W/m²", face.leaving_w_m2(to), f64::MIN_POSITIVE, 1e12)?;
        let step = (from.0 - to.0) / INTERVALS as f64;
        let slowness = |index: usize| {
            let temperature = Kelvin(to.0 + step * index as f64);
            wall_m * glass.heat_capacity(temperature) / face.leaving_w_m2(temperature)
        };
        let weighted = |index: usize| match index {
            0 | INTERVALS => slowness(index),
            _ if index % 2 == 1 => 4.0 * slowness(index),
            _ => 2.0 * slowness(index),
        };
        Ok(step / 3.0 * (0..=INTERVALS).map(weighted).sum::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viscosity::{SOFTENING, WORKING};

    #[test]
    fn constant_convection_takes_the_logarithm_of_the_ratio() {
        let window = FormingWindow::new(&Vft::CONTAINER, WORKING, SOFTENING).unwrap();
        let face = Exchange::convection(400.0, Kelvin(700.0));
        let found = window.duration_s(0.004, &ThermalGlass::CONSTANT, &face).unwrap();
        let ratio: f64 = (window.from.kelvin().0 - 700.0) / (window.to.kelvin().0 - 700.0);
        let exact = 0.004 * 2530.0 * 1200.0 / 400.0 * ratio.ln();
        assert!((found / exact - 1.0).abs() < 1e-8, "{found} instead of {exact}");
    }

    #[test]
    fn a_glass_whose_curve_is_steeper_is_shorter() {
        let width = |glass| FormingWindow::new(glass, WORKING, SOFTENING).unwrap().width_k();
        assert!((width(&Vft::CONTAINER) - 298.5).abs() < 0.1);
        assert!(width(&Vft { b: 3000.0, ..Vft::CONTAINER }) < width(&Vft::CONTAINER));
    }

    #[test]
    fn a_face_that_never_gets_there_is_refused() {
        let window = FormingWindow::new(&Vft::CONTAINER, WORKING, SOFTENING).unwrap();
        let hot = Exchange::convection(400.0, Celsius(800.0).kelvin());
        assert!(window.duration_s(0.004, &ThermalGlass::CONSTANT, &hot).is_err());
        assert!(FormingWindow::new(&Vft::CONTAINER, SOFTENING, WORKING).is_err());
    }
}
