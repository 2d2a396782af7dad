//! A process of its own, for tests that kill it.
//!
//! - `follower take BOOTSTRAP GROUP TOPIC FILE`: a source; each reading is a line of the file, synced before it counts
//! - `follower keep BOOTSTRAP SEED TRANSACTIONS FILE TICK`: a store; what is under way is noted in the file, as Lehr does

#[path = "../tests/support/model.rs"]
mod model;

use async_trait::async_trait;
use lehr_domain::event::{Event, SensorDef};
use lehr_domain::names::Names;
use lehr_domain::{EquipmentId, EventMs, LineId, Micro, ParameterId, SensorId, SpanMs, Tick};
use lehr_tags::{Gathered, Intake, SourceStatus, Stopped};
use lehr_targets::Target;
use model::{World, delta, tables};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SENSORS: u32 = 64;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["take", bootstrap, group, topic, file] => take(bootstrap, group, topic, file).await,
        ["keep", bootstrap, seed, transactions, file, tick] => {
            keep(bootstrap, seed.parse().unwrap(), transactions, file, tick.parse().unwrap()).await;
        }
        _ => panic!("what to do is not said"),
    }
}

fn brokers(bootstrap: &str) -> String {
    format!("{:?}", bootstrap.split(',').collect::<Vec<_>>())
}

struct Lines {
    names: Arc<Names>,
    file: Mutex<File>,
}

#[async_trait]
impl Intake for Lines {
    fn names(&self) -> Arc<Names> {
        self.names.clone()
    }

    fn now(&self) -> EventMs {
        EventMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
    }

    async fn take(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.take_durably(gathered).await
    }

    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped> {
        let mut text = String::new();
        for reading in gathered.readings.iter() {
            writeln!(text, "{} {} {}", reading.sensor.0, reading.at.0, reading.value.to_f64() as i64).unwrap();
        }
        // Slow enough to be killed in the middle.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut file = self.file.lock().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_data().unwrap();
        Ok(())
    }
}

async fn take(bootstrap: &str, group: &str, topic: &str, file: &str) {
    let mut names = Names::default();
    for number in 0..SENSORS {
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
        names.apply(&Event::Sensor(SensorId(number), def));
    }
    let file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    let intake = Arc::new(Lines { names: Arc::new(names), file: Mutex::new(file) });
    let config = format!(
        "name = \"child\"\nbootstrap = {}\ngroup = \"{group}\"\nsession_timeout_ms = 3000\n[[rows]]\ntopic = \"{topic}\"",
        brokers(bootstrap)
    );
    let ended =
        lehr_kafka::run(toml::from_str(&config).unwrap(), intake, Arc::new(SourceStatus::new("child", "kafka")));
    panic!("the source ended: {:?}", ended.await);
}

async fn keep(bootstrap: &str, seed: u64, transactions: &str, file: &str, last: u64) {
    let config = format!(
        "name = \"child\"\nbootstrap = {}\ntransactions = {transactions}\ntimeout_s = 10\n\
         tables = [\"wares\", \"alarms\", \"readings\"]",
        brokers(bootstrap)
    );
    let config: lehr_kafka::store::Config = toml::from_str(&config).unwrap();
    let mut target = config.target();
    let holds = loop {
        match target.connect(&tables()).await {
            Ok(holds) => break holds.unwrap().0,
            Err(error) => eprintln!("{error}"),
        }
    };
    let under_way: u64 = fs::read_to_string(file).map_or(0, |text| text.trim().parse().unwrap());
    let noted = |tick: u64| {
        let partial = format!("{file}.partial");
        let mut new = File::create(&partial).unwrap();
        write!(new, "{tick}").unwrap();
        new.sync_all().unwrap();
        fs::rename(&partial, file).unwrap();
    };
    assert!(holds <= under_way, "the store holds {holds}, and nothing behind {under_way} was sent");
    let mut world = World::at(seed, holds);
    while world.tick < last {
        let mut next = world.clone();
        // Steps of one to four ticks; what was under way comes in other steps than before.
        let steps = 1 + model::mix(seed ^ world.tick ^ u64::from(std::process::id())) % 4;
        (0..steps.min(last - world.tick)).for_each(|_| next.step());
        if next.tick > under_way {
            noted(next.tick);
        }
        apply(target.as_mut(), &world, &next).await;
        world = next;
    }
    println!("done");
}

async fn apply(target: &mut dyn Target, from: &World, to: &World) {
    let delta = delta(from, to);
    while let Err(error) = target.apply(&delta).await {
        eprintln!("{error}");
        while let Err(error) = target.connect(&tables()).await {
            eprintln!("{error}");
        }
    }
    assert_eq!(delta.tick, Tick(to.tick));
}
