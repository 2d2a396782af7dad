//! What the twin costs: a minute, a day, a scenario, and a thousand scenarios on two cores, beside replaying the record
//! once for each of them.

use divan::{Bencher, black_box};
use lehr_domain::EventMs;
use lehr_domain::SpanMs;
use lehr_domain::machine::MachineState;
use lehr_twin::*;
use std::sync::LazyLock;

const DAY: usize = 1440;
const SWEEP: usize = 1000;

fn main() {
    divan::main();
}

/// A line that flutters around its set-points: what it costs does not depend on where values come from.
fn minute(index: usize) -> Minute {
    let guess = Guess::shipped();
    let mut minute = Minute::gap(EventMs(1_769_839_200_000 + 60_000 * index as i64));
    for parameter in Parameter::ALL {
        let place = parameter.index();
        let phase = (index * 37 + place * 101) % 64;
        let mean = guess.targets[place] + guess.sigma[place] * (phase as f64 / 32.0 - 1.0);
        minute.values[place] = Some(PaneValue { mean, range: guess.sigma[place], n: 60 });
        minute.setpoints[place] = Some(guess.targets[place]);
    }
    minute.machine = MachineState::Production;
    minute.units = 16.0;
    minute.good = 15.75;
    minute.defects = [0.05; 7];
    minute
}

static RECORD: LazyLock<Vec<Minute>> = LazyLock::new(|| (0..2 * DAY).map(minute).collect());
static STATE: LazyLock<State> = LazyLock::new(|| {
    let mut state = State::new(&Guess::shipped());
    RECORD[..DAY].iter().for_each(|minute| state.step(minute));
    state
});

fn setting(place: usize, of: usize) -> Setting {
    let (parameter, low, high) = [("furnace_temperature", 1450.0, 1600.0), ("belt_speed", 130.0, 190.0)][place % 2];
    Setting { parameter: parameter.to_owned(), value: low + (high - low) * place as f64 / of as f64 }
}

fn forward(place: usize, of: usize) -> Scenario {
    Scenario { ask: WhatIf::One(setting(place, of)), duration: SpanMs::hours(24) }
}

#[divan::bench]
fn step(bencher: Bencher) {
    let mut state = STATE.clone();
    let mut next = DAY;
    bencher.bench_local(|| {
        state.step(&RECORD[next % RECORD.len()]);
        // Time goes on, so that no minute is stale.
        next += 1;
        if next == RECORD.len() {
            (state, next) = (STATE.clone(), DAY);
        }
    });
}

#[divan::bench(sample_count = 20)]
fn day(bencher: Bencher) {
    bencher.with_inputs(|| STATE.clone()).bench_local_refs(|state| {
        RECORD[DAY..].iter().for_each(|minute| state.step(minute));
    });
}

#[divan::bench(sample_count = 50)]
fn view() -> Option<View> {
    STATE.view()
}

#[divan::bench(sample_count = 50)]
fn forecast_an_hour() -> [Forecast; PARAMETERS] {
    STATE.forecast(Horizon::Hour)
}

mod scenario {
    use super::*;

    #[divan::bench(sample_count = 100)]
    fn one_of_a_day(bencher: Bencher) {
        bencher.bench(|| answer(&STATE, black_box(&forward(31, 64))).unwrap());
    }

    #[divan::bench(sample_count = 20)]
    fn replay_of_a_day(bencher: Bencher) {
        let ask = WhatIf::Replay { record: RECORD[DAY..].to_vec(), settings: vec![setting(31, 64)] };
        let scenario = Scenario { ask, duration: SpanMs(0) };
        bencher.bench(|| answer(&STATE, black_box(&scenario)).unwrap());
    }

    #[divan::bench(sample_count = 10)]
    fn best_of_three(bencher: Bencher) {
        let over = [("belt_speed", 130.0, 190.0), ("furnace_temperature", 1480.0, 1580.0), ("cooling_rate", 3.0, 7.0)];
        let over = over.map(|(parameter, low, high)| Range { parameter: parameter.to_owned(), low, high }).to_vec();
        let ask = WhatIf::Best { over, weights: Weights::default(), constraints: Vec::new() };
        let scenario = Scenario { ask, duration: SpanMs::hours(24) };
        bencher.bench(|| answer(&STATE, black_box(&scenario)).unwrap());
    }

    #[divan::bench(sample_count = 10)]
    fn stress(bencher: Bencher) {
        let ask = WhatIf::Stress { parameter: "belt_speed".to_owned(), until: 200.0 };
        let scenario = Scenario { ask, duration: SpanMs::hours(24) };
        bencher.bench(|| answer(&STATE, black_box(&scenario)).unwrap());
    }
}

mod sweep_of_a_thousand {
    use super::*;

    fn on_two_cores(each: impl Fn(usize) -> f64 + Sync) -> f64 {
        let half = |from: usize| (from..SWEEP).step_by(2).map(&each).sum::<f64>();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| half(1));
            half(0) + other.join().expect("no scenario panics")
        })
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn ahead() -> f64 {
        on_two_cores(|place| answer(&STATE, &forward(place, SWEEP)).unwrap().changes.defect_rate.value)
    }

    /// The record is followed once, and its disturbances are shared.
    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn replay_shared() -> f64 {
        let record = Record::infer(&STATE, &RECORD[DAY..]).unwrap();
        on_two_cores(|place| record.answer(&[setting(place, SWEEP)]).unwrap().changes.defect_rate.value)
    }

    /// What it would cost to fold the record anew for every scenario.
    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn replay_plain() -> f64 {
        on_two_cores(|place| {
            let record = Record::infer(&STATE, &RECORD[DAY..]).unwrap();
            record.answer(&[setting(place, SWEEP)]).unwrap().changes.defect_rate.value
        })
    }
}
