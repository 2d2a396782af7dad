//! What flue gas carries away, and how much fuel furnaces of a kind have been found to need.

use crate::error::within;
use crate::{Kelvin, PhysicsError};

/// The flue gas behind the regenerators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlueGas {
    /// Flue gas for each J of fuel, kg/J: the stoichiometric one and the excess air.
    pub kg_j: f64,
    /// Mean heat capacity, J/(kg·K).
    pub gas_j_kgk: f64,
    pub leaves_at: Kelvin,
    /// Of fuel and air when they come in.
    pub surroundings: Kelvin,
}

impl FlueGas {
    /// Natural gas (50 MJ/kg, 17.2 kg of air for a kg) with 10 % excess air, cooled to 500 °C by regenerators: 22 % of
    /// the fuel.
    pub const REGENERATIVE: FlueGas =
        FlueGas { kg_j: 0.4e-6, gas_j_kgk: 1170.0, leaves_at: Kelvin(773.15), surroundings: Kelvin(293.15) };

    /// Share of the fuel's heat that leaves with the gas.
    ///
    /// Error: not from 0 to below 1, so that fuel would heat nothing.
    pub fn share(&self) -> Result<f64, PhysicsError> {
        let share = self.kg_j * self.gas_j_kgk * (self.leaves_at.0 - self.surroundings.0);
        within("the share of fuel that leaves with the flue gas", share, 0.0, 0.99)
    }
}

/// Consumption of fuel as a function of pull, cullet and age, in whatever unit the constants have, a day:
/// C = (1 + i·n)·(C0 + Cm·T·(1 − α·c)) (A. Zucchetta 2020).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FuelModel {
    /// C0: to hold the furnace hot, without pull.
    pub holding_per_day: f64,
    /// Cm: for a tonne of glass without cullet.
    pub per_tonne: f64,
    /// α: share of `per_tonne` that cullet saves; 0.4 by default.
    pub cullet_saves: f64,
    /// i: growth in a year; 1.25 % by default.
    pub ageing_per_year: f64,
}

impl FuelModel {
    /// With the savings by cullet and the ageing that the source found.
    pub fn new(holding_per_day: f64, per_tonne: f64) -> FuelModel {
        FuelModel { holding_per_day, per_tonne, cullet_saves: 0.4, ageing_per_year: 0.0125 }
    }

    /// A day's consumption at a pull in t/d, a share of cullet from 0 to 1 and an age in years.
    pub fn per_day(&self, pull_t_d: f64, cullet: f64, age_years: f64) -> f64 {
        let melting = self.per_tonne * pull_t_d * (1.0 - self.cullet_saves * cullet);
        (1.0 + self.ageing_per_year * age_years) * (self.holding_per_day + melting)
    }
}
