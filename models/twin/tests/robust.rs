//! Whatever a line sends, the twin goes on and its numbers stay numbers.

mod harness;

use harness::START;
use lehr_domain::machine::MachineState;
use lehr_domain::{EventMs, SpanMs};
use lehr_twin::{Guess, Horizon, Minute, PARAMETERS, PaneValue, Scenario, Setting, State, WhatIf, answer};
use proptest::prelude::*;

/// Mostly what a sensor says, in sigmas about its target; now and then what no sensor should say.
fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (-3.0..3.0_f64).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1e12), Just(1e7), Just(-1e5), Just(0.0)].prop_map(Some),
    ]
}

fn minute() -> impl Strategy<Value = (i64, Vec<Option<f64>>, Vec<Option<f64>>, bool, f64)> {
    let values = || proptest::collection::vec(value(), PARAMETERS);
    (1_i64..4, values(), values(), any::<bool>(), prop_oneof![0.0..20.0_f64, Just(f64::NAN), Just(-5.0)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_stay_numbers(minutes in proptest::collection::vec(minute(), 1..120)) {
        let guess = Guess::shipped();
        let mut state = State::new(&guess);
        let mut at = START;
        for (step, values, setpoints, running, units) in minutes {
            at = at + SpanMs::minutes(step);
            let mut minute = Minute::gap(at);
            for index in 0..PARAMETERS {
                let scaled = |value: f64| if value.abs() < 3.0 { guess.targets[index] + guess.sigma[index] * value } else { value };
                let pane = |mean: f64| PaneValue { mean, range: mean, n: 60 };
                minute.values[index] = values[index].map(scaled).map(pane);
                minute.setpoints[index] = setpoints[index].map(scaled).filter(|value| value.abs() < 1e4 || value.is_nan());
            }
            minute.machine = if running { MachineState::Production } else { MachineState::Down };
            minute.units = units;
            minute.good = units;
            minute.defects = [units; 7];
            state.step(&minute);
        }
        prop_assert_eq!(state.at(), Some(at));
        for horizon in Horizon::ALL {
            for forecast in state.forecast(horizon) {
                prop_assert!(forecast.mean.is_finite() && forecast.sd.is_finite() && forecast.sd > 0.0, "{:?}", forecast);
            }
        }
        let view = state.view().expect("minutes were folded");
        prop_assert!(view.values.iter().all(|value| value.is_finite()));
        prop_assert!(view.quality.probability.iter().all(|probability| (0.0..=1.0).contains(probability)), "{:?}", view.quality);
        let ask = WhatIf::One(Setting { parameter: "belt_speed".into(), value: 140.0 });
        let answer = answer(&state, &Scenario { ask, duration: SpanMs::hours(2) }).expect("a good scenario");
        prop_assert!((0.0..=1.0).contains(&answer.scenario.defect_rate), "{:?}", answer.scenario);
        state.step(&Minute::gap(EventMs(at.0 + SpanMs::days(30).0)));
        prop_assert!(state.view().expect("still").values.iter().all(|value| value.is_finite()));
    }
}
