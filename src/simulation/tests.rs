//! Fixed seeds, a fresh one, seeds that once failed, and mutations that must be noticed.

use super::disk::Omission;
use super::world::{Mutation, Tally, World};

/// Moves of one run: some twenty ticks, a dozen of them with a restart behind them.
const STEPS: u64 = 1_500;
/// Runs of the fixed part. With the fresh ones and the mutations they take about a minute on two cores without
/// optimisation, nearly all of it in the graph.
const FIXED_RUNS: u64 = 24;
/// Moves of fresh runs, unless `LEHR_SIMULATION_STEPS` asks for more.
const FRESH_STEPS: u64 = 12_000;
/// Runs within which every mutation must be noticed.
const MUTANT_RUNS: u64 = 60;

/// Seeds that found something, and what.
const REGRESSIONS: &[(u64, &str)] = &[];

fn run(seed: u64) -> Tally {
    let mut world = World::new(seed, None);
    if let Err(violation) = world.run(STEPS) {
        panic!("seed {seed}, {}", violation.0);
    }
    world.tally
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.steps += other.steps;
        self.ticks += other.ticks;
        self.acknowledged += other.acknowledged;
        self.crashes += other.crashes;
        self.kills += other.kills;
        self.failed_starts += other.failed_starts;
        self.failed_commits += other.failed_commits;
        self.failed_deliveries += other.failed_deliveries;
        self.repeated += other.repeated;
        self.joined += other.joined;
        self.unnoticed += other.unnoticed;
        for (table, rows) in other.rows {
            *self.rows.entry(table).or_default() += rows;
        }
    }
}

#[test]
fn fixed_seeds_hold_and_are_worth_running() {
    let mut tally = Tally::default();
    (0..FIXED_RUNS).for_each(|seed| tally.add(run(seed)));
    println!("{tally:#?}");
    let counts = [
        tally.ticks,
        tally.acknowledged,
        tally.crashes,
        tally.kills,
        tally.failed_starts,
        tally.failed_commits,
        tally.failed_deliveries,
        tally.repeated,
        tally.joined,
    ];
    assert!(counts.iter().all(|count| *count > 10), "something hardly ever happened: {tally:#?}");
    assert!(tally.unnoticed > 0, "no tick became durable unnoticed");
    let empty: Vec<_> = tally.rows.iter().filter(|(_, rows)| **rows == 0).collect();
    assert!(empty.is_empty(), "tables without a row: {empty:?}");
}

/// Or a seed that is printed would help nobody.
#[test]
fn a_seed_gives_the_same_run_again() {
    let (once, again) = (run(3), run(3));
    assert_eq!(format!("{once:?}"), format!("{again:?}"));
}

#[test]
fn fresh_seeds_hold() {
    let budget = std::env::var("LEHR_SIMULATION_STEPS").ok().and_then(|steps| steps.parse().ok());
    let first = getrandom::u64().expect("the system gives random numbers");
    println!("fresh seeds from {first} on");
    let runs = budget.unwrap_or(FRESH_STEPS).div_ceil(STEPS);
    let mut tally = Tally::default();
    (0..runs).for_each(|offset| tally.add(run(first.wrapping_add(offset))));
    println!("{tally:#?}");
}

#[test]
fn seeds_that_failed_once_hold() {
    REGRESSIONS.iter().for_each(|(seed, _)| drop(run(*seed)));
}

#[test]
fn every_mutation_is_noticed() {
    let mutations = [
        Mutation::Omit(Omission::Group),
        Mutation::Omit(Omission::Header),
        Mutation::Omit(Omission::Name),
        Mutation::Omit(Omission::Recovery),
        Mutation::SinkIgnoresTicks,
        Mutation::PublishBeforeDurable,
    ];
    for mutation in mutations {
        let noticed = (0..MUTANT_RUNS).find_map(|seed| {
            let noticed = World::new(seed, Some(mutation)).run(STEPS).err()?;
            Some((seed, noticed))
        });
        let (seed, violation) = noticed.unwrap_or_else(|| panic!("nobody noticed {mutation:?}"));
        println!("{mutation:?}: seed {seed}, {}", violation.0);
        // It is the mutation that was noticed, and nothing else.
        run(seed);
    }
}
