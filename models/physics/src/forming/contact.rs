//! Glass and metal that touch: two half spaces with a resistance between them (H. S. Carslaw & J. C. Jaeger,
//! Conduction of Heat in Solids, 2nd ed., §2.15).

use crate::conduction::series::scaled_erfc;
use crate::error::within;
use crate::{Kelvin, PhysicsError};
use std::f64::consts::PI;

/// A contact. It holds while heat has not come through either body: √(κt) well below their thickness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// Thermal effusivities √(kρc), J/(m²·K·√s).
    glass: f64,
    tool: f64,
    /// W/(m²·K).
    conductance: f64,
}

impl Contact {
    /// With effusivities √(kρc) in J/(m²·K·√s), about 2000 for glass and 13 000 for cast iron, and the conductance of
    /// the interface in W/(m²·K), some thousand in a mould; infinity is perfect contact.
    ///
    /// Error: one of them is not positive.
    pub fn new(glass_effusivity: f64, tool_effusivity: f64, conductance_w_m2k: f64) -> Result<Contact, PhysicsError> {
        within("the effusivity of the glass", glass_effusivity, f64::MIN_POSITIVE, 1e9)?;
        within("the effusivity of the tool", tool_effusivity, f64::MIN_POSITIVE, 1e9)?;
        if conductance_w_m2k != f64::INFINITY {
            within("the conductance of the contact in W/(m²·K)", conductance_w_m2k, f64::MIN_POSITIVE, 1e12)?;
        }
        Ok(Contact { glass: glass_effusivity, tool: tool_effusivity, conductance: conductance_w_m2k })
    }

    /// Heat that has passed from glass to tool after `touch_s`, J/m²; both were uniform before.
    pub fn extracted_j_m2(&self, glass: Kelvin, tool: Kelvin, touch_s: f64) -> f64 {
        let both = self.both();
        let perfect = 2.0 * (touch_s / PI).sqrt();
        // Reciprocal square root of the time after which the interface no longer matters.
        let rate = self.conductance / both;
        let held_back = if rate.is_infinite() { 0.0 } else { (1.0 - scaled_erfc(rate * touch_s.sqrt())) / rate };
        both * (glass.0 - tool.0) * (perfect - held_back)
    }

    /// Temperature of the glass in the interface after `touch_s`.
    pub fn glass_face(&self, glass: Kelvin, tool: Kelvin, touch_s: f64) -> Kelvin {
        let both = self.both();
        let rate = self.conductance / both;
        let arrived = if rate.is_infinite() { 1.0 } else { 1.0 - scaled_erfc(rate * touch_s.sqrt()) };
        Kelvin(glass.0 - (glass.0 - tool.0) * arrived * both / self.glass)
    }

    fn both(&self) -> f64 {
        1.0 / (1.0 / self.glass + 1.0 / self.tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conduction::{Face, Faces, Slab};
    use crate::thermal::ThermalGlass;
    use proptest::prelude::*;

    const GOB: Kelvin = Kelvin(1373.0);
    const MOULD: Kelvin = Kelvin(773.0);

    /// A tool of boundless effusivity keeps its temperature: the glass cools as by convection.
    #[test]
    fn against_a_tool_that_stays_cold_the_slab_solver_agrees() {
        let glass = ThermalGlass::CONSTANT;
        let effusivity = (1.4 * 2530.0 * 1200.0_f64).sqrt();
        let contact = Contact::new(effusivity, 1e9, 3000.0).unwrap();
        let mut slab = Slab::new(glass, 0.02, 801, GOB).unwrap();
        let faces = Faces { lower: Face::INSULATED, upper: Face::convection(3000.0, MOULD) };
        let mut left = 0.0;
        for _ in 0..400 {
            left += slab.step(0.005, &faces).unwrap().upper_j_m2;
        }
        let found = contact.extracted_j_m2(GOB, MOULD, 2.0);
        assert!((found / left - 1.0).abs() < 2e-3, "{found} instead of {left}");
        let face = contact.glass_face(GOB, MOULD, 2.0).0 - slab.temperatures()[800].0;
        assert!(face.abs() < 1.0, "{face} K apart");
    }

    #[test]
    fn perfect_contact_halves_the_difference_of_equal_bodies() {
        let contact = Contact::new(2000.0, 2000.0, f64::INFINITY).unwrap();
        assert!((contact.glass_face(GOB, MOULD, 1.0).0 - 1073.0).abs() < 1e-9);
        let expected = 2.0 * 2000.0 * 300.0 / PI.sqrt();
        assert!((contact.extracted_j_m2(GOB, MOULD, 1.0) / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_contact_without_conductance_is_refused() {
        assert!(Contact::new(2000.0, 13_000.0, 0.0).is_err());
        assert!(Contact::new(2000.0, f64::NAN, 1000.0).is_err());
    }

    proptest! {
        /// Its derivative is conductance × difference at the interface: never more than at first.
        #[test]
        fn heat_flows_ever_more_slowly(touch_s in 0.01..10.0_f64, conductance in 100.0..20_000.0_f64) {
            let contact = Contact::new(2000.0, 13_000.0, conductance).unwrap();
            let heat = |t: f64| contact.extracted_j_m2(GOB, MOULD, t);
            let (first, second) = (heat(touch_s), heat(2.0 * touch_s) - heat(touch_s));
            prop_assert!(second > 0.0 && second < first);
            prop_assert!(first < conductance * 600.0 * touch_s);
            let perfect = Contact::new(2000.0, 13_000.0, f64::INFINITY).unwrap();
            prop_assert!(first < perfect.extracted_j_m2(GOB, MOULD, touch_s));
        }
    }
}
