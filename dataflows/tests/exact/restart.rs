//! A graph that goes on from the rows of a closed tick holds, at every later tick, what one holds that was never
//! stopped: whatever has left by retention, on whatever number of workers.

use crate::run::{Exchange, Pace, Setup, run, run_from};
use crate::seeds::{is_whole_corpus, seeds};
use crate::tables::Tables;
use crate::trace::{ChaCha8Rng, Habits, Trial, trial};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::restored::Base;
use lehr_domain::{EventMs, Inputs, Tick};
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

const TICKS: u64 = 60;

/// What a checkpoint of the last of `ticks` holds, when `tables` are the tables then.
fn base(config: &GraphConfig, ticks: &[Arc<Inputs>], tables: &Tables) -> Base {
    let low_water = ticks.iter().map(|inputs| inputs.low_water).max().unwrap_or(EventMs::MIN);
    let panes = config.panes();
    let sealed_until = panes.sealed_until(low_water);
    let journalled = ticks.iter().flat_map(|inputs| inputs.readings.iter());
    Base {
        tick: ticks.last().map_or(Tick(0), |inputs| inputs.tick),
        low_water,
        panes: tables.panes.iter().map(|row| vec![row.clone()]).collect(),
        facts: tables.facts.iter().cloned().collect(),
        newest: tables.newest.iter().cloned().collect(),
        heard: tables.heard.iter().cloned().collect(),
        carried: tables.carried.iter().cloned().collect(),
        twin_states: tables.twin_states.iter().cloned().collect(),
        forecasts: tables.forecasts.iter().cloned().collect(),
        inspections: tables.inspections.iter().cloned().collect(),
        readings: journalled.filter(|reading| reading.at.floor(panes.width) + panes.width > sealed_until).collect(),
        goes_on: false,
    }
}

#[test]
fn a_graph_that_goes_on_from_a_checkpoint_holds_what_one_holds_that_was_never_stopped() {
    let (mut carried, mut inspected, mut runs, mut most_parts) = (0, 0, 0, 0);
    for seed in seeds([500, 501, 502], 0) {
        let habits = Habits { retention: seed % 3 != 1, leap: false };
        let Trial { config, ticks, .. } = trial(seed, TICKS, habits);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut undisturbed = vec![Tables::default()];
        for changes in run(Setup::PLAIN, config, &ticks) {
            let mut tables = undisturbed.last().expect("there is a first").clone();
            tables.apply(changes);
            undisturbed.push(tables);
        }
        for workers in [1, 2, 3] {
            let at = rng.random_range(TICKS as usize / 3..TICKS as usize - 5);
            let base = base(&config, &ticks[..at], &undisturbed[at]);
            carried += base.carried.len();
            inspected += base.inspections.len();
            let setup = Setup { workers, exchange: Exchange::Moved, pace: Pace::Stepwise };
            let mut tables = Tables::default();
            let panes = rng.random_range(1..=base.panes.len().max(1));
            let parts = base.parts_of(panes);
            most_parts = most_parts.max(parts.len());
            let after = run_from(setup, config, Some(&parts), &ticks);
            for (changes, expected) in after.into_iter().zip(&undisturbed[at..]) {
                tables.apply(changes);
                let differences = tables.differences(expected);
                assert!(differences.is_empty(), "seed {seed}, restarted on {workers} after tick {at}:{differences}");
                runs += 1;
            }
        }
    }
    let enough = carried > 200 && inspected > 50 && runs > 50 && most_parts > 2;
    assert!(
        enough || !is_whole_corpus(),
        "vacuous: {carried} rows carried, {inspected} inspections, {runs} ticks compared, {most_parts} parts"
    );
}
