//! How a line responds to its set-points: the furnace's energy balance under control, forming, and the lehr, as
//! first-order lags and gains that follow the couplings of the plant.
//!
//! ```text
//! set-point ─▶ melt ─▶ crown        belt ─▶ motor current ─┐
//!               ├────▶ throat ─▶ gob   └──▶ forming pressure │
//!               └─▶ fuel ─▶ air     molds ─▶ heater power ──┼─▶ line power
//!        flue oxygen ──────▲        cooling ─▶ fan ─────────┘
//!                                      └─▶ zones 4, 5
//! ```
//!
//! A quantity is what the model makes of its drivers plus its own disturbance; what follows it is driven by what lasts
//! of both, so that a belt that runs away is expected to draw its current. What flutters is local and drives nothing.

use crate::guess::{Guess, Response};
use crate::lag::{Decay, Lag};
use crate::parameter::{PARAMETERS, Parameter};
use Parameter::*;
use serde::{Deserialize, Serialize};

/// The most gains and time constants of one quantity.
pub const MOST_TERMS: usize = 3;
/// Natural logarithms of gains and time constants, by parameter.
pub type Terms = [[f64; MOST_TERMS]; PARAMETERS];

/// Time constants in minutes that nobody needs to learn: control valves, heater elements, the brake of a line.
const VALVE_MIN: f64 = 0.4;
const HEATER_MIN: f64 = 2.5;
const FEEDER_MIN: f64 = 10.0;
const STANDSTILL_MIN: f64 = 0.7;
const REGULATOR_MIN: f64 = 0.2;
/// Oxygen in air, %.
const AIR_OXYGEN: f64 = 20.95;

/// The term of the line's power by which it needs less while it stands.
pub const RUNNING: usize = 2;
/// What holds a quantity at its set-point, that quantity, and what follows the actuator at once whether or not the
/// actuator's instrument tells the truth.
pub const ACTUATORS: [(Parameter, Parameter, Option<Parameter>); 2] = [
    (FuelFlow, FurnaceTemperature, Some(CombustionAirFlow)),
    // The power of the line flutters more than what a heater's instrument may be off by.
    (MoldHeaterPower, MoldTemperature, None),
];

/// The terms of a response.
pub fn terms(response: &Response) -> Terms {
    let r = response;
    let mut terms = [[1.0; MOST_TERMS]; PARAMETERS];
    let mut set = |parameter: Parameter, values: &[f64]| {
        terms[parameter.index()][..values.len()].copy_from_slice(values);
    };
    set(FurnaceTemperature, &[r.furnace_min]);
    set(CrownTemperature, &[r.crown_min, r.crown_gain]);
    set(ThroatTemperature, &[r.throat_min, r.throat_gain]);
    set(FurnacePressure, &[r.pressure_min]);
    set(MeltLevel, &[r.level_min]);
    set(FuelFlow, &[r.fuel_per_c, r.fuel_control_per_c]);
    set(CombustionAirFlow, &[r.air_per_fuel]);
    set(FlueOxygen, &[r.oxygen_min]);
    set(BeltSpeed, &[r.belt_min]);
    set(MoldTemperature, &[r.mold_min]);
    set(FormingPressure, &[r.pressure_per_belt]);
    set(GobTemperature, &[r.gob_min, r.gob_per_throat]);
    set(BeltMotorCurrent, &[r.current_per_belt]);
    set(MoldHeaterPower, &[r.heater_per_c, r.heater_control_per_c]);
    for zone in [LehrZone1, LehrZone2, LehrZone3] {
        set(zone, &[r.zone_min]);
    }
    set(LehrZone4, &[r.zone_min, r.zone_4_per_cooling]);
    set(LehrZone5, &[r.zone_min, r.zone_5_per_cooling]);
    set(CoolingRate, &[r.cooling_min]);
    set(CoolingFanSpeed, &[r.fan_per_cooling]);
    set(LinePower, &[r.power_per_current, r.power_per_fan, r.power_of_running]);
    terms.map(|row| row.map(f64::ln))
}

/// What follows a quantity within the minute, all later in the order of parameters, and by how much for one unit of it.
pub fn at_once(terms: &Terms, parameter: Parameter) -> Vec<(Parameter, f64)> {
    let term = |parameter: Parameter, which: usize| terms[parameter.index()][which].exp();
    match parameter {
        FurnaceTemperature => vec![(FuelFlow, -term(FuelFlow, 1))],
        FuelFlow => vec![(CombustionAirFlow, term(CombustionAirFlow, 0) * AIR_OXYGEN / (AIR_OXYGEN - 2.0))],
        BeltSpeed => {
            vec![(FormingPressure, term(FormingPressure, 0)), (BeltMotorCurrent, term(BeltMotorCurrent, 0))]
        }
        BeltMotorCurrent => vec![(LinePower, term(LinePower, 0))],
        MoldHeaterPower => vec![(LinePower, 1.0)],
        CoolingRate => vec![(CoolingFanSpeed, term(CoolingFanSpeed, 0))],
        CoolingFanSpeed => vec![(LinePower, term(LinePower, 1))],
        _ => Vec::new(),
    }
}

/// How many terms a quantity has.
pub fn terms_of(parameter: Parameter) -> usize {
    match parameter {
        LinePower => 3,
        CrownTemperature | ThroatTemperature | FuelFlow | GobTemperature | MoldHeaterPower | LehrZone4 | LehrZone5 => 2,
        _ => 1,
    }
}

/// Quantities that a control loop holds at a set-point of their own.
pub fn controlled(parameter: Parameter) -> bool {
    !matches!(
        parameter,
        CrownTemperature
            | ThroatTemperature
            | FuelFlow
            | CombustionAirFlow
            | BeltMotorCurrent
            | MoldHeaterPower
            | CoolingFanSpeed
            | LinePower
    )
}

/// Terms made ready for steps of one length.
#[derive(Clone, Debug)]
pub struct Prepared {
    terms: [[f64; MOST_TERMS]; PARAMETERS],
    decay: [Decay; PARAMETERS],
    valve: Decay,
    heater: Decay,
    feeder: Decay,
    standstill: Decay,
    regulator: Decay,
}

impl Prepared {
    pub fn new(terms: &Terms, step_min: f64) -> Prepared {
        let terms = terms.map(|row| row.map(f64::exp));
        Prepared {
            // Where the first term is a gain its decay is not used.
            decay: std::array::from_fn(|index| Decay::new(step_min, terms[index][0])),
            valve: Decay::new(step_min, VALVE_MIN),
            heater: Decay::new(step_min, HEATER_MIN),
            feeder: Decay::new(step_min, FEEDER_MIN),
            standstill: Decay::new(step_min, STANDSTILL_MIN),
            regulator: Decay::new(step_min, REGULATOR_MIN),
            terms,
        }
    }
}

/// What drives a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drive {
    pub setpoints: [f64; PARAMETERS],
    /// 0 while the line runs, 1 while it stands, and between where that is expected with some probability.
    pub stands: f64,
}

/// What adds to what is modelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disturbances {
    /// What lasts, and so drives others.
    pub lasting: [f64; PARAMETERS],
    /// That and what passes.
    pub all: [f64; PARAMETERS],
}

impl Disturbances {
    pub const NONE: Disturbances = Disturbances { lasting: [0.0; PARAMETERS], all: [0.0; PARAMETERS] };

    pub fn new(of: impl Fn(usize) -> (f64, f64)) -> Disturbances {
        let mut disturbances = Disturbances::NONE;
        for index in 0..PARAMETERS {
            (disturbances.lasting[index], disturbances.all[index]) = of(index);
        }
        disturbances
    }
}

/// The memory of a line's responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    own: [Lag; PARAMETERS],
    coupled: [Lag; PARAMETERS],
    /// What the model made of the drivers in the last step, without the quantity's own disturbance.
    pub modelled: [f64; PARAMETERS],
}

/// Derivatives of what is modelled by the terms, by parameter.
pub type Sensitivity = [[f64; MOST_TERMS]; PARAMETERS];

impl Process {
    /// A line at rest at its set-points.
    pub fn at_rest(guess: &Guess, drive: &Drive) -> Process {
        let mut process = Process {
            own: [Lag::default(); PARAMETERS],
            coupled: [Lag::default(); PARAMETERS],
            modelled: drive.setpoints,
        };
        let melt = drive.setpoints[FurnaceTemperature.index()] - guess.target(FurnaceTemperature);
        for parameter in Parameter::ALL {
            let index = parameter.index();
            process.own[index].x = match parameter {
                CrownTemperature | ThroatTemperature | FuelFlow => melt,
                MoldHeaterPower => drive.setpoints[MoldTemperature.index()] - guess.target(MoldTemperature),
                LinePower => drive.stands,
                _ => drive.setpoints[index],
            };
            if matches!(parameter, FurnaceTemperature | MoldTemperature) {
                process.coupled[index].x = drive.setpoints[index];
            }
        }
        process
    }

    /// What is modelled with what disturbs it.
    pub fn values(&self, disturbances: &Disturbances) -> [f64; PARAMETERS] {
        std::array::from_fn(|index| self.modelled[index] + disturbances.all[index])
    }

    /// Moves the line on by the step that `by` was prepared for. The sensitivities are written where `sensitivity` is
    /// given.
    pub fn step(
        &mut self,
        guess: &Guess,
        by: &Prepared,
        drive: &Drive,
        disturbances: &Disturbances,
        sensitivity: Option<&mut Sensitivity>,
    ) {
        let disturbances = &disturbances.lasting;
        let targets = &guess.targets;
        let at = |parameter: Parameter| drive.setpoints[parameter.index()];
        let target = |parameter: Parameter| targets[parameter.index()];
        let term = |parameter: Parameter, which: usize| by.terms[parameter.index()][which];
        for parameter in FOLLOWERS {
            let index = parameter.index();
            let setpoint = drive.setpoints[index];
            // Heat comes through an actuator that has a lag of its own.
            let input = match parameter {
                FurnaceTemperature => self.through_actuator(index, setpoint, by.valve),
                MoldTemperature => self.through_actuator(index, setpoint, by.heater),
                _ => setpoint,
            };
            self.own[index].step(input, by.decay[index]);
            self.modelled[index] = self.own[index].x;
        }
        self.own[FormingPressure.index()].step(at(FormingPressure), by.regulator);
        let disturbed = |modelled: &[f64; PARAMETERS], parameter: Parameter| {
            modelled[parameter.index()] + disturbances[parameter.index()]
        };

        let melt = disturbed(&self.modelled, FurnaceTemperature);
        for parameter in [CrownTemperature, ThroatTemperature] {
            let index = parameter.index();
            self.own[index].step(melt - target(FurnaceTemperature), by.decay[index]);
            self.modelled[index] = targets[index] + term(parameter, 1) * self.own[index].x;
        }
        let throat_ideal = target(ThroatTemperature)
            + term(ThroatTemperature, 1) * (at(FurnaceTemperature) - target(FurnaceTemperature));
        self.coupled[GobTemperature.index()]
            .step(disturbed(&self.modelled, ThroatTemperature) - throat_ideal, by.feeder);
        self.modelled[GobTemperature.index()] += term(GobTemperature, 1) * self.coupled[GobTemperature.index()].x;

        self.actuator(FuelFlow, FurnaceTemperature, by.valve, drive, melt, guess, by);
        let molds = disturbed(&self.modelled, MoldTemperature);
        self.actuator(MoldHeaterPower, MoldTemperature, by.heater, drive, molds, guess, by);
        let burnt = |fuel: f64, oxygen: f64| {
            // Far from any flame; keeps the quotient positive whatever a sensor says.
            term(CombustionAirFlow, 0) * fuel * AIR_OXYGEN / (AIR_OXYGEN - oxygen.clamp(0.0, 15.0))
        };
        self.modelled[CombustionAirFlow.index()] = target(CombustionAirFlow)
            + burnt(disturbed(&self.modelled, FuelFlow), disturbed(&self.modelled, FlueOxygen))
            - burnt(target(FuelFlow), target(FlueOxygen));

        self.drives_and_lehr(guess, by, drive, disturbances);
        if let Some(sensitivity) = sensitivity {
            self.sensitivity(guess, by, disturbances, sensitivity);
        }
    }

    /// What follows belt and cooling, and the power of them all.
    fn drives_and_lehr(&mut self, guess: &Guess, by: &Prepared, drive: &Drive, disturbances: &[f64; PARAMETERS]) {
        let at = |parameter: Parameter| drive.setpoints[parameter.index()];
        let target = |parameter: Parameter| guess.target(parameter);
        let term = |parameter: Parameter, which: usize| by.terms[parameter.index()][which];
        let disturbed = |modelled: &[f64; PARAMETERS], parameter: Parameter| {
            modelled[parameter.index()] + disturbances[parameter.index()]
        };
        let belt = disturbed(&self.modelled, BeltSpeed);
        self.modelled[FormingPressure.index()] =
            self.own[FormingPressure.index()].x + term(FormingPressure, 0) * (belt - self.own[BeltSpeed.index()].x);
        self.modelled[BeltMotorCurrent.index()] =
            target(BeltMotorCurrent) + term(BeltMotorCurrent, 0) * (belt - target(BeltSpeed));

        let excess = disturbed(&self.modelled, CoolingRate) - at(CoolingRate);
        for parameter in [LehrZone4, LehrZone5] {
            let index = parameter.index();
            self.coupled[index].step(excess, by.decay[index]);
            self.modelled[index] -= term(parameter, 1) * self.coupled[index].x;
        }
        let asked = at(CoolingRate) + disturbances[CoolingRate.index()];
        self.modelled[CoolingFanSpeed.index()] =
            target(CoolingFanSpeed) + term(CoolingFanSpeed, 0) * (asked - target(CoolingRate));

        self.own[LinePower.index()].step(drive.stands, by.standstill);
        let above = |parameter: Parameter| disturbed(&self.modelled, parameter) - target(parameter);
        self.modelled[LinePower.index()] = target(LinePower)
            + above(MoldHeaterPower)
            + term(LinePower, 0) * above(BeltMotorCurrent)
            + term(LinePower, 1) * above(CoolingFanSpeed)
            - term(LinePower, RUNNING) * self.own[LinePower.index()].x;
    }

    fn through_actuator(&mut self, index: usize, setpoint: f64, decay: Decay) -> f64 {
        self.coupled[index].step(setpoint, decay);
        self.coupled[index].x
    }

    /// Fuel and heater power: what holds the set-point by the energy balance, and what the controller adds for the
    /// error.
    #[allow(clippy::too_many_arguments, reason = "two callers, both above")]
    fn actuator(
        &mut self,
        actuator: Parameter,
        held: Parameter,
        decay: Decay,
        drive: &Drive,
        value: f64,
        guess: &Guess,
        by: &Prepared,
    ) {
        let index = actuator.index();
        let setpoint = drive.setpoints[held.index()];
        self.own[index].step(setpoint - guess.target(held), decay);
        self.coupled[index].step(setpoint - value, decay);
        let [holding, control, _] = by.terms[index];
        self.modelled[index] = guess.targets[index] + holding * self.own[index].x + control * self.coupled[index].x;
    }

    fn sensitivity(
        &self,
        guess: &Guess,
        by: &Prepared,
        disturbances: &[f64; PARAMETERS],
        sensitivity: &mut Sensitivity,
    ) {
        let above = |parameter: Parameter| {
            let index = parameter.index();
            self.modelled[index] + disturbances[index] - guess.targets[index]
        };
        for parameter in Parameter::ALL {
            let index = parameter.index();
            let (own, coupled, terms) = (&self.own[index], &self.coupled[index], &by.terms[index]);
            sensitivity[index] = match parameter {
                CrownTemperature | ThroatTemperature => [terms[1] * own.s, terms[1] * own.x, 0.0],
                GobTemperature => [own.s, terms[1] * coupled.x, 0.0],
                LehrZone4 | LehrZone5 => [own.s - terms[1] * coupled.s, -terms[1] * coupled.x, 0.0],
                FuelFlow | MoldHeaterPower => [terms[0] * own.x, terms[1] * coupled.x, 0.0],
                FormingPressure => [self.modelled[index] - own.x, 0.0, 0.0],
                CombustionAirFlow | BeltMotorCurrent | CoolingFanSpeed => {
                    [self.modelled[index] - guess.targets[index], 0.0, 0.0]
                }
                LinePower => [terms[0] * above(BeltMotorCurrent), terms[1] * above(CoolingFanSpeed), -terms[2] * own.x],
                _ => [own.s, 0.0, 0.0],
            };
        }
    }
}

/// Quantities whose own lag follows their set-point.
const FOLLOWERS: [Parameter; 13] = [
    FurnaceTemperature,
    FurnacePressure,
    MeltLevel,
    FlueOxygen,
    BeltSpeed,
    MoldTemperature,
    GobTemperature,
    LehrZone1,
    LehrZone2,
    LehrZone3,
    LehrZone4,
    LehrZone5,
    CoolingRate,
];
