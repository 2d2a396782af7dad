//! Points out: to a server that keeps them through restarts, and to one that refuses, is busy, slow or gone.

mod support;

use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_influx::store::{Config, probe};
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::Duration;
use support::stub::{Say, Stub};
use support::victoria::{Samples, Server};
use support::world::World;
use support::{deliver, seed};

/// Values of readings up to a tick, per sensor.
fn readings(world: &World, tick: Tick) -> BTreeMap<String, Samples> {
    let mut series: BTreeMap<String, Samples> = BTreeMap::new();
    for (_, rows) in world.at(tick).filter(|(table, _)| table.log) {
        for row in rows.values() {
            let [Cell::Text(sensor), Cell::Time(at), _, Cell::Float(value), _] = row.as_slice() else {
                panic!("{row:?}")
            };
            series.entry(format!("sensor_id={sensor}")).or_default().insert(at.0, *value);
        }
    }
    series
}

/// Fails with what is lost and what is too much. Gives points.
fn compare(world: &World, server: &Server, tick: Tick) -> usize {
    let (expected, held) = (readings(world, tick), server.samples("readings_value"));
    let points = |of: &BTreeMap<String, Samples>| of.values().map(Samples::len).sum::<usize>();
    assert_eq!(held.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (series, samples) in &expected {
        let lost = samples.iter().filter(|(at, value)| held[series].get(at) != Some(value)).count();
        assert_eq!((lost, held[series].len()), (0, samples.len()), "{series} at tick {}", tick.0);
    }
    points(&held)
}

/// Where a delta up to `furthest` may have been interrupted: what it wrote is there before its tick is held.
fn compare_unsure(world: &World, server: &Server, tick: Tick, furthest: Tick) {
    let held = server.samples("readings_value");
    let possible: Vec<_> = (tick.0..=furthest.0).map(|tick| readings(world, Tick(tick))).collect();
    for (series, samples) in &possible[0] {
        let lost = samples.keys().filter(|at| !held[series].contains_key(at)).count();
        assert_eq!(lost, 0, "{series} at tick {}", tick.0);
    }
    for (series, samples) in &held {
        let was = |at, value| possible.iter().any(|then| then.get(series).and_then(|of| of.get(at)) == Some(value));
        let wrong = samples.iter().filter(|(at, value)| !was(*at, *value)).count();
        assert_eq!(wrong, 0, "{series} between ticks {} and {}", tick.0, furthest.0);
    }
}

/// Lehr's side dies while it writes, and delivers again, in other steps; the server ends and comes back, and loses what it had not
/// written down when it is killed: then it is filled from before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_lehrs_readings_whatever_comes_twice() {
    let seed = seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, 200, 40);
    let mut server = Server::start();
    let config = server.config("batch = 7");
    let (mut target, mut connected) = (config.target(), false);
    let (mut held, mut written, mut deltas, mut died, mut restarts, mut kills) = (Tick(0), Tick(0), 0, 0, 0, 0);
    let mut furthest = Tick(0);
    while held < world.last() {
        let tick = Tick(rng.random_range(held.0 + 1..=world.last().0.min(held.0 + 5)));
        deltas += 1;
        furthest = furthest.max(tick);
        if rng.random_bool(0.3) {
            // In the middle, and whoever comes next knows nothing of it.
            let limit = Duration::from_micros(rng.random_range(0..5000));
            let done = tokio::time::timeout(limit, deliver(&mut target, &mut connected, &world, (held, tick))).await;
            if done.is_err() {
                (target, connected, died) = (config.target(), false, died + 1);
            }
            continue;
        }
        if let Err(error) = deliver(&mut target, &mut connected, &world, (held, tick)).await {
            assert!(matches!(error, TargetError::Away(_)), "{error:?}");
            continue;
        }
        held = tick;
        if rng.random_bool(0.04) {
            server.end();
            connected = false;
            let away = deliver(&mut target, &mut connected, &world, (Tick(0), held)).await.unwrap_err();
            assert!(matches!(away, TargetError::Away(_)), "{away:?}");
            server.restart();
            (written, restarts) = (held, restarts + 1);
            compare_unsure(&world, &server, held, furthest);
        } else if rng.random_bool(0.04) {
            server.kill();
            server.restart();
            (held, kills) = (written, kills + 1);
        }
    }
    let points = compare(&world, &server, world.last());
    println!(
        "{deltas} deltas, Lehr's side died {died} times, the server ended {restarts} and was killed {kills} times; \
         {points} points at the end, lost 0, too much 0"
    );
    assert!(died > 0 && restarts + kills > 0 && points > 1000);
}

/// The first delta of a store that is filled anew, in many requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_delta_goes_out_in_batches() {
    let count = std::env::var("LEHR_ROWS").map_or(50_000, |rows| rows.parse().expect("a number"));
    let world = World::large(1, count);
    let server = Server::start();
    let (mut target, mut connected) = (server.config("").target(), false);
    let start = std::time::Instant::now();
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
    let took = start.elapsed();
    println!("{} points in {} ms", compare(&world, &server, Tick(1)), took.as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_as_the_api_has_them() {
    let stub = Stub::start();
    let world = World::large(2, 30);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "s3cret\n").unwrap();
    let config =
        stub.config(&format!("token = {{ file = {:?} }}\nbatch = 13\ntables = [\"ware\", \"readings\"]", file.path()));
    config.check(&world.tables).unwrap();
    let (mut target, mut connected) = (config.target(), false);
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
    let asked = stub.asked();
    let counts: Vec<usize> = asked.iter().map(|asked| asked.body.lines().count()).collect();
    assert_eq!(counts, [0, 13, 13, 4, 13, 13, 4]);
    for asked in &asked {
        assert_eq!(asked.line, "POST /api/v2/write?org=Glas%20%26%20S%C3%B6hne&bucket=plant%2F1&precision=ms HTTP/1.1");
        assert_eq!(asked.header("authorization"), Some("Token s3cret"));
    }
    let first = asked[4].body.lines().next().unwrap();
    assert_eq!(first, "readings,sensor_id=Line_A.sensor_0 revision=1i,value=0.0,status=\"good\" 1767225600000");
    deliver(&mut target, &mut connected, &world, (Tick(1), Tick(2))).await.unwrap();
    let gone = stub.asked();
    assert!(gone[0].body.lines().all(|line| line.ends_with(&format!(" gone=true {}", World::now(Tick(2)).0))));
    assert_eq!(gone.iter().map(|asked| asked.body.lines().count()).sum::<usize>(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_to_do_and_no_secret() {
    let stub = Stub::start();
    let world = World::large(3, 10);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "s3cret").unwrap();
    let config = stub.config(&format!("token = {{ file = {:?} }}", file.path()));
    let refusals = [
        ("401 Unauthorized", r#"{"code":"unauthorized","message":"unauthorized access"}"#, "does not know the token"),
        ("403 Forbidden", r#"{"code":"forbidden","message":"insufficient permissions"}"#, "may not write the bucket"),
        (
            "404 Not Found",
            r#"{"code":"not found","message":"bucket \"plant/1\" not found"}"#,
            "bucket \"plant/1\" not found",
        ),
        ("307 Temporary Redirect\r\nLocation: http://elsewhere/", "", "to http://elsewhere/: give that as url"),
    ];
    for (head, body, part) in refusals {
        stub.say([Say::Answer(head, body), Say::Answer(head, body)]);
        let error = config.target().connect(&world.tables).await.unwrap_err();
        assert!(matches!(&error, TargetError::Refused(why) if why.contains(part)), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(probe(&config).await.unwrap_err().contains(part));
    }
    // InfluxDB has nothing against token and bucket when it misses the points.
    stub.say([Say::Answer("400 Bad Request", r#"{"code":"invalid","message":"writing requires points"}"#)]);
    assert_eq!(probe(&config).await.unwrap(), [format!("{} takes points", config.address())]);
    // Some of the points are not taken: the line is shown, and nothing is passed over.
    let (mut target, mut connected) = (config.target(), false);
    let partial = r#"{"code":"invalid","message":"partial write: field type conflict: dropped=1","line":3}"#;
    stub.say([Say::Answer("204 No Content", ""), Say::Answer("400 Bad Request", partial)]);
    let error = deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap_err();
    let part = "dropped=1; line 3 of 10: readings,sensor_id=Line_A.sensor_2 ";
    assert!(matches!(&error, TargetError::Refused(why) if why.contains(part)), "{error:?}");
    let first = stub.asked().pop().unwrap();
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
    assert_eq!(stub.asked().pop().unwrap().body, first.body, "the same comes again");
    // What the bucket does not keep any more is no reason to stop.
    let old = r#"{"code":"unprocessable entity","message":"partial write: points beyond retention policy dropped=10"}"#;
    stub.say([Say::Answer("422 Unprocessable Entity", old)]);
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let stub = Stub::start();
    let world = World::large(4, 10);
    for status in ["429 Too Many Requests\r\nRetry-After: 1", "503 Service Unavailable\r\nRetry-After: 1"] {
        let (mut target, mut connected) = (stub.config("").target(), false);
        stub.say([Say::Answer("204 No Content", ""), Say::Answer(status, "")]);
        let away = deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap_err();
        assert!(matches!(&away, TargetError::Away(why) if why.contains("wants 1 s of rest")), "{away:?}");
        stub.asked();
        let mut tries = 0;
        while deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.is_err() {
            assert_eq!(stub.asked(), [], "it was asked before its time");
            tries += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(tries > 0);
        assert_eq!(stub.asked().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_absent_servers_are_away_in_bounded_time() {
    let stub = Stub::start();
    let world = World::large(5, 10);
    let config = stub.config("timeout_s = 1");
    let (mut target, mut connected) = (config.target(), false);
    stub.say([Say::Answer("204 No Content", ""), Say::Nothing]);
    let away = deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap_err();
    assert!(matches!(&away, TargetError::Away(why) if why.contains("timeout")), "{away:?}");
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
    let gone = Config { url: "http://127.0.0.1:1".to_owned(), ..config };
    let away = gone.target().connect(&world.tables).await.unwrap_err();
    assert!(matches!(&away, TargetError::Away(why) if why.contains("refused")), "{away:?}");
    assert!(probe(&gone).await.is_err());
    // Nothing is sent without a connection.
    assert!(matches!(gone.target().apply(&world.delta(Tick(0), Tick(1))).await, Err(TargetError::Away(_))));
}

/// Where a proxy limits the size of requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_too_large_is_halved() {
    let stub = Stub::start();
    let world = World::large(6, 8);
    let (mut target, mut connected) = (stub.config("").target(), false);
    let large = Say::Answer("413 Payload Too Large", "");
    stub.say([Say::Answer("204 No Content", ""), large.clone(), large]);
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
    let asked = stub.asked();
    let counts: Vec<usize> = asked.iter().map(|asked| asked.body.lines().count()).collect();
    assert_eq!(counts, [0, 8, 4, 2, 2, 4]);
    let taken: String = asked[3..].iter().map(|asked| asked.body.as_str()).collect();
    assert_eq!(taken, asked[1].body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_connection_is_held_to_the_authority() {
    let server = Server::encrypted();
    let world = World::large(7, 10);
    let config = Config { ca: Some(server.file("ca.pem")), ..server.config("") };
    assert_eq!(probe(&config).await.unwrap().len(), 1);
    let (mut target, mut connected) = (config.target(), false);
    deliver(&mut target, &mut connected, &world, (Tick(0), Tick(1))).await.unwrap();
    assert!(!server.samples("readings_value").is_empty());
    let missing = server.file("missing.pem");
    for (ca, part) in [
        (Some(server.file("other.pem")), "no trusted connection"),
        (None, "no trusted connection"),
        (Some(server.file("key.pem")), "holds no certificate"),
        (Some(missing), "missing.pem"),
    ] {
        let refused = Config { ca, ..config.clone() }.target().connect(&world.tables).await.unwrap_err();
        assert!(matches!(&refused, TargetError::Refused(why) if why.contains(part)), "{refused:?}");
    }
    let by_number = Config { url: config.url.replace("localhost", "127.0.0.1"), ..config };
    let refused = by_number.target().connect(&world.tables).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("no trusted connection")), "{refused:?}");
}
