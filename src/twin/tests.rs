//! The twin of a snapshot is a function of the snapshot, however it was come by.

use super::{Period, Question, TwinError, Twins};
use crate::api::fixture::{Fixture, minute, stretch};
use crate::runtime::Submission;
use lehr_domain::{LineId, Micro, Reading, ReadingBatch, SpanMs, Status};
use lehr_twin::{Horizon, Parameter, ScenarioError, Setting, State, WhatIf};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const LINE: LineId = LineId(0);

fn reading(fixture: &Fixture, at: i64, value: i64) -> Submission {
    let names = fixture.app.runtime().snapshot().names.clone();
    let mut readings = ReadingBatch::default();
    readings.push(Reading {
        sensor: names.sensor_id("Line_A.furnace_temperature").unwrap(),
        at: minute(at) + SpanMs::seconds(20),
        revision: 0,
        value: Micro::units(value),
        status: Status::Ok,
    });
    Submission { source: "late".into(), readings, ..Submission::default() }
}

/// To be compared: what was never measured is not a number in a state, and so unequal to itself.
fn bytes(state: &State) -> Vec<u8> {
    postcard::to_allocvec(state).unwrap()
}

fn setting(value: f64) -> Setting {
    Setting { parameter: "furnace_temperature".into(), value }
}

#[test]
fn a_twin_that_followed_equals_one_that_was_just_made_also_after_late_readings() {
    let fixture = Fixture::empty();
    let runtime = fixture.app.runtime();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let followed = Twins::default();
    let mut restated = 0;
    for begin in (0..400).step_by(20) {
        fixture.submit(stretch(&runtime.snapshot().names, begin..begin + 20));
        let before = followed.state(&runtime.snapshot(), LINE).unwrap();
        // Late by minutes, so that what was folded is folded otherwise; now and then by hours.
        let late = if rng.random_bool(0.3) { rng.random_range(0..begin + 20) } else { begin + 10 };
        fixture.submit(reading(&fixture, late, rng.random_range(1500..1600)));
        let snapshot = runtime.snapshot();
        let after = followed.state(&snapshot, LINE).unwrap();
        restated += usize::from(bytes(&before) != bytes(&after));
        let fresh = Twins::default().state(&snapshot, LINE).unwrap();
        assert!(bytes(&after) == bytes(&fresh), "at tick {:?}", snapshot.tick);
        assert_eq!(after.at(), Some(minute(begin + 18)), "the newest minute is still open");
    }
    assert!(restated > 15, "late readings must restate the twin: {restated} of 20 did");
}

#[test]
fn what_the_graphs_say_is_what_a_question_stands_on() {
    let fixture = Fixture::empty();
    let runtime = fixture.app.runtime();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let twins = Twins::default();
    let micro = |value: f64| Micro::from_f64(value).unwrap();
    let mut compared = 0;
    for begin in (0..300).step_by(20) {
        fixture.submit(stretch(&runtime.snapshot().names, begin..begin + 20));
        fixture.submit(reading(&fixture, rng.random_range(0..begin + 20), rng.random_range(1500..1600)));
        let snapshot = runtime.snapshot();
        let state = twins.state(&snapshot, LINE).unwrap();
        let forecast = state.forecast(Horizon::Quarter);
        for row in snapshot.twin.iter() {
            let def = snapshot.names.sensor_def(row.sensor_id).unwrap();
            let parameter = Parameter::parse(snapshot.names.parameter(def.parameter)).unwrap();
            if def.line != LINE {
                continue;
            }
            assert_eq!(Some(row.at), state.at().map(|at| at + SpanMs::minutes(1)));
            assert_eq!(row.believed, micro(state.values()[parameter.index()]), "{parameter:?}");
            assert_eq!(row.in_15_min, micro(forecast[parameter.index()].mean), "{parameter:?}");
            compared += 1;
        }
        for row in snapshot.twin_scores.iter().filter(|row| row.horizon_s == SpanMs::minutes(15)) {
            let def = snapshot.names.sensor_def(row.sensor_id).unwrap();
            let parameter = Parameter::parse(snapshot.names.parameter(def.parameter)).unwrap();
            let score = state.scores()[parameter.index()][Horizon::Quarter as usize];
            if def.line == LINE {
                assert_eq!((row.n as u64, row.rmse), (score.n, micro(score.rmse)), "{parameter:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared} rows compared");
}

#[test]
fn a_record_begins_where_its_state_stands() {
    let fixture = Fixture::run();
    let snapshot = fixture.app.runtime().snapshot();
    let twins = Twins::default();
    let (state, record) = twins.record(&snapshot, LINE, minute(30), minute(90)).unwrap();
    assert_eq!((state.at(), record.len()), (Some(minute(29)), 60));
    let mut state = state;
    let (further, _) = twins.record(&snapshot, LINE, minute(90), minute(91)).unwrap();
    record.iter().for_each(|minute| state.step(minute));
    assert!(bytes(&state) == bytes(&further));
    let units: f64 = record.iter().map(|minute| minute.units).sum();
    assert_eq!(units, 60.0, "a unit a minute was inspected");
    assert_eq!(record[0].value(lehr_twin::Parameter::FurnaceTemperature).unwrap().mean, 1610.0);
}

#[test]
fn cracked_units_are_counted_once_a_type_in_their_minute() {
    let fixture = Fixture::run();
    let snapshot = fixture.app.runtime().snapshot();
    let (_, record) = Twins::default().record(&snapshot, LINE, minute(85), minute(105)).unwrap();
    let cracks: Vec<f64> = record.iter().map(|minute| minute.defects[0]).collect();
    let good: f64 = record.iter().map(|minute| minute.good).sum();
    assert_eq!((cracks.iter().sum::<f64>(), cracks[5], cracks[4], good), (10.0, 1.0, 0.0, 10.0));
}

#[test]
fn periods_outside_of_what_was_followed_are_refused() {
    let fixture = Fixture::run();
    let snapshot = fixture.app.runtime().snapshot();
    let twins = Twins::default();
    for (from, to) in [(0, 10), (140, 151), (60, 60), (60, 50), (-100, -50)] {
        let period = Period { from: minute(from), to: minute(to) };
        let refused = twins.ask(&snapshot, LINE, Question::Replay { period, settings: vec![setting(1500.0)] });
        assert!(matches!(refused, Err(TwinError::Period { .. })), "{from} to {to}: {refused:?}");
    }
    let unseen = twins.state(&snapshot, LineId(2));
    assert!(matches!(unseen, Err(TwinError::Scenario(ScenarioError::NothingSeen))));
}

#[test]
fn a_hotter_furnace_needs_more_energy_ahead_and_in_retrospect() {
    let fixture = Fixture::run();
    let snapshot = fixture.app.runtime().snapshot();
    let twins = Twins::default();
    let period = Period { from: minute(40), to: minute(140) };
    let ahead = Question::Ahead { ask: WhatIf::One(setting(1540.0)), duration: SpanMs::hours(3) };
    for question in [ahead, Question::Replay { period, settings: vec![setting(1540.0)] }] {
        let answer = twins.ask(&snapshot, LINE, question).unwrap();
        assert!(answer.scenario.energy_kw > answer.baseline.energy_kw, "{answer:?}");
    }
}
