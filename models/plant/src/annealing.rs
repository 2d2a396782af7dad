//! The annealing lehr: five zones and the cooling behind them.

use crate::dynamics::Lag;
use crate::effects::Effects;

/// A zone follows its set-point within a quarter of an hour.
const ZONE_S: f64 = 240.0;
/// Cooling follows the fan: settled after 2 to 5 minutes.
const COOLING_S: f64 = 80.0;
const FAN_S: f64 = 8.0;
/// The fan cannot turn faster than two and a half times its normal speed.
const FAN_MOST: f64 = 2.5;
/// How much colder zones 4 and 5 get, °C, for each °C/min by which cooling exceeds its set-point.
const ZONE_PER_COOLING: [f64; 5] = [0.0, 0.0, 0.0, 4.0, 9.0];

#[derive(Clone, Debug)]
pub(crate) struct Annealing {
    zones: [Lag; 5],
    fan: Lag,
    cooling: Lag,
}

pub(crate) struct AnnealingInput {
    pub zone_set_c: [f64; 5],
    /// Set-point of the cooling rate as a share of its catalogue target.
    pub cooling_set_share: f64,
    /// Relative disturbance of the fan speed.
    pub fan: f64,
}

pub(crate) struct AnnealingOutput {
    pub zone_c: [f64; 5],
    /// Shares of the nominal fan speed and cooling rate.
    pub fan_share: f64,
    pub cooling_share: f64,
}

impl Annealing {
    pub fn new(zone_set_c: [f64; 5]) -> Annealing {
        Annealing {
            zones: zone_set_c.map(|set_c| Lag::new(ZONE_S, set_c)),
            fan: Lag::new(FAN_S, 1.0),
            cooling: Lag::new(COOLING_S, 1.0),
        }
    }

    /// `cooling_target` is the catalogue's, °C/min.
    pub fn step(&mut self, input: &AnnealingInput, cooling_target: f64, effects: &Effects) -> AnnealingOutput {
        let wanted = input.cooling_set_share * effects.fan_factor * (1.0 + input.fan);
        let fan_share = self.fan.step(wanted.clamp(0.0, FAN_MOST));
        let cooling_share = self.cooling.step(fan_share);
        let excess = (cooling_share - input.cooling_set_share) * cooling_target;
        let mut zone_c = [0.0; 5];
        for (index, zone) in self.zones.iter_mut().enumerate() {
            zone_c[index] = zone.step(input.zone_set_c[index] - ZONE_PER_COOLING[index] * excess);
        }
        AnnealingOutput { zone_c, fan_share, cooling_share }
    }
}
