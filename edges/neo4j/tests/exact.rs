//! The mirror holds what Lehr holds, whatever happens on the way.

mod support;

use lehr_domain::Tick;
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::driver::{Driver, Figures};
use support::proxy::{From, Proxy};
use support::seen::Seen;
use support::server::Server;
use support::world::World;

/// Of constraints and of the position.
const COMMITS_TO_CONNECT: usize = 4;

/// Deltas with the same bounds and narrower ones, again and again, over connections that are cut at any byte of either
/// side, to a server that is killed now and then.
#[tokio::test]
async fn rows_are_lehrs_at_every_tick() {
    let seed = support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 80, 6);
    let mut server = Server::start().await;
    let proxy = Proxy::before(server.port);
    let mut driver = Driver::new(server.config_at(proxy.port).target(), Tick(0), Tick(0));
    let (mut kills, mut compared, mut stood) = (0, 0, Tick(0));
    while driver.held < world.last() {
        let tick = driver.next(&mut rng, world.last());
        if rng.random_bool(0.3) {
            let whose = if rng.random_bool(0.5) { From::Lehr } else { From::Server };
            proxy.cut_after(whose, rng.random_range(0..6000));
        }
        if rng.random_bool(0.3) {
            // Lehr does not get to know what is committed.
            proxy.lose_commit(rng.random_range(0..=COMMITS_TO_CONNECT));
        }
        if kills < 2 && driver.held.0 > 25 * (kills + 1) {
            server.kill();
            kills += 1;
            assert!(driver.deliver(&world, tick, false, |_, _| ()).await.is_err());
            server.restart().await;
        }
        let again = rng.random_bool(0.2);
        if driver.held < tick
            && let Err(error) = driver.deliver(&world, tick, again, |_, _| ()).await
        {
            assert!(matches!(error, TargetError::Away(_)), "{error:?}");
        }
        // After a failure the mirror may hold more than it is known to, and must not fall back.
        let unsure = driver.held < driver.under_way;
        if unsure || rng.random_bool(0.1) {
            let seen = Seen::of(&server).await;
            let possible = driver.held.max(stood)..=driver.under_way;
            if let Some(stands) = seen.tick() {
                assert!(possible.contains(&stands), "the mirror stands at {stands:?}, which cannot be: {possible:?}");
                world.hold_against(&seen, stands);
                (compared, stood) = (compared + 1, stands);
            }
            assert!(seen.tick().is_some() || stood == Tick(0), "the position is lost");
        }
    }
    let arrived = world.compare(&server, world.last()).await;
    let Figures { deltas, again, rows_sent, failures, ahead } = driver.figures;
    println!(
        "{deltas} deltas ({again} again), {rows_sent} changes sent, {failures} failures, {} connections cut, {kills} \
         servers killed, compared {compared} times, {ahead} times ahead of what was known; {arrived} edges at the end, \
         duplicates 0, lost 0",
        proxy.cuts()
    );
    assert!(proxy.cuts() > 5 && failures > 5 && compared > 5);
}

/// A wide delta fails, a narrower one is committed and nobody gets to know: the rest of the wide one is what is missing.
#[tokio::test]
async fn what_is_held_without_being_known_is_where_the_next_delta_begins() {
    let world = World::new(13, 8, 6);
    let server = Server::start().await;
    let proxy = Proxy::before(server.port);
    let mut driver = Driver::new(server.config_at(proxy.port).target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    // Within a statement: what is cut before a transaction begins is connected again at once.
    proxy.cut_after(From::Lehr, 100);
    driver.deliver(&world, Tick(8), false, |_, _| ()).await.unwrap_err();
    proxy.lose_commit(COMMITS_TO_CONNECT);
    driver.deliver(&world, Tick(4), false, |_, _| ()).await.unwrap_err();
    assert_eq!(driver.held, Tick(2));
    world.compare(&server, Tick(4)).await;
    driver.deliver(&world, Tick(8), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(8)).await;
    assert_eq!((driver.held, driver.figures.ahead), (Tick(8), 1));
}

#[tokio::test]
async fn what_is_held_already_changes_nothing_and_what_does_not_fit_is_refused() {
    let world = World::new(11, 8, 6);
    let server = Server::start().await;
    let mut target = server.config().target();
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    for (after, tick) in [(0, 4), (0, 4), (0, 2), (2, 4), (1, 3)] {
        target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap();
        world.compare(&server, Tick(4)).await;
    }
    for (after, tick) in [(3, 6), (5, 6)] {
        let differs = target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap_err();
        assert!(matches!(differs, TargetError::Differs { holds: 4, left } if left == after), "{differs:?}");
        assert!(matches!(target.apply(&world.delta(Tick(4), Tick(5))).await, Err(TargetError::Away(_))));
        assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(4)));
        world.compare(&server, Tick(4)).await;
    }
    target.apply(&world.delta(Tick(4), Tick(8))).await.unwrap();
    world.compare(&server, Tick(8)).await;
    // Kinds are told where they can be known.
    let kinds = server.cypher("MATCH (n:LehrNode) WHERE n.id = 'crack' RETURN n.kind AS kind").await;
    assert!(kinds.iter().all(|row| row.get::<String>("kind").unwrap() == "defect"));
}

/// The first delta of a mirror that is filled anew: all there is, in many pieces and one transaction.
#[tokio::test]
async fn a_large_delta_is_there_whole_or_not_at_all() {
    let seed = support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::large(seed, 3000);
    let server = Server::start().await;
    let proxy = Proxy::before(server.port);
    let mut driver = Driver::new(server.config_at(proxy.port).target(), Tick(0), Tick(0));
    for _ in 0..3 {
        proxy.cut_after(From::Lehr, rng.random_range(10_000..600_000));
        assert!(driver.deliver(&world, Tick(1), false, |_, _| ()).await.is_err());
        assert_eq!(server.count("MATCH (p:LehrPosition) RETURN p.tick AS count").await, 0);
        assert_eq!(server.count("MATCH (n:LehrNode) RETURN count(n) AS count").await, 0);
    }
    let start = std::time::Instant::now();
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let took = start.elapsed();
    let count = world.compare(&server, Tick(1)).await;
    println!("{count} edges of 10 columns in {} ms", took.as_millis());
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    assert_eq!(world.compare(&server, Tick(2)).await, 0);
}
