//! A broker, a network that can be cut, an intake that can be slow, and other implementations to speak with.
#![allow(dead_code)]

use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading};
use lehr_mqtt::{Config, ConfigError, run_with, sparkplug::Known};
use lehr_tags::{Gathered, Intake, SourceStatus, Stopped};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// For whatever must happen in the end; generous, as machines are busy.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// What the set-up made. Tests that need it fail without it.
pub fn set_up(path: &str) -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let path = cache.join("mqtt").join(path);
    assert!(path.exists(), "{} is not there: run `make test-setup`", path.display());
    path
}

pub fn wall() -> EventMs {
    EventMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

/// Bytes that a peer has written in hexadecimal digits.
pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Waits for a condition, and says what was waited for if it does not come.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A child that does not outlive its test.
pub struct Alive(pub Child);

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Mosquitto.
pub struct Broker {
    pub folder: TempDir,
    pub port: u16,
    running: Option<Alive>,
}

impl Broker {
    pub fn start() -> Broker {
        Broker::with("")
    }

    /// Remembers sessions over its own death: it writes all that it holds at every change, and is slow with much of it.
    pub fn durable() -> Broker {
        Broker::with("persistence true\npersistence_location FOLDER/\nautosave_interval 1\nautosave_on_changes true\n")
    }

    /// Writes down all that is said to it.
    pub fn talkative() -> Broker {
        Broker::with("log_type all\n")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// `more` lines of its configuration, in which `FOLDER` is its own.
    fn with(more: &str) -> Broker {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let path = folder.path().display().to_string();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n{}",
            more.replace("FOLDER", &path)
        );
        std::fs::write(folder.path().join("mosquitto.conf"), text).unwrap();
        let mut broker = Broker { folder, port, running: None };
        broker.up();
        broker
    }

    pub fn up(&mut self) {
        let program =
            ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].into_iter().find(|path| Path::new(path).exists());
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let child = Command::new(program.unwrap_or("mosquitto"))
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("mosquitto is installed: run `make test-setup`");
        self.running = Some(Alive(child));
        let deadline = Instant::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not answer: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
        // Somebody else may have taken the port, and answer.
        let ended = self.running.as_mut().and_then(|child| child.0.try_wait().unwrap());
        assert!(ended.is_none(), "mosquitto has ended: {}", self.log());
    }

    /// By SIGKILL.
    pub fn kill(&mut self) {
        self.running = None;
    }

    pub fn publish(&self, topic: &str, payload: &str) {
        let done = Command::new("mosquitto_pub")
            .args(["-p", &self.port.to_string(), "-q", "1", "-t", topic, "-m", payload])
            .status()
            .expect("mosquitto_pub is installed: run `make test-setup`");
        assert!(done.success());
    }

    /// The retained message of a topic, if there is one.
    pub fn retained(&self, topic: &str) -> Option<String> {
        let output = Command::new("mosquitto_sub")
            .args(["-p", &self.port.to_string(), "-q", "1", "-C", "1", "-W", "2", "--retained-only", "-t", topic])
            .output()
            .expect("mosquitto_sub is installed: run `make test-setup`");
        let text = String::from_utf8(output.stdout).unwrap();
        (!text.is_empty()).then(|| text.trim().to_owned())
    }
}

/// A way to the broker that can be cut, barred and made slow.
pub struct Proxy {
    pub port: u16,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    barred: Arc<AtomicBool>,
    /// Before each piece that is passed on.
    delay_us: Arc<AtomicU64>,
    pub cuts: AtomicU64,
}

impl Proxy {
    pub fn to(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy {
            port: listener.local_addr().unwrap().port(),
            streams: Arc::default(),
            barred: Arc::default(),
            delay_us: Arc::default(),
            cuts: AtomicU64::new(0),
        };
        let (streams, barred, delay) = (proxy.streams.clone(), proxy.barred.clone(), proxy.delay_us.clone());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if barred.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let mut all = streams.lock().unwrap();
                for stream in [&near, &far] {
                    stream.set_nodelay(true).unwrap();
                    all.push(stream.try_clone().unwrap());
                }
                for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
                    let (from, to, delay) = (from.unwrap(), to.unwrap(), delay.clone());
                    thread::spawn(move || pass(from, to, &delay));
                }
            }
        });
        proxy
    }

    pub fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn bar(&self, barred: bool) {
        self.barred.store(barred, Ordering::SeqCst);
    }

    pub fn slow(&self, delay: Duration) {
        self.delay_us.store(delay.as_micros() as u64, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64) {
    use std::io::Read;
    let mut piece = [0; 4096];
    while let Ok(length) = from.read(&mut piece) {
        let delay = delay.load(Ordering::SeqCst);
        if delay > 0 {
            thread::sleep(Duration::from_micros(delay));
        }
        if length == 0 || to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

pub fn names() -> Names {
    Catalogue::parse(DEFAULT).unwrap().names().unwrap()
}

/// Keeps all, slowly if told to.
pub struct Memory {
    names: Arc<Names>,
    pub readings: Mutex<Vec<Reading>>,
    pub errors: Mutex<Vec<String>>,
    pub deliveries: AtomicU64,
    pub delay: Mutex<Duration>,
    held: tokio::sync::Semaphore,
    pub stopped: AtomicBool,
}

impl Memory {
    pub fn new() -> Arc<Memory> {
        Arc::new(Memory {
            names: Arc::new(names()),
            readings: Mutex::default(),
            errors: Mutex::default(),
            deliveries: AtomicU64::new(0),
            delay: Mutex::new(Duration::ZERO),
            held: tokio::sync::Semaphore::new(1),
            stopped: AtomicBool::new(false),
        })
    }

    /// While it is kept, nothing is taken.
    pub async fn hold(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.held.acquire().await.unwrap()
    }

    pub fn count(&self) -> usize {
        self.readings.lock().unwrap().len()
    }

    /// Values of a sensor in order of arrival.
    pub fn values(&self, sensor: &str) -> Vec<f64> {
        self.of(sensor).iter().map(|reading| reading.value.to_f64()).collect()
    }

    pub fn of(&self, sensor: &str) -> Vec<Reading> {
        let id = self.names.sensor_id(sensor).unwrap();
        self.readings.lock().unwrap().iter().filter(|reading| reading.sensor == id).copied().collect()
    }
}

#[async_trait::async_trait]
impl Intake for Memory {
    fn names(&self) -> Arc<Names> {
        self.names.clone()
    }

    fn now(&self) -> EventMs {
        wall()
    }

    async fn take(&self, gathered: Gathered) -> Result<(), Stopped> {
        let _turn = self.held.acquire().await.unwrap();
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if self.stopped.load(Ordering::SeqCst) {
            return Err(Stopped("the test is over".into()));
        }
        self.deliveries.fetch_add(1, Ordering::SeqCst);
        self.errors.lock().unwrap().extend(gathered.errors.into_iter().map(|error| error.reason));
        self.readings.lock().unwrap().extend(gathered.readings.iter());
        Ok(())
    }

    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.take(gathered).await
    }
}

/// The source under test, as a task that can be killed.
pub struct Source {
    pub task: JoinHandle<Result<Stopped, ConfigError>>,
    pub status: Arc<SourceStatus>,
    pub known: Arc<Known>,
}

impl Source {
    /// Connected once.
    pub async fn start(config: &str, intake: &Arc<Memory>) -> Source {
        let source = Source::spawn(config, intake);
        let status = source.status.clone();
        until("the source connects", || status.standing().connections > 0).await;
        source
    }

    pub fn spawn(config: &str, intake: &Arc<Memory>) -> Source {
        let config: Config = toml::from_str(config).unwrap();
        let status = Arc::new(SourceStatus::new(&config.name, "mqtt"));
        let known: Arc<Known> = Arc::default();
        let task = tokio::spawn(run_with(config, intake.clone(), status.clone(), known.clone()));
        Source { task, status, known }
    }

    /// As when its process dies: nothing is said, nothing is waited for.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Another implementation, in Python.
pub struct Peer {
    _child: Alive,
    stdin: ChildStdin,
    said: Arc<Mutex<Vec<Value>>>,
}

impl Peer {
    pub fn start(arguments: &[&str]) -> Peer {
        let mut child = Command::new(set_up("venv/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let said: Arc<Mutex<Vec<Value>>> = Arc::default();
        let heard = said.clone();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        Peer { _child: Alive(child), stdin, said }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("the peer listens");
    }

    pub fn said(&self) -> Vec<Value> {
        self.said.lock().unwrap().clone()
    }

    /// All that it said, once something it said is as wanted.
    pub async fn says(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + DEADLINE;
        while !self.said.lock().unwrap().iter().any(&wanted) {
            assert!(Instant::now() < deadline, "not in {DEADLINE:?}: {what}; last said: {:?}", self.said().last());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.said()
    }
}

/// What became of numbers that were sent.
#[derive(Debug, PartialEq)]
pub struct Fate {
    pub sent: usize,
    pub arrived: usize,
    pub repeated: usize,
    pub lost: usize,
    pub in_order: bool,
}

impl Fate {
    /// Of 0 to `sent` - 1, as they arrived.
    pub fn of(sent: usize, arrived: &[f64]) -> Fate {
        let mut times = vec![0usize; sent];
        let mut firsts = Vec::new();
        for number in arrived.iter().map(|number| *number as usize) {
            times[number] += 1;
            if times[number] == 1 {
                firsts.push(number);
            }
        }
        Fate {
            sent,
            arrived: arrived.len(),
            repeated: times.iter().map(|times| times.saturating_sub(1)).sum(),
            lost: times.iter().filter(|times| **times == 0).count(),
            in_order: firsts.is_sorted(),
        }
    }

    pub fn print(&self, what: &str) {
        println!(
            "{what}: sent {}, arrived {}, repeated {}, lost {}, {}",
            self.sent,
            self.arrived,
            self.repeated,
            self.lost,
            if self.in_order { "in order" } else { "out of order" }
        );
    }
}
