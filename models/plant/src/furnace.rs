//! The furnace: fuel heats the melt, crown and throat follow, a PI loop holds the temperature.
//!
//! All states are deviations from the catalogue's targets, °C, and shares of nominal flow. Pole and zero of
//! plant and controller cancel, so that the closed loop settles in 15 to 30 minutes.

use crate::dynamics::{Lag, Pi};
use crate::effects::Effects;

/// Steady rise of the melt, °C, per doubling of the heat supplied. Losses by radiation rise with the fourth
/// power of temperature, which makes it half of what a linear furnace at 1500 °C would show.
pub(crate) const GAIN_C: f64 = 720.0;
/// Change of crown and throat, °C per °C of the melt.
pub(crate) const CROWN_PER_MELT: f64 = 0.9;
pub(crate) const THROAT_PER_MELT: f64 = 0.7;
/// Crown and throat of a worn lining, and throat with a cullet that melts easily, °C.
const WEAR_CROWN_C: f64 = 15.0;
const WEAR_THROAT_C: f64 = -10.0;
const CULLET_THROAT_C: f64 = 6.0;
const CROWN_S: f64 = 180.0;
const THROAT_S: f64 = 600.0;
const MELT_S: f64 = 1200.0;
/// Time constant of the closed loop: 95 % of a step after half an hour.
const LOOP_S: f64 = 600.0;
/// Burners turn down to 50 % and up to 128 %: at most 200 °C above the usual melt.
const FUEL_RANGE: (f64, f64) = (-0.5, 0.28);
const BURNER_S: f64 = 30.0;
const AIR_S: f64 = 10.0;
/// Change of flue oxygen, %, per relative change of the ratio of air to fuel: 21 / 1.105.
pub(crate) const OXYGEN_PER_RATIO: f64 = 19.0;
/// Share of its fuel that a wholly fouled burner wastes. With full fuel the melt is then 94 °C too cold.
const FOULING_LOSS: f64 = 0.32;
/// Oxygen that fouled burners leave unused, %.
const FOULING_OXYGEN: f64 = 1.8;
/// Further fuel that a worn lining takes.
const WEAR_DEMAND: f64 = 0.11;
/// Fuel that a batch richer in cullet saves.
const CULLET_SAVING: f64 = 0.04;

#[derive(Clone, Debug)]
pub(crate) struct Furnace {
    melt_c: f64,
    control: Pi,
    burner: Lag,
    air: Lag,
    crown: Lag,
    throat: Lag,
}

pub(crate) struct FurnaceInput {
    /// Set-points less catalogue targets.
    pub set_c: f64,
    pub set_oxygen: f64,
    /// What batch, pull and weather ask for, as a share of nominal heat.
    pub demand: f64,
    /// Relative error of the ratio of air to fuel.
    pub ratio: f64,
}

/// Deviations from the catalogue's targets.
pub(crate) struct FurnaceOutput {
    pub melt_c: f64,
    pub crown_c: f64,
    pub throat_c: f64,
    pub fuel_share: f64,
    pub air_share: f64,
    pub oxygen: f64,
}

impl Furnace {
    pub fn new() -> Furnace {
        Furnace {
            melt_c: 0.0,
            control: Pi::new(MELT_S / LOOP_S / GAIN_C, MELT_S, 0.0),
            burner: Lag::new(BURNER_S, 0.0),
            air: Lag::new(AIR_S, 0.0),
            crown: Lag::new(CROWN_S, 0.0),
            throat: Lag::new(THROAT_S, 0.0),
        }
    }

    pub fn step(&mut self, input: &FurnaceInput, effects: &Effects) -> FurnaceOutput {
        let error = input.set_c + effects.furnace_reference_c - self.melt_c;
        let wanted = self.control.step(error, FUEL_RANGE.0, FUEL_RANGE.1);
        let fuel = self.burner.step(wanted);
        let fouling = effects.fouling.min(2.0);
        let heat = (1.0 + fuel) * (1.0 - FOULING_LOSS * fouling);
        let demand = input.demand + WEAR_DEMAND * effects.wear - CULLET_SAVING * effects.cullet;
        let balance_c = GAIN_C * (heat - 1.0 - demand);
        self.melt_c += (balance_c - self.melt_c) / MELT_S;
        let ratio = input.ratio + input.set_oxygen / OXYGEN_PER_RATIO;
        let air = (1.0 + self.air.step(fuel)) * (1.0 + ratio);
        let surplus = air / (1.0 + fuel) - 1.0;
        let crown_c = CROWN_PER_MELT * self.melt_c + WEAR_CROWN_C * effects.wear;
        let throat_c = THROAT_PER_MELT * self.melt_c + CULLET_THROAT_C * effects.cullet + WEAR_THROAT_C * effects.wear;
        FurnaceOutput {
            melt_c: self.melt_c,
            crown_c: self.crown.step(crown_c),
            throat_c: self.throat.step(throat_c),
            fuel_share: fuel,
            air_share: air - 1.0,
            oxygen: OXYGEN_PER_RATIO * surplus + FOULING_OXYGEN * fouling,
        }
    }
}
