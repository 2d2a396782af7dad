//! The same inputs give the same tables, however they are fed.
//!
//! Tick by tick, with retention and without: the number of workers, the exchange between them, the pace, and the
//! order of the rows of a tick change nothing.
//!
//! Over all ticks, without retention: neither does in which ticks the rows come, nor in which order. With retention
//! that is not promised: what comes after it should have left is not taken, and what panes said when they left stands.

use crate::run::{Exchange, Pace, Setup, run};
use crate::seeds::{is_whole_corpus, seeds};
use crate::tables::Tables;
use crate::trace::{ChaCha8Rng, Habits, Trial, trial};
use lehr_dataflows::tables::Changes;
use lehr_domain::event::Revised;
use lehr_domain::{Inputs, Reading, Tick};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

const TICKS: u64 = 30;

const SETUPS: [Setup; 6] = [
    Setup { workers: 1, exchange: Exchange::Moved, pace: Pace::Ahead },
    Setup { workers: 2, exchange: Exchange::Moved, pace: Pace::Stepwise },
    Setup { workers: 3, exchange: Exchange::Moved, pace: Pace::Ahead },
    Setup { workers: 2, exchange: Exchange::Serialised, pace: Pace::Stepwise },
    Setup { workers: 2, exchange: Exchange::Serialised, pace: Pace::Ahead },
    Setup { workers: 3, exchange: Exchange::Serialised, pace: Pace::Stepwise },
];

fn tables_after(changes: Vec<Changes>) -> Tables {
    let mut tables = Tables::default();
    changes.into_iter().for_each(|changes| tables.apply(changes));
    tables
}

#[test]
fn workers_exchange_pace_and_order_within_a_tick_change_nothing() {
    let mut causes = 0;
    for seed in seeds([200, 201], 0) {
        let Trial { config, ticks, expected } = trial(seed, TICKS, Habits { retention: seed % 2 == 0, leap: false });
        causes += expected.iter().map(|tables| tables.root_causes.len()).sum::<usize>();
        let plain = run(Setup::PLAIN, config, &ticks);
        for setup in SETUPS {
            let changes = run(setup, config, &ticks);
            let first = (0..ticks.len()).find(|tick| changes[*tick] != plain[*tick]);
            assert_eq!(first, None, "seed {seed}, {setup:?}: the first tick with other changes");
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let shuffled: Vec<Arc<Inputs>> = ticks.iter().map(|inputs| Arc::new(shuffled(inputs, &mut rng))).collect();
        let changes = run(Setup::PLAIN, config, &shuffled);
        let first = (0..ticks.len()).find(|tick| changes[*tick] != plain[*tick]);
        assert_eq!(first, None, "seed {seed}, rows of each tick shuffled: the first tick with other changes");
    }
    assert!(causes > 20 || !is_whole_corpus(), "{causes} root causes: the last graph in the chain was hardly reached");
}

fn shuffled(inputs: &Inputs, rng: &mut ChaCha8Rng) -> Inputs {
    let mut readings: Vec<Reading> = inputs.readings.iter().collect();
    readings.shuffle(rng);
    let mut events = inputs.events.clone();
    events.shuffle(rng);
    Inputs { readings: readings.into_iter().collect(), events, ..inputs.clone() }
}

#[test]
fn in_which_ticks_and_in_which_order_rows_come_changes_nothing_in_the_end() {
    let mut causes = 0;
    for seed in seeds([300, 301], 0) {
        let Trial { config, ticks, expected } = trial(seed, TICKS, Habits { retention: false, leap: false });
        let expected = expected.last().expect("a trace has ticks");
        causes += expected.root_causes.len();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = rows(&ticks);
        let mut permuted = rows.clone();
        permuted.shuffle(&mut rng);
        let ways = [
            ("everything in one tick", batches(&rows, rows.len())),
            ("a row a tick", batches(&rows, 1)),
            ("seven rows a tick", batches(&rows, 7)),
            ("in any order, seven rows a tick", batches(&permuted, 7)),
            ("in any order, a hundred rows a tick", batches(&permuted, 100)),
        ];
        for (way, ticks) in ways {
            let setup = Setup { workers: rng.random_range(1..3), pace: Pace::Ahead, ..Setup::PLAIN };
            let differences = tables_after(run(setup, config, &ticks)).differences_but_memory(expected);
            assert!(differences.is_empty(), "seed {seed}, {way}:{differences}");
        }
    }
    assert!(causes > 5 || !is_whole_corpus(), "{causes} root causes: the last graph in the chain was hardly reached");
}

#[test]
fn joined_ticks_give_what_the_last_of_them_gave() {
    for seed in seeds([400], 1) {
        let Trial { config, ticks, expected } = trial(seed, TICKS, Habits { retention: false, leap: false });
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut joined, mut ends, mut from) = (Vec::new(), Vec::new(), 0);
        while from < ticks.len() {
            let upto = (from + rng.random_range(1..6)).min(ticks.len());
            let rows = rows(&ticks[from..upto]);
            joined.push(batch(ticks[upto - 1].tick, &rows));
            ends.push(upto - 1);
            from = upto;
        }
        let mut tables = Tables::default();
        for (changes, end) in run(Setup::PLAIN, config, &joined).into_iter().zip(ends) {
            tables.apply(changes);
            let differences = tables.differences_but_memory(&expected[end]);
            assert!(differences.is_empty(), "seed {seed}, joined up to tick {}:{differences}", end + 1);
        }
    }
}

#[derive(Clone)]
enum Row {
    Reading(Reading),
    Event(Revised),
}

fn rows(ticks: &[Arc<Inputs>]) -> Vec<Row> {
    let of = |inputs: &Arc<Inputs>| {
        let readings: Vec<Row> = inputs.readings.iter().map(Row::Reading).collect();
        readings.into_iter().chain(inputs.events.iter().cloned().map(Row::Event)).collect::<Vec<Row>>()
    };
    ticks.iter().flat_map(of).collect()
}

fn batches(rows: &[Row], size: usize) -> Vec<Arc<Inputs>> {
    rows.chunks(size).zip(1..).map(|(rows, tick)| batch(Tick(tick), rows)).collect()
}

fn batch(tick: Tick, rows: &[Row]) -> Arc<Inputs> {
    let mut inputs = Inputs { tick, ..Inputs::default() };
    for row in rows {
        match row {
            Row::Reading(reading) => inputs.readings.push(*reading),
            Row::Event(event) => inputs.events.push(event.clone()),
        }
    }
    Arc::new(inputs)
}
