//! Brokers, an intake that can be slow, and what both come to.
#![allow(dead_code)]

pub mod mock;
pub mod model;
pub mod tansu;
pub mod topics;

use async_trait::async_trait;
use lehr_domain::event::{ErrorRow, Event, SensorDef};
use lehr_domain::names::Names;
use lehr_domain::{EquipmentId, EventMs, LineId, Micro, ParameterId, Reading, SensorId, SpanMs};
use lehr_kafka::{Config, run};
use lehr_tags::{Gathered, Intake, Link, SourceStatus, Stopped};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// For whatever must happen in the end; generous, as machines are busy.
pub const DEADLINE: Duration = Duration::from_secs(180);

pub fn wall() -> EventMs {
    EventMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

/// Waits for a condition, and says what was waited for if it does not come.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whoever is reached at an address.
pub trait Reached {
    fn bootstrap(&self) -> String;
}

impl Reached for str {
    fn bootstrap(&self) -> String {
        self.to_owned()
    }
}

/// Payloads to a topic by a client that is not Lehr's.
pub fn produce<'p>(
    brokers: &(impl Reached + ?Sized),
    topic: &str,
    payloads: impl IntoIterator<Item = (&'p str, Option<&'p [u8]>)>,
) {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", brokers.bootstrap()).set("enable.idempotence", "true");
    let producer: BaseProducer = settings.create().unwrap();
    for (key, payload) in payloads {
        let mut record = BaseRecord::to(topic).key(key);
        record.payload = payload;
        while let Err((KafkaError::MessageProduction(_), again)) = producer.send(record) {
            producer.poll(Duration::from_millis(10));
            record = again;
        }
    }
    producer.flush(DEADLINE).unwrap();
}

/// All records of a topic, in order per partition, and which are committed or not.
pub fn records(bootstrap: &str, topic: &str) -> Vec<(i32, String, Option<String>)> {
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "test-reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_uncommitted")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let metadata = reader.fetch_metadata(Some(topic), DEADLINE).unwrap();
    let partitions = metadata.topics()[0].partitions().len();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
    }
    reader.assign(&list).unwrap();
    let (mut all, mut ended, deadline) = (Vec::new(), 0, Instant::now() + DEADLINE);
    while ended < partitions {
        assert!(Instant::now() < deadline, "{topic} is not read to its end");
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                all.push((message.partition(), text(message.key().unwrap_or_default()), message.payload().map(text)));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            _ => {}
        }
    }
    all
}

/// What a group has committed of the partitions of a topic.
pub fn committed(bootstrap: &str, group: &str, topic: &str, partitions: i32) -> Vec<i64> {
    let reader: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition(topic, partition);
    }
    let found = reader.committed_offsets(list, DEADLINE).unwrap();
    found.elements().iter().map(|element| element.offset().to_raw().unwrap_or(-1).max(0)).collect()
}

/// Sensors `s0`, `s1`, … all measured in °C.
pub fn names(count: usize) -> Arc<Names> {
    let mut names = Names::default();
    for number in 0..count {
        let def = SensorDef {
            name: format!("s{number}"),
            line: LineId(0),
            equipment: EquipmentId(0),
            parameter: ParameterId(0),
            unit: "°C".to_owned(),
            period: SpanMs::seconds(1),
            span: (Micro::units(-1_000_000), Micro::units(1_000_000)),
            target: None,
            sigma: None,
        };
        names.apply(&Event::Sensor(SensorId(number as u32), def));
    }
    Arc::new(names)
}

/// Keeps all that it takes, while its gate is open.
pub struct Kept {
    names: Arc<Names>,
    all: Mutex<(Vec<Reading>, Vec<ErrorRow>)>,
    gate: watch::Sender<bool>,
    /// How long it takes to become durable.
    slow: Duration,
}

impl Kept {
    pub fn new(sensors: usize, open: bool, slow: Duration) -> Arc<Kept> {
        Arc::new(Kept { names: names(sensors), all: Mutex::default(), gate: watch::Sender::new(open), slow })
    }

    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    pub fn readings(&self) -> Vec<Reading> {
        self.all.lock().unwrap().0.clone()
    }

    pub fn count(&self) -> usize {
        self.all.lock().unwrap().0.len()
    }

    pub fn errors(&self) -> Vec<ErrorRow> {
        self.all.lock().unwrap().1.clone()
    }
}

#[async_trait]
impl Intake for Kept {
    fn names(&self) -> Arc<Names> {
        self.names.clone()
    }

    fn now(&self) -> EventMs {
        wall()
    }

    async fn take(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.take_durably(gathered).await
    }

    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.gate.subscribe().wait_for(|open| *open).await.map_err(|_| Stopped("the test is over".into()))?;
        tokio::time::sleep(self.slow).await;
        let mut all = self.all.lock().unwrap();
        all.0.extend(gathered.readings.iter());
        all.1.extend(gathered.errors);
        Ok(())
    }
}

/// A source that ends with the test.
pub struct Running {
    pub kept: Arc<Kept>,
    pub status: Arc<SourceStatus>,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start(brokers: &(impl Reached + ?Sized), text: &str, kept: &Arc<Kept>) -> Running {
        let text = format!("bootstrap = {:?}\n{text}", brokers.bootstrap().split(',').collect::<Vec<_>>());
        let config: Config = toml::from_str(&text).unwrap();
        let status = Arc::new(SourceStatus::new(&config.name, "kafka"));
        let running = run(config, kept.clone(), status.clone());
        let task = tokio::spawn(async move {
            let ended = running.await;
            panic!("the source ended: {ended:?}");
        });
        Running { kept: kept.clone(), status, task }
    }

    pub async fn is_connected(&self) {
        until("connected", || matches!(self.status.standing().link, Link::Connected { .. })).await;
    }

    pub async fn is_away(&self) {
        until("away", || matches!(self.status.standing().link, Link::Away { .. })).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How readings compare with those that were produced: sensor s<n> has the values 0, 1, 2, … at as many milliseconds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub lost: usize,
    /// That came once more.
    pub again: usize,
    pub wrong: usize,
    /// First arrivals that came after later ones of their sensor.
    pub disordered: usize,
}

pub fn tally(
    readings: impl IntoIterator<Item = (u32, i64, i64)>,
    start: EventMs,
    sensors: usize,
    each: usize,
) -> Tally {
    let mut seen: BTreeMap<u32, Vec<bool>> = (0..sensors as u32).map(|sensor| (sensor, vec![false; each])).collect();
    let (mut tally, mut last) = (Tally::default(), BTreeMap::new());
    for (sensor, at, value) in readings {
        let place = (at - start.0) as usize;
        if value != at - start.0 || place >= each {
            tally.wrong += 1;
        } else if std::mem::replace(&mut seen.get_mut(&sensor).unwrap()[place], true) {
            tally.again += 1;
        } else {
            let last = last.insert(sensor, place);
            tally.disordered += usize::from(last.is_some_and(|last| last > place));
        }
    }
    tally.lost = seen.values().flatten().filter(|seen| !**seen).count();
    tally
}

pub fn of_kept(kept: &Kept) -> Vec<(u32, i64, i64)> {
    let value = |reading: &Reading| reading.value.to_f64() as i64;
    kept.readings().iter().map(|reading| (reading.sensor.0, reading.at.0, value(reading))).collect()
}

/// Values of all sensors, from `from` to `to`, as rows.
pub fn produce_rows(
    brokers: &(impl Reached + ?Sized),
    topic: &str,
    start: EventMs,
    sensors: usize,
    range: std::ops::Range<usize>,
) {
    let rows: Vec<(String, String)> = range
        .flat_map(|value| (0..sensors).map(move |sensor| (sensor, value)))
        .map(|(sensor, value)| {
            let at = start.0 + value as i64;
            (format!("s{sensor}"), format!("{{\"sensor_id\":\"s{sensor}\",\"timestamp\":{at},\"value\":{value}}}"))
        })
        .collect();
    produce(brokers, topic, rows.iter().map(|(key, row)| (key.as_str(), Some(row.as_bytes()))));
}

/// A child that does not outlive its test.
pub struct Alive(pub Child);

impl Drop for Alive {
    /// By SIGKILL.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example that follows brokers in a process of its own.
pub fn follower() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(|deps| deps.parent()).unwrap().join("examples/follower");
    assert!(path.exists(), "{} is built with the tests", path.display());
    path
}

/// Numbers of a seed, which is printed.
pub struct Dice(pub u64);

impl Dice {
    pub fn fresh(test: &str) -> Dice {
        let given = std::env::var("LEHR_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| wall().0 as u64);
        println!("{test}: LEHR_SEED={seed}");
        Dice(seed)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = model::mix(self.0);
        self.0 % bound
    }
}
