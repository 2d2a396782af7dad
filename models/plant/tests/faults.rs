//! Faults of instruments, set-points, and what may be asked of the plant while it runs.

mod common;

use common::*;
use lehr_domain::machine::MachineState;
use lehr_domain::{Event, LineId, Micro, SpanMs, Status};
use lehr_plant::{FaultId, FaultKind, FaultSpec, Output, PlantConfig, PlantError, PlantSim, Truth};

fn inject(sim: &mut PlantSim, text: &str) -> FaultId {
    sim.inject(FaultSpec::parse(text).expect("a good fault")).expect("a fault of this plant")
}

fn between(output: &Output, name: &str, from_min: i64, to_min: i64) -> Vec<f64> {
    let values = values(output, name);
    values.iter().filter(|(ms, _)| (from_min..to_min).contains(&(ms / 60_000))).map(|(_, value)| *value).collect()
}

#[test]
fn faults_of_instruments_change_what_they_say_and_nothing_else() {
    let name = "Line_A.mold_temperature";
    let span = SpanMs::minutes(40);
    let mut sound = plant(steady(9), &[]);
    let told = sound.advance(START + span);
    for kind in FaultKind::ALL.iter().filter(|kind| kind.of_sensor()) {
        let mut sim = plant(steady(9), &[&format!("{}(mold_temperature)@10m+20m", kind.text())]);
        let output = sim.advance(START + span);
        let mut others = (0, 0);
        for (index, all) in [&told, &output].into_iter().enumerate() {
            let count = all.readings.iter().filter(|reading| reading.sensor != sensor(name)).count();
            if index == 0 { others.0 = count } else { others.1 = count }
        }
        assert_eq!(others.0, others.1, "{kind:?}");
        assert_eq!(sim.true_value(sensor(name)), sound.true_value(sensor(name)), "{kind:?}");
        assert_eq!(output.events, told.events, "{kind:?}: ware and states stay as they are");
        for minutes in [(0, 10), (30, 40)] {
            let when = |output| between(output, name, minutes.0, minutes.1);
            assert_eq!(when(&output), when(&told), "{kind:?}: sound before and after");
        }
        assert_ne!(
            between(&output, name, 10, 30),
            if *kind == FaultKind::Failed { vec![] } else { between(&told, name, 10, 30) }
        );
    }
}

#[test]
fn each_fault_of_an_instrument_looks_like_itself() {
    let name = "Line_A.mold_temperature";
    let sigma = 2.0;
    let with = |fault: &str| run(steady(9), &[fault], SpanMs::minutes(30));
    let told = with("noise(belt_speed)@10h");
    let faulty = |fault: &str| between(&with(fault), name, 10, 30);

    let stuck = faulty("stuck(mold_temperature)@10m");
    assert_eq!(stuck.len(), 1200);
    assert!(stuck.iter().all(|value| *value == stuck[0]));
    assert_eq!(Some(&stuck[0]), between(&told, name, 0, 10).last(), "it repeats its last value");

    let sound = between(&told, name, 10, 30);
    let biased = faulty("bias(mold_temperature)@10m*0.5");
    assert!(biased.iter().zip(&sound).all(|(biased, sound)| (biased - sound - 5.0 * sigma).abs() < 0.2));

    assert!(faulty("dropout(mold_temperature)@10m").is_empty());
    let some = faulty("dropout(mold_temperature)@10m*0.4").len();
    assert!((600..840).contains(&some), "{some} of 1200");

    let spread = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    assert!(spread(&faulty("noise(mold_temperature)@10m")) > 4.0 * spread(&sound));

    let failed = with("failed(mold_temperature)@10m");
    let statuses: Vec<Status> = failed
        .readings
        .iter()
        .filter(|reading| reading.sensor == sensor(name) && reading.at >= START + SpanMs::minutes(10))
        .map(|reading| reading.status)
        .collect();
    assert!(statuses.len() == 1200 && statuses.iter().all(|status| *status == Status::Error));
}

#[test]
fn a_value_beyond_the_span_is_uncertain() {
    let output = run(steady(9), &["furnace_overheat@1m"], SpanMs::hours(1));
    for reading in output.readings.iter().filter(|reading| reading.sensor == sensor("Line_A.furnace_temperature")) {
        let expected = if reading.value > Micro::units(1600) { Status::Warning } else { Status::Ok };
        assert_eq!(reading.status, expected, "{reading:?}");
    }
    assert!(output.readings.status.contains(&(Status::Warning as u8)));
}

#[test]
fn the_plant_follows_a_set_point_with_its_dynamics_and_tells_it() {
    let minutes_to_settle = |name: &str, value: i64, within: f64| {
        let mut sim = plant(steady(4), &[]);
        sim.advance(START + SpanMs::minutes(10));
        sim.write_setpoint(sensor(name), Micro::units(value)).expect("a loop holds it");
        let mut settled = None;
        for second in 1..7200 {
            let output = sim.advance(START + SpanMs::minutes(10) + SpanMs::seconds(second));
            if second == 1 {
                let told = output.events.iter().any(|event| {
                    matches!(event, Event::Setpoint(row) if row.sensor == sensor(name) && row.value == Micro::units(value))
                });
                assert!(told, "{name}");
            }
            if (sim.true_value(sensor(name)).unwrap() - value as f64).abs() < within {
                settled.get_or_insert(second as f64 / 60.0);
            }
        }
        settled.expect("it gets there")
    };
    for (name, value, within, range) in [
        ("Line_A.furnace_temperature", 1490, 3.0, 15.0..30.0),
        ("Line_A.mold_temperature", 410, 4.0, 10.0..20.0),
        ("Line_A.belt_speed", 130, 1.0, 0.05..0.2),
        ("Line_A.forming_pressure", 35, 1.0, 0.03..0.2),
        ("Line_A.cooling_rate", 4, 0.05, 2.0..5.0),
    ] {
        let took = minutes_to_settle(name, value, within);
        println!("{name} to {value}: {took:.2} min");
        assert!(range.contains(&took), "{name}: {took:.2} min");
    }
}

#[test]
fn quantities_that_follow_a_loop_are_told_what_they_ought_to_be() {
    let mut sim = plant(steady(4), &[]);
    sim.advance(START + SpanMs::minutes(1));
    sim.write_setpoint(sensor("Line_A.furnace_temperature"), Micro::units(1490)).expect("a loop holds it");
    let output = sim.advance(START + SpanMs::hours(3));
    let told = |name: &str| {
        let mut rows = output.events.iter().filter_map(|event| match event {
            Event::Setpoint(row) if row.sensor == sensor(name) => Some(row.value.to_f64()),
            _ => None,
        });
        rows.next_back().expect("told")
    };
    for name in ["crown_temperature", "throat_temperature", "fuel_flow", "combustion_air_flow"] {
        let name = format!("Line_A.{name}");
        let sigma = shipped().sensor_def(sensor(&name)).unwrap().sigma.unwrap().to_f64();
        let late = between(&output, &name, 120, 180);
        let mean = late.iter().sum::<f64>() / late.len() as f64;
        assert!((mean - told(&name)).abs() < sigma, "{name}: {mean} ought to be {}", told(&name));
    }
}

#[test]
fn of_two_set_points_written_at_once_the_last_holds() {
    let mut sim = plant(steady(4), &[]);
    sim.advance(START + SpanMs(90_500));
    for value in [160, 140] {
        sim.write_setpoint(sensor("Line_B.belt_speed"), Micro::units(value)).expect("a loop holds it");
    }
    let output = sim.advance(START + SpanMs::minutes(3));
    let told: Vec<Micro> = output
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Setpoint(row) if row.sensor == sensor("Line_B.belt_speed") => Some(row.value),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Micro::units(140)]);
    assert!((sim.true_value(sensor("Line_B.belt_speed")).unwrap() - 140.0).abs() < 2.0);
}

#[test]
fn a_lower_furnace_set_point_relieves_an_overheated_furnace() {
    let hottest = |set: Option<i64>| {
        let mut sim = plant(steady(4), &["furnace_overheat@1m"]);
        sim.advance(START + SpanMs::minutes(60));
        if let Some(value) = set {
            sim.write_setpoint(sensor("Line_A.furnace_temperature"), Micro::units(value)).expect("a loop holds it");
        }
        sim.advance(START + SpanMs::minutes(120));
        sim.true_value(sensor("Line_A.furnace_temperature")).unwrap()
    };
    let relief = hottest(None) - hottest(Some(1490));
    assert!((25.0..35.0).contains(&relief), "{relief}");
}

#[test]
fn a_cleared_fault_ends_and_the_plant_recovers() {
    let mut sim = plant(steady(4), &[]);
    sim.advance(START + SpanMs::minutes(5));
    let id = inject(&mut sim, "belt_overspeed:Line_B");
    sim.advance(START + SpanMs::minutes(6));
    assert!(sim.true_value(sensor("Line_B.belt_speed")).unwrap() > 180.0);
    assert!(sim.faults()[0].active && sim.faults()[0].line == LineId(1));
    sim.clear(id).expect("it is open");
    let output = sim.advance(START + SpanMs::minutes(7));
    assert!(output.truth.iter().any(|truth| matches!(truth, Truth::FaultEnded { id: ended, .. } if *ended == id)));
    assert!(sim.true_value(sensor("Line_B.belt_speed")).unwrap() < 155.0);
    assert_eq!(sim.faults(), []);
    assert_eq!(sim.clear(id), Err(PlantError::UnknownFault(id)));

    let later = inject(&mut sim, "belt_overspeed@9h");
    sim.clear(later).expect("it has not begun");
    let output = sim.advance(START + SpanMs::minutes(8));
    assert!(output.truth.iter().all(|truth| matches!(truth, Truth::Unit(_))), "what never began is never told");
}

#[test]
fn a_stopped_line_makes_nothing_and_keeps_its_process() {
    let output = run(steady(4), &["line_stop@10m+20m"], SpanMs::hours(1));
    let states: Vec<(f64, MachineState)> = output
        .events
        .iter()
        .filter_map(|event| match event {
            Event::State(row) if row.line == LineId(0) => Some((minutes(row.at - START), row.state)),
            _ => None,
        })
        .collect();
    let expected = [(0.0, MachineState::Production), (10.0, MachineState::Down), (30.0, MachineState::Production)];
    assert_eq!(states, expected);
    for unit in units(&output).into_iter().filter(|unit| unit.line == LineId(0)) {
        assert!(!(10.0..30.0).contains(&minutes(unit.at - START)), "{unit:?}");
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    assert!((mean(between(&output, "Line_A.belt_speed", 12, 30)) - 150.0).abs() < 1.0);
    assert!(mean(between(&output, "Line_A.line_power", 13, 30)) < 500.0);
    assert!(mean(between(&output, "Line_A.line_power", 33, 60)) > 620.0);
}

#[test]
fn random_faults_come_about_as_often_as_asked_and_each_ends() {
    let config = PlantConfig { faults_per_day: 8.0, ..steady(21) };
    let output = run(config, &[], SpanMs::hours(72));
    let mut open = std::collections::BTreeMap::new();
    let mut began = 0;
    for truth in &output.truth {
        match truth {
            Truth::FaultStarted { id, kind, sensor, severity, .. } => {
                began += 1;
                assert_eq!(kind.of_sensor(), sensor.is_some());
                assert!((0.6..1.1).contains(severity));
                assert_eq!(open.insert(*id, *kind), None);
            }
            Truth::FaultEnded { id, kind, .. } => assert_eq!(open.remove(id), Some(*kind)),
            Truth::Unit(_) => {}
        }
    }
    // 8 a day on three lines for three days: 72 ± 8.5.
    assert!((45..100).contains(&began), "{began} faults");
    assert!(open.len() < began / 2, "{} still open", open.len());
}

#[test]
fn what_cannot_be_done_is_refused_with_field_and_remedy() {
    let names = shipped();
    let mut sim = plant(steady(4), &[]);
    let refused = |result: Result<FaultId, PlantError>, part: &str| {
        let error = result.expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(sim.inject(FaultSpec::parse("mold_cold:Line_Q").unwrap()), "known are Line_A, Line_B, Line_C");
    refused(sim.inject(FaultSpec::parse("stuck(pulse)").unwrap()), "fault parameter 'pulse'");
    let reckless = FaultSpec { severity: f64::INFINITY, ..FaultSpec::new(FaultKind::MoldCold) };
    refused(sim.inject(reckless), "severity must be above 0");
    let error = sim.write_setpoint(sensor("Line_A.fuel_flow"), Micro::units(800)).unwrap_err().to_string();
    assert!(error.contains("no control loop holds it") && error.contains("furnace_temperature"), "{error}");
    let error = sim.write_setpoint(sensor("Line_A.belt_speed"), Micro::units(900)).unwrap_err().to_string();
    assert!(error.contains("give one in 0 to 300"), "{error}");
    assert_eq!(sim.write_setpoint(lehr_domain::SensorId(9999), Micro(0)), Err(PlantError::UnknownSensor(9999)));
    while sim.inject(FaultSpec::parse("mold_cold@9h").unwrap()).is_ok() {}
    refused(sim.inject(FaultSpec::parse("mold_cold@9h").unwrap()), "clear one first");
    let config = PlantConfig { faults_per_day: -1.0, ..steady(1) };
    assert!(matches!(PlantSim::new(names, config), Err(PlantError::FaultRate { .. })));
    let none = lehr_domain::names::Names::default();
    assert_eq!(PlantSim::new(&none, steady(1)).err(), Some(PlantError::NoLines));
}
