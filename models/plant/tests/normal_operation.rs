//! What the plant is like when nothing is wrong: the catalogue's targets and sigmas hold, minute means keep
//! little of each other, and one to three units in a hundred are defective.

mod common;

use common::*;
use lehr_domain::machine::MachineState;
use lehr_domain::unit::Verdict;
use lehr_domain::{Event, LineId, Micro, SensorId, SpanMs};
use lehr_plant::{Output, PlantConfig};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE_MS: i64 = 60_000;
/// After a change of product the molds take this long to follow.
const SETTLE: SpanMs = SpanMs::minutes(45);

/// The set-points and the stretches of settled production that the events tell.
struct Told {
    setpoints: BTreeMap<SensorId, BTreeMap<i64, Micro>>,
    stops: BTreeMap<LineId, Vec<(i64, i64)>>,
}

fn told(output: &Output, end: i64) -> Told {
    let mut told = Told { setpoints: BTreeMap::new(), stops: BTreeMap::new() };
    let mut standing: BTreeMap<LineId, i64> = BTreeMap::new();
    for event in &output.events {
        match event {
            Event::Setpoint(row) => {
                told.setpoints.entry(row.sensor).or_default().insert(row.at.0, row.value);
            }
            Event::State(row) if row.state == MachineState::Production => {
                if let Some(from) = standing.remove(&row.line) {
                    told.stops.entry(row.line).or_default().push((from, row.at.0));
                }
            }
            Event::State(row) => {
                standing.insert(row.line, row.at.0);
            }
            _ => {}
        }
    }
    for (line, from) in standing {
        told.stops.entry(line).or_default().push((from, end));
    }
    told
}

impl Told {
    fn settled(&self, line: LineId, minute: i64) -> bool {
        let at = minute * MINUTE_MS;
        let stops = self.stops.get(&line).map_or(&[][..], Vec::as_slice);
        stops.iter().all(|(from, to)| at + MINUTE_MS <= *from || at >= to + SETTLE.0)
    }

    fn setpoint(&self, sensor: SensorId, minute: i64) -> f64 {
        let rows = &self.setpoints[&sensor];
        rows.range(..=minute * MINUTE_MS).next_back().expect("told at the start").1.to_f64()
    }
}

/// Deviations of minute means from the set-point in settled production, by sensor and minute.
fn deviations(output: &Output, end: i64) -> BTreeMap<SensorId, BTreeMap<i64, f64>> {
    let names = shipped();
    let told = told(output, end);
    let mut panes: BTreeMap<(SensorId, i64), (f64, f64)> = BTreeMap::new();
    for reading in output.readings.iter() {
        let pane = panes.entry((reading.sensor, reading.at.0.div_euclid(MINUTE_MS))).or_default();
        *pane = (pane.0 + reading.value.to_f64(), pane.1 + 1.0);
    }
    let mut deviations: BTreeMap<SensorId, BTreeMap<i64, f64>> = BTreeMap::new();
    for ((sensor, minute), (sum, count)) in panes {
        let line = names.sensor_def(sensor).expect("a registered sensor").line;
        if told.settled(line, minute) {
            let deviation = sum / count - told.setpoint(sensor, minute);
            deviations.entry(sensor).or_default().insert(minute, deviation);
        }
    }
    deviations
}

#[test]
fn minute_means_have_the_targets_and_sigmas_of_the_catalogue() {
    let names = shipped();
    let span = SpanMs::hours(24);
    for seed in 1..=4 {
        let output = run(PlantConfig { seed, start: START, ..PlantConfig::default() }, &[], span);
        for (sensor, minutes) in deviations(&output, (START + span).0) {
            let def = names.sensor_def(sensor).expect("a registered sensor");
            let sigma = def.sigma.expect("the shipped catalogue has sigmas").to_f64();
            let count = minutes.len() as f64;
            let mean = minutes.values().sum::<f64>() / count;
            let variance = minutes.values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            let pairs: Vec<f64> = minutes
                .iter()
                .filter_map(|(minute, value)| Some((value - mean) * (minutes.get(&(minute + 1))? - mean)))
                .collect();
            let correlation = pairs.iter().sum::<f64>() / pairs.len() as f64 / variance;
            let (mean, spread) = (mean / sigma, variance.sqrt() / sigma);
            let far = minutes.values().filter(|value| value.abs() > 3.0 * sigma).count();
            let what = format!(
                "seed {seed}, {}: mean {mean:.2} σ, spread {spread:.2} σ, correlation {correlation:.2}, {far} of {count} beyond 3 σ",
                def.name
            );
            println!("{what}");
            assert!(mean.abs() < 0.5, "{what}");
            assert!((0.5..1.3).contains(&spread), "{what}");
            assert!(correlation < 0.6, "{what}");
        }
    }
}

#[test]
fn one_to_three_units_in_a_hundred_are_defective() {
    let output = run(steady(4), &[], SpanMs::hours(24));
    for line in 0..3 {
        let of_line: Vec<_> = units(&output).into_iter().filter(|unit| unit.line == LineId(line)).collect();
        let bad = of_line.iter().filter(|unit| unit.verdict != Verdict::Good).count();
        let rate = bad as f64 / of_line.len() as f64;
        println!("line {line}: {bad} of {} units", of_line.len());
        assert!((0.01..0.03).contains(&rate), "line {line}: {rate}");
    }
}

#[test]
fn a_line_makes_a_unit_about_every_planned_run_time_and_none_while_it_stands() {
    let span = SpanMs::hours(72);
    let output = run(PlantConfig { seed: 8, start: START, ..PlantConfig::default() }, &[], span);
    let names = shipped();
    let told = told(&output, (START + span).0);
    let mut seen = BTreeSet::new();
    let mut run_ms: BTreeMap<LineId, i64> = BTreeMap::new();
    for unit in units(&output) {
        assert!(seen.insert(unit.unit), "{unit:?} is told twice");
        let stops = told.stops.get(&unit.line).map_or(&[][..], Vec::as_slice);
        assert!(stops.iter().all(|(from, to)| unit.at.0 < *from || unit.at.0 >= *to), "{unit:?} during a stop");
        *run_ms.entry(unit.line).or_default() += names.product_def(unit.product).unwrap().planned_run_time.0;
    }
    for (line, name) in names.lines() {
        let stops = &told.stops[&line];
        let stopped: i64 = stops.iter().map(|(from, to)| to - from).sum();
        let performance = run_ms[&line] as f64 / (span.0 - stopped) as f64;
        println!("{name}: {} stops, {:.1} h, performance {performance:.3}", stops.len(), stopped as f64 / 3.6e6);
        assert!((0.95..1.0).contains(&performance), "{name}: {performance}");
        assert!((5..40).contains(&stops.len()), "{name}: {} stops in three days", stops.len());
    }
}

#[test]
fn a_job_change_tells_the_set_points_of_the_new_product() {
    let output = run(PlantConfig { seed: 8, start: START, ..PlantConfig::default() }, &[], SpanMs::hours(48));
    let mut changes = 0;
    for (place, event) in output.events.iter().enumerate() {
        let Event::State(row) = event else { continue };
        if row.state != MachineState::Setup {
            continue;
        }
        changes += 1;
        let told: BTreeSet<SensorId> = output.events[place..]
            .iter()
            .filter_map(|event| match event {
                Event::Setpoint(set) if set.at == row.at => Some(set.sensor),
                _ => None,
            })
            .collect();
        // The motor's current and the heater's power follow from what the recipe asks of belt and molds.
        let recipe = ["belt_speed", "mold_temperature", "belt_motor_current", "mold_heater_power"];
        let expected: BTreeSet<SensorId> = recipe.iter().map(|parameter| sensor_of(row.line, parameter)).collect();
        assert_eq!(told, expected, "at {}", row.at);
    }
    assert!(changes >= 3, "{changes} job changes on three lines in two days");
}

fn sensor_of(line: LineId, parameter: &str) -> SensorId {
    let names = shipped();
    sensor(&format!("{}.{parameter}", names.line(line)))
}
