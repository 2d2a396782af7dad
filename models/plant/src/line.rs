//! One line: its process, what it is doing, and the ware that leaves it.

use crate::campaign::{self, Campaign, Life};
use crate::effects::Effects;
use crate::error::PlantError;
use crate::free::FreeQuantity;
use crate::history::{Conditions, History, Transport};
use crate::inspection::inspect;
use crate::instrument::sigma_of;
use crate::pending::Pending;
use crate::process::Process;
use crate::quantity::{Quantity, Table, without_number};
use crate::random::{Purpose, key, stream};
use crate::schedule::{Doing, Schedule};
use crate::truth::{Truth, UnitTruth};
use crate::ware::{Mechanisms, Past};
use lehr_domain::event::SensorDef;
use lehr_domain::machine::{MachineState, StateChange};
use lehr_domain::names::Names;
use lehr_domain::unit::Unit;
use lehr_domain::{Event, EventMs, LineId, Micro, ProductId, SensorId, SpanMs, UnitId};

/// Planned run time when the catalogue has no products, and the shortest that is simulated: fifty units a
/// second are far beyond any machine and still have a millisecond each.
const USUAL_RUN_MS: i64 = 4000;
const LEAST_RUN_MS: i64 = 20;
/// Small losses of speed: what a line at its nominal speed takes over the planned run time.
const SPEED_LOSS: f64 = 1.02;
/// What changes with the product: belt speed as a share, mold temperature in sigmas. Products take turns.
const RECIPES: [(f64, f64); 3] = [(1.0, 0.0), (0.98, 3.0), (1.015, -2.0)];

/// What an instrument measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Known(Quantity),
    /// Position among the line's free quantities.
    Free(usize),
}

#[derive(Clone)]
pub(crate) struct Line {
    pub id: LineId,
    pub key: u64,
    pub name: String,
    seed: u64,
    process: Process,
    free: Vec<FreeQuantity>,
    /// Sensors and what each measures, in order of id.
    pub sensors: Vec<(SensorId, Signal)>,
    history: History,
    transport: Transport,
    schedule: Schedule,
    mechanisms: Mechanisms,
    products: Vec<(ProductId, i64)>,
    doing: Doing,
    /// Set-point of the belt for the product: at this speed a unit takes its planned run time.
    recipe_belt: f64,
    /// Share of the next unit that has passed inspection.
    progress: f64,
    life: Option<Life>,
}

impl Line {
    pub fn new(
        names: &Names,
        id: LineId,
        config: &crate::PlantConfig,
        campaign: Option<Campaign>,
    ) -> Result<Line, PlantError> {
        let name = names.line(id).to_owned();
        let key = key(&name);
        let defs: Vec<(SensorId, &SensorDef)> = names.sensors().filter(|(_, def)| def.line == id).collect();
        let mut free: Vec<FreeQuantity> = Vec::new();
        let mut sensors = Vec::with_capacity(defs.len());
        for (sensor, def) in &defs {
            let parameter = names.parameter(def.parameter);
            let signal = match Quantity::measured_by(parameter) {
                Some(quantity) => Signal::Known(quantity),
                None => Signal::Free(free_quantity(&mut free, names, &defs, key, parameter, def, config.seed)),
            };
            sensors.push((*sensor, signal));
        }
        let first = |quantity: Quantity| {
            let place = sensors.iter().position(|(_, signal)| *signal == Signal::Known(quantity))?;
            Some(defs[place].1)
        };
        let nominal = Table::of(|quantity| {
            let target = first(quantity).and_then(|def| def.target).map_or(0.0, Micro::to_f64);
            // Some targets are divisors, and none of these quantities idles at zero or below.
            if target > 0.0 { target } else { quantity.profile().target }
        });
        let sigma = Table::of(|quantity| first(quantity).map_or(quantity.profile().sigma, sigma_of));
        let products: Vec<(ProductId, i64)> =
            names.products().map(|(id, def)| (id, def.planned_run_time.0.max(LEAST_RUN_MS))).collect();
        let turns = products.iter().map(|(product, _)| *product).collect();
        let schedule = Schedule::new(config.seed, key, id.index(), turns, config.stops);
        let doing = schedule.doing();
        let mut setpoint = nominal.clone();
        for (quantity, value) in recipe(&products, doing.product, &nominal, &sigma) {
            setpoint[quantity] = value;
        }
        let transport = Transport::of(names, id)?;
        Ok(Line {
            id,
            key,
            name,
            seed: config.seed,
            recipe_belt: setpoint[Quantity::BeltSpeed],
            mechanisms: Mechanisms::new(&nominal),
            process: Process::new(config.seed, key, nominal, sigma, setpoint),
            free,
            sensors,
            history: History::new(transport.reach_s()),
            transport,
            schedule,
            products,
            doing,
            progress: 0.0,
            life: campaign.map(|campaign| Life::new(config.seed, key, campaign)),
        })
    }

    /// What the line tells when the simulation begins: its state, and every set-point.
    pub fn begin(&self, at: EventMs, names: &Names, pending: &mut Pending) {
        self.tell_state(at, pending);
        for (sensor, signal) in &self.sensors {
            let Some(target) = names.sensor_def(*sensor).and_then(|def| def.target) else { continue };
            let value = match signal {
                // The catalogue's own figure, not one that went through floats, where the product asks no other.
                Signal::Known(quantity) if self.process.ought(*quantity) != self.process.nominal[*quantity] => {
                    micro(self.process.ought(*quantity))
                }
                _ => target,
            };
            pending.setpoint(*sensor, at, value);
        }
    }

    fn tell_state(&self, at: EventMs, pending: &mut Pending) {
        let Doing { state, product, reason } = self.doing;
        pending.event(at, Event::State(StateChange { line: self.id, at, state, product, reason: reason.into() }));
    }

    pub fn value(&self, signal: Signal) -> f64 {
        match signal {
            Signal::Known(quantity) => self.process.value[quantity],
            Signal::Free(index) => self.free[index].value,
        }
    }

    /// What it ought to be: see [`Process::ought`]; a quantity that nothing is known of, its set-point.
    pub fn ought(&self, signal: Signal) -> f64 {
        match signal {
            Signal::Known(quantity) => self.process.ought(quantity),
            Signal::Free(index) => self.free[index].setpoint,
        }
    }

    /// Moves the loop that holds `signal` to a new set-point and tells what every sensor ought to show now:
    /// those that measure it, and those of quantities that follow it.
    pub fn write_setpoint(&mut self, signal: Signal, value: Micro, at: EventMs, pending: &mut Pending) {
        let before = Table::of(|quantity| self.process.ought(quantity));
        match signal {
            Signal::Known(quantity) => self.process.setpoint[quantity] = value.to_f64(),
            Signal::Free(index) => self.free[index].setpoint = value.to_f64(),
        }
        for (sensor, measured) in &self.sensors {
            match measured {
                _ if *measured == signal => pending.setpoint(*sensor, at, value),
                Signal::Known(quantity) if self.process.ought(*quantity) != before[*quantity] => {
                    pending.setpoint(*sensor, at, micro(self.process.ought(*quantity)));
                }
                _ => {}
            }
        }
    }

    /// What the line's campaign brings at the beginning of a minute.
    pub fn live(&mut self, second: u64, at: EventMs) -> Vec<campaign::Turn> {
        match &mut self.life {
            Some(life) if second.is_multiple_of(60) => life.step(second / 60, at),
            _ => Vec::new(),
        }
    }

    /// Levels of the slow causes; zeros without a campaign.
    pub fn levels(&self) -> [f32; campaign::SLOW] {
        self.life.as_ref().map_or([0.0; campaign::SLOW], Life::levels)
    }

    /// Lets all chance from this second on be another.
    pub fn fork(&mut self, seed: u64, second: u64) {
        self.seed = seed;
        self.process.fork(seed, second);
        self.schedule.fork(seed, self.key, second);
        for quantity in &mut self.free {
            quantity.fork(seed, self.key);
        }
        if let Some(life) = &mut self.life {
            life.fork(seed);
        }
    }

    pub fn step(&mut self, second: u64, at: EventMs, mut effects: Effects, pending: &mut Pending) {
        if let Some(life) = &self.life {
            life.act(self.process.hidden().batch, &mut effects);
        }
        let effects = &effects;
        let mut doing = self.schedule.step(second);
        if effects.stopped {
            doing = Doing { state: MachineState::Down, reason: "line stop", ..doing };
        }
        if doing != self.doing {
            let product_before = self.doing.product;
            self.doing = doing;
            self.tell_state(at, pending);
            if doing.product != product_before {
                self.change_product(at, pending);
            }
        }
        let producing = doing.state == MachineState::Production;
        self.process.step(second, at, producing, effects);
        for quantity in &mut self.free {
            quantity.step(second);
        }
        self.history.push(self.conditions(effects));
        if producing {
            self.produce(at, pending);
        }
    }

    fn change_product(&mut self, at: EventMs, pending: &mut Pending) {
        let process = &self.process;
        for (quantity, value) in recipe(&self.products, self.doing.product, &process.nominal, &process.sigma) {
            self.write_setpoint(Signal::Known(quantity), micro(value), at, pending);
        }
        self.recipe_belt = self.process.setpoint[Quantity::BeltSpeed];
    }

    fn conditions(&self, effects: &Effects) -> Conditions {
        let value = |quantity: Quantity| self.process.value[quantity] as f32;
        let hidden = self.process.hidden();
        Conditions {
            furnace_c: value(Quantity::FurnaceTemperature),
            belt: value(Quantity::BeltSpeed),
            mold_c: value(Quantity::MoldTemperature),
            pressure: value(Quantity::FormingPressure),
            cooling: value(Quantity::CoolingRate),
            humidity: hidden.humidity as f32,
            batch: hidden.batch as f32,
            cullet: effects.cullet as f32,
            wear: effects.wear as f32,
            stones: effects.stones as f32,
            seeds: effects.seeds as f32,
        }
    }

    /// The units that pass inspection within the second that begins at `at`.
    fn produce(&mut self, at: EventMs, pending: &mut Pending) {
        let run_ms = self.products.iter().find(|(product, _)| *product == self.doing.product);
        let run_ms = run_ms.map_or(USUAL_RUN_MS, |(_, run_ms)| *run_ms);
        let pace = self.process.value[Quantity::BeltSpeed] / self.recipe_belt;
        let rate = pace.max(0.0) * 1000.0 / (run_ms as f64 * SPEED_LOSS);
        let before = self.progress;
        self.progress += rate;
        let mut passed = 0.0;
        while self.progress >= 1.0 {
            self.progress -= 1.0;
            passed += 1.0;
            let within_ms = (1000.0 * (passed - before) / rate).clamp(0.0, 999.0) as i64;
            self.unit(at + SpanMs(within_ms), pending);
        }
    }

    fn unit(&self, at: EventMs, pending: &mut Pending) {
        let unit = unit_id(self.id, at);
        let lags = self.transport.lags(self.process.hidden().pull);
        let melted = self.history.ago(lags.melted_s);
        let formed = self.history.ago(lags.formed_s);
        let annealed = self.history.ago(lags.annealed_s);
        let past = Past {
            furnace_c: f64::from(melted.furnace_c),
            belt: f64::from(formed.belt),
            mold_c: f64::from(formed.mold_c),
            variation: f64::from(self.history.pressure_variation(lags.formed_s)),
            cooling: f64::from(annealed.cooling),
            humidity: f64::from(formed.humidity),
            batch: f64::from(melted.batch),
            cullet: f64::from(melted.cullet),
            wear: f64::from(melted.wear),
            stones: f64::from(melted.stones),
            seeds: f64::from(melted.seeds),
        };
        let mut rng = stream(self.seed, Purpose::Unit, &[self.key, at.0 as u64]);
        let defects = self.mechanisms.defects(&past, &mut rng);
        let findings = inspect(&defects, &mut rng);
        let ago = |seconds: u64| at - SpanMs::seconds(seconds as i64);
        pending.truth.push(Truth::Unit(UnitTruth {
            unit,
            line: self.id,
            at,
            melted_at: ago(lags.melted_s),
            formed_at: ago(lags.formed_s),
            annealed_at: ago(lags.annealed_s),
            defects,
            missed: findings.missed,
            spurious: findings.spurious,
        }));
        let (product, verdict) = (self.doing.product, findings.verdict);
        pending.event(at, Event::Unit(Unit { unit, line: self.id, at, product, verdict, defects: findings.defects }));
    }
}

/// Line in the upper 16 bits, time of inspection in the lower 48: unique over lines, and over simulations of
/// different times.
fn unit_id(line: LineId, at: EventMs) -> UnitId {
    const TIME_BITS: u32 = 48;
    UnitId(u64::from(line.0) << TIME_BITS | (at.0 as u64 & ((1 << TIME_BITS) - 1)))
}

fn micro(value: f64) -> Micro {
    Micro((value * Micro::SCALE as f64).round() as i64)
}

/// The set-points of a product, rounded to a tenth.
fn recipe(products: &[(ProductId, i64)], product: ProductId, nominal: &Table, sigma: &Table) -> [(Quantity, f64); 2] {
    let place = products.iter().position(|(id, _)| *id == product).unwrap_or(0);
    let (belt, mold) = RECIPES[place % RECIPES.len()];
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    let mold_c = nominal[Quantity::MoldTemperature] + mold * sigma[Quantity::MoldTemperature];
    [(Quantity::BeltSpeed, tenth(belt * nominal[Quantity::BeltSpeed])), (Quantity::MoldTemperature, tenth(mold_c))]
}

/// The position of the free quantity that `parameter` measures: that of the sensor it is a numbered copy of,
/// or its own.
fn free_quantity(
    free: &mut Vec<FreeQuantity>,
    names: &Names,
    defs: &[(SensorId, &SensorDef)],
    line_key: u64,
    parameter: &str,
    def: &SensorDef,
    seed: u64,
) -> usize {
    let original = without_number(parameter);
    let original = defs.iter().find(|(_, def)| names.parameter(def.parameter) == original);
    let (parameter, def) = original.map_or((parameter, def), |(_, def)| (names.parameter(def.parameter), *def));
    if let Some(place) = free.iter().position(|quantity| quantity.parameter == parameter) {
        return place;
    }
    free.push(FreeQuantity::new(seed, line_key, parameter, def));
    free.len() - 1
}
