//! The file holds what Lehr holds, whatever happens on the way.

use crate::support::driver::{Driver, Figures};
use crate::support::file::File;
use crate::support::seed;
use crate::support::world::{Store, World};
use lehr_domain::Tick;
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};

/// Deltas with the same bounds and narrower ones, again and again, and such as nobody waits for: then the file is
/// opened anew while the old one may still be writing.
#[tokio::test]
async fn rows_are_lehrs_at_every_tick() {
    let seed = seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 150, 12);
    let file = File::new();
    let mut driver = Driver::new(file.config("").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let reader = file.reader();
    let (mut abandoned, mut compared, mut stood) = (0, 0, Tick(0));
    while driver.held < world.last() {
        let tick = driver.next(&mut rng, world.last());
        let again = rng.random_bool(0.2);
        let patience = match rng.random_bool(0.4) {
            true => Duration::from_micros(rng.random_range(0..6000)),
            false => Duration::from_secs(600),
        };
        match tokio::time::timeout(patience, driver.deliver(&world, tick, again, |_, _| ())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => assert!(matches!(error, TargetError::Away(_)), "{error:?}"),
            Err(_) => abandoned += 1,
        }
        // What nobody waited for may be written at any time, and must not fall back.
        let unsure = driver.held < driver.under_way;
        if unsure || rng.random_bool(0.3) {
            let stands = reader.at_once(|reader| {
                let (stands, _) = reader.position();
                world.compare(reader, stands);
                stands
            });
            let possible = driver.held.max(stood)..=driver.under_way;
            assert!(possible.contains(&stands), "the file stands at {stands:?}, which cannot be: {possible:?}");
            (compared, stood) = (compared + 1, stands);
        }
    }
    let arrived = world.compare(&reader, world.last());
    let Figures { deltas, again, rows_sent, failures, ahead } = driver.figures;
    println!(
        "{deltas} deltas ({again} again), {rows_sent} changes sent, {abandoned} abandoned, {failures} failures, \
         compared {compared} times, {ahead} times ahead of what was known; {arrived} rows at the end, duplicates 0, \
         lost 0"
    );
    // How many are abandoned is a matter of how fast the disk is.
    assert!(compared > 0, "vacuous");
}

#[tokio::test]
async fn what_is_held_already_changes_nothing_and_what_does_not_fit_is_refused() {
    let world = World::new(11, 8, 12);
    let file = File::new();
    let mut target = file.config("").target();
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    let reader = file.reader();
    for (after, tick) in [(0, 4), (0, 4), (0, 2), (2, 4), (1, 3)] {
        target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap();
        world.compare(&reader, Tick(4));
    }
    for (after, tick) in [(3, 6), (5, 6)] {
        let differs = target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap_err();
        assert!(matches!(differs, TargetError::Differs { holds: 4, left } if left == after), "{differs:?}");
        assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(4)));
        world.compare(&reader, Tick(4));
    }
    target.apply(&world.delta(Tick(4), Tick(8))).await.unwrap();
    world.compare(&reader, Tick(8));
}

/// The first delta of a store that is filled anew: all there is, in many pieces and one transaction.
#[tokio::test]
async fn a_large_delta_leaves_no_large_log() {
    let seed = seed();
    let world = World::large(seed, 150_000);
    let file = File::new();
    let mut driver = Driver::new(file.config("").target(), Tick(0), Tick(0));
    let start = Instant::now();
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let took = start.elapsed();
    let count = world.compare(&file.reader(), Tick(1));
    println!("{count} rows of 6 columns in {} ms", took.as_millis());
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    assert_eq!(world.compare(&file.reader(), Tick(2)), 0);
    // What it has is in the file; the next one begins at its start, and cuts it.
    driver.deliver(&world, Tick(3), false, |_, _| ()).await.unwrap();
    let log_bytes = std::fs::metadata(file.config("").path.with_extension("db-wal")).unwrap().len();
    assert!(log_bytes <= 16 << 20, "{log_bytes} bytes");
}
