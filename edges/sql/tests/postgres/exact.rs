//! The store holds what Lehr holds, whatever happens on the way.

use crate::support::driver::{Driver, Figures};
use crate::support::proxy::{From, Proxy};
use crate::support::server::Server;
use crate::support::world::World;
use lehr_domain::Tick;
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Deltas with the same bounds and narrower ones, again and again, over connections that are cut at any byte of either
/// side, to a server that is killed now and then.
#[tokio::test]
async fn rows_are_lehrs_at_every_tick() {
    let seed = crate::support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 200, 12);
    let mut server = Server::start();
    let proxy = Proxy::before(server.port);
    let config = server.config_at(proxy.port, "");
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    let (mut kills, mut compared, mut stood) = (0, 0, Tick(0));
    while driver.held < world.last() {
        let tick = driver.next(&mut rng, world.last());
        if rng.random_bool(0.3) {
            let whose = if rng.random_bool(0.5) { From::Lehr } else { From::Server };
            proxy.cut_after(whose, rng.random_range(0..12_000));
        }
        if rng.random_bool(0.35) {
            // Lehr does not get to know what is committed.
            proxy.lose(b"COMMIT");
        }
        if rng.random_bool(0.02) {
            server.kill();
            kills += 1;
            let _ = driver.deliver(&world, tick, false, |_, _| ()).await;
            server.restart();
        }
        let again = rng.random_bool(0.2);
        if driver.held < tick
            && let Err(error) = driver.deliver(&world, tick, again, |_, _| ()).await
        {
            assert!(matches!(error, TargetError::Away(_)), "{error:?}");
            continue;
        }
        // After a failure the store may hold more than it is known to, and must not fall back.
        let unsure = driver.held < driver.under_way;
        if unsure || rng.random_bool(0.1) {
            let stands = Tick(server.psql("SELECT tick FROM lehr.position").parse().unwrap());
            let possible = driver.held.max(stood)..=driver.under_way;
            assert!(possible.contains(&stands), "the store stands at {stands:?}, which cannot be: {possible:?}");
            world.compare(&server, stands);
            (compared, stood) = (compared + 1, stands);
        }
    }
    let arrived = world.compare(&server, world.last());
    let Figures { deltas, again, rows_sent, failures, ahead } = driver.figures;
    println!(
        "{deltas} deltas ({again} again), {rows_sent} changes sent, {failures} failures, {} connections cut, {kills} \
         servers killed, compared {compared} times, {ahead} times ahead of what was known; {arrived} rows at the end, duplicates 0, lost 0",
        proxy.cuts()
    );
    assert!(proxy.cuts() > 3 && failures > 3 && compared > 3, "vacuous");
}

#[tokio::test]
async fn what_is_held_already_changes_nothing_and_what_does_not_fit_is_refused() {
    let world = World::new(11, 8, 12);
    let server = Server::start();
    let mut target = server.config("").target();
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    for (after, tick) in [(0, 4), (0, 4), (0, 2), (2, 4), (1, 3)] {
        target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap();
        world.compare(&server, Tick(4));
    }
    for (after, tick) in [(3, 6), (5, 6)] {
        let differs = target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap_err();
        assert!(matches!(differs, TargetError::Differs { holds: 4, left } if left == after), "{differs:?}");
        assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(4)));
        world.compare(&server, Tick(4));
    }
    target.apply(&world.delta(Tick(4), Tick(8))).await.unwrap();
    world.compare(&server, Tick(8));
}

/// The first delta of a store that is filled anew: all there is, in many pieces and one transaction.
#[tokio::test]
async fn a_large_delta_is_there_whole_or_not_at_all() {
    let seed = crate::support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::large(seed, 20_000);
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let mut driver = Driver::new(server.config_at(proxy.port, "").target(), Tick(0), Tick(0));
    for _ in 0..5 {
        proxy.cut_after(From::Lehr, rng.random_range(50_000..1_000_000));
        assert!(driver.deliver(&world, Tick(1), false, |_, _| ()).await.is_err());
        let held = server.psql("SELECT tick FROM lehr.position");
        let rows = server.psql("SELECT count(*) FROM lehr.ware");
        assert_eq!((held.as_str(), rows.as_str()), ("0", "0"));
    }
    let start = std::time::Instant::now();
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let took = start.elapsed();
    let count = world.compare(&server, Tick(1));
    println!("{count} rows of 6 columns in {} ms", took.as_millis());
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    assert_eq!(world.compare(&server, Tick(2)), 0);
}
