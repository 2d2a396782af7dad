//! The energy of a melting furnace: what goes in as fuel and boost leaves with the glass, the flue gas and through
//! the walls.
//!
//! [`Furnace::fuel_for`] is the balance at rest; [`Furnace::step`] moves one lumped temperature, that of glass and
//! refractories together, exactly through an interval of constant operation. Both are the same balance, so that
//! operation at rest stays at rest.

use crate::error::within;
use crate::{Kelvin, PhysicsError};

mod fuel;

pub use fuel::{FlueGas, FuelModel};

/// A furnace, as far as its energy goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Furnace {
    /// Heat lost through walls, crown, bottom and openings of the new furnace, W for each K over the surroundings.
    pub wall_w_k: f64,
    /// By which share of the new furnace's these losses grow in a year.
    pub ageing_per_year: f64,
    /// Heat capacity of glass and refractories, J/K.
    pub content_j_k: f64,
    pub flue: FlueGas,
    /// Mean heat capacity of the glass from the entry to melting temperature, J/(kg·K): about 1230 from 20 to
    /// 1400 °C by Sharp & Ginther 1951.
    pub glass_j_kgk: f64,
    /// Heat of the batch reactions, J/kg of glass made without cullet: 0.4 to 0.5 MJ/kg (C. Kröger 1953).
    pub reaction_j_kg: f64,
    pub surroundings: Kelvin,
    /// Batch and cullet.
    pub entry: Kelvin,
}

/// How a furnace is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation {
    pub pull_kg_s: f64,
    /// Share of the glass that comes from cullet, 0 to 1.
    pub cullet: f64,
    /// Electric, all of it in the glass, W.
    pub boost_w: f64,
    /// Since the last rebuild.
    pub age_years: f64,
}

/// Where energy comes from and goes to, W.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    /// By its lower heating value.
    pub fuel_w: f64,
    pub boost_w: f64,
    /// Carried out by the glass.
    pub glass_w: f64,
    pub reaction_w: f64,
    pub wall_w: f64,
    /// Carried out by the flue gas behind the regenerators.
    pub flue_w: f64,
    /// Kept by glass and refractories that get hotter; zero at rest.
    pub stored_w: f64,
}

impl Balance {
    /// What comes in less what goes out and is stored: zero but for rounding.
    pub fn gap_w(&self) -> f64 {
        let spent = self.glass_w + self.reaction_w + self.wall_w + self.flue_w + self.stored_w;
        self.fuel_w + self.boost_w - spent
    }

    /// Energy for a tonne of glass in GJ; industry has 4 to 10 for containers and 5 to 8.5 for flat glass (R. Beerkens
    /// & J. van Limpt 2001, in IPCC AR4 WG III, ch. 7).
    pub fn specific_gj_t(&self, pull_kg_s: f64) -> f64 {
        (self.fuel_w + self.boost_w) / pull_kg_s * 1e-6
    }
}

impl Furnace {
    /// The fuel that holds `melt` at rest, with the balance.
    ///
    /// Errors: an operation or furnace out of any range; a temperature that boost alone exceeds.
    pub fn fuel_for(&self, operation: &Operation, melt: Kelvin) -> Result<Balance, PhysicsError> {
        let flows = self.flows(operation)?;
        within("the temperature of the melt in K", melt.0, 1.0, 3000.0)?;
        let needed_w = flows.reaction_w + flows.loss_w(self, melt.0) - operation.boost_w;
        let fuel_w = needed_w / (1.0 - self.flue.share()?);
        within("the fuel in W", fuel_w, 0.0, 1e12)?;
        self.balance(operation, &flows, fuel_w, melt.0, 0.0)
    }

    /// Moves the temperature of the melt through `step_s` of constant operation, and returns it with the means over
    /// the step. Exact for any step: T(t) = T_∞ + (T_0 − T_∞)·e^(−t/τ).
    ///
    /// Errors: an operation or furnace out of any range, a negative step.
    pub fn step(
        &self,
        operation: &Operation,
        fuel_w: f64,
        melt: Kelvin,
        step_s: f64,
    ) -> Result<(Kelvin, Balance), PhysicsError> {
        let flows = self.flows(operation)?;
        within("the fuel in W", fuel_w, 0.0, 1e12)?;
        within("the temperature of the melt in K", melt.0, 1.0, 3000.0)?;
        within("a step in s", step_s, 0.0, 1e12)?;
        let rest = self.rest(&flows, operation, fuel_w)?;
        let x = step_s * flows.conductance_w_k / self.content_j_k;
        let gone = -(-x).exp_m1();
        let end = melt.0 + (rest - melt.0) * gone;
        let mean = if x > 0.0 { rest + (melt.0 - rest) * gone / x } else { melt.0 };
        let stored_w = if step_s > 0.0 {
            self.content_j_k * (end - melt.0) / step_s
        } else {
            flows.conductance_w_k * (rest - melt.0)
        };
        Ok((Kelvin(end), self.balance(operation, &flows, fuel_w, mean, stored_w)?))
    }

    /// The temperature at which the melt comes to rest; errors as [`Furnace::step`].
    pub fn rest_at(&self, operation: &Operation, fuel_w: f64) -> Result<Kelvin, PhysicsError> {
        within("the fuel in W", fuel_w, 0.0, 1e12)?;
        Ok(Kelvin(self.rest(&self.flows(operation)?, operation, fuel_w)?))
    }

    /// Time constant of the melt's temperature, s; errors as [`Furnace::step`].
    pub fn time_constant_s(&self, operation: &Operation) -> Result<f64, PhysicsError> {
        Ok(self.content_j_k / self.flows(operation)?.conductance_w_k)
    }

    fn rest(&self, flows: &Flows, operation: &Operation, fuel_w: f64) -> Result<f64, PhysicsError> {
        let given_w = fuel_w * (1.0 - self.flue.share()?) + operation.boost_w - flows.reaction_w;
        let at_zero_w = flows.glass_w_k * self.entry.0 + flows.wall_w_k * self.surroundings.0;
        Ok((given_w + at_zero_w) / flows.conductance_w_k)
    }

    fn flows(&self, operation: &Operation) -> Result<Flows, PhysicsError> {
        within("the pull in kg/s", operation.pull_kg_s, 0.0, 1e3)?;
        within("the share of cullet", operation.cullet, 0.0, 1.0)?;
        within("the boost in W", operation.boost_w, 0.0, 1e12)?;
        within("the age in years", operation.age_years, 0.0, 100.0)?;
        within("the loss through walls in W/K", self.wall_w_k, f64::MIN_POSITIVE, 1e9)?;
        within("the heat capacity of the content in J/K", self.content_j_k, f64::MIN_POSITIVE, 1e15)?;
        let glass_w_k = operation.pull_kg_s * self.glass_j_kgk;
        let wall_w_k = self.wall_w_k * (1.0 + self.ageing_per_year * operation.age_years);
        let reaction_w = operation.pull_kg_s * (1.0 - operation.cullet) * self.reaction_j_kg;
        Ok(Flows { glass_w_k, wall_w_k, conductance_w_k: glass_w_k + wall_w_k, reaction_w })
    }

    fn balance(
        &self,
        operation: &Operation,
        flows: &Flows,
        fuel_w: f64,
        melt_k: f64,
        stored_w: f64,
    ) -> Result<Balance, PhysicsError> {
        Ok(Balance {
            fuel_w,
            boost_w: operation.boost_w,
            glass_w: flows.glass_w_k * (melt_k - self.entry.0),
            reaction_w: flows.reaction_w,
            wall_w: flows.wall_w_k * (melt_k - self.surroundings.0),
            flue_w: fuel_w * self.flue.share()?,
            stored_w,
        })
    }
}

/// Losses of an operation, W for each K of the melt, and the heat of reaction.
struct Flows {
    glass_w_k: f64,
    wall_w_k: f64,
    conductance_w_k: f64,
    reaction_w: f64,
}

impl Flows {
    fn loss_w(&self, furnace: &Furnace, melt_k: f64) -> f64 {
        self.glass_w_k * (melt_k - furnace.entry.0) + self.wall_w_k * (melt_k - furnace.surroundings.0)
    }
}

#[cfg(test)]
mod tests;
