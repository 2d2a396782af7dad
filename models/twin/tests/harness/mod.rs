//! The simulated plant as the twin sees it: minute panes of one line, and the truth beside them.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod observer;
pub mod perfect;

use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::machine::MachineState;
use lehr_domain::names::Names;
use lehr_domain::unit::{DefectType, Verdict};
use lehr_domain::{Event, EventMs, Micro, SensorId, SpanMs};
use lehr_plant::{FaultSpec, PlantConfig, PlantSim, Truth};
use lehr_twin::{Minute, PARAMETERS, PaneValue, Parameter};
use std::sync::LazyLock;

pub const START: EventMs = EventMs(1_769_839_200_000);
pub const LINE: &str = "Line_A";

/// The shipped plant with one line, so that nothing is simulated in vain.
pub fn names() -> &'static Names {
    static NAMES: LazyLock<Names> = LazyLock::new(|| {
        let mut catalogue = Catalogue::parse(DEFAULT).expect("the shipped catalogue is good");
        catalogue.plant.lines.truncate(1);
        catalogue.names().expect("a good catalogue")
    });
    &NAMES
}

pub fn sensor(parameter: Parameter) -> SensorId {
    names().sensor_id(&format!("{LINE}.{}", parameter.text())).expect("a sensor of the shipped plant")
}

/// A simulated line whose output comes in minutes.
pub struct Line {
    sim: PlantSim,
    parameter_of: Vec<Option<Parameter>>,
    setpoints: [Option<f64>; PARAMETERS],
    machine: MachineState,
    planned_run_time_s: f64,
}

/// A minute, and what really happened in it.
pub struct Lived {
    pub minute: Minute,
    /// The last reading of each quantity.
    pub last: [Option<f64>; PARAMETERS],
    /// Units that really had a defect of each type, and units with any.
    pub true_defects: [f64; DefectType::COUNT],
    pub true_bad: f64,
    /// All that was told in this minute, in order of time.
    pub events: Vec<Event>,
}

impl Line {
    pub fn new(config: PlantConfig, faults: &[&str]) -> Line {
        let mut sim = PlantSim::new(names(), config).expect("the shipped plant can be simulated");
        for fault in faults {
            sim.inject(FaultSpec::parse(fault).expect("a good fault")).expect("a fault of this plant");
        }
        let parameter_of =
            names().sensors().map(|(_, def)| Parameter::parse(names().parameter(def.parameter))).collect();
        let setpoints = [None; PARAMETERS];
        Line { sim, parameter_of, setpoints, machine: MachineState::Production, planned_run_time_s: 4.0 }
    }

    pub fn steady(seed: u64) -> Line {
        Line::new(PlantConfig { seed, start: START, stops: false, ..PlantConfig::default() }, &[])
    }

    pub fn write(&mut self, parameter: Parameter, value: f64) {
        let value = Micro::from_f64(value).expect("a set-point");
        self.sim.write_setpoint(sensor(parameter), value).unwrap_or_else(|error| panic!("{parameter:?}: {error}"));
    }

    pub fn sim(&mut self) -> &mut PlantSim {
        &mut self.sim
    }

    pub fn true_value(&self, parameter: Parameter) -> f64 {
        self.sim.true_value(sensor(parameter)).expect("a registered sensor")
    }

    /// The next minute.
    pub fn minute(&mut self) -> Lived {
        let at = self.sim.now();
        let output = self.sim.advance(at + SpanMs::minutes(1));
        let mut readings: [Vec<f64>; PARAMETERS] = std::array::from_fn(|_| Vec::new());
        for reading in output.readings.iter().filter(|reading| reading.status.counts()) {
            if let Some(parameter) = self.parameter_of[reading.sensor.index()] {
                readings[parameter.index()].push(reading.value.to_f64());
            }
        }
        let mut minute = Minute::gap(at);
        minute.values = std::array::from_fn(|index| pane(&readings[index]));
        let last = std::array::from_fn(|index| readings[index].last().copied());
        let true_defects = [0.0; DefectType::COUNT];
        let mut lived = Lived { minute, last, true_defects, true_bad: 0.0, events: Vec::new() };
        for event in &output.events {
            self.hear(event, &mut lived.minute);
        }
        lived.minute.setpoints = self.setpoints;
        lived.minute.machine = self.machine;
        lived.minute.planned_run_time_s = self.planned_run_time_s;
        for truth in &output.truth {
            if let Truth::Unit(unit) = truth {
                lived.true_bad += if unit.defects.is_empty() { 0.0 } else { 1.0 };
                for found in &unit.defects {
                    lived.true_defects[found.defect as usize] += 1.0;
                }
            }
        }
        lived.events = output.events;
        lived
    }

    fn hear(&mut self, event: &Event, minute: &mut Minute) {
        match event {
            Event::Setpoint(row) => {
                if let Some(parameter) = self.parameter_of[row.sensor.index()] {
                    self.setpoints[parameter.index()] = Some(row.value.to_f64());
                }
            }
            Event::State(row) => {
                self.machine = row.state;
                let product = names().product_def(row.product).expect("a registered product");
                self.planned_run_time_s = product.planned_run_time.0 as f64 / 1000.0;
            }
            Event::Unit(unit) => {
                minute.units += 1.0;
                minute.good += if unit.verdict == Verdict::Good { 1.0 } else { 0.0 };
                for defect in DefectType::ALL {
                    if unit.defects.iter().any(|found| found.defect == defect) {
                        minute.defects[defect as usize] += 1.0;
                    }
                }
            }
            _ => {}
        }
    }
}

fn pane(readings: &[f64]) -> Option<PaneValue> {
    let n = readings.len() as f64;
    let mean = readings.iter().sum::<f64>() / n;
    let (low, high) = readings.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    (n > 0.0).then_some(PaneValue { mean, range: high - low, n: readings.len() as u32 })
}

/// A linear congruential generator: the same numbers everywhere, good enough to vary a test.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.between(0.0, 1.0);
        random
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }
}
