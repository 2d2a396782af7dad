//! What a model could forecast that knew all of the plant but its future: the process of a line once more, with its true
//! parameters, its true state and the chance that the simulator draws, and from any minute on the expected future.
//!
//! It is written a second time because a simulator tells nobody what a twin must not know. [`Perfect::check`] holds it
//! against the simulator's truth in every minute, so it cannot go stale. The plant is linear between the limits of its
//! actuators, so the expected future is the one without new disturbances: what is there decays, set-points and faults
//! stay. Of a line that stands it knows how stops of its kind are distributed.

use super::{LINE, Random};
use lehr_domain::Event;
use lehr_domain::ids::stable_hash;
use lehr_domain::machine::MachineState;
use lehr_domain::{EventMs, SensorId, SpanMs};
use lehr_plant::{FaultKind, FaultSpec};
use lehr_twin::{PARAMETERS, Parameter};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

const TARGET: [f64; PARAMETERS] = [
    1520.0, 1575.0, 1330.0, 12.0, 1200.0, 900.0, 9450.0, 2.0, 150.0, 450.0, 45.0, 1140.0, 38.0, 52.0, 565.0, 552.0,
    505.0, 430.0, 330.0, 4.5, 1200.0, 640.0,
];
pub const SIGMA: [f64; PARAMETERS] = [
    2.5, 3.0, 2.0, 0.25, 1.5, 12.0, 130.0, 0.12, 0.6, 2.0, 0.4, 1.8, 0.35, 0.7, 1.0, 1.0, 1.0, 1.2, 1.2, 0.08, 9.0, 8.0,
];
/// Sizes of the disturbances of each quantity alone, in sigmas.
pub const OWN: [f64; PARAMETERS] = [
    0.3, 0.35, 0.35, 0.45, 0.45, 0.25, 0.2, 0.42, 0.45, 0.3, 0.45, 0.4, 0.4, 0.2, 0.45, 0.45, 0.45, 0.42, 0.42, 0.4,
    0.35, 0.4,
];
/// Of a disturbance: seconds between draws, the time constants of its quick and its slow part, and their shares.
pub const DRAW_S: u64 = 10;
pub const QUICK_S: f64 = 480.0;
pub const SLOW_S: f64 = 10_800.0;
pub const SHARES: [f64; 2] = [0.8, 0.6];
/// Shortest and longest stops of each kind, s.
const STOPS_S: [(MachineState, f64, f64); 3] =
    [(MachineState::Down, 60.0, 480.0), (MachineState::Setup, 1620.0, 2400.0), (MachineState::Planned, 3600.0, 7200.0)];

type Chance = ChaCha8Rng;

/// When something was told that moves the line; `None` of all else.
fn told_at(event: &Event) -> Option<EventMs> {
    match event {
        Event::Setpoint(row) => Some(row.at),
        Event::State(row) => Some(row.at),
        _ => None,
    }
}

fn normal(chance: &mut Chance) -> f64 {
    chance.sample(StandardNormal)
}

/// Mean time given, drawn as the simulator draws it.
fn exponential(chance: &mut Chance, mean: f64) -> f64 {
    let uniform: f64 = chance.random();
    -mean * (1.0 - uniform).ln()
}

/// How disturbances go on.
#[derive(Clone)]
enum Future {
    /// As the simulator draws them.
    True(Box<Chance>),
    /// As they are expected: without anything new.
    Expected,
    /// As they might.
    Redrawn(Box<Chance>),
}

/// Unit variance; a part that passes within minutes and one that passes within hours.
#[derive(Clone)]
struct Disturbance {
    parts: [f64; 2],
}

impl Disturbance {
    fn new(chance: &mut Chance) -> Disturbance {
        Disturbance { parts: [normal(chance), normal(chance)] }
    }

    fn value(&self) -> f64 {
        SHARES[0] * self.parts[0] + SHARES[1] * self.parts[1]
    }
}

fn decay(part: &mut f64, constant_s: f64, chance: Option<&mut Chance>) {
    let keep = (-(DRAW_S as f64) / constant_s).exp();
    *part *= keep;
    if let Some(chance) = chance {
        *part += (1.0 - keep * keep).sqrt() * normal(chance);
    }
}

fn lag(x: &mut f64, constant_s: f64, input: f64) {
    *x += (1.0 - (-1.0 / constant_s).exp()) * (input - *x);
}

/// A controller whose integral rests at its limits.
fn control(integral: &mut f64, gain: f64, integral_s: f64, error: f64, (low, high): (f64, f64)) -> f64 {
    let wanted = gain * error + *integral;
    let output = wanted.clamp(low, high);
    if output == wanted {
        *integral += gain * error / integral_s;
    }
    output
}

/// A fault of one of the two kinds that are restated, with its first second and the first after it.
fn restated(fault: &str) -> (FaultKind, u64, u64) {
    let spec = FaultSpec::parse(fault).expect("a good fault");
    assert!(matches!(spec.kind, FaultKind::FurnaceOverheat | FaultKind::MoldCold), "{fault} is not restated");
    let seconds = |span: SpanMs| span.0 as u64 / 1000;
    let begins = seconds(spec.start);
    (spec.kind, begins, spec.duration.map_or(u64::MAX, |duration| begins + seconds(duration)))
}

/// All of the process that moves, as deviations and shares where the simulator has them so.
#[derive(Clone, Default)]
struct Moving {
    batch: f64,
    melt: f64,
    furnace_integral: f64,
    burner: f64,
    air: f64,
    crown: f64,
    throat: f64,
    pressure: f64,
    level: f64,
    gob: f64,
    belt: f64,
    forming_pressure: f64,
    mold: f64,
    mold_integral: f64,
    heater: f64,
    zones: [f64; 5],
    fan: f64,
    cooling: f64,
    idle: f64,
}

#[derive(Clone)]
pub struct Perfect {
    start: EventMs,
    second: u64,
    future: Future,
    /// Of the quantities, of what batch and pull ask of the burners, of what ware takes from the molds.
    own: Vec<Disturbance>,
    /// Of the hall's humidity and of the pull, which act on no quantity but draw.
    others: [f64; 2],
    delivered: f64,
    next_delivery_s: f64,
    moving: Moving,
    setpoints: [f64; PARAMETERS],
    machine: MachineState,
    /// Second in which the line came into this state.
    since: u64,
    value: [f64; PARAMETERS],
    /// Kind, first second, first second after.
    faults: Vec<(FaultKind, u64, u64)>,
    parameter_of: Vec<(SensorId, Parameter)>,
}

impl Perfect {
    /// The line of a plant of this seed.
    pub fn new(seed: u64, start: EventMs, faults: &[&str]) -> Perfect {
        const PROCESS: u64 = 1;
        let mut parts = vec![LINE.len() as u64];
        parts.extend(LINE.bytes().map(u64::from));
        let mut chance = Chance::seed_from_u64(stable_hash(&[seed, PROCESS, stable_hash(&parts)]));
        let mut own: Vec<Disturbance> = (0..PARAMETERS).map(|_| Disturbance::new(&mut chance)).collect();
        let delivered = normal(&mut chance);
        own.extend((0..2).map(|_| Disturbance::new(&mut chance)));
        let others = [normal(&mut chance), normal(&mut chance)];
        let zones = Parameter::LEHR.map(|zone| TARGET[zone.index()]);
        let at = |parameter: Parameter| TARGET[parameter.index()];
        Perfect {
            start,
            second: 0,
            own,
            others,
            delivered,
            next_delivery_s: exponential(&mut chance, 36.0 * 3600.0),
            future: Future::True(Box::new(chance)),
            moving: Moving {
                batch: delivered,
                pressure: at(Parameter::FurnacePressure),
                level: at(Parameter::MeltLevel),
                gob: at(Parameter::GobTemperature),
                belt: at(Parameter::BeltSpeed),
                forming_pressure: at(Parameter::FormingPressure),
                zones,
                fan: 1.0,
                cooling: 1.0,
                ..Moving::default()
            },
            setpoints: TARGET,
            machine: MachineState::Production,
            since: 0,
            value: TARGET,
            faults: faults.iter().map(|fault| restated(fault)).collect(),
            parameter_of: Parameter::ALL.into_iter().map(|parameter| (super::sensor(parameter), parameter)).collect(),
        }
    }

    /// Lives through the minute in which this happened.
    pub fn minute(&mut self, events: &[Event]) {
        let mut events = events.iter().filter(|event| told_at(event).is_some()).peekable();
        for _ in 0..60 {
            let now = EventMs(self.start.0 + 1000 * self.second as i64);
            while let Some(event) = events.next_if(|event| told_at(event) <= Some(now)) {
                self.hear(event);
            }
            self.step();
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Setpoint(row) => {
                let known = self.parameter_of.iter().find(|(sensor, _)| *sensor == row.sensor);
                if let Some((_, parameter)) = known {
                    self.setpoints[parameter.index()] = row.value.to_f64();
                }
            }
            Event::State(row) => {
                self.since = if row.state == self.machine { self.since } else { self.second };
                self.machine = row.state;
            }
            _ => {}
        }
    }

    /// How far the furthest of its values lies from the simulator's, in sigmas.
    pub fn check(&self, truth: &[f64; PARAMETERS]) -> f64 {
        (0..PARAMETERS).map(|index| (self.value[index] - truth[index]).abs() / SIGMA[index]).fold(0.0, f64::max)
    }

    /// The values expected so many minutes from now: set-points and faults stay, and nothing else is foreseen.
    pub fn forecast(&self, minutes: u64) -> [f64; PARAMETERS] {
        Perfect { future: Future::Expected, ..self.clone() }.lived(minutes)
    }

    /// One of the futures that may come.
    pub fn redrawn(&self, minutes: u64, random: &mut Random) -> [f64; PARAMETERS] {
        let seed = (random.between(0.0, 1.0) * 1e15) as u64;
        Perfect { future: Future::Redrawn(Box::new(Chance::seed_from_u64(seed))), ..self.clone() }.lived(minutes)
    }

    fn lived(mut self, minutes: u64) -> [f64; PARAMETERS] {
        let now = self.second - 1;
        self.faults.retain_mut(|(_, from, until)| {
            let active = (*from..*until).contains(&now);
            *until = u64::MAX;
            active
        });
        for _ in 0..60 * minutes {
            self.step();
        }
        self.value
    }

    /// The share of the line's stop that is expected in this second: 0 of a line that runs.
    fn stands(&self) -> f64 {
        let age_s = (self.second - self.since) as f64;
        let left = |of: MachineState, age_s: f64| {
            let (_, least, most) = STOPS_S.into_iter().find(|(state, ..)| *state == of).expect("a line that stands");
            1.0 - ((age_s - least) / (most - least)).clamp(0.0, 1.0)
        };
        match (self.machine, &self.future) {
            (MachineState::Production, _) => 0.0,
            (_, Future::True(_)) => 1.0,
            (state, _) => left(state, age_s),
        }
    }

    fn disturb(&mut self) {
        let mut chance = match &mut self.future {
            Future::True(chance) | Future::Redrawn(chance) => Some(&mut **chance),
            Future::Expected => None,
        };
        for disturbance in &mut self.own {
            decay(&mut disturbance.parts[0], QUICK_S, chance.as_deref_mut());
            decay(&mut disturbance.parts[1], SLOW_S, chance.as_deref_mut());
        }
        decay(&mut self.others[0], 12.0 * 3600.0, chance.as_deref_mut());
        decay(&mut self.others[1], 3.0 * 3600.0, chance.as_deref_mut());
        if let Some(chance) = chance
            && self.second as f64 >= self.next_delivery_s
        {
            self.delivered = normal(chance);
            self.next_delivery_s += exponential(chance, 36.0 * 3600.0);
        }
    }

    fn own(&self, parameter: Parameter) -> f64 {
        OWN[parameter.index()] * self.own[parameter.index()].value()
    }

    fn fails(&self, fault: FaultKind) -> bool {
        self.faults.iter().any(|(kind, from, until)| *kind == fault && (*from..*until).contains(&self.second))
    }

    fn step(&mut self) {
        if self.second.is_multiple_of(DRAW_S) {
            self.disturb();
        }
        lag(&mut self.moving.batch, 7200.0, self.delivered);
        let day_ms = (self.start.0 + 1000 * self.second as i64 - 14 * 3_600_000).rem_euclid(86_400_000);
        let day = (TAU * day_ms as f64 / 86_400_000.0).cos();
        self.furnace(day);
        self.forming();
        self.annealing(day);
        let stands = self.stands();
        lag(&mut self.moving.idle, 30.0, stands);
        let above = |parameter: Parameter| self.value[parameter.index()] - TARGET[parameter.index()];
        let power = TARGET[Parameter::LinePower.index()] * (1.0 - 0.28 * self.moving.idle)
            + above(Parameter::MoldHeaterPower)
            + 0.5 * above(Parameter::BeltMotorCurrent)
            + 0.03 * above(Parameter::CoolingFanSpeed);
        self.set(Parameter::LinePower, power + 0.2 * SIGMA[Parameter::LinePower.index()] * day);
        self.second += 1;
    }

    fn set(&mut self, parameter: Parameter, physical: f64) {
        self.value[parameter.index()] = physical + self.own(parameter) * SIGMA[parameter.index()];
    }

    fn shift(&self, parameter: Parameter) -> f64 {
        self.setpoints[parameter.index()] - TARGET[parameter.index()]
    }

    fn furnace(&mut self, day: f64) {
        use Parameter::*;
        const GAIN_C: f64 = 720.0;
        const PER_RATIO: f64 = 19.0;
        let ratio_error = self.own(FlueOxygen) * SIGMA[FlueOxygen.index()] / PER_RATIO;
        let demand = 0.004 * self.own[PARAMETERS].value() + 0.0012 * self.moving.batch;
        let reference = if self.fails(FaultKind::FurnaceOverheat) { 120.0 } else { 0.0 };
        let error = self.shift(FurnaceTemperature) + reference - self.moving.melt;
        let ratio = ratio_error + self.shift(FlueOxygen) / PER_RATIO;
        let m = &mut self.moving;
        let wanted = control(&mut m.furnace_integral, 1200.0 / 600.0 / GAIN_C, 1200.0, error, (-0.5, 0.28));
        lag(&mut m.burner, 30.0, wanted);
        m.melt += (GAIN_C * (m.burner - demand) - m.melt) / 1200.0;
        lag(&mut m.air, 10.0, m.burner);
        let air = (1.0 + m.air) * (1.0 + ratio);
        let oxygen = PER_RATIO * (air / (1.0 + m.burner) - 1.0);
        lag(&mut m.crown, 180.0, 0.9 * m.melt);
        lag(&mut m.throat, 600.0, 0.7 * m.melt);
        let (melt, crown, throat, burner) = (m.melt, m.crown, m.throat, m.burner);
        let at = |parameter: Parameter| TARGET[parameter.index()];
        self.set(FurnaceTemperature, at(FurnaceTemperature) + melt);
        self.set(CrownTemperature, at(CrownTemperature) + crown);
        self.set(ThroatTemperature, at(ThroatTemperature) + throat);
        self.set(FuelFlow, at(FuelFlow) * (1.0 + burner));
        self.set(CombustionAirFlow, at(CombustionAirFlow) * air);
        self.value[FlueOxygen.index()] = (at(FlueOxygen) + oxygen).max(0.0);
        lag(&mut self.moving.level, 1800.0, self.setpoints[MeltLevel.index()]);
        self.set(MeltLevel, self.moving.level);
        lag(&mut self.moving.pressure, 20.0, self.setpoints[FurnacePressure.index()]);
        self.set(FurnacePressure, self.moving.pressure - 0.15 * SIGMA[FurnacePressure.index()] * day);
        let unwanted = throat - 0.7 * self.shift(FurnaceTemperature);
        lag(&mut self.moving.gob, 600.0, self.setpoints[GobTemperature.index()] + 0.2 * unwanted);
        self.set(GobTemperature, self.moving.gob);
    }

    fn forming(&mut self) {
        use Parameter::*;
        const GAIN_C: f64 = 239.0;
        let demand = 0.0045 * self.own[PARAMETERS + 1].value();
        let most = if self.fails(FaultKind::MoldCold) { -1.0 } else { 1.3 };
        let error = self.shift(MoldTemperature) - self.moving.mold;
        let (belt_set, pressure_set) = (self.setpoints[BeltSpeed.index()], self.setpoints[FormingPressure.index()]);
        let m = &mut self.moving;
        lag(&mut m.belt, 2.5, belt_set);
        let power = control(&mut m.mold_integral, 840.0 / 500.0 / GAIN_C, 840.0, error, (-1.0, most));
        lag(&mut m.heater, 150.0, power);
        m.mold += (GAIN_C * (m.heater - demand) - m.mold) / 840.0;
        lag(&mut m.forming_pressure, 2.0, pressure_set + 0.035 * (m.belt - belt_set));
        let (belt, mold, heater, pressure) = (m.belt, m.mold, m.heater, m.forming_pressure);
        let at = |parameter: Parameter| TARGET[parameter.index()];
        self.set(BeltSpeed, belt);
        self.set(MoldTemperature, at(MoldTemperature) + mold);
        self.set(FormingPressure, pressure.max(0.0));
        self.set(MoldHeaterPower, at(MoldHeaterPower) * (1.0 + heater));
        self.set(BeltMotorCurrent, at(BeltMotorCurrent) * (1.0 + 0.6 * (belt / at(BeltSpeed) - 1.0)));
    }

    fn annealing(&mut self, day: f64) {
        use Parameter::*;
        const PER_COOLING: [f64; 5] = [0.0, 0.0, 0.0, 4.0, 9.0];
        let target = TARGET[CoolingRate.index()];
        let fan =
            (self.own(CoolingFanSpeed) + 0.2 * day) * SIGMA[CoolingFanSpeed.index()] / TARGET[CoolingFanSpeed.index()];
        let asked = self.setpoints[CoolingRate.index()] / target;
        lag(&mut self.moving.fan, 8.0, (asked * (1.0 + fan)).clamp(0.0, 2.5));
        let fan = self.moving.fan;
        lag(&mut self.moving.cooling, 80.0, fan);
        let excess = (self.moving.cooling - asked) * target;
        for (place, zone) in Parameter::LEHR.into_iter().enumerate() {
            let input = self.setpoints[zone.index()] - PER_COOLING[place] * excess;
            lag(&mut self.moving.zones[place], 240.0, input);
            self.set(zone, self.moving.zones[place]);
        }
        self.value[CoolingFanSpeed.index()] = TARGET[CoolingFanSpeed.index()] * fan;
        self.set(CoolingRate, target * self.moving.cooling);
    }
}
