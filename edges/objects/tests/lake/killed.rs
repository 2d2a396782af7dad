//! Lehr's side and the server are killed at any moment. A follower is this program again, with a mark on disk as Lehr
//! keeps one.

use crate::support::driver::Driver;
use crate::support::server::Server;
use crate::support::world::{TABLES, World};
use lehr_domain::Tick;
use lehr_objects::Config;
use lehr_targets::TargetError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const TICKS: u64 = 120;
const CHANGES: usize = 12;
const KILLS: usize = 20;

struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a follower is given: its configuration, the seed, and its mark.
const FOLLOW: [&str; 3] = ["LEHR_FOLLOW", "LEHR_FOLLOW_SEED", "LEHR_FOLLOW_MARK"];

/// Nothing, but in the process of a follower.
#[test]
fn follower() {
    let given = FOLLOW.map(|name| std::env::var(name).ok());
    if let [Some(config), Some(seed), Some(mark)] = given {
        follow(&config, seed.parse().expect("a seed"), Path::new(&mark));
    }
}

#[test]
fn a_folder_is_exact_when_lehr_is_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let lake = dir.path().join("lake");
    let config = format!("name = \"lake\"\nfolder = {lake:?}\nevery = \"0s\"\n{TABLES}");
    killed_at_any_moment("folder", &config, None);
}

#[test]
fn a_bucket_is_exact_when_lehr_and_the_server_are_killed() {
    let server = Server::start();
    let config = server.config_text(server.port, TABLES);
    killed_at_any_moment("S3", &config, Some(server));
}

fn killed_at_any_moment(kind: &str, text: &str, mut server: Option<Server>) {
    let seed = crate::support::seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(seed, TICKS, CHANGES);
    let dir = tempfile::tempdir().expect("a folder");
    let (mark, config) = (dir.path().join("mark"), dir.path().join("config"));
    fs::write(&config, text).expect("written");
    let (mut kills, mut servers) = (0, 0);
    loop {
        let program = std::env::current_exe().expect("this");
        let mut child = Command::new(program)
            .args(["--exact", "killed::follower", "--nocapture"])
            .env(FOLLOW[0], &config)
            .env(FOLLOW[1], seed.to_string())
            .env(FOLLOW[2], &mark)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let said = BufReader::new(child.stdout.take().expect("asked for")).lines().map_while(Result::ok);
        // The test program says more.
        let mut tried = said.filter(|line| line.contains("to tick "));
        let mut follower = Follower(child);
        // So many tries are made, then it dies in the middle of the next.
        let tries = if kills < KILLS { rng.random_range(1..6) } else { usize::MAX };
        if tried.by_ref().take(tries).count() < tries {
            let status = follower.0.wait().expect("it ends");
            assert!(status.success(), "the follower failed");
            break;
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..60_000)));
        if let Some(server) = server.as_mut().filter(|_| rng.random_bool(0.2)) {
            server.kill();
            servers += 1;
        }
        follower.0.kill().expect("it is ours");
        follower.0.wait().expect("it ends");
        kills += 1;
        if let Some(server) = server.as_mut().filter(|server| !server.runs()) {
            server.restart();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    let config: Config = toml::from_str(text).expect("good");
    let arrived = runtime.block_on(world.compare(&config, world.last()));
    println!(
        "{kind}: {TICKS} ticks, Lehr's side killed {kills} times, the server {servers} times; {arrived} rows at the end, \
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
        println!("to tick {}", tick.0);
        let write = |held: Tick, under_way: Tick| {
            let partial = mark.with_extension("partial");
            fs::write(&partial, format!("{} {}", held.0, under_way.0)).expect("written");
            fs::rename(&partial, mark).expect("replaced");
        };
        match driver.deliver(&world, tick, false, write).await {
            Ok(()) => {}
            // A narrower delta than was under way, which is there already.
            Err(TargetError::Differs { holds, .. }) => driver.held = Tick(holds),
            // A server that is being killed: it is tried until this process is.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
