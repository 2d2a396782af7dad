//! The shipped plant, simulated.
#![allow(dead_code, reason = "each test file uses its part")]

use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::names::Names;
use lehr_domain::unit::Unit;
use lehr_domain::{Event, EventMs, SensorId, SpanMs};
use lehr_plant::{FaultSpec, Output, PlantConfig, PlantSim, Truth, UnitTruth};
use std::sync::LazyLock;

pub const START: EventMs = EventMs(1_769_839_200_000);

pub fn names_of(catalogue: &Catalogue) -> Names {
    catalogue.names().expect("a good catalogue")
}

pub fn shipped() -> &'static Names {
    static NAMES: LazyLock<Names> =
        LazyLock::new(|| names_of(&Catalogue::parse(DEFAULT).expect("the shipped catalogue is good")));
    &NAMES
}

/// The shipped plant without stops, so that a test sees faults alone.
pub fn steady(seed: u64) -> PlantConfig {
    PlantConfig { seed, start: START, stops: false, ..PlantConfig::default() }
}

pub fn plant(config: PlantConfig, faults: &[&str]) -> PlantSim {
    let mut sim = PlantSim::new(shipped(), config).expect("the shipped plant can be simulated");
    for fault in faults {
        sim.inject(FaultSpec::parse(fault).expect("a good fault")).expect("a fault of this plant");
    }
    sim
}

pub fn run(config: PlantConfig, faults: &[&str], span: SpanMs) -> Output {
    let mut sim = plant(config, faults);
    let until = sim.now() + span;
    sim.advance(until)
}

pub fn sensor(name: &str) -> SensorId {
    shipped().sensor_id(name).expect("a sensor of the shipped plant")
}

/// Values of a sensor in order of time: milliseconds after [`START`], value.
pub fn values(output: &Output, name: &str) -> Vec<(i64, f64)> {
    let sensor = sensor(name);
    let readings = output.readings.iter().filter(|reading| reading.sensor == sensor);
    readings.map(|reading| ((reading.at - START).0, reading.value.to_f64())).collect()
}

pub fn units(output: &Output) -> Vec<&Unit> {
    output.events.iter().filter_map(|event| if let Event::Unit(unit) = event { Some(unit) } else { None }).collect()
}

pub fn unit_truths(output: &Output) -> Vec<&UnitTruth> {
    output.truth.iter().filter_map(|truth| if let Truth::Unit(unit) = truth { Some(unit) } else { None }).collect()
}

pub fn minutes(span: SpanMs) -> f64 {
    span.0 as f64 / 60_000.0
}
