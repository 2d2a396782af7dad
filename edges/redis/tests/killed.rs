//! Lehr's side and the server are killed at any moment. A follower is this program again, with a mark on disk as Lehr
//! keeps one.

mod support;

use lehr_domain::Tick;
use lehr_redis::Config;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::driver::Driver;
use support::held::compare;
use support::server::Server;
use support::world::World;

/// So many that those that pass between two kills, on a fast machine too, leave some for all of these.
const TICKS: u64 = 600;
const CHANGES: usize = 25;
const KILLS: usize = 40;
const KEEP_LOGS: &str = "tables = [\"ware\", \"panes\", \"readings\"]";

struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("follow") => follow(&arguments[2], arguments[3].parse().expect("a seed"), Path::new(&arguments[4])),
        // Asked by tools that list tests.
        Some("--list") => println!("killed: test"),
        _ => killed_at_any_moment(),
    }
}

fn killed_at_any_moment() {
    let seed = support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, TICKS, CHANGES);
    let mut server = Server::start();
    let dir = tempfile::tempdir().expect("a folder");
    let (mark, config) = (dir.path().join("mark"), dir.path().join("config"));
    fs::write(&config, server.config_text(server.port, KEEP_LOGS)).expect("written");
    let (mut kills, mut servers) = (0, 0);
    loop {
        let program = std::env::current_exe().expect("this");
        let mut child = Command::new(program)
            .args(["follow", config.to_str().expect("text"), &seed.to_string(), mark.to_str().expect("text")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("asked for")).lines();
        let mut follower = Follower(child);
        // So many tries are made, then it dies in the middle of the next.
        let tries = if kills < KILLS { rng.random_range(1..8) } else { usize::MAX };
        if lines.by_ref().map_while(Result::ok).take(tries).count() < tries {
            let status = follower.0.wait().expect("it ends");
            assert!(status.success(), "the follower failed");
            break;
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..20_000)));
        if rng.random_bool(0.1) {
            server.kill();
            servers += 1;
        }
        follower.0.kill().expect("it is ours");
        follower.0.wait().expect("it ends");
        kills += 1;
        if !server.runs() {
            server.restart();
        }
    }
    let (rows, entries) = compare(&world, &server, world.last());
    println!(
        "{TICKS} ticks, Lehr's side killed {kills} times, the server {servers} times; {rows} rows and {entries} entries of logs at the end, \
         duplicates 0, lost 0"
    );
    assert!(kills >= KILLS / 2, "it was killed {kills} times only");
}

#[tokio::main(flavor = "current_thread")]
async fn follow(config: &str, seed: u64, mark: &Path) {
    let config: Config = toml::from_str(&fs::read_to_string(config).expect("given")).expect("good");
    let world = World::new(seed, TICKS, CHANGES);
    let marked = fs::read_to_string(mark).unwrap_or("0 0".to_owned());
    let (held, under_way) = marked.split_once(' ').expect("two numbers");
    let [held, under_way] = [held, under_way].map(|text| Tick(text.parse().expect("a tick")));
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ held.0);
    let mut driver = Driver::new(config.target(), held, under_way);
    while driver.held < world.last() {
        let tick = driver.next(&mut rng, world.last());
        println!("to {}", tick.0);
        let write = |held: Tick, under_way: Tick| {
            let partial = mark.with_extension("partial");
            fs::write(&partial, format!("{} {}", held.0, under_way.0)).expect("written");
            fs::rename(&partial, mark).expect("replaced");
        };
        // A server that is being killed: it is tried until this process is.
        if driver.deliver(&world, tick, false, write).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
