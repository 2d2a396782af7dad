//! Random traces of raw inputs, from a seed: a small plant whose sensors drift, jump, freeze and fall silent, whose
//! readings come late, twice, corrected and in any order, while people edit everything and act on the alerts that
//! there are.

mod definitions;
mod models;
mod people;
mod pictures;
mod proposals;
mod sensors;

use crate::oracle::Oracle;
use crate::tables::Tables;
use crate::toy::{Foreteller, Looker, Toy};
pub use definitions::{LEVEL, SIGMA};
use definitions::{PARAMETERS, calendar, defect, edge, product, rule, sensor};
use lehr_dataflows::base::Retention;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::event::{ErrorRow, LateRow, Revised};
use lehr_domain::machine::{MachineState, Setpoint, StateChange};
use lehr_domain::operator::{AuditEntry, OperatorEvent};
use lehr_domain::rule::Rule;
use lehr_domain::scenario::{Scenario, Settings};
use lehr_domain::unit::{Unit, Verdict};
use lehr_domain::{
    EdgeId, Event, EventMs, Inputs, LineId, Micro, ParameterId, ProductId, ReadingBatch, RuleId, ScenarioId, SensorId,
    SpanMs, Status, Tick, UnitId,
};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
pub use rand_chacha::ChaCha8Rng;
use sensors::Sensors;
use std::sync::Arc;

/// Half an hour before a shift and a day end in Berlin, on the night in which its clocks change.
pub const START: EventMs = EventMs(1_774_737_000_000);

const SENSORS: u32 = 6;
const EDGES: u32 = 16;

/// What a trace does besides the usual.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Rows leave, after three quarters of an hour (panes) and one and a half hours (events).
    pub retention: bool,
    /// The last ticks come a week later.
    pub leap: bool,
}

impl Habits {
    fn retention(self) -> Retention {
        if self.retention {
            Retention { panes: SpanMs::minutes(45), events: SpanMs::minutes(90) }
        } else {
            Retention::FOREVER
        }
    }
}

/// The inputs of a trace, and what the tables must hold after each tick.
pub struct Trial {
    pub config: GraphConfig,
    pub ticks: Vec<Arc<Inputs>>,
    pub expected: Vec<Tables>,
}

pub fn trial(seed: u64, length: u64, habits: Habits) -> Trial {
    let retention = habits.retention();
    let mut oracle = Oracle::new(retention);
    let mut plant = Plant::new(seed);
    let (mut ticks, mut expected) = (Vec::new(), Vec::new());
    for tick in 1..=length {
        if habits.leap && tick + 3 == length {
            plant.now = plant.now + SpanMs(SpanMs::days(7).0 + SpanMs::minutes(35).0);
        }
        let inputs = plant.tick(Tick(tick), oracle.tables(), habits.retention);
        expected.push(oracle.close(&inputs).clone());
        ticks.push(Arc::new(inputs));
    }
    // Where rows leave, panes are sealed before.
    let seal_after = if habits.retention { SpanMs::minutes(10) } else { SpanMs::FOREVER };
    Trial {
        config: GraphConfig {
            retention,
            seal_after,
            twin: Some(&Toy),
            scorer: Some(&Foreteller),
            inspector: Some(&Looker),
            ..GraphConfig::default()
        },
        ticks,
        expected,
    }
}

struct Plant {
    rng: ChaCha8Rng,
    tick: Tick,
    now: EventMs,
    low_water: EventMs,
    sensors: Sensors,
    rules: Vec<Rule>,
    next_id: u64,
    units: Vec<Unit>,
    /// All that was sent, to be sent again.
    sent: Vec<Revised>,
    events: Vec<Revised>,
    deployers: models::Deployers,
    photographers: pictures::Photographers,
}

impl Plant {
    fn new(seed: u64) -> Plant {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rules = definitions::checks(&mut rng, seed).into_iter().map(|check| rule(&mut rng, check)).collect();
        Plant {
            sensors: Sensors::new(SENSORS),
            rng,
            tick: Tick(0),
            now: START,
            low_water: EventMs::MIN,
            rules,
            next_id: 1,
            units: Vec::new(),
            sent: Vec::new(),
            events: Vec::new(),
            deployers: models::Deployers::new(seed),
            photographers: pictures::Photographers::new(seed),
        }
    }

    fn tick(&mut self, tick: Tick, before: &Tables, retention: bool) -> Inputs {
        self.tick = tick;
        if tick == Tick(1) {
            self.register();
        }
        let until = self.now + SpanMs::seconds(20 * [1, 2, 3, 4, 6, 9, 15][self.rng.random_range(0..7)]);
        let mut readings = self.sensors.readings(&mut self.rng, tick, self.now, until);
        if self.rng.random_bool(0.15) {
            let correction = people::false_alarm(&mut self.rng, before, &self.sensors, tick);
            readings.extend(correction);
        }
        readings.shuffle(&mut self.rng);
        self.produce(until);
        self.now = until;
        self.change_states();
        if self.rng.random_bool(0.5) {
            self.edit();
        }
        for _ in 0..self.rng.random_range(0..3) {
            if let Some(event) = people::act(&mut self.rng, before, self.next_id, self.now) {
                self.next_id += 1;
                self.send(Event::Operator(event));
            }
        }
        self.note();
        if let Some(event) = proposals::act(&mut self.rng, before, self.next_id, self.now) {
            self.next_id += 1;
            self.send(event);
        }
        self.repeat();
        self.events.shuffle(&mut self.rng);
        if retention && self.rng.random_bool(0.7) {
            self.low_water = self.low_water.max(self.now - SpanMs::minutes(self.rng.random_range(0..10)));
        }
        let mut events = std::mem::take(&mut self.events);
        self.sent.extend(events.iter().cloned());
        events.extend(self.deployers.act(tick, self.now));
        let taken = self.photographers.act(tick, self.now, &events);
        events.extend(taken);
        Inputs {
            tick,
            now: self.now,
            wall: EventMs(0),
            low_water: self.low_water,
            readings: readings.into_iter().collect::<ReadingBatch>(),
            events,
            offsets: Vec::new(),
        }
    }

    fn send(&mut self, event: Event) {
        self.events.push(Revised { revision: self.tick.0, event });
    }

    fn register(&mut self) {
        for line in 0..2 {
            self.send(Event::Line(LineId(line), format!("line {line}")));
        }
        for id in 0..PARAMETERS {
            self.send(Event::Parameter(ParameterId(id), format!("parameter {id}")));
        }
        for id in 0..SENSORS {
            let def = sensor(&mut self.rng, id);
            self.send(Event::Sensor(SensorId(id), def));
        }
        for (id, rule) in self.rules.clone().into_iter().enumerate() {
            self.send(Event::Rule(RuleId(id as u32), Some(rule)));
        }
        for id in 0..EDGES {
            let edge = edge(&mut self.rng);
            self.send(Event::Edge(EdgeId(id), Some(edge)));
        }
        let product = product(&mut self.rng);
        self.send(Event::Product(ProductId(0), product));
        self.send(Event::Calendar(calendar(0)));
        self.send(Event::State(StateChange {
            line: LineId(0),
            at: START,
            state: MachineState::Production,
            product: ProductId(0),
            reason: String::new(),
        }));
    }

    /// Inspects units, new ones and, with another result or time, old ones. Some times are wrong: ahead of the clock, or
    /// so far back that the unit should have left.
    fn produce(&mut self, until: EventMs) {
        for _ in 0..self.rng.random_range(0..5) {
            let late = match self.rng.random_range(0..50) {
                0..10 => self.rng.random_range(0..3000),
                10..12 => -self.rng.random_range(0..900),
                _ => 0,
            };
            let at = EventMs(self.rng.random_range(self.now.0..until.0)) - SpanMs::seconds(late);
            let mut unit = self.unit(at);
            if !self.units.is_empty() && self.rng.random_bool(0.2) {
                let old = &self.units[self.rng.random_range(0..self.units.len())];
                (unit.unit, unit.line) = (old.unit, old.line);
                unit.at = match self.rng.random_range(0..10) {
                    0..6 => old.at,
                    6 => old.at - SpanMs::minutes(90),
                    _ => unit.at,
                };
            }
            self.units.push(unit.clone());
            self.send(Event::Unit(unit));
        }
    }

    fn unit(&mut self, at: EventMs) -> Unit {
        let rng = &mut self.rng;
        let mut defects: Vec<_> = (0..[0, 0, 0, 1, 2][rng.random_range(0..5)]).map(|_| defect(rng)).collect();
        defects.sort();
        let bad = [Verdict::Good, Verdict::Rework, Verdict::Scrap][rng.random_range(0..3)];
        self.next_id += 1;
        Unit {
            unit: UnitId(self.next_id),
            line: LineId(rng.random_range(0..2)),
            at,
            product: ProductId(rng.random_range(0..2)),
            verdict: if defects.is_empty() { Verdict::Good } else { bad },
            defects,
        }
    }

    /// Starts and stops lines, now or in the past, or says so anew of a time that was told already.
    fn change_states(&mut self) {
        if !self.rng.random_bool(0.2) {
            return;
        }
        let back = if self.rng.random_bool(0.4) { self.rng.random_range(0..4000) } else { 0 };
        let mut at = EventMs((self.now.0 / 1000 - back) / 10 * 10_000);
        let mut line = LineId(self.rng.random_range(0..2));
        let told: Vec<(LineId, EventMs)> = self
            .sent
            .iter()
            .filter_map(|row| if let Event::State(row) = &row.event { Some((row.line, row.at)) } else { None })
            .collect();
        if !told.is_empty() && self.rng.random_bool(0.2) {
            (line, at) = told[self.rng.random_range(0..told.len())];
        }
        let state = [MachineState::Production, MachineState::Setup, MachineState::Down, MachineState::Planned]
            [self.rng.random_range(0..4)];
        let product = ProductId(self.rng.random_range(0..2));
        let reason = ["", "job change", "jam"][self.rng.random_range(0..3)].to_owned();
        self.send(Event::State(StateChange { line, at, state, product, reason }));
    }

    fn edit(&mut self) {
        match self.rng.random_range(0..14) {
            0..5 => {
                let id = self.rng.random_range(0..self.rules.len());
                let edited = rule(&mut self.rng, self.rules[id].check);
                let gone = self.rng.random_bool(0.15);
                self.send(Event::Rule(RuleId(id as u32), (!gone).then_some(edited)));
            }
            5..8 => {
                let id = EdgeId(self.rng.random_range(0..EDGES));
                let edited = edge(&mut self.rng);
                let gone = self.rng.random_bool(0.15);
                self.send(Event::Edge(id, (!gone).then_some(edited)));
            }
            8..11 => {
                let sensor = SensorId(self.rng.random_range(0..SENSORS));
                let at = self.now - SpanMs::seconds(30 * self.rng.random_range(0..100));
                let value = Micro(definitions::LEVEL + self.rng.random_range(-2..=2) * definitions::SIGMA);
                let new = Setpoint { sensor, at, value };
                let told = |row: &Revised| if let Event::Setpoint(row) = row.event { Some(row) } else { None };
                let old = self.sent.iter().filter_map(told).next_back().filter(|_| self.rng.random_bool(0.3));
                self.send(Event::Setpoint(old.map_or(new, |old| Setpoint { value, ..old })));
            }
            11 => {
                let id = self.rng.random_range(0..SENSORS);
                let def = sensor(&mut self.rng, id);
                self.send(Event::Sensor(SensorId(id), def));
            }
            12 => {
                let product = product(&mut self.rng);
                let id = ProductId(self.rng.random_range(0..2));
                self.send(Event::Product(id, product));
            }
            _ => {
                let which = self.rng.random_range(0..3);
                self.send(Event::Calendar(calendar(which)));
            }
        }
    }

    /// Rows that are shown as they come.
    fn note(&mut self) {
        if !self.rng.random_bool(0.2) {
            return;
        }
        let (id, at, text) = (self.rng.random_range(0..9), self.now, format!("text {}", self.rng.random_range(0..9)));
        let event = match self.rng.random_range(0..4) {
            0 => Event::Audit(AuditEntry {
                id,
                at,
                by: text.clone(),
                action: "rule.update".into(),
                subject: text.clone(),
                before: String::new(),
                after: text,
                reason: String::new(),
            }),
            2 => {
                let settings = Settings(vec![(ParameterId(0), Micro(id as i64))]);
                let (line, duration) = (LineId(0), SpanMs::hours(6));
                let def = Scenario { name: text.clone(), line, duration, settings, by: text, made_at: at };
                Event::Scenario(ScenarioId(id as u32 % 3), self.rng.random_bool(0.7).then_some(def))
            }
            1 => Event::Error(ErrorRow { id, at, source: text.clone(), reason: text.clone(), hash: id, sample: text }),
            _ => Event::Late(LateRow {
                sensor: SensorId(0),
                at: at - SpanMs::days(9),
                value: Micro(id as i64),
                arrived: at,
                status: Status::Ok,
                revision: id,
            }),
        };
        self.send(event);
    }

    /// Sends again, with its revision, what was sent already: it changes nothing, or is outdated. Or somebody says
    /// with other words what he did.
    fn repeat(&mut self) {
        let told = |row: &Revised| if let Event::Operator(event) = &row.event { Some(event.clone()) } else { None };
        if self.rng.random_bool(0.1)
            && let Some(event) = self.sent.iter().rev().find_map(told)
        {
            self.send(Event::Operator(OperatorEvent { reason: "in other words".into(), ..event }));
        }
        for _ in 0..self.rng.random_range(0..3) {
            if !self.sent.is_empty() {
                let again = self.sent[self.rng.random_range(0..self.sent.len())].clone();
                self.events.push(again);
            }
        }
    }
}
