//! The gob between shears and blank mould: one mean temperature, which radiation and the touch of scoops and chutes
//! lower.

use super::Contact;
use crate::conduction::Exchange;
use crate::error::within;
use crate::thermal::HeatCapacity;
use crate::{Kelvin, PhysicsError};
use std::f64::consts::PI;

/// A cylinder of glass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gob {
    mass_kg: f64,
    diameter_m: f64,
    length_m: f64,
}

/// A part of the way to the mould.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leg {
    /// Free fall or sliding on air.
    Air { duration_s: f64, exchange: Exchange },
    /// `share` of the gob's surface, 0 to 1, touches a tool; the rest exchanges heat as in air.
    Touch { duration_s: f64, exchange: Exchange, share: f64, contact: Contact, tool: Kelvin },
}

/// A gob cools by at most so much in a step of the integration.
const STEP_K: f64 = 2.0;
/// Enough for a leg over 2000 K.
const MOST_STEPS: f64 = 1000.0;

impl Gob {
    /// Of this mass, density and ratio of length to diameter.
    ///
    /// Errors: a mass outside 1 mg to 100 kg; a density or ratio that is not positive.
    pub fn new(mass_kg: f64, density_kg_m3: f64, length_to_diameter: f64) -> Result<Gob, PhysicsError> {
        within("the mass of a gob in kg", mass_kg, 1e-6, 100.0)?;
        within("the density in kg/m³", density_kg_m3, 1.0, 1e5)?;
        within("the length of a gob over its diameter", length_to_diameter, 1e-3, 1e3)?;
        let diameter_m = (4.0 * mass_kg / (PI * density_kg_m3 * length_to_diameter)).cbrt();
        Ok(Gob { mass_kg, diameter_m, length_m: diameter_m * length_to_diameter })
    }

    pub fn diameter_m(&self) -> f64 {
        self.diameter_m
    }

    pub fn length_m(&self) -> f64 {
        self.length_m
    }

    pub fn surface_m2(&self) -> f64 {
        PI * self.diameter_m * (0.5 * self.diameter_m + self.length_m)
    }

    /// Biot number h·(V/A)/k. Above about 0.1 the skin is much colder than the mean that [`Gob::after`] gives.
    pub fn biot(&self, coefficient_w_m2k: f64, conductivity_w_mk: f64) -> f64 {
        let volume_m3 = 0.25 * PI * self.diameter_m.powi(2) * self.length_m;
        coefficient_w_m2k * volume_m3 / (self.surface_m2() * conductivity_w_mk)
    }

    /// Mean temperature at the end of the way, from that at the shears.
    ///
    /// Errors: a duration or share out of range.
    pub fn after(&self, shears: Kelvin, legs: &[Leg], heat_capacity: &HeatCapacity) -> Result<Kelvin, PhysicsError> {
        let mut temperature = within("the temperature of a gob in K", shears.0, 1.0, 3000.0)?;
        for leg in legs {
            let (duration_s, exchange, free) = match leg {
                Leg::Air { duration_s, exchange } => (*duration_s, exchange, 1.0),
                Leg::Touch { duration_s, exchange, share, contact, tool } => {
                    within("the share of a gob that touches", *share, 0.0, 1.0)?;
                    within("the duration of a leg in s", *duration_s, 0.0, 3600.0)?;
                    let heat_j =
                        share * self.surface_m2() * contact.extracted_j_m2(Kelvin(temperature), *tool, *duration_s);
                    temperature -= heat_j / (self.mass_kg * heat_capacity.at(Kelvin(temperature)));
                    (*duration_s, exchange, 1.0 - share)
                }
            };
            within("the duration of a leg in s", duration_s, 0.0, 3600.0)?;
            temperature = self.cooled(temperature, duration_s, exchange, free, heat_capacity);
        }
        Ok(Kelvin(temperature))
    }

    /// Exponential Euler steps (D. A. Pope, Commun. ACM 6 (1963) 491), exact for linear exchange and stable for any
    /// step, of at most [`STEP_K`] at the initial rate, which is the greatest.
    fn cooled(&self, from_k: f64, duration_s: f64, exchange: &Exchange, free: f64, capacity: &HeatCapacity) -> f64 {
        let per_joule = |t: f64| free * self.surface_m2() / (self.mass_kg * capacity.at(Kelvin(t)));
        let rate = |t: f64| -per_joule(t) * exchange.leaving_w_m2(Kelvin(t));
        let steps = (rate(from_k).abs() * duration_s / STEP_K).ceil().clamp(1.0, MOST_STEPS);
        let step_s = duration_s / steps;
        let mut temperature = from_k;
        for _ in 0..steps as usize {
            let x = step_s * per_joule(temperature) * exchange.coefficient_w_m2k(Kelvin(temperature));
            let share = if x > 0.0 { -(-x).exp_m1() / x } else { 1.0 };
            temperature += share * step_s * rate(temperature);
        }
        temperature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::STEFAN_BOLTZMANN;
    use proptest::prelude::*;

    fn gob() -> Gob {
        Gob::new(0.4, 2350.0, 2.5).unwrap()
    }

    #[test]
    fn a_gob_has_its_mass_in_its_cylinder() {
        let gob = gob();
        let volume = 0.25 * PI * gob.diameter_m().powi(2) * gob.length_m();
        assert!((volume * 2350.0 - 0.4).abs() < 1e-12);
        assert!((gob.length_m() / gob.diameter_m() - 2.5).abs() < 1e-12);
    }

    /// In empty space 1/T³ grows linearly.
    #[test]
    fn radiation_cools_a_gob_as_the_closed_form_says() {
        let exchange = Exchange::radiation(0.85, Kelvin(0.0));
        let leg = Leg::Air { duration_s: 20.0, exchange };
        let found = gob().after(Kelvin(1400.0), &[leg], &HeatCapacity::Constant(1400.0)).unwrap();
        let growth = 3.0 * 0.85 * STEFAN_BOLTZMANN * gob().surface_m2() / (0.4 * 1400.0);
        let exact = (1400.0_f64.powi(-3) + growth * 20.0).powf(-1.0 / 3.0);
        assert!((found.0 - exact).abs() < 1e-2, "{} instead of {exact}", found.0);
    }

    #[test]
    fn a_gob_loses_some_ten_kelvin_on_its_way() {
        let air = Exchange::both(20.0, 0.85, Kelvin(320.0));
        let contact = Contact::new(2000.0, 13_000.0, 1500.0).unwrap();
        let legs = [
            Leg::Air { duration_s: 0.5, exchange: air },
            Leg::Touch { duration_s: 0.8, exchange: air, share: 0.25, contact, tool: Kelvin(400.0) },
        ];
        let lost = 1400.0 - gob().after(Kelvin(1400.0), &legs, &HeatCapacity::Constant(1400.0)).unwrap().0;
        assert!((5.0..40.0).contains(&lost), "{lost} K");
    }

    #[test]
    fn what_is_no_gob_is_refused() {
        assert!(Gob::new(0.0, 2350.0, 2.0).is_err());
        let leg = Leg::Air { duration_s: f64::NAN, exchange: Exchange::NONE };
        assert!(gob().after(Kelvin(1400.0), &[leg], &HeatCapacity::Constant(1400.0)).is_err());
    }

    proptest! {
        #[test]
        fn a_gob_comes_to_rest_between_where_it_was_and_its_surroundings(
            from in 900.0..1600.0_f64, around in 300.0..1600.0_f64, duration_s in 0.0..3000.0_f64
        ) {
            let leg = Leg::Air { duration_s, exchange: Exchange::both(50.0, 0.9, Kelvin(around)) };
            let end = gob().after(Kelvin(from), &[leg], &HeatCapacity::TEMPERING).unwrap().0;
            // A step of one to a few kelvin to hotter surroundings passes them by the curvature of radiation, 3/2 ΔT²/T.
            let passes = 1e-6 + 1.5 * (from - around).abs().min(4.0 * STEP_K).powi(2) / from.min(around);
            prop_assert!(end >= from.min(around) - passes && end <= from.max(around) + passes, "{end}");
        }
    }
}
