//! The same plant every time: whatever the steps of advance, and whatever else is there.

mod common;

use common::*;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::ids::stable_hash;
use lehr_domain::{Event, EventMs, LineId, Micro, SensorId, SpanMs};
use lehr_plant::{FaultSpec, Output, PlantConfig, PlantSim};

const FAULTS: &[&str] = &[
    "furnace_overheat@10m",
    "pressure_spikes:Line_B@20m+15m",
    "dropout(belt_speed):Line_B@30m+10m*0.4",
    "noise(mold_temperature):Line_C@5m+30m",
    "line_stop:Line_C@40m",
];

fn restless(seed: u64) -> PlantConfig {
    PlantConfig { seed, start: START, faults_per_day: 40.0, stops: true }
}

fn append(all: &mut Output, part: Output) {
    for reading in part.readings.iter() {
        all.readings.push(reading);
    }
    all.events.extend(part.events);
    all.truth.extend(part.truth);
}

fn in_steps(span: SpanMs, mut step_ms: impl FnMut(u64) -> i64) -> Output {
    let mut sim = plant(restless(6), FAULTS);
    let end = sim.now() + span;
    let mut all = Output::default();
    let mut count = 0;
    while sim.now() < end {
        let until = (sim.now() + SpanMs(step_ms(count))).min(end);
        append(&mut all, sim.advance(until));
        assert_eq!(sim.now(), until);
        count += 1;
    }
    all
}

#[test]
fn two_hours_at_once_are_two_hours_in_steps_of_any_size() {
    let span = SpanMs::hours(2);
    let at_once = in_steps(span, |_| span.0);
    assert!(at_once.readings.len() > 200_000 && at_once.truth.len() > 1000);
    assert!(in_steps(span, |_| 1000) == at_once, "steps of a second");
    assert!(in_steps(span, |_| 777) == at_once, "steps of 777 ms");
    let seed = 99;
    let random = |count| 1 + (stable_hash(&[seed, count]) % 5000) as i64;
    assert!(in_steps(span, random) == at_once, "random steps, seed {seed}");
}

#[test]
fn output_is_in_order_of_time_and_within_the_stretch() {
    let mut sim = plant(restless(7), FAULTS);
    for minute in 1..=90 {
        let from = sim.now();
        let until = START + SpanMs(minute * 60_000 + 123);
        let output = sim.advance(until);
        let times: [Vec<EventMs>; 3] = [
            output.readings.iter().map(|reading| reading.at).collect(),
            output.events.iter().map(time_of).collect(),
            output.truth.iter().map(|truth| truth.at()).collect(),
        ];
        for times in times {
            assert!(times.is_sorted());
            assert!(times.iter().all(|at| (from..until).contains(at)), "minute {minute}");
        }
    }
}

fn time_of(event: &Event) -> EventMs {
    match event {
        Event::Setpoint(row) => row.at,
        Event::State(row) => row.at,
        Event::Unit(row) => row.at,
        other => panic!("a plant does not tell {other:?}"),
    }
}

#[test]
fn another_seed_is_another_plant() {
    let one = run(restless(1), &[], SpanMs::minutes(30));
    assert!(one == run(restless(1), &[], SpanMs::minutes(30)));
    assert!(one.readings != run(restless(2), &[], SpanMs::minutes(30)).readings);
}

/// The readings of some sensors, by name, and the units and states of a line.
fn of_line(output: &Output, line: LineId) -> (Vec<(SensorId, i64, i64)>, Vec<Event>) {
    let names = shipped();
    let readings =
        output.readings.iter().filter(|reading| names.sensor_def(reading.sensor).is_some_and(|def| def.line == line));
    let events = output.events.iter().filter(|event| match event {
        Event::Unit(unit) => unit.line == line,
        Event::State(state) => state.line == line,
        _ => false,
    });
    (readings.map(|r| (r.sensor, r.at.0, r.value.0)).collect(), events.cloned().collect())
}

#[test]
fn a_fault_on_one_line_changes_no_other_line() {
    let span = SpanMs::hours(2);
    let sound = run(restless(3), &[], span);
    let faulty =
        run(restless(3), &["furnace_overheat:Line_A@5m", "stuck(belt_speed):Line_A@5m", "line_stop:Line_A@1h"], span);
    assert!(of_line(&sound, LineId(0)) != of_line(&faulty, LineId(0)));
    for line in [LineId(1), LineId(2)] {
        assert!(of_line(&sound, line) == of_line(&faulty, line), "{line:?}");
    }
}

#[test]
fn a_fault_changes_what_follows_from_it_and_nothing_else_of_its_line() {
    let span = SpanMs::hours(2);
    let sound = run(restless(3), &[], span);
    for (fault, changed) in [
        ("pressure_spikes:Line_A@5m", &["forming_pressure"][..]),
        ("cooling_fast:Line_A@5m", &["cooling_rate", "cooling_fan_speed", "lehr_zone_4", "lehr_zone_5", "line_power"]),
    ] {
        let faulty = run(restless(3), &[fault], span);
        for (_, def) in shipped().sensors() {
            let follows = changed.iter().any(|part| def.name.starts_with(&format!("Line_A.{part}")));
            let same = values(&sound, &def.name) == values(&faulty, &def.name);
            assert_eq!(same, !follows, "{fault}: {}", def.name);
        }
    }
}

#[test]
fn further_sensors_change_nothing_of_those_that_are_there() {
    let config = || PlantConfig { seed: 12, start: START, ..PlantConfig::default() };
    let span = SpanMs::minutes(40);
    let few = run(config(), &[], span);
    let names = names_of(&Catalogue::parse(DEFAULT).unwrap().scaled(200));
    let mut sim = PlantSim::new(&names, config()).expect("a scaled plant can be simulated");
    let many = sim.advance(START + span);
    assert!(many.readings.len() > 2 * few.readings.len());
    let originals = shipped().sensors().count() as u32;
    let kept: Vec<_> = many.readings.iter().filter(|reading| reading.sensor.0 < originals).collect();
    assert!(kept == few.readings.iter().collect::<Vec<_>>());
    assert_eq!(many.truth, few.truth);
}

#[test]
fn copies_follow_their_original_with_noise_of_their_own() {
    let names = names_of(&Catalogue::parse(DEFAULT).unwrap().scaled(130));
    let mut sim = PlantSim::new(&names, steady(2)).expect("a scaled plant can be simulated");
    sim.inject(FaultSpec::parse("furnace_overheat@1m").unwrap()).unwrap();
    let output = sim.advance(START + SpanMs::minutes(40));
    let last = |name: &str| {
        let id = names.sensor_id(name).expect("a sensor of the scaled plant");
        output.readings.iter().filter(|reading| reading.sensor == id).last().expect("has readings").value
    };
    let (original, copy) = (last("Line_A.furnace_temperature"), last("Line_A.furnace_temperature_2"));
    assert!(original > Micro::units(1600) && copy > Micro::units(1600), "{original} {copy}");
    assert_ne!(original, copy);
}

#[test]
fn quantities_unknown_to_the_simulator_stay_about_their_target() {
    let text =
        DEFAULT.replace("\"gob_temperature\"", "\"tin_bath_temperature\"").replace("\"melt_level\"", "\"lip_height\"");
    let text = text.replace("watch = \"melt_level\"", "watch = \"lip_height\"").replacen("target = 1140.0\n", "", 1);
    let names = names_of(&Catalogue::parse(&text).expect("another plant's catalogue"));
    let mut sim = PlantSim::new(&names, steady(2)).expect("another plant can be simulated");
    let output = sim.advance(START + SpanMs::hours(6));
    let mean = |name: &str| {
        let id = names.sensor_id(name).expect("a sensor of the other plant");
        let values: Vec<f64> = output.readings.iter().filter(|r| r.sensor == id).map(|r| r.value.to_f64()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    // Without a target: the middle of its span, 900 to 1300.
    assert!((mean("Line_A.tin_bath_temperature") - 1100.0).abs() < 1.8);
    assert!((mean("Line_A.lip_height") - 1200.0).abs() < 1.5);
}
