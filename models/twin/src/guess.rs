//! What the twin starts from before it has seen a line: targets, spreads and a first guess of how the line responds.
//!
//! The numbers are of the kind that commissioning gives: orders of magnitude from energy balances and step tests,
//! some ten to twenty percent off. The twin learns gains and time constants from the data; it never takes them to
//! be further off than [`MOST_WRONG`].

use crate::parameter::{PARAMETERS, Parameter};
use serde::{Deserialize, Serialize};

/// By which factor a guess may be wrong.
pub const MOST_WRONG: f64 = 2.0;
/// Standard deviation of the natural logarithm of a guess.
pub const GUESS_SD: f64 = 0.15;

/// The first guess of one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// Set-points and operating points, in the sensors' units, until others are told.
    pub targets: [f64; PARAMETERS],
    /// Standard deviation of minute means in normal operation, in the sensors' units.
    pub sigma: [f64; PARAMETERS],
    pub response: Response,
}

/// Gains and time constants of a line. Every field is positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Closed loop of the furnace: minutes until 63 % of a change of the set-point has come.
    pub furnace_min: f64,
    /// °C of crown and of throat for a °C of the melt, and by how many minutes they follow.
    pub crown_gain: f64,
    pub crown_min: f64,
    pub throat_gain: f64,
    pub throat_min: f64,
    pub pressure_min: f64,
    pub level_min: f64,
    /// m³/h of fuel that hold a °C of the melt at rest (the energy balance), and that the controller adds for a °C of
    /// error.
    pub fuel_per_c: f64,
    pub fuel_control_per_c: f64,
    /// m³ of air that burn one m³ of fuel without excess.
    pub air_per_fuel: f64,
    pub oxygen_min: f64,
    pub belt_min: f64,
    pub mold_min: f64,
    /// kW that hold a °C of the molds at rest, and that the controller adds for a °C of error.
    pub heater_per_c: f64,
    pub heater_control_per_c: f64,
    /// MPa for each m/min by which the belt departs from its set-point.
    pub pressure_per_belt: f64,
    pub gob_min: f64,
    /// °C of the gob for a °C by which the throat departs from where the furnace's set-point puts it.
    pub gob_per_throat: f64,
    /// A for each m/min.
    pub current_per_belt: f64,
    pub zone_min: f64,
    /// °C by which zones 4 and 5 fall for each °C/min of cooling above its set-point.
    pub zone_4_per_cooling: f64,
    pub zone_5_per_cooling: f64,
    pub cooling_min: f64,
    /// 1/min of the fan for each °C/min.
    pub fan_per_cooling: f64,
    /// kW for each A of the belt's motor, for each 1/min of the fan, and by which a line that stands needs less.
    pub power_per_current: f64,
    pub power_per_fan: f64,
    pub power_of_running: f64,
}

impl Response {
    /// Every number, so that a guess can be varied.
    pub fn each_mut(&mut self) -> [&mut f64; 27] {
        [
            &mut self.furnace_min,
            &mut self.crown_gain,
            &mut self.crown_min,
            &mut self.throat_gain,
            &mut self.throat_min,
            &mut self.pressure_min,
            &mut self.level_min,
            &mut self.fuel_per_c,
            &mut self.fuel_control_per_c,
            &mut self.air_per_fuel,
            &mut self.oxygen_min,
            &mut self.belt_min,
            &mut self.mold_min,
            &mut self.heater_per_c,
            &mut self.heater_control_per_c,
            &mut self.pressure_per_belt,
            &mut self.gob_min,
            &mut self.gob_per_throat,
            &mut self.current_per_belt,
            &mut self.zone_min,
            &mut self.zone_4_per_cooling,
            &mut self.zone_5_per_cooling,
            &mut self.cooling_min,
            &mut self.fan_per_cooling,
            &mut self.power_per_current,
            &mut self.power_per_fan,
            &mut self.power_of_running,
        ]
    }
}

/// Target and sigma of each parameter, as the shipped catalogue has them.
const SHIPPED: [(f64, f64); PARAMETERS] = [
    (1520.0, 2.5),
    (1575.0, 3.0),
    (1330.0, 2.0),
    (12.0, 0.25),
    (1200.0, 1.5),
    (900.0, 12.0),
    (9450.0, 130.0),
    (2.0, 0.12),
    (150.0, 0.6),
    (450.0, 2.0),
    (45.0, 0.4),
    (1140.0, 1.8),
    (38.0, 0.35),
    (52.0, 0.7),
    (565.0, 1.0),
    (552.0, 1.0),
    (505.0, 1.0),
    (430.0, 1.2),
    (330.0, 1.2),
    (4.5, 0.08),
    (1200.0, 9.0),
    (640.0, 8.0),
];

impl Guess {
    /// A container line of the shipped catalogue.
    pub fn shipped() -> Guess {
        Guess {
            targets: SHIPPED.map(|(target, _)| target),
            sigma: SHIPPED.map(|(_, sigma)| sigma),
            response: Response {
                furnace_min: 10.0,
                crown_gain: 0.9,
                crown_min: 5.0,
                throat_gain: 0.7,
                throat_min: 15.0,
                pressure_min: 0.5,
                level_min: 28.0,
                fuel_per_c: 1.25,
                fuel_control_per_c: 1.1,
                air_per_fuel: 9.5,
                oxygen_min: 0.5,
                belt_min: 0.2,
                mold_min: 6.5,
                heater_per_c: 0.22,
                heater_control_per_c: 0.2,
                pressure_per_belt: 0.035,
                gob_min: 10.0,
                gob_per_throat: 0.2,
                current_per_belt: 0.15,
                zone_min: 4.5,
                zone_4_per_cooling: 4.0,
                zone_5_per_cooling: 9.0,
                cooling_min: 1.5,
                fan_per_cooling: 265.0,
                power_per_current: 0.5,
                power_per_fan: 0.03,
                power_of_running: 180.0,
            },
        }
    }

    pub fn target(&self, parameter: Parameter) -> f64 {
        self.targets[parameter.index()]
    }
}
