//! Residual stress of the ware that leaves the lehr.

use crate::parameter::{PARAMETERS, Parameter};
use lehr_physics::stress::adams_williamson::LinearCooling;
use lehr_physics::stress::lehr::{Annealed, Ware, Zone, anneal};
use lehr_physics::stress::relaxing::RelaxingGlass;
use lehr_physics::thermal::ThermalGlass;
use lehr_physics::viscosity::Vft;
use lehr_physics::{Celsius, Kelvin};
use serde::{Deserialize, Serialize};

/// The wall of a container, cooled from outside alone.
pub const WALL_M: f64 = 0.004;
/// Volume relaxation adds to what linear cooling of an elastic plate leaves: about 40 % of the whole (R. Gardon & O. S.
/// Narayanaswamy, J. Am. Ceram. Soc. 53 (1970) 380).
const WITH_STRUCTURE: f64 = 1.67;
const COOLING: LinearCooling = LinearCooling {
    young_pa: 72e9,
    poisson: 0.22,
    expansion_per_k: 9e-6,
    diffusivity_m2_s: 5e-7,
    half_thickness_m: WALL_M,
};

/// In Pa; tension is positive. By the closed form of linear cooling; ±20 % of the full solution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResidualStress {
    pub surface_pa: f64,
    pub middle_pa: f64,
}

impl ResidualStress {
    /// Of ware that is cooled as these values say.
    pub fn of(values: &[f64; PARAMETERS]) -> ResidualStress {
        let rate_k_s = values[Parameter::CoolingRate.index()].max(0.0) / 60.0;
        ResidualStress {
            surface_pa: WITH_STRUCTURE * COOLING.surface_pa(rate_k_s),
            middle_pa: WITH_STRUCTURE * COOLING.middle_pa(rate_k_s),
        }
    }
}

/// Ware on its way through the lehr: entry temperature above the first zone, heat transfer to the air of the lehr.
const ENTERS_ABOVE_K: f64 = 15.0;
const CONVECTION_W_M2K: f64 = 25.0;
const EMISSIVITY: f64 = 0.8;
/// Below this rate, °C/min, a lehr does not cool.
const SLOWEST: f64 = 0.1;

/// The full solution: the wall of a container through zones of these temperatures, from one to the next at the rate of
/// cooling. `None` where the values are none of a lehr.
pub fn annealed(values: &[f64; PARAMETERS]) -> Option<Annealed> {
    let zones = Parameter::LEHR.map(|zone| Celsius(values[zone.index()]).kelvin());
    let rate_k_s = values[Parameter::CoolingRate.index()].max(SLOWEST) / 60.0;
    let leg = |pair: &[Kelvin]| Zone {
        duration_s: (pair[0].0 - pair[1].0).abs() / rate_k_s,
        from: pair[0],
        to: pair[1],
        convection_w_m2k: CONVECTION_W_M2K,
        emissivity: EMISSIVITY,
    };
    let way: Vec<Zone> = zones.windows(2).map(leg).collect();
    // Cooled from outside alone, the wall is half of a plate of twice the thickness.
    let ware = Ware { thickness_m: 2.0 * WALL_M, entry: Kelvin(zones[0].0 + ENTERS_ABOVE_K), fictive: None };
    let glass = RelaxingGlass::CARRE_DAUDEVILLE.anchored_to(&Vft::CONTAINER).ok()?;
    anneal(&ware, &ThermalGlass::CONTAINER, &glass, &way).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guess::Guess;

    #[test]
    fn the_closed_form_is_near_the_full_solution() {
        for rate in [3.0, 4.5, 7.0] {
            let mut values = Guess::shipped().targets;
            values[Parameter::CoolingRate.index()] = rate;
            let full = annealed(&values).expect("the shipped lehr anneals");
            let ratio = ResidualStress::of(&values).surface_pa / full.surface_pa;
            println!("{rate} °C/min: {:.2} MPa, closed form over full {ratio:.2}", 1e-6 * full.surface_pa);
            assert!((0.8..1.25).contains(&ratio), "{rate} °C/min: {ratio}");
        }
    }
}
