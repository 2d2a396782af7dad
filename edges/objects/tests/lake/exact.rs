//! The store holds what Lehr holds, whatever happens on the way.

use crate::support::driver::{Driver, Figures};
use crate::support::proxy::{From, Proxy};
use crate::support::server::{Server, objects_in};
use crate::support::world::{START, TABLES, World, held, tables};
use lehr_domain::{EventMs, Tick};
use lehr_objects::{Config, Days, read};
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::path::Path;

fn folder(dir: &Path, more: &str) -> Config {
    toml::from_str(&format!("name = \"lake\"\nfolder = {:?}\nevery = \"0s\"\n{more}", dir.join("lake"))).unwrap()
}

/// Objects that count, as anybody reads them.
fn counting(dir: &Path) -> BTreeSet<String> {
    let position = std::fs::read(dir.join("lake/position.json")).unwrap();
    let position: serde_json::Value = serde_json::from_slice(&position).unwrap();
    let tables = position["tables"].as_object().unwrap().values();
    let days = tables.flat_map(|kept| kept["days"].as_object().unwrap().values());
    let objects = days.flat_map(|objects| objects.as_array().unwrap());
    objects.map(|object| object["object"].as_str().unwrap().to_owned()).collect()
}

/// Deltas with the same bounds and narrower ones, again and again, over connections that are cut at any byte of either
/// side, to a server that is killed now and then.
#[tokio::test]
async fn rows_are_lehrs_at_every_tick() {
    let seed = crate::support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 120, 10);
    let mut server = Server::start();
    let proxy = Proxy::before(server.port);
    let config = server.config_at(proxy.port, TABLES);
    let direct = server.config("");
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    let (mut kills, mut compared, mut ahead, mut steps) = (0, 0, 0, 0);
    while driver.held < world.last() {
        let tick = driver.next(&mut rng, world.last());
        if rng.random_bool(0.3) {
            let whose = if rng.random_bool(0.5) { From::Lehr } else { From::Server };
            proxy.cut_after(whose, rng.random_range(0..30_000));
        }
        if rng.random_bool(0.05) {
            server.kill();
            kills += 1;
            let _ = driver.deliver(&world, tick, false, |_, _| ()).await;
            server.restart();
        }
        // A single cut is mended within; now and then each repetition is cut too, and the answers of what is done.
        steps += 1;
        let (whose, most) = if rng.random_bool(0.5) { (From::Lehr, 2000) } else { (From::Server, 600) };
        proxy.cut_every(whose, if steps % 8 == 0 { rng.random_range(0..most) } else { usize::MAX });
        let again = rng.random_bool(0.2);
        if driver.held < tick
            && let Err(error) = driver.deliver(&world, tick, again, |_, _| ()).await
        {
            let expected = matches!(error, TargetError::Away(_) | TargetError::Differs { .. });
            assert!(expected, "{error:?}");
            if let TargetError::Differs { holds, .. } = error {
                driver.held = Tick(holds);
                ahead += 1;
            }
            continue;
        }
        // While more was under way the store may hold more than it is known to.
        if driver.held == driver.under_way && rng.random_bool(0.2) {
            world.compare(&direct, driver.held).await;
            compared += 1;
        }
    }
    let arrived = world.compare(&direct, world.last()).await;
    let Figures { deltas, again, rows_sent, failures } = driver.figures;
    println!(
        "S3: {deltas} deltas ({again} again), {rows_sent} changes sent, {failures} failures, {} connections cut, {kills} \
         servers killed, compared {compared} times, {ahead} times ahead of what was known; {arrived} rows at the end in {} \
         objects, duplicates 0, lost 0",
        proxy.cuts(),
        server.objects().len()
    );
    assert!(proxy.cuts() > 3 && failures > 0 && compared > 0);
}

#[tokio::test]
async fn a_folder_holds_the_same_and_no_more_than_counts() {
    let seed = crate::support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 150, 10);
    let dir = tempfile::tempdir().unwrap();
    let config = folder(dir.path(), TABLES);
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    let (mut most, mut merged) = (0, false);
    while driver.held < world.last() {
        if rng.random_bool(0.1) {
            driver.begin_anew(config.target());
        }
        let tick = driver.next(&mut rng, world.last());
        driver.deliver(&world, tick, rng.random_bool(0.2), |_, _| ()).await.unwrap();
        if rng.random_bool(0.2) {
            world.compare(&config, tick).await;
        }
        let objects = objects_in(&dir.path().join("lake"));
        assert_eq!(counting(dir.path()), objects.iter().cloned().collect());
        most = most.max(objects.len());
        merged |= objects.iter().any(|object| object.contains("rows-"));
    }
    let arrived = world.compare(&config, world.last()).await;
    let Figures { deltas, again, rows_sent, .. } = driver.figures;
    println!(
        "folder: {deltas} deltas ({again} again), {rows_sent} changes sent; {arrived} rows at the end in {} objects, {most} \
         at most; duplicates 0, lost 0",
        counting(dir.path()).len()
    );
    assert!(merged);
}

#[tokio::test]
async fn what_is_held_already_changes_nothing_and_what_does_not_fit_is_refused() {
    let world = World::new(11, 8, 12);
    let dir = tempfile::tempdir().unwrap();
    let config = folder(dir.path(), TABLES);
    let mut target = config.target();
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    for (after, tick) in [(0, 4), (0, 4), (0, 2), (2, 4), (1, 3)] {
        target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap();
        world.compare(&config, Tick(4)).await;
    }
    for (after, tick) in [(3, 6), (5, 6)] {
        let differs = target.apply(&world.delta(Tick(after), Tick(tick))).await.unwrap_err();
        assert!(matches!(differs, TargetError::Differs { holds: 4, left } if left == after), "{differs:?}");
        assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(4)));
        world.compare(&config, Tick(4)).await;
    }
    target.apply(&world.delta(Tick(4), Tick(8))).await.unwrap();
    world.compare(&config, Tick(8)).await;
}

/// Two Lehrs with the same place: whoever claimed it last writes, and the other one finds out.
#[tokio::test]
async fn two_cannot_both_write() {
    let world = World::new(12, 8, 12);
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    for config in [server.config(TABLES), folder(dir.path(), TABLES)] {
        let (mut one, mut other) = (config.target(), config.target());
        for target in [&mut one, &mut other] {
            assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
        }
        one.apply(&world.delta(Tick(0), Tick(2))).await.unwrap();
        for _ in 0..2 {
            assert!(matches!(other.apply(&world.delta(Tick(0), Tick(3))).await, Err(TargetError::Away(_))));
            world.compare(&config, Tick(2)).await;
        }
        assert_eq!(other.connect(&world.tables).await.unwrap(), Some(Tick(2)));
        other.apply(&world.delta(Tick(2), Tick(5))).await.unwrap();
        assert!(matches!(one.apply(&world.delta(Tick(2), Tick(4))).await, Err(TargetError::Away(_))));
        world.compare(&config, Tick(5)).await;
    }
}

/// The first delta of a store that is filled anew: all there is, in many objects that count at once.
#[tokio::test]
async fn a_large_delta_is_there_whole_or_not_at_all() {
    let seed = crate::support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::large(seed, 20_000);
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let direct = server.config("");
    let mut driver = Driver::new(server.config_at(proxy.port, "").target(), Tick(0), Tick(0));
    let mut failures = 0;
    for _ in 0..3 {
        proxy.cut_every(From::Lehr, rng.random_range(2_000..6_000));
        failures += usize::from(driver.deliver(&world, Tick(1), false, |_, _| ()).await.is_err());
        assert_eq!(read(&direct, "ware", &Days::All).await.unwrap(), []);
    }
    assert_eq!(failures, 3);
    proxy.cut_every(From::Lehr, usize::MAX);
    let start = std::time::Instant::now();
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let took = start.elapsed();
    let count = world.compare(&direct, Tick(1)).await;
    println!("{count} rows of 7 columns in {} ms, in {} objects", took.as_millis(), server.objects().len());
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    assert_eq!(world.compare(&direct, Tick(2)).await, 0);
}

#[tokio::test]
async fn days_are_read_apart() {
    let world = World::large(5, 1000);
    let dir = tempfile::tempdir().unwrap();
    let config = folder(dir.path(), "");
    Driver::new(config.target(), Tick(0), Tick(0)).deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let ware = &tables()[0];
    let day = |number: i64| EventMs(START.0 + number * 86_400_000);
    let mut rows = held(&config, ware, &Days::Of(day(1)..=EventMs(day(2).0 + 5))).await;
    rows.sort();
    let [first, second] = [1, 2].map(|number| format!("@{}", day(number).0));
    let mut expected = world.rows("ware", Tick(1));
    expected.retain(|row| {
        let at = row.split(',').nth(5).unwrap();
        at == first || at == second
    });
    assert_eq!((rows.len(), rows), (400, expected));
    assert_eq!(read(&config, "order", &Days::All).await.unwrap(), []);
}

/// Rows that leave Lehr when their day is long over stay; those of days that are not go.
#[tokio::test]
async fn closed_days_stay_as_they_are() {
    let world = World::large(6, 100);
    let dir = tempfile::tempdir().unwrap();
    let config = folder(dir.path(), "closed_after = \"1h\"");
    let mut target = config.target();
    target.connect(&world.tables).await.unwrap();
    let mut delta = world.delta(Tick(0), Tick(1));
    // Two days of five are over.
    delta.now = EventMs(START.0 + 2 * 86_400_000 + 3_600_000);
    target.apply(&delta).await.unwrap();
    let mut delta = world.delta(Tick(1), Tick(2));
    delta.now = EventMs(START.0 + 9 * 86_400_000);
    target.apply(&delta).await.unwrap();
    assert_eq!(held(&config, &tables()[0], &Days::All).await.len(), 40);
}

#[tokio::test]
async fn columns_that_come_later_are_null_before_and_other_keys_are_refused() {
    let world = World::large(7, 50);
    let dir = tempfile::tempdir().unwrap();
    let config = folder(dir.path(), "");
    let ware = world.tables[0].clone();
    let mut older = (*ware).clone();
    older.columns.pop();
    let older = std::sync::Arc::new(older);
    let mut delta = world.delta(Tick(0), Tick(1));
    delta.tables[0].table = older.clone();
    delta.tables[0].changes.iter_mut().for_each(|change| {
        change.row.pop();
    });
    let mut target = config.target();
    target.connect(&[older]).await.unwrap();
    target.apply(&delta).await.unwrap();
    let mut newer = delta.clone();
    (newer.after, newer.tick) = (Tick(1), Tick(2));
    newer.tables[0].table = ware.clone();
    newer.tables[0].changes.truncate(1);
    newer.tables[0].changes[0].row.push(lehr_domain::table::Cell::Time(START));
    // Late enough for days to be merged, with columns that old objects lack.
    newer.now = EventMs(START.0 + 30 * 86_400_000);
    target.connect(std::slice::from_ref(&ware)).await.unwrap();
    target.apply(&newer).await.unwrap();
    let rows = held(&config, &ware, &Days::All).await;
    let without = rows.iter().filter(|row| row.ends_with(",~")).count();
    assert_eq!((rows.len(), without), (50, 49));
    let mut other = (*ware).clone();
    other.key = 2;
    let refused = target.connect(&[std::sync::Arc::new(other)]).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("give another prefix")), "{refused:?}");
}
