//! Fixed seeds, a fresh one, seeds that once failed, and mutations that must be noticed.

use super::mutation::Mutation;
use super::tally::Tally;
use super::world::World;

/// Moves of one run: some twenty ticks, a dozen of them with a restart behind them.
const STEPS: u64 = 1_500;
/// Runs of the fixed part. With the fresh ones and the mutations they take about a minute on two cores without
/// optimisation, nearly all of it in the graph.
const FIXED_RUNS: u64 = 24;
/// Moves of fresh runs, unless `LEHR_SIMULATION_STEPS` asks for more.
const FRESH_STEPS: u64 = 9_000;
/// Runs within which every mutation must be noticed.
const MUTANT_RUNS: u64 = 60;

/// Everything that can happen does so at least this many times in the fixed runs, or they would show little.
const OFTEN: u64 = 5;

/// Seeds that found something, and what.
const REGRESSIONS: &[(u64, &str)] = &[];

fn run(seed: u64) -> Tally {
    let mut world = World::new(seed, None);
    if let Err(violation) = world.run(STEPS) {
        panic!("seed {seed}, {}", violation.0);
    }
    world.tally
}

#[test]
fn fixed_seeds_hold_and_are_worth_running() {
    let mut tally = Tally::default();
    (0..FIXED_RUNS).for_each(|seed| tally.add(run(seed)));
    println!("{tally:#?}");
    let rare = tally.rare(OFTEN);
    assert!(rare.is_empty(), "hardly ever happened: {rare:?}");
}

/// Or a seed that is printed would help nobody.
#[test]
fn a_seed_gives_the_same_run_again() {
    let (once, again) = (run(3), run(3));
    assert_eq!(once, again);
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
    // A few runs need not meet what is rare.
    if runs >= FIXED_RUNS {
        let rare = tally.rare(1);
        assert!(rare.is_empty(), "never happened: {rare:?}");
    }
}

#[test]
fn seeds_that_failed_once_hold() {
    REGRESSIONS.iter().for_each(|(seed, _)| drop(run(*seed)));
}

#[test]
fn every_mutation_is_noticed() {
    for mutation in Mutation::ALL {
        let noticed = (0..MUTANT_RUNS).find_map(|seed| {
            let noticed = World::new(seed, Some(mutation)).run(STEPS).err()?;
            Some((seed, noticed))
        });
        let (seed, violation) = noticed.unwrap_or_else(|| panic!("nobody noticed {mutation:?}"));
        println!("{mutation:?}: seed {seed}, {}", violation.0);
        // It is the mutation that was noticed, and nothing else; the fixed runs are made without any.
        if seed >= FIXED_RUNS {
            run(seed);
        }
    }
}
