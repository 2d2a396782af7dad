//! Peers of another implementation, an intake in memory, and a wire that can be cut.
#![allow(dead_code)]

use async_trait::async_trait;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::event::{ErrorRow, SensorDef};
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, Reading};
use lehr_opcua::{Config, ConfigError, run};
use lehr_tags::{Gathered, Intake, Link, SourceStatus, Stopped};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Whatever a test waits for comes within this, or not at all.
pub const LIMIT: Duration = Duration::from_secs(90);
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What the set-up made. Tests that need it fail without it.
pub fn python() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let python = cache.join("opcua/venv/bin/python");
    assert!(python.exists(), "{} is not there: run `make test-setup`", python.display());
    python
}

pub fn peer(name: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// A port that was free a moment ago.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it is bound").port()
}

/// A server whose counters tick: `server.py` of asyncua, or our own device. Killed when dropped.
pub struct Plant {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    pub port: u16,
}

impl Plant {
    pub async fn start(port: u16, arguments: &[&str]) -> Plant {
        let mut command = peer("server.py");
        command.args(["--port", &port.to_string()]).args(arguments);
        Plant::spawn(command, port).await
    }

    /// The example `counters`.
    pub async fn device(port: u16, count: usize, period_ms: i64) -> Plant {
        let program = std::env::current_exe().expect("it runs");
        let target = program.parent().and_then(Path::parent).expect("in a folder of a folder");
        let mut command = Command::new(target.join("examples/counters"));
        command.args([port.to_string(), count.to_string(), period_ms.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        Plant::spawn(command, port).await
    }

    async fn spawn(mut command: Command, port: u16) -> Plant {
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take().expect("asked for");
        let output = BufReader::new(child.stdout.take().expect("asked for")).lines();
        let mut plant = Plant { child, input, output, port };
        let ready = plant.line().await;
        assert!(ready.contains("ready"), "{ready}");
        plant
    }

    pub fn endpoint(&self) -> String {
        format!("opc.tcp://127.0.0.1:{}/", self.port)
    }

    /// `kill -9`.
    pub async fn kill(mut self) -> u16 {
        self.child.kill().await.expect("it was there");
        self.port
    }

    /// Stops the counters. Says the last tick that was written, as `tick` does.
    pub async fn pause(&mut self) -> i64 {
        self.ask("pause").await
    }

    pub async fn tick(&mut self) -> i64 {
        self.ask("tick").await
    }

    /// User and system time of the process so far.
    pub fn cpu(&self) -> Duration {
        cpu(self.child.id().expect("it runs"))
    }

    async fn ask(&mut self, command: &str) -> i64 {
        self.input.write_all(format!("{command}\n").as_bytes()).await.expect("it listens");
        let line = self.line().await;
        let answer: toml::Value = toml::from_str(&line.trim_matches(['{', '}']).replace(':', "=")).expect("an answer");
        answer["tick"].as_integer().expect("a number")
    }

    async fn line(&mut self) -> String {
        timeout(LIMIT, self.output.next_line()).await.expect("in time").expect("it runs").expect("a line")
    }
}

/// User and system time of a process so far, from /proc: ticks of 10 ms.
pub fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("it has a name").split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks");
    Duration::from_millis(ticks * 10)
}

pub fn now() -> EventMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    EventMs(since.as_millis() as i64)
}

/// The default plant, and sensors `Line_A.c0`, `Line_A.c1` … without a unit.
pub fn names(counters: usize) -> Names {
    let mut names = Catalogue::parse(DEFAULT).unwrap().names().unwrap();
    let (most, like) = names.sensors().max_by_key(|(id, _)| *id).map(|(id, def)| (id, def.clone())).unwrap();
    for number in 0..counters {
        let mut id = most;
        id.0 += 1 + number as u32;
        let def = SensorDef { name: format!("Line_A.c{number}"), unit: "1".into(), target: None, ..like.clone() };
        names.apply(&Event::Sensor(id, def));
    }
    names
}

/// Keeps all in memory. Can be slow, can stand still, can stop.
pub struct Memory {
    names: Arc<Names>,
    kept: Mutex<Gathered>,
    /// When what was kept came, by the position of its first reading.
    pub arrived: Mutex<Vec<(usize, EventMs)>>,
    /// Before anything is taken.
    pub delay: Mutex<Duration>,
    open: watch::Sender<bool>,
    stopped: AtomicBool,
}

impl Memory {
    pub fn new(names: Names) -> Arc<Memory> {
        Arc::new(Memory {
            names: Arc::new(names),
            kept: Mutex::default(),
            arrived: Mutex::default(),
            delay: Mutex::default(),
            open: watch::channel(true).0,
            stopped: AtomicBool::new(false),
        })
    }

    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub fn errors(&self) -> Vec<ErrorRow> {
        self.kept.lock().unwrap().errors.clone()
    }

    pub fn readings(&self) -> Vec<Reading> {
        self.kept.lock().unwrap().readings.iter().collect()
    }

    /// Values of each sensor, in the order in which they came.
    pub fn by_sensor(&self) -> BTreeMap<String, Vec<Reading>> {
        let mut all: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
        for reading in self.readings() {
            all.entry(self.names.sensor(reading.sensor).to_owned()).or_default().push(reading);
        }
        all
    }

    /// Ticks of a counter, in the order in which they came, and whether each has its time.
    pub fn ticks(&self, counter: usize, period_ms: i64) -> Vec<i64> {
        let sensor = self.names.sensor_id(&format!("Line_A.c{counter}")).expect("it is there");
        let kept = self.kept.lock().unwrap();
        let of = kept.readings.iter().filter(|reading| reading.sensor == sensor);
        // The value before the first tick has no time of its own.
        of.filter(|reading| reading.value.to_f64() > 0.0)
            .map(|reading| {
                let tick = reading.at.0 / period_ms;
                let expected = (1 + tick % 1_000_000) as f64;
                assert_eq!(
                    (reading.at.0 % period_ms, reading.value.to_f64()),
                    (0, expected),
                    "value and time belong together"
                );
                tick
            })
            .collect()
    }

    /// How long after it was measured each reading came, milliseconds.
    pub fn lags(&self) -> Vec<i64> {
        let (kept, arrived) = (self.kept.lock().unwrap(), self.arrived.lock().unwrap());
        let mut lags = Vec::new();
        let ends = arrived.iter().skip(1).map(|(first, _)| *first).chain([kept.readings.len()]);
        for ((first, at), end) in arrived.iter().zip(ends) {
            lags.extend(kept.readings.at[*first..end].iter().map(|measured| at.0 - measured));
        }
        lags
    }
}

#[async_trait]
impl Intake for Memory {
    fn names(&self) -> Arc<Names> {
        self.names.clone()
    }

    fn now(&self) -> EventMs {
        now()
    }

    async fn take(&self, gathered: Gathered) -> Result<(), Stopped> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(Stopped("the test has seen enough".into()));
        }
        let delay = *self.delay.lock().unwrap();
        sleep(delay).await;
        self.open.subscribe().wait_for(|open| *open).await.expect("the sender is here");
        let mut kept = self.kept.lock().unwrap();
        self.arrived.lock().unwrap().push((kept.readings.len(), now()));
        gathered.readings.iter().for_each(|reading| kept.readings.push(reading));
        kept.errors.extend(gathered.errors);
        Ok(())
    }

    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.take(gathered).await
    }
}

/// A source that runs. Ends when dropped.
pub struct Running {
    pub intake: Arc<Memory>,
    pub status: Arc<SourceStatus>,
    task: JoinHandle<Result<Stopped, ConfigError>>,
}

impl Running {
    pub fn start(config: &str, intake: Arc<Memory>) -> Running {
        let config = config_of(config);
        let status = Arc::new(SourceStatus::new(&config.name, "opcua"));
        let task = tokio::spawn(run(config, intake.clone(), status.clone()));
        Running { intake, status, task }
    }

    /// Waits until it holds; says where everything stands if it does not.
    pub async fn until(&self, what: &str, holds: impl Fn(&Running) -> bool) {
        let wait = async {
            while !holds(self) {
                assert!(!self.task.is_finished(), "the source has ended while waiting until {what}");
                sleep(LOOK_AGAIN).await;
            }
        };
        if timeout(LIMIT, wait).await.is_err() {
            panic!("never: {what}\n{:?}\n{:?}", self.status.standing(), self.intake.errors());
        }
    }

    pub fn connected(&self) -> bool {
        matches!(self.status.standing().link, Link::Connected { .. })
    }

    pub fn away(&self) -> bool {
        matches!(self.status.standing().link, Link::Away { .. })
    }

    /// Why the server counts as away, or nothing.
    pub fn why(&self) -> String {
        match self.status.standing().link {
            Link::Away { why, .. } => why,
            _ => String::new(),
        }
    }

    pub async fn ended(mut self) -> Stopped {
        timeout(LIMIT, &mut self.task).await.expect("in time").expect("no panic").expect("the configuration is right")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn config_of(text: &str) -> Config {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// As the two servers name their counters.
pub const ASYNCUA: &str = "nsu=urn:lehr:test;s=c";
pub const DEVICE: &str = "nsu=urn:lehr:plant;s=Line_A.c";

/// A source of counters, each a sensor of its own.
pub fn counters(endpoint: &str, node: &str, count: usize, publishing_ms: u32, sampling_ms: u32) -> String {
    let mut text = format!("name = \"plc\"\nendpoint = \"{endpoint}\"\npublishing_ms = {publishing_ms}\n");
    for number in 0..count {
        text += &format!(
            "[[tag]]\nnode = \"{node}{number}\"\nsampling_ms = {sampling_ms}\nqueue = 1000\n\
             to = {{ sensor = \"Line_A.c{number}\" }}\n"
        );
    }
    text
}

/// What is wrong with ticks that should go up one by one: how many are missing, and how many come twice or too late.
pub fn disorder(ticks: &[i64]) -> (i64, usize) {
    let steps = ticks.windows(2).map(|pair| pair[1] - pair[0]);
    let (mut missing, mut wrong) = (0, 0);
    for step in steps {
        if step < 1 {
            wrong += 1;
        } else {
            missing += step - 1;
        }
    }
    (missing, wrong)
}

/// A wire between a client and a server, which can be cut, and can go dead without a word.
pub struct Wire {
    pub port: u16,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    /// Connections stand, and nothing passes. Those that went dead stay so.
    Dead,
}

impl Wire {
    pub async fn to(port: u16) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("it is bound").port();
        let (state, seen) = watch::channel(State::Whole);
        let task = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                if *seen.borrow() != State::Cut {
                    tokio::spawn(carry(client, port, seen.clone()));
                }
            }
        });
        Wire { port: own, state, task }
    }

    pub fn endpoint(&self) -> String {
        format!("opc.tcp://127.0.0.1:{}/", self.port)
    }

    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub fn deaden(&self) {
        self.state.send_replace(State::Dead);
    }

    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut client: TcpStream, port: u16, mut state: watch::Receiver<State>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    loop {
        let now = *state.borrow_and_update();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server), if now == State::Whole => return,
            changed = state.changed() => {
                if changed.is_err() || now == State::Dead || *state.borrow() == State::Cut {
                    return;
                }
            }
        }
    }
}
