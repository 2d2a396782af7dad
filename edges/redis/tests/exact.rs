//! The store holds what Lehr holds, whatever happens on the way.

mod support;

use lehr_domain::Tick;
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::driver::{Driver, Figures};
use support::held::compare;
use support::proxy::{From, Proxy};
use support::server::Server;
use support::world::World;

const KEEP_LOGS: &str = "tables = [\"ware\", \"panes\", \"readings\"]";

/// Deltas with the same bounds and narrower ones, again and again, over connections that are cut at any byte of either
/// side, to a server that is killed now and then.
#[tokio::test]
async fn rows_are_lehrs_at_every_tick() {
    let seed = support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 300, 12);
    let mut server = Server::start();
    let proxy = Proxy::before(server.port);
    let config = server.config_at(proxy.port, KEEP_LOGS);
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    let (mut kills, mut compared, mut ahead) = (0, 0, 0);
    // What failed comes again as it was.
    let mut failed: Option<Tick> = None;
    while driver.held < world.last() {
        let again = failed.take().filter(|tick| *tick > driver.held);
        let tick = again.unwrap_or_else(|| driver.next(&mut rng, world.last()));
        if rng.random_bool(0.3) {
            let whose = if rng.random_bool(0.7) { From::Lehr } else { From::Server };
            proxy.cut_after(whose, rng.random_range(0..12_000));
        }
        if rng.random_bool(0.2) {
            // Lehr does not get to know what was done: the last answer of a transaction is the id of an entry.
            proxy.lose(b"QUEUED\r\n*");
        }
        if rng.random_bool(0.03) {
            server.kill();
            kills += 1;
            let _ = driver.deliver(&world, tick, false, |_, _| ()).await;
            server.restart();
        }
        let twice = rng.random_bool(0.2);
        if driver.held < tick
            && let Err(error) = driver.deliver(&world, tick, twice, |_, _| ()).await
        {
            assert!(matches!(error, TargetError::Away(_)), "{error:?}");
            failed = Some(tick);
        }
        // After a failure the store may hold more than it is known to, and must not fall back.
        let unsure = driver.held < driver.under_way;
        if rng.random_bool(if unsure { 0.4 } else { 0.05 }) {
            let Some(tick) = server.cli(&["HGET", "lehr:position", "tick"]).pop() else {
                assert_eq!(driver.under_way, Tick(0), "the position is lost");
                continue;
            };
            let stands = Tick(tick.parse().unwrap());
            let possible = driver.held..=driver.under_way;
            assert!(possible.contains(&stands), "the store stands at {stands:?}, which cannot be: {possible:?}");
            compare(&world, &server, stands);
            (compared, ahead) = (compared + 1, ahead + usize::from(stands > driver.held));
        }
    }
    let (rows, entries) = compare(&world, &server, world.last());
    let Figures { deltas, again, rows_sent, failures, ahead: found } = driver.figures;
    let ahead = ahead + found;
    println!(
        "{deltas} deltas ({again} again), {rows_sent} changes sent, {failures} failures, {} connections cut, {kills} \
         servers killed, compared {compared} times, {ahead} of them ahead of what was known; {rows} rows and {entries} \
         entries of logs at the end, duplicates 0, lost 0",
        proxy.cuts()
    );
    assert!(proxy.cuts() > 3 && failures > 3 && compared > 3, "vacuous");
}

#[tokio::test]
async fn what_is_held_already_changes_nothing_and_what_does_not_fit_is_refused() {
    let world = World::new(11, 8, 12);
    let server = Server::start();
    let mut target = server.config(KEEP_LOGS).target();
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    for (after, tick) in [(0, 4), (0, 4), (0, 2), (2, 4), (1, 3)] {
        target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap();
        compare(&world, &server, Tick(4));
    }
    for (after, tick) in [(3, 6), (5, 6)] {
        let differs = target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap_err();
        assert!(matches!(differs, TargetError::Differs { holds: 4, left } if left == after), "{differs:?}");
        assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(4)));
        compare(&world, &server, Tick(4));
    }
    target.apply(&world.delta(Tick(4), Tick(8))).await.unwrap();
    compare(&world, &server, Tick(8));
    let ticks = server.cli(&["XRANGE", "lehr:ticks", "-", "+"]);
    let said: Vec<&[String]> = ticks.chunks_exact(9).collect();
    assert_eq!(said.len(), 2);
    assert_eq!(said[1][1..7], ["after", "4", "tick", "8", "now", &World::now(Tick(8)).to_string()]);
}

/// The first delta of a store that is filled anew: all there is, in many pieces and one transaction.
#[tokio::test]
async fn a_large_delta_is_there_whole_or_not_at_all() {
    let seed = support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = std::env::var("LEHR_ROWS").map_or(20_000, |rows| rows.parse().expect("a number"));
    let world = World::large(seed, count);
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let config = server.config_at(proxy.port, KEEP_LOGS);
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    for _ in 0..5 {
        proxy.cut_after(From::Lehr, rng.random_range(50_000..1_000_000));
        assert!(driver.deliver(&world, Tick(1), false, |_, _| ()).await.is_err());
        assert_eq!(server.cli(&["HGET", "lehr:position", "tick"]), ["0"]);
        assert_eq!(server.cli(&["EXISTS", "lehr:ware", "lehr:readings"]), ["0"]);
    }
    let start = std::time::Instant::now();
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let took = start.elapsed();
    let (rows, entries) = compare(&world, &server, Tick(1));
    let slow = server.cli(&["SLOWLOG", "GET", "1"]);
    println!(
        "{rows} rows of 6 columns and {entries} entries in {} ms; the server's slowest command: {} us",
        took.as_millis(),
        slow.get(2).map_or("-", String::as_str)
    );
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    assert_eq!(compare(&world, &server, Tick(2)).0, 0);
}

/// The streams of a log do not grow for ever, and hold the newest.
#[tokio::test]
async fn a_log_is_bounded_per_sensor() {
    let world = World::large(5, 6000);
    let server = Server::start();
    let config = server.config("tables = [\"readings\"]\nlog_length = 100");
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    assert_eq!(server.cli(&["SCARD", "lehr:readings"]), ["20"]);
    let length: usize = server.cli(&["XLEN", "lehr:readings:Line_A.sensor_7"])[0].parse().unwrap();
    assert!((100..=200).contains(&length), "{length}");
    let last = server.cli(&["XREVRANGE", "lehr:readings:Line_A.sensor_7", "+", "-", "COUNT", "1"]);
    assert_eq!(last[5..7], ["value", "5987.0"]);
}
