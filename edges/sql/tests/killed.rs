//! Lehr's side and the server are killed at any moment. A follower is this program again, with a mark on disk as Lehr
//! keeps one.

mod support;

use lehr_domain::Tick;
use lehr_sql::{postgres, sqlite};
use lehr_targets::Target;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use support::driver::Driver;
use support::file::File;
use support::server::Server;
use support::world::{Store, World};
use tempfile::TempDir;

/// So many that those that pass between two kills, on a fast machine too, leave some for all of these.
const TICKS: u64 = 1000;
const CHANGES: usize = 25;
const KILLS: usize = 40;

/// Of a delta that is killed in the middle.
const LARGE: usize = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("follow") => follow(&Follow::read(&arguments[2..])),
        // Asked by tools that list tests.
        Some("--list") => println!("killed: test"),
        _ => {
            let seed = support::seed();
            postgres_at_any_moment(seed);
            sqlite_at_any_moment(seed);
            sqlite_in_a_large_delta(seed);
        }
    }
}

/// What a follower is told.
struct Follow {
    kind: &'static str,
    config: PathBuf,
    seed: u64,
    /// Rows of a large world; 0 for one of many ticks.
    large: usize,
    mark: PathBuf,
}

impl Follow {
    fn new(kind: &'static str, config: &str, seed: u64, large: usize, dir: &TempDir) -> Follow {
        let (config_file, mark) = (dir.path().join("config"), dir.path().join("mark"));
        fs::write(&config_file, config).expect("written");
        Follow { kind, config: config_file, seed, large, mark }
    }

    fn read(arguments: &[String]) -> Follow {
        let [kind, config, seed, large, mark] = arguments else { panic!("five arguments") };
        Follow {
            kind: if kind == "sqlite" { "sqlite" } else { "postgres" },
            config: config.into(),
            seed: seed.parse().expect("a seed"),
            large: large.parse().expect("a number"),
            mark: mark.into(),
        }
    }

    fn start(&self) -> Follower {
        let mut child = Command::new(std::env::current_exe().expect("this"))
            .args(["follow", self.kind])
            .arg(&self.config)
            .args([self.seed.to_string(), self.large.to_string()])
            .arg(&self.mark)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("asked for"));
        Follower { child, lines }
    }

    fn world(&self) -> World {
        if self.large > 0 { World::large(self.seed, self.large) } else { World::new(self.seed, TICKS, CHANGES) }
    }

    fn target(&self) -> Box<dyn Target> {
        let text = fs::read_to_string(&self.config).expect("given");
        match self.kind {
            "sqlite" => toml::from_str::<sqlite::Config>(&text).expect("good").target(),
            _ => toml::from_str::<postgres::Config>(&text).expect("good").target(),
        }
    }
}

struct Follower {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Follower {
    /// Waits until it has begun so many tries. Its end, when it ends before.
    fn tries(&mut self, count: usize) -> Option<ExitStatus> {
        let begun = (&mut self.lines).lines().map_while(Result::ok).take(count).count();
        (begun < count).then(|| self.child.wait().expect("it ends"))
    }

    fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_mark(mark: &Path) -> (Tick, Tick) {
    let marked = fs::read_to_string(mark).unwrap_or("0 0".to_owned());
    let (held, under_way) = marked.split_once(' ').expect("two numbers");
    let tick = |text: &str| Tick(text.parse().expect("a tick"));
    (tick(held), tick(under_way))
}

fn write_mark(mark: &Path, held: Tick, under_way: Tick) {
    let partial = mark.with_extension("partial");
    fs::write(&partial, format!("{} {}", held.0, under_way.0)).expect("written");
    fs::rename(&partial, mark).expect("replaced");
}

fn pause(rng: &mut ChaCha8Rng, most: Duration) {
    std::thread::sleep(Duration::from_micros(rng.random_range(0..most.as_micros() as u64)));
}

fn postgres_at_any_moment(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut server = Server::start();
    let dir = tempfile::tempdir().expect("a folder");
    let following = Follow::new("postgres", &server.config_text(server.port, ""), seed, 0, &dir);
    let (mut kills, mut servers) = (0, 0);
    loop {
        let mut follower = following.start();
        // So many tries are made, then it dies in the middle of the next.
        let tries = if kills < KILLS { rng.random_range(1..8) } else { usize::MAX };
        if let Some(status) = follower.tries(tries) {
            assert!(status.success(), "the follower failed");
            break;
        }
        pause(&mut rng, Duration::from_millis(20));
        if rng.random_bool(0.1) {
            server.kill();
            servers += 1;
        }
        follower.kill();
        kills += 1;
        if !server.runs() {
            server.restart();
        }
    }
    let world = following.world();
    let arrived = world.compare(&server, world.last());
    println!(
        "PostgreSQL: {TICKS} ticks, Lehr's side killed {kills} times, the server {servers} times; {arrived} rows at the \
         end, duplicates 0, lost 0"
    );
    assert!(kills >= KILLS / 2, "it was killed {kills} times only");
}

/// After each kill the file is at one tick, and at one that it can be at.
fn sqlite_at_any_moment(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let file = File::new();
    let dir = tempfile::tempdir().expect("a folder");
    let following = Follow::new("sqlite", &support::file::config_text(&file.path(), ""), seed, 0, &dir);
    let world = following.world();
    let (mut kills, mut ahead) = (0, 0);
    loop {
        let mut follower = following.start();
        let tries = if kills < KILLS { rng.random_range(1..8) } else { usize::MAX };
        if let Some(status) = follower.tries(tries) {
            assert!(status.success(), "the follower failed");
            break;
        }
        pause(&mut rng, Duration::from_millis(20));
        follower.kill();
        kills += 1;
        let (held, under_way) = read_mark(&following.mark);
        if held > Tick(0) {
            let reader = file.reader();
            let (stands, _) = reader.position();
            assert!((held..=under_way).contains(&stands), "{stands:?} is not in {held:?} to {under_way:?}");
            world.compare(&reader, stands);
            ahead += usize::from(stands > held);
        }
    }
    let arrived = world.compare(&file.reader(), world.last());
    println!(
        "SQLite: {TICKS} ticks, the writer killed {kills} times, {ahead} times the file was ahead of what was known; \
         {arrived} rows at the end, duplicates 0, lost 0"
    );
    assert!(kills >= KILLS / 2, "it was killed {kills} times only");
}

/// Much of it is in the log when the writer is killed, and none of it is seen.
fn sqlite_in_a_large_delta(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let file = File::new();
    let dir = tempfile::tempdir().expect("a folder");
    let following = Follow::new("sqlite", &support::file::config_text(&file.path(), ""), seed, LARGE, &dir);
    let world = following.world();
    let (mut kills, mut in_the_middle, mut log_bytes) = (0, 0, 0);
    while kills < 10 {
        let mut follower = following.start();
        if let Some(status) = follower.tries(1) {
            assert!(status.success(), "the follower failed");
            break;
        }
        pause(&mut rng, Duration::from_millis(500));
        follower.kill();
        kills += 1;
        let log = fs::metadata(file.path().with_extension("db-wal")).map_or(0, |log| log.len());
        let reader = file.reader();
        if reader.ask("SELECT count(*) FROM sqlite_master WHERE name = 'position'") == "0" {
            continue;
        }
        let (held, under_way) = read_mark(&following.mark);
        let (stands, _) = reader.position();
        assert!((held..=under_way).contains(&stands), "{stands:?} is not in {held:?} to {under_way:?}");
        world.compare(&reader, stands);
        in_the_middle += usize::from(log > 200_000 && stands < under_way);
        log_bytes = log_bytes.max(log);
    }
    let status = following.start().tries(usize::MAX).expect("it ends");
    assert!(status.success(), "the follower failed");
    world.compare(&file.reader(), world.last());
    println!(
        "SQLite: a delta of {LARGE} rows, the writer killed {kills} times, {in_the_middle} of them with rows in the log \
         (up to {log_bytes} bytes) that were not committed; duplicates 0, lost 0"
    );
}

#[tokio::main(flavor = "current_thread")]
async fn follow(following: &Follow) {
    let world = following.world();
    let (held, under_way) = read_mark(&following.mark);
    let mut rng = ChaCha8Rng::seed_from_u64(following.seed ^ held.0);
    let mut driver = Driver::new(following.target(), held, under_way);
    while driver.held < world.last() {
        let tick = match following.large {
            0 => driver.next(&mut rng, world.last()),
            _ => Tick(driver.held.0 + 1),
        };
        println!("to {}", tick.0);
        let write = |held: Tick, under_way: Tick| write_mark(&following.mark, held, under_way);
        // A server that is being killed: it is tried until this process is.
        if driver.deliver(&world, tick, false, write).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
