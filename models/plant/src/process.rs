//! The process of one line: the true values of all quantities, stepped once a second.
//!
//! Chance enters only through a stream that is drawn at fixed seconds and never asks what the line does, so
//! that a fault or a set-point changes what follows from it and nothing else.

use crate::annealing::{Annealing, AnnealingInput};
use crate::dynamics::Lag;
use crate::effects::Effects;
use crate::forming::{self, Forming, FormingInput};
use crate::furnace::{self, Furnace, FurnaceInput};
use crate::quantity::{Quantity, Table};
use crate::random::{DISTURBANCE_S, Disturbance, Ou, Purpose, Stream, exponential, normal, stream};
use lehr_domain::EventMs;
use lehr_domain::ids::stable_hash;

/// Standard deviation of what batch and pull ask of the burners, as a share of nominal heat.
const DEMAND: f64 = 0.004;
/// What a standard deviation of the weather saves of it; and how much it drives the cooling fan, in sigmas.
const WEATHER_DEMAND: f64 = -0.004;
const WEATHER_FAN: f64 = 0.4;
/// And of what ware and air take from the molds.
const MOLD_DEMAND: f64 = 0.0045;
/// Heat that a batch of one standard deviation asks for.
const BATCH_DEMAND: f64 = 0.0012;
/// Mean time between deliveries of batch.
const BATCH_MEAN_S: f64 = 36.0 * 3600.0;
/// A new batch mixes into the melt over hours.
const BATCH_MIX_S: f64 = 7200.0;
/// Humidity of the hall changes over half a day.
const HUMIDITY_S: f64 = 12.0 * 3600.0;
/// And the pull of the line over a few.
const PULL_S: f64 = 3.0 * 3600.0;
/// Share of the line's power that rests while the line stands.
const IDLE_POWER: f64 = 0.28;
/// Rise of the motor current per relative rise of the belt speed; the rest is friction that does not change.
const LOAD_PER_SPEED: f64 = 0.6;
/// Share of an unwanted deviation of the throat that the forehearth passes on to the gobs.
const GOB_PER_THROAT: f64 = 0.2;
/// One second in this many brings a spike while the pressure regulator hunts: about eight a minute.
const SPIKE_SECONDS: u64 = 8;

/// Parameters whose quantities act on each other directly, one way or both: by a physical law of this plant or through a loop
/// that holds the one by means of the other.
pub const COUPLED: &[(&str, &str)] = &[
    ("furnace_temperature", "fuel_flow"),
    ("furnace_temperature", "crown_temperature"),
    ("furnace_temperature", "throat_temperature"),
    ("throat_temperature", "gob_temperature"),
    ("fuel_flow", "combustion_air_flow"),
    ("fuel_flow", "flue_oxygen"),
    ("combustion_air_flow", "flue_oxygen"),
    ("belt_speed", "belt_motor_current"),
    ("belt_speed", "forming_pressure"),
    ("mold_temperature", "mold_heater_power"),
    ("cooling_fan_speed", "cooling_rate"),
    ("cooling_rate", "lehr_zone_4_temperature"),
    ("cooling_rate", "lehr_zone_5_temperature"),
    ("mold_heater_power", "line_power"),
    ("belt_motor_current", "line_power"),
    ("cooling_fan_speed", "line_power"),
];

#[derive(Clone)]
pub(crate) struct Process {
    line_key: u64,
    seed: u64,
    rng: Stream,
    /// What the catalogue calls normal.
    pub nominal: Table,
    pub sigma: Table,
    pub setpoint: Table,
    /// True values.
    pub value: Table,
    own: Vec<Disturbance>,
    demand: Disturbance,
    mold_demand: Disturbance,
    humidity: Ou,
    pull: Ou,
    delivered: f64,
    next_delivery_s: f64,
    batch: Lag,
    furnace: Furnace,
    forming: Forming,
    annealing: Annealing,
    level: Lag,
    furnace_pressure: Lag,
    gob: Lag,
    idle: Lag,
}

/// What acts on the ware besides the quantities that are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden {
    pub humidity: f64,
    pub batch: f64,
    /// How fast the line draws glass, in standard deviations.
    pub pull: f64,
}

impl Process {
    pub fn new(seed: u64, line_key: u64, nominal: Table, sigma: Table, setpoint: Table) -> Process {
        let mut rng = stream(seed, Purpose::Process, &[line_key]);
        let own = Quantity::ALL.iter().map(|_| Disturbance::new(&mut rng)).collect();
        let delivered = normal(&mut rng);
        let zones = Quantity::ZONES.map(|zone| setpoint[zone]);
        let forming = Forming::new(
            setpoint[Quantity::BeltSpeed],
            setpoint[Quantity::MoldTemperature] - nominal[Quantity::MoldTemperature],
            setpoint[Quantity::FormingPressure],
        );
        Process {
            line_key,
            seed,
            own,
            demand: Disturbance::new(&mut rng),
            mold_demand: Disturbance::new(&mut rng),
            humidity: Ou::new(HUMIDITY_S, DISTURBANCE_S as f64, &mut rng),
            pull: Ou::new(PULL_S, DISTURBANCE_S as f64, &mut rng),
            delivered,
            next_delivery_s: exponential(&mut rng, BATCH_MEAN_S),
            batch: Lag::new(BATCH_MIX_S, delivered),
            furnace: Furnace::new(),
            forming,
            annealing: Annealing::new(zones),
            level: Lag::new(1800.0, nominal[Quantity::MeltLevel]),
            furnace_pressure: Lag::new(20.0, nominal[Quantity::FurnacePressure]),
            gob: Lag::new(600.0, nominal[Quantity::GobTemperature]),
            idle: Lag::new(30.0, 0.0),
            value: setpoint.clone(),
            setpoint,
            nominal,
            sigma,
            rng,
        }
    }

    /// Lets all chance from this second on be another. Deliveries come without memory, so that the next is drawn anew.
    pub fn fork(&mut self, seed: u64, second: u64) {
        self.seed = seed;
        self.rng = stream(seed, Purpose::Process, &[self.line_key]);
        self.next_delivery_s = second as f64 + exponential(&mut self.rng, BATCH_MEAN_S);
    }

    pub fn hidden(&self) -> Hidden {
        Hidden { humidity: self.humidity.value, batch: self.batch.value, pull: self.pull.value }
    }

    /// What `quantity` ought to be: its set-point where a loop holds it, else what the set-points of the loops
    /// lead to once everything has settled.
    pub fn ought(&self, quantity: Quantity) -> f64 {
        let melt_c = self.shift(Quantity::FurnaceTemperature);
        let heat = 1.0 + melt_c / furnace::GAIN_C;
        let nominal = self.nominal[quantity];
        match quantity {
            Quantity::CrownTemperature => nominal + furnace::CROWN_PER_MELT * melt_c,
            Quantity::ThroatTemperature => nominal + furnace::THROAT_PER_MELT * melt_c,
            Quantity::FuelFlow => nominal * heat,
            Quantity::CombustionAirFlow => {
                nominal * heat * (1.0 + self.shift(Quantity::FlueOxygen) / furnace::OXYGEN_PER_RATIO)
            }
            Quantity::BeltMotorCurrent => nominal * (1.0 + self.load(self.setpoint[Quantity::BeltSpeed])),
            Quantity::MoldHeaterPower => nominal * (1.0 + self.shift(Quantity::MoldTemperature) / forming::MOLD_GAIN_C),
            Quantity::CoolingFanSpeed => {
                nominal * self.setpoint[Quantity::CoolingRate] / self.nominal[Quantity::CoolingRate]
            }
            Quantity::LinePower => nominal,
            _ => self.setpoint[quantity],
        }
    }

    /// Relative change of the motor current at this belt speed.
    fn load(&self, belt: f64) -> f64 {
        LOAD_PER_SPEED * (belt / self.nominal[Quantity::BeltSpeed] - 1.0)
    }

    fn disturb(&mut self, second: u64) {
        if !second.is_multiple_of(DISTURBANCE_S) {
            return;
        }
        for disturbance in &mut self.own {
            disturbance.step(&mut self.rng);
        }
        self.demand.step(&mut self.rng);
        self.mold_demand.step(&mut self.rng);
        self.humidity.step(&mut self.rng);
        self.pull.step(&mut self.rng);
        if second as f64 >= self.next_delivery_s {
            self.delivered = normal(&mut self.rng);
            self.next_delivery_s += exponential(&mut self.rng, BATCH_MEAN_S);
        }
    }

    /// The disturbance of `quantity` alone, in sigmas of the catalogue.
    fn own(&self, quantity: Quantity) -> f64 {
        quantity.profile().own * self.own[quantity as usize].value()
    }

    /// Set-point less catalogue target.
    fn shift(&self, quantity: Quantity) -> f64 {
        self.setpoint[quantity] - self.nominal[quantity]
    }

    /// Whether the hunting regulator strikes in this second, and how hard. Drawn from the second itself, so
    /// that the fault takes nothing from the line's stream.
    fn spike(&self, second: u64, effects: &Effects) -> f64 {
        if effects.spike_mpa == 0.0 {
            return 0.0;
        }
        let draw = stable_hash(&[self.seed, Purpose::Spike as u64, self.line_key, second]);
        if !draw.is_multiple_of(SPIKE_SECONDS) {
            return 0.0;
        }
        let height = 0.75 + 0.25 * ((draw >> 8) % 1000) as f64 / 1000.0;
        if (draw >> 32).is_multiple_of(4) { -height } else { height }
    }

    pub fn step(&mut self, second: u64, at: EventMs, producing: bool, effects: &Effects) {
        self.disturb(second);
        self.batch.step(self.delivered);
        let day = day_cycle(at);
        self.step_furnace(day, effects);
        self.step_forming(second, effects);
        self.step_annealing(day, effects);
        let idle = self.idle.step(if producing { 0.0 } else { 1.0 });
        let power = self.nominal[Quantity::LinePower] * (1.0 - IDLE_POWER * idle)
            + (self.value[Quantity::MoldHeaterPower] - self.nominal[Quantity::MoldHeaterPower])
            + 0.5 * (self.value[Quantity::BeltMotorCurrent] - self.nominal[Quantity::BeltMotorCurrent])
            + 0.03 * (self.value[Quantity::CoolingFanSpeed] - self.nominal[Quantity::CoolingFanSpeed]);
        self.set(Quantity::LinePower, power + 0.2 * self.sigma[Quantity::LinePower] * day);
    }

    /// Takes the physical value and adds the quantity's own disturbance.
    fn set(&mut self, quantity: Quantity, physical: f64) {
        self.value[quantity] = physical + self.own(quantity) * self.sigma[quantity];
    }

    fn step_furnace(&mut self, day: f64, effects: &Effects) {
        let ratio_error = self.own(Quantity::FlueOxygen) * self.sigma[Quantity::FlueOxygen] / furnace::OXYGEN_PER_RATIO;
        let input = FurnaceInput {
            set_c: self.shift(Quantity::FurnaceTemperature),
            set_oxygen: self.shift(Quantity::FlueOxygen),
            demand: DEMAND * self.demand.value() + BATCH_DEMAND * self.batch.value + WEATHER_DEMAND * effects.weather,
            ratio: ratio_error,
        };
        let furnace = self.furnace.step(&input, effects);
        let nominal = &self.nominal;
        let throat = nominal[Quantity::ThroatTemperature] + furnace.throat_c;
        let crown = nominal[Quantity::CrownTemperature] + furnace.crown_c;
        let melt = nominal[Quantity::FurnaceTemperature] + furnace.melt_c;
        let fuel = nominal[Quantity::FuelFlow] * (1.0 + furnace.fuel_share);
        let air = nominal[Quantity::CombustionAirFlow] * (1.0 + furnace.air_share);
        let oxygen = (nominal[Quantity::FlueOxygen] + furnace.oxygen).max(0.0);
        self.set(Quantity::FurnaceTemperature, melt);
        self.set(Quantity::CrownTemperature, crown);
        self.set(Quantity::ThroatTemperature, throat);
        self.set(Quantity::FuelFlow, fuel);
        self.set(Quantity::CombustionAirFlow, air);
        self.value[Quantity::FlueOxygen] = oxygen;
        let level = self.level.step(self.setpoint[Quantity::MeltLevel]);
        self.set(Quantity::MeltLevel, level);
        let pressure = self.furnace_pressure.step(self.setpoint[Quantity::FurnacePressure]);
        self.set(Quantity::FurnacePressure, pressure - 0.15 * self.sigma[Quantity::FurnacePressure] * day);
        let unwanted_c = throat - self.ought(Quantity::ThroatTemperature);
        let gob = self.gob.step(self.setpoint[Quantity::GobTemperature] + GOB_PER_THROAT * unwanted_c);
        self.set(Quantity::GobTemperature, gob);
    }

    fn step_forming(&mut self, second: u64, effects: &Effects) {
        let input = FormingInput {
            belt_set: self.setpoint[Quantity::BeltSpeed],
            mold_set_c: self.shift(Quantity::MoldTemperature),
            pressure_set: self.setpoint[Quantity::FormingPressure],
            mold_demand: MOLD_DEMAND * self.mold_demand.value(),
            spike: self.spike(second, effects),
            second,
        };
        let forming = self.forming.step(&input, effects);
        let load = self.load(forming.belt);
        let heater = self.nominal[Quantity::MoldHeaterPower] * (1.0 + forming.heater_share);
        let mold = self.nominal[Quantity::MoldTemperature] + forming.mold_c;
        self.set(Quantity::BeltSpeed, forming.belt);
        self.set(Quantity::MoldTemperature, mold);
        self.set(Quantity::FormingPressure, forming.pressure);
        self.set(Quantity::MoldHeaterPower, heater);
        self.set(Quantity::BeltMotorCurrent, self.nominal[Quantity::BeltMotorCurrent] * (1.0 + load));
    }

    fn step_annealing(&mut self, day: f64, effects: &Effects) {
        let fan = Quantity::CoolingFanSpeed;
        let warm_air = 0.2 * day + WEATHER_FAN * effects.weather;
        let input = AnnealingInput {
            zone_set_c: Quantity::ZONES.map(|zone| self.setpoint[zone]),
            cooling_set_share: self.setpoint[Quantity::CoolingRate] / self.nominal[Quantity::CoolingRate],
            fan: (self.own(fan) + warm_air) * self.sigma[fan] / self.nominal[fan],
        };
        let annealing = self.annealing.step(&input, self.nominal[Quantity::CoolingRate], effects);
        for (zone, temperature_c) in Quantity::ZONES.into_iter().zip(annealing.zone_c) {
            self.set(zone, temperature_c);
        }
        // The fan's own disturbance is in its share already: it acts on the cooling as well.
        self.value[fan] = self.nominal[fan] * annealing.fan_share;
        self.set(Quantity::CoolingRate, self.nominal[Quantity::CoolingRate] * annealing.cooling_share);
    }
}

/// The weather of a mean day: 1 in the early afternoon, −1 twelve hours earlier.
fn day_cycle(at: EventMs) -> f64 {
    const DAY_MS: i64 = 86_400_000;
    const WARMEST_MS: i64 = 14 * 3_600_000;
    let phase = (at.0 - WARMEST_MS).rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
    (std::f64::consts::TAU * phase).cos()
}
