//! Lehr's tables on a broker that dies, is cut off, refuses, and is slow.

mod support;
#[path = "../../redis/tests/support/world.rs"]
mod world;

use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_mqtt::store::{Config, probe};
use lehr_targets::{Table, Target, TargetError, cell_to_json, row_to_json};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::*;
use world::World;

fn seed() -> u64 {
    let seed = std::env::var("LEHR_SEED").ok().map(|text| text.parse().expect("a number"));
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into());
    println!("LEHR_SEED={seed}");
    seed
}

fn config(port: u16, more: &str) -> Config {
    toml::from_str(&format!("name = \"screens\"\naddress = \"127.0.0.1:{port}\"\n{more}")).unwrap()
}

/// The topic of a row, as the manual has it.
fn topic(table: &Table, row: &[Cell]) -> String {
    let level = |cell: &Cell| match cell_to_json(cell) {
        Value::Null => "%null".to_owned(),
        Value::String(text) => text.replace('%', "%25").replace('/', "%2F").replace('+', "%2B").replace('#', "%23"),
        other => other.to_string(),
    };
    let levels: Vec<String> = table.key_of(row).iter().map(level).collect();
    format!("lehr/{}/{}", table.name, levels.join("/"))
}

/// All that the broker retains, as another client sees it.
fn retained(port: u16) -> BTreeMap<String, String> {
    let output = Command::new("mosquitto_sub")
        .args(["-p", &port.to_string(), "-q", "1", "-W", "1", "--retained-only", "-t", "lehr/#", "-F", "%t\t%p"])
        .output()
        .expect("mosquitto_sub is installed: run `make test-setup`");
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| {
        let (topic, payload) = line.split_once('\t').unwrap();
        (topic.to_owned(), payload.to_owned())
    });
    rows.collect()
}

/// Fails with what is lost and what is too much. Gives rows.
fn compare(world: &World, port: u16, tick: Tick) -> usize {
    let mut held = retained(port);
    let position = held.remove("lehr/position").expect("a position");
    assert_eq!(serde_json::from_str::<Value>(&position).unwrap()["tick"], tick.0);
    let mut expected = BTreeMap::new();
    for (table, rows) in world.at(tick).filter(|(table, _)| !table.log) {
        for row in rows.values() {
            // As texts: not every parser reads a number back bit by bit.
            let text = Value::Object(row_to_json(table, row)).to_string();
            assert!(expected.insert(topic(table, row), text).is_none());
        }
    }
    let lost = expected.keys().filter(|topic| !held.contains_key(*topic)).count();
    let wrong: Vec<_> = held.iter().filter(|(topic, row)| expected.get(*topic) != Some(row)).collect();
    let instead = wrong.first().map(|(topic, _)| expected.get(*topic));
    assert!(lost == 0 && wrong.is_empty(), "at tick {}: {lost} lost; {wrong:?} instead of {instead:?}", tick.0);
    held.len()
}

/// As Lehr drives it.
struct Driver {
    config: Config,
    target: Box<dyn Target>,
    connected: bool,
    held: Tick,
    under_way: Tick,
    /// Where deltas ended that were begun: none that comes later reaches across, as Lehr promises its stores.
    ends: BTreeSet<Tick>,
    /// How often the broker did not have what it had acknowledged.
    forgot: usize,
    changes: usize,
}

impl Driver {
    fn new(config: Config) -> Driver {
        let target = config.target();
        Driver {
            config,
            target,
            connected: false,
            held: Tick(0),
            under_way: Tick(0),
            ends: BTreeSet::new(),
            forgot: 0,
            changes: 0,
        }
    }

    async fn deliver(&mut self, world: &World, tick: Tick) -> Result<(), TargetError> {
        if !self.connected {
            let holds = self.target.connect(&world.tables).await?.expect("it keeps its tick");
            assert!(holds <= self.under_way, "{holds:?} is ahead of {:?}", self.under_way);
            if holds < self.held {
                // Lehr says so and stops; here it is set back, as when the store is filled anew from there.
                self.forgot += 1;
            }
            self.connected = true;
            self.held = holds;
            if holds >= tick {
                return Ok(());
            }
        }
        let tick = self.ends.range(self.held.next()..).next().map_or(tick, |end| tick.min(*end));
        self.ends.insert(tick);
        self.under_way = self.under_way.max(tick);
        let delta = world.delta(self.held, tick);
        self.changes += delta.tables.iter().map(|of| of.changes.len()).sum::<usize>();
        let done = self.target.apply(&delta).await;
        self.connected = done.is_ok();
        if done.is_ok() {
            self.held = tick;
        }
        done
    }

    /// As when its process dies.
    fn die(&mut self) {
        self.target = self.config.target();
        self.connected = false;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retained_topics_are_lehrs_rows_whatever_fails() {
    let seed = seed();
    for version in [4, 5] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let world = World::new(seed, 150, 25);
        let mut broker = Broker::durable();
        let proxy = Proxy::to(broker.port);
        let mut driver = Driver::new(config(proxy.port, &format!("version = {version}")));
        let (mut died, mut cut, mut killed, mut failures, mut compared) = (0, 0, 0, 0, 0);
        while driver.held < world.last() {
            let first = driver.held.0 + 1;
            let end = if driver.held < driver.under_way { driver.under_way.0 } else { world.last().0.min(first + 4) };
            let tick = Tick(rng.random_range(first..=end));
            let limit = Duration::from_micros(rng.random_range(0..8000));
            let what = rng.random_range(0..100);
            let done = if what < 25 {
                // In the middle of it.
                let done = tokio::time::timeout(limit, driver.deliver(&world, tick)).await;
                match what {
                    0..5 => {
                        broker.kill();
                        broker.up();
                        killed += 1;
                    }
                    5..15 => {
                        proxy.cut();
                        cut += 1;
                    }
                    _ => {}
                }
                match done {
                    Ok(done) => done,
                    Err(_) => {
                        driver.die();
                        died += 1;
                        continue;
                    }
                }
            } else {
                driver.deliver(&world, tick).await
            };
            if let Err(error) = done {
                assert!(matches!(error, TargetError::Away(_)), "{error:?}");
                failures += 1;
                continue;
            }
            if driver.connected && driver.held == driver.under_way && rng.random_bool(0.05) {
                compare(&world, broker.port, driver.held);
                compared += 1;
            }
        }
        // What was acknowledged last may be forgotten by a broker that was killed right then.
        driver.die();
        while driver.held < world.last() || !driver.connected {
            let _ = driver.deliver(&world, world.last()).await;
        }
        let rows = compare(&world, broker.port, world.last());
        println!(
            "MQTT {version}: {} changes, Lehr's side died {died}, the broker {killed} times (it had forgotten {} times), \
             {cut} cuts, {failures} failures, compared {compared} times; {rows} rows at the end, lost 0, too much 0",
            driver.changes, driver.forgot
        );
        assert!(died + cut + killed > 0, "vacuous");
    }
}

/// What happened is said once, in order, and is not retained.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_are_said_and_not_kept() {
    let broker = Broker::start();
    let world = World::large(1, 2000);
    let listener = Peer::start(&["listen", &broker.port.to_string(), "lehr/readings/+", "rows"]);
    listener.says("it listens", |said| said["subscribed"].is_string()).await;
    let mut driver = Driver::new(config(broker.port, "tables = [\"ware\", \"readings\"]"));
    let start = std::time::Instant::now();
    driver.deliver(&world, Tick(1)).await.unwrap();
    println!("4000 messages acknowledged in {} ms", start.elapsed().as_millis());
    let heard = || listener.said().into_iter().filter(|said| said["payload"].is_string());
    until("all readings", || heard().count() >= 2000).await;
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for said in heard() {
        assert_eq!(said["retain"], false);
        let topic = said["topic"].as_str().unwrap();
        let row: Value = serde_json::from_slice(&bytes(said["payload"].as_str().unwrap())).unwrap();
        assert_eq!(topic, format!("lehr/readings/{}", row["sensor_id"].as_str().unwrap()));
        values.entry(topic.to_owned()).or_default().push(row["value"].as_f64().unwrap());
    }
    assert_eq!(values.len(), 20);
    assert!(values.values().all(|values| values.is_sorted_by(|one, other| one < other)));
    assert_eq!(compare(&world, broker.port, Tick(1)), 2000);
    driver.deliver(&world, Tick(2)).await.unwrap();
    assert_eq!(compare(&world, broker.port, Tick(2)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_forgot_is_found_out() {
    let mut broker = Broker::start();
    let world = World::new(2, 4, 9);
    let config = config(broker.port, "");
    let mut driver = Driver::new(config.clone());
    driver.deliver(&world, Tick(3)).await.unwrap();
    assert_eq!(probe(&config).await.unwrap()[1], "lehr holds tick 3");
    broker.kill();
    broker.up();
    assert!(driver.deliver(&world, Tick(4)).await.is_err());
    assert_eq!(config.target().connect(&world.tables).await.unwrap(), Some(Tick(0)));
    assert_eq!(probe(&config).await.unwrap()[1], "nothing is there yet below lehr");
    broker.publish("lehr/position", "mine");
    let target = config.target().connect(&world.tables).await;
    assert_eq!(target.unwrap(), Some(Tick(0)), "it is not retained");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_says_what_to_do_and_no_secret() {
    let mut broker = Broker::start();
    broker.kill();
    let folder = broker.folder.path().to_owned();
    let passwords = folder.join("passwords");
    let made = Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&passwords).args(["lehr", "right"]).status();
    assert!(made.expect("mosquitto_passwd is installed: run `make test-setup`").success());
    std::fs::write(folder.join("access"), "user lehr\ntopic readwrite lehr/position\ntopic readwrite lehr/ware/#\n")
        .unwrap();
    let file = folder.join("mosquitto.conf");
    let conf = std::fs::read_to_string(&file).unwrap().replace("allow_anonymous true", "allow_anonymous false");
    let path = folder.display();
    std::fs::write(file, format!("{conf}password_file {path}/passwords\nacl_file {path}/access\n")).unwrap();
    broker.up();
    let secret = |text: &str| {
        let file = folder.join(text);
        std::fs::write(&file, text).unwrap();
        format!("username = \"lehr\"\npassword = {{ file = {file:?} }}\n")
    };
    let world = World::large(3, 5);
    for version in [4, 5] {
        let wrong = config(broker.port, &format!("version = {version}\n{}", secret("s3cret")));
        let error = wrong.target().connect(&world.tables).await.unwrap_err();
        assert!(matches!(&error, TargetError::Refused(why) if why.contains("see username, password")), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(probe(&wrong).await.unwrap_err().contains("see username, password"));
    }
    let mut driver = Driver::new(config(broker.port, &format!("tables = [\"readings\"]\n{}", secret("right"))));
    let error = driver.deliver(&world, Tick(1)).await.unwrap_err();
    assert!(error.to_string().contains("access rules"), "{error:?}");
    let mut driver = Driver::new(config(broker.port, &format!("tables = [\"ware\"]\n{}", secret("right"))));
    driver.deliver(&world, Tick(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_silent_and_absent_brokers_are_away_in_bounded_time() {
    let broker = Broker::start();
    let world = World::large(4, 50);
    let proxy = Proxy::to(broker.port);
    let mut driver = Driver::new(config(proxy.port, "timeout_s = 1"));
    driver.deliver(&world, Tick(1)).await.unwrap();
    proxy.slow(Duration::from_secs(3));
    let error = driver.deliver(&world, Tick(2)).await.unwrap_err();
    assert!(matches!(&error, TargetError::Away(why) if why.contains("within 1 s")), "{error:?}");
    proxy.slow(Duration::ZERO);
    let deadline = std::time::Instant::now() + DEADLINE;
    while driver.deliver(&world, Tick(2)).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "it does not come back");
    }
    assert_eq!(compare(&world, broker.port, Tick(2)), 0);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for port in [silent.local_addr().unwrap().port(), free_port()] {
        let error = config(port, "").target().connect(&world.tables).await.unwrap_err();
        assert!(matches!(error, TargetError::Away(_)), "{error:?}");
    }
    // Nothing is sent without a connection.
    let mut target = config(broker.port, "").target();
    assert!(matches!(target.apply(&world.delta(Tick(0), Tick(1))).await, Err(TargetError::Away(_))));
}
