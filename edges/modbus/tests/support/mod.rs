//! Peers and an intake to test with.
#![allow(dead_code)]

use async_trait::async_trait;
use lehr_domain::event::{ErrorRow, Event, SensorDef};
use lehr_domain::names::Names;
use lehr_domain::{EquipmentId, EventMs, LineId, Micro, ParameterId, Reading, SensorId, SpanMs};
use lehr_modbus::{Config, run};
use lehr_tags::{Gathered, Intake, Link, SourceStatus, Stopped};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// After so long a test gives up.
const LIMIT: Duration = Duration::from_secs(60);

/// What the set-up made. Tests that need it fail without it.
fn python() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let path = cache.join("modbus/venv/bin/python");
    assert!(path.exists(), "{} is not there: run `make test-setup`", path.display());
    path
}

/// A device by pymodbus, as tests/support/device.py describes; killed when dropped.
pub struct Pymodbus {
    child: Child,
    orders: ChildStdin,
    pub port: u16,
}

impl Pymodbus {
    pub fn start(setup: &Value) -> Pymodbus {
        let deadline = Instant::now() + LIMIT;
        loop {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/device.py");
            let mut child = Command::new(python())
                .arg(script)
                .arg(setup.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("Python starts");
            let mut line = String::new();
            BufReader::new(child.stdout.take().expect("asked for")).read_line(&mut line).expect("it can be read");
            let orders = child.stdin.take().expect("asked for");
            let device = Pymodbus { child, orders, port: line.trim().parse().unwrap_or(0) };
            if device.port != 0 {
                return device;
            }
            assert!(Instant::now() < deadline, "pymodbus does not start with {setup}");
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").expect("it listens");
    }
}

impl Drop for Pymodbus {
    fn drop(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }
}

/// Sensors `s0`, `s1`, … all measured in the unit.
pub fn names(count: usize, unit: &str) -> Arc<Names> {
    let mut names = Names::default();
    for number in 0..count {
        let def = SensorDef {
            name: format!("s{number}"),
            line: LineId(0),
            equipment: EquipmentId(0),
            parameter: ParameterId(0),
            unit: unit.to_owned(),
            period: SpanMs::seconds(1),
            span: (Micro::units(-1_000_000), Micro::units(1_000_000)),
            target: None,
            sigma: None,
        };
        names.apply(&Event::Sensor(SensorId(number as u32), def));
    }
    Arc::new(names)
}

/// Keeps all that it takes, and takes only as often as it is let.
pub struct Kept {
    names: Arc<Names>,
    all: Mutex<All>,
    changed: watch::Sender<u64>,
    let_in: Semaphore,
}

#[derive(Default)]
struct All {
    readings: Vec<Reading>,
    errors: Vec<ErrorRow>,
    counts: BTreeMap<SensorId, usize>,
}

impl Kept {
    fn new(names: Arc<Names>, let_in: usize) -> Arc<Kept> {
        let changed = watch::Sender::new(0);
        Arc::new(Kept { names, all: Mutex::default(), changed, let_in: Semaphore::new(let_in) })
    }

    pub fn readings(&self) -> Vec<Reading> {
        self.all.lock().unwrap().readings.clone()
    }

    pub fn errors(&self) -> Vec<ErrorRow> {
        self.all.lock().unwrap().errors.clone()
    }

    pub fn of(&self, sensor: u32) -> Vec<Reading> {
        self.readings().into_iter().filter(|reading| reading.sensor == SensorId(sensor)).collect()
    }

    pub fn count(&self, sensor: u32) -> usize {
        self.all.lock().unwrap().counts.get(&SensorId(sensor)).copied().unwrap_or(0)
    }

    pub fn let_in(&self, deliveries: usize) {
        self.let_in.add_permits(deliveries);
    }

    /// The next delivery finds that nothing is taken any more.
    pub fn stop(&self) {
        self.let_in.close();
    }
}

pub fn now() -> EventMs {
    EventMs(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64)
}

#[async_trait]
impl Intake for Kept {
    fn names(&self) -> Arc<Names> {
        self.names.clone()
    }

    fn now(&self) -> EventMs {
        now()
    }

    async fn take(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.let_in.acquire().await.map_err(|_| Stopped("the test is over".into()))?.forget();
        let mut all = self.all.lock().unwrap();
        for reading in gathered.readings.iter() {
            all.readings.push(reading);
            *all.counts.entry(reading.sensor).or_default() += 1;
        }
        all.errors.extend(gathered.errors);
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.take(gathered).await
    }
}

/// A source that runs; stopped when dropped.
pub struct Running {
    pub kept: Arc<Kept>,
    pub status: Arc<SourceStatus>,
    task: JoinHandle<Stopped>,
}

impl Running {
    pub fn start(config: &str, names: Arc<Names>) -> Running {
        Running::let_in(config, names, Semaphore::MAX_PERMITS)
    }

    /// Whose intake takes so many deliveries until it is let take more.
    pub fn let_in(config: &str, names: Arc<Names>, deliveries: usize) -> Running {
        let config: Config = toml::from_str(config).unwrap_or_else(|error| panic!("{config}\n{error}"));
        config.check(&names).unwrap();
        let kept = Kept::new(names, deliveries);
        let status = Arc::new(SourceStatus::new(&config.name, "modbus"));
        let (intake, counters) = (kept.clone(), status.clone());
        let task = tokio::spawn(async move { run(config, intake, counters).await.expect("it was checked") });
        Running { kept, status, task }
    }

    /// Waits until the condition holds, which is looked at after each delivery and now and then.
    pub async fn until(&self, what: &str, holds: impl Fn(&Running) -> bool) {
        let deadline = Instant::now() + LIMIT;
        let mut changed = self.kept.changed.subscribe();
        while !holds(self) {
            let standing = self.status.standing();
            assert!(Instant::now() < deadline, "never {what}: {standing:?} {:?}", self.kept.errors().last());
            assert!(!self.task.is_finished(), "the source ended before {what}");
            let _ = tokio::time::timeout(Duration::from_millis(20), changed.changed()).await;
        }
    }

    pub async fn polled(&self, sensor: u32, readings: usize) {
        self.until(&format!("{readings} readings of s{sensor}"), |it| it.kept.count(sensor) >= readings).await;
    }

    pub fn connected(&self) -> bool {
        matches!(self.status.standing().link, Link::Connected { .. })
    }

    pub async fn stopped(mut self) -> Stopped {
        self.kept.stop();
        tokio::time::timeout(LIMIT, &mut self.task).await.expect("it ends when nothing is taken").expect("no panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Of each sensor, times that ascend: nothing twice, and in order. Says how many there are.
pub fn in_order(readings: &[Reading]) -> usize {
    let mut last: BTreeMap<SensorId, EventMs> = BTreeMap::new();
    for reading in readings {
        if let Some(before) = last.insert(reading.sensor, reading.at) {
            assert!(before < reading.at, "{reading:?} after {before}");
        }
    }
    readings.len()
}

/// Passes connections on, and does to the answers what `meddle` says.
pub struct Between {
    pub address: String,
    task: JoinHandle<()>,
}

/// What becomes of an answer, by its number over all connections and its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meddle {
    Pass,
    /// It is passed on, and the connection closed.
    PassAndClose,
    /// So many bytes of it are passed on, and the connection closed.
    Cut(usize),
    /// It is not passed on.
    Swallow,
    /// It is passed on after so many milliseconds.
    Late(u64),
}

impl Between {
    pub async fn start(to: u16, meddle: impl Fn(usize, &[u8]) -> Meddle + Send + Sync + 'static) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (meddle, answers) = (Arc::new(meddle), Arc::new(Mutex::new(0)));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (meddle, answers) = (meddle.clone(), answers.clone());
                tokio::spawn(async move {
                    let Ok(device) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let (from_client, mut to_client) = client.into_split();
                    let (mut from_device, to_device) = device.into_split();
                    let requests = tokio::spawn(pass(from_client, to_device));
                    while let Some(answer) = frame(&mut from_device).await {
                        let number = {
                            let mut answers = answers.lock().unwrap();
                            *answers += 1;
                            *answers - 1
                        };
                        let fate = meddle(number, &answer);
                        let bytes = match fate {
                            Meddle::Cut(bytes) => &answer[..bytes.min(answer.len())],
                            Meddle::Swallow => &[],
                            _ => &answer[..],
                        };
                        if let Meddle::Late(ms) = fate {
                            tokio::time::sleep(Duration::from_millis(ms)).await;
                        }
                        if to_client.write_all(bytes).await.is_err() {
                            break;
                        }
                        match fate {
                            Meddle::PassAndClose | Meddle::Cut(_) => break,
                            Meddle::Pass | Meddle::Swallow | Meddle::Late(_) => {}
                        }
                    }
                    requests.abort();
                });
            }
        });
        Between { address, task }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 6];
    from.read_exact(&mut bytes).await.ok()?;
    let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    bytes.resize(6 + length, 0);
    from.read_exact(&mut bytes[6..]).await.ok()?;
    Some(bytes)
}
