//! Lehr between a source and stores of every kind, killed again and again: what was sent is there once, and every store
//! comes to what Lehr itself says.

mod support;

use lehr_domain::{EventMs, SpanMs};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{PATIENCE, Server};

/// A pane, as every store has it: sensor, start, readings, and the mean, bit by bit.
type Panes = BTreeMap<(String, i64), (u64, u64)>;
type Brokers = MockCluster<'static, DefaultProducerContext>;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port()
}

/// Starts a server, and waits until it listens.
fn start(mut command: Command, port: u16) -> Running {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let running = Running(child.unwrap_or_else(|error| panic!("{command:?}: {error}: run `make test-setup`")));
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "{command:?} does not listen");
        // Paces the attempts; nothing depends on its length.
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

fn output(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn pane(sensor: &str, start: EventMs, n: u64, mean: f64) -> ((String, i64), (u64, u64)) {
    ((sensor.to_owned(), start.0), (n, mean.to_bits()))
}

/// From a row as a JSON object.
fn pane_of(row: &Value) -> ((String, i64), (u64, u64)) {
    let start = EventMs::parse(row["start"].as_str().expect("a time")).expect("a good time");
    let (n, mean) = (row["n"].as_u64().expect("a number"), row["mean"].as_f64().expect("a mean"));
    pane(row["sensor_id"].as_str().expect("a sensor"), start, n, mean)
}

/// From lines `sensor|start in ms|n|mean`.
fn panes_of(lines: &str) -> Panes {
    let line = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        let [sensor, start, n, mean] = cells[..] else { panic!("{line}") };
        let start: f64 = start.parse().expect("milliseconds");
        pane(sensor, EventMs(start.round() as i64), n.parse().expect("a count"), mean.parse().expect("a mean"))
    };
    lines.lines().map(line).collect()
}

/// Peers of all kinds, each in a folder of its own.
struct Peers {
    dir: tempfile::TempDir,
    brokers: Brokers,
    postgres: u16,
    redis: u16,
    mosquitto: u16,
    victoria: u16,
    _running: Vec<Running>,
}

impl Peers {
    fn start() -> Peers {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let brokers = MockCluster::new(1).expect("brokers");
        for (topic, partitions) in [("readings", 2), ("lehr.panes", 2), ("lehr.position", 1)] {
            brokers.create_topic(topic, partitions, 1).expect("a topic");
        }
        let (postgres, redis, mosquitto, victoria) = (free_port(), free_port(), free_port(), free_port());
        let running = vec![
            start(postgres_in(&dir.path().join("postgres"), postgres), postgres),
            start(redis_in(dir.path(), redis), redis),
            start(mosquitto_in(dir.path(), mosquitto), mosquitto),
            start(victoria_in(dir.path(), victoria), victoria),
        ];
        let peers = Peers { dir, brokers, postgres, redis, mosquitto, victoria, _running: running };
        let begun = Instant::now();
        while !peers.psql("postgres", "SELECT 1").status().expect("psql").success() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL lets nobody in");
            std::thread::sleep(Duration::from_millis(50));
        }
        output(peers.psql("postgres", "CREATE DATABASE glass"));
        peers
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let place = format!("host=127.0.0.1 port={} user=postgres dbname={database}", self.postgres);
        let mut psql = Command::new("psql");
        psql.args(["-X", "-A", "-t", "-q", "-c", sql, &place]).stderr(Stdio::null());
        psql
    }

    fn files(&self) -> (PathBuf, PathBuf) {
        let (sources, stores) = (self.dir.path().join("sources.toml"), self.dir.path().join("stores.toml"));
        let brokers = self.brokers.bootstrap_servers();
        // A member that was killed is missed after so long; those that come meanwhile wait.
        let text = format!(
            "[[kafka]]\nname = \"plant\"\nbootstrap = [\"{brokers}\"]\nsession_timeout_ms = 6000\n\
             [[kafka.rows]]\ntopic = \"readings\"\n"
        );
        fs::write(&sources, text).expect("a file");
        let tables = "tables = [\"panes\"]";
        let (dir, postgres) = (self.dir.path().display(), self.postgres);
        let (redis, mosquitto, victoria) = (self.redis, self.mosquitto, self.victoria);
        let text = format!(
            r#"
            [[kafka]]
            name = "log"
            bootstrap = ["{brokers}"]
            {tables}
            [[postgres]]
            name = "archive"
            address = "127.0.0.1:{postgres}"
            database = "glass"
            user = "postgres"
            {tables}
            [[sqlite]]
            name = "local"
            path = "{dir}/local.db"
            {tables}
            [[redis]]
            name = "cache"
            address = "127.0.0.1:{redis}"
            {tables}
            [[mqtt]]
            name = "screens"
            address = "127.0.0.1:{mosquitto}"
            {tables}
            [[objects]]
            name = "lake"
            folder = "{dir}/lake"
            every = "0s"
            {tables}
            [[influx]]
            name = "history"
            url = "http://127.0.0.1:{victoria}"
            org = "glass"
            bucket = "plant"
            "#
        );
        fs::write(&stores, text).expect("a file");
        (sources, stores)
    }

    fn in_postgres(&self) -> Panes {
        let start = "(extract(epoch from start) * 1000)::bigint";
        panes_of(&output(self.psql("glass", &format!("SELECT sensor_id, {start}, n, mean FROM lehr.panes"))))
    }

    fn in_sqlite(&self) -> Panes {
        let program = "import sqlite3, sys, datetime\n\
            for sensor, start, n, mean in sqlite3.connect(sys.argv[1]).execute('SELECT sensor_id, start, n, mean FROM panes'):\n\
            \u{20}   at = datetime.datetime.fromisoformat(start.replace('Z', '+00:00'))\n\
            \u{20}   print(sensor, at.timestamp() * 1000, n, repr(mean), sep='|')\n";
        let mut python = Command::new("python3");
        python.args(["-c", program]).arg(self.dir.path().join("local.db"));
        panes_of(&output(python))
    }

    fn in_redis(&self) -> Panes {
        let mut client = Command::new("redis-cli");
        client.args(["-p", &self.redis.to_string(), "HVALS", "lehr:panes"]);
        let row = |line: &str| pane_of(&serde_json::from_str(line).expect("a row"));
        output(client).lines().map(row).collect()
    }

    /// What is retained: all of it stands before a message that is sent behind it.
    fn in_mosquitto(&self, panes: usize) -> Panes {
        let mut client = Command::new("mosquitto_sub");
        client.args(["-p", &self.mosquitto.to_string(), "-t", "lehr/panes/#", "-C", &panes.to_string(), "-W", "60"]);
        let row = |line: &str| pane_of(&serde_json::from_str(line).expect("a row"));
        output(client).lines().map(row).collect()
    }

    fn in_kafka(&self) -> Panes {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", self.brokers.bootstrap_servers()).set("group.id", "whoever looks");
        let consumer: BaseConsumer = settings.create().expect("a consumer");
        let mut ends = BTreeMap::new();
        let mut from = TopicPartitionList::new();
        for partition in 0..2 {
            let (_, end) = consumer.fetch_watermarks("lehr.panes", partition, PATIENCE).expect("watermarks");
            ends.insert(partition, end);
            from.add_partition_offset("lehr.panes", partition, Offset::Beginning).expect("an offset");
        }
        consumer.assign(&from).expect("partitions");
        let mut last: BTreeMap<Vec<u8>, Option<Value>> = BTreeMap::new();
        // Transactions have a mark of their own behind the last record, which is no message.
        let begun = Instant::now();
        while ends.iter().any(|(partition, end)| *end > 0 && reached(&consumer, *partition) < *end) {
            assert!(begun.elapsed() < PATIENCE, "{ends:?}: no more records");
            if let Some(record) = consumer.poll(Duration::from_millis(100)) {
                let record = record.expect("a record");
                let row = record.payload().map(|row| serde_json::from_slice(row).expect("a row"));
                last.insert(record.key().expect("a key").to_vec(), row);
            }
        }
        last.values().flatten().map(pane_of).collect()
    }

    fn in_the_lake(&self) -> Panes {
        let text = format!("name = \"lake\"\nfolder = \"{}/lake\"", self.dir.path().display());
        let config: lehr_objects::Config = toml::from_str(&text).expect("a configuration");
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
        let batches = threads.block_on(lehr_objects::read(&config, "panes", &lehr_objects::Days::All)).expect("rows");
        let mut panes = Panes::new();
        for batch in batches {
            let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("{name}"));
            use arrow::array::{AsArray, types};
            let (sensors, starts) = (column("sensor_id").as_string::<i32>(), column("start"));
            let starts = starts.as_primitive::<types::TimestampMillisecondType>();
            let (n, mean) = (column("n").as_primitive::<types::Int64Type>(), column("mean"));
            let mean = mean.as_primitive::<types::Float64Type>();
            panes.extend(
                (0..batch.num_rows()).map(|row| {
                    pane(sensors.value(row), EventMs(starts.value(row)), n.value(row) as u64, mean.value(row))
                }),
            );
        }
        panes
    }

    /// Values by sensor and time.
    fn in_victoria(&self) -> BTreeMap<(String, i64), u64> {
        let get = |path: &str| {
            let url = format!("http://127.0.0.1:{}{path}", self.victoria);
            ureq::get(&url).call().expect("an answer").body_mut().read_to_string().expect("a body")
        };
        get("/internal/force_flush");
        let lines = get("/api/v1/export?match[]=readings_value");
        let mut values = BTreeMap::new();
        for series in lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a series")) {
            let sensor = series["metric"]["sensor_id"].as_str().expect("a tag").to_owned();
            let (times, all) = (series["timestamps"].as_array().expect("times"), series["values"].as_array());
            for (at, value) in times.iter().zip(all.expect("values")) {
                let key = (sensor.clone(), at.as_i64().expect("a time"));
                assert!(values.insert(key, value.as_f64().expect("a value").to_bits()).is_none(), "twice");
            }
        }
        values
    }
}

/// Where a consumer stands.
fn reached(consumer: &BaseConsumer, partition: i32) -> i64 {
    let position = consumer.position().expect("a position");
    match position.find_partition("lehr.panes", partition).map(|found| found.offset()) {
        Some(Offset::Offset(offset)) => offset,
        _ => 0,
    }
}

/// PostgreSQL does not run as root: then it is Debian's user for it.
fn postgres_in(dir: &Path, port: u16) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let bin = versions.map(|version| version.path().join("bin")).max();
    let program = |name: &str| bin.as_ref().map_or_else(|| PathBuf::from(name), |bin| bin.join(name));
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let user = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields[0] == "postgres").then(|| (fields[2].parse().expect("an id"), fields[3].parse().expect("an id")))
    });
    let root = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0).unwrap_or(false);
    fs::create_dir_all(dir).expect("a folder");
    let as_user = |name: &str| {
        let mut command = Command::new(program(name));
        if let Some((user, group)) = user.filter(|_| root) {
            chown(dir, Some(user), Some(group)).expect("root may");
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    };
    // Its folder lies in one that only its owner may enter.
    fs::set_permissions(dir.parent().expect("a parent"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("ours");
    let mut initdb = as_user("initdb");
    initdb.arg("-D").arg(dir).args(["-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"]);
    output(initdb);
    let mut postgres = as_user("postgres");
    postgres.arg("-D").arg(dir).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    postgres.args(["-c", "unix_socket_directories="]);
    postgres
}

fn redis_in(dir: &Path, port: u16) -> Command {
    let mut redis = Command::new("redis-server");
    redis.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(dir);
    redis
}

fn mosquitto_in(dir: &Path, port: u16) -> Command {
    let config = dir.join("broker.conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
    fs::write(&config, text).expect("a file");
    let mut mosquitto = Command::new("mosquitto");
    mosquitto.arg("-c").arg(config);
    mosquitto
}

fn victoria_in(dir: &Path, port: u16) -> Command {
    let mut victoria = Command::new("victoria-metrics");
    victoria.arg(format!("-storageDataPath={}", dir.join("victoria").display()));
    victoria.args([format!("-httpListenAddr=127.0.0.1:{port}"), "-retentionPeriod=100y".to_owned()]);
    // As InfluxDB does: a point that comes again is written over.
    victoria.arg("-dedup.minScrapeInterval=1ms");
    victoria
}

const SENSORS: [&str; 4] =
    ["Line_A.furnace_temperature", "Line_A.belt_speed", "Line_B.mold_temperature", "Line_C.melt_level"];
const LIVES: usize = 5;
/// Messages of a life, and rows of a message.
const MESSAGES: usize = 150;
const ROWS: usize = 8;

#[test]
fn killed_again_and_again_every_store_comes_to_what_lehr_says() {
    let seed = std::env::var("LEHR_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("LEHR_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let peers = Peers::start();
    let (sources, stores) = peers.files();
    let (sources, stores) = (sources.to_string_lossy().into_owned(), stores.to_string_lossy().into_owned());
    let arguments = ["--no-plant", "--clock-every", "0s", "--sources", &sources, "--stores", &stores];
    let mut settings = ClientConfig::new();
    let producer: BaseProducer =
        settings.set("bootstrap.servers", peers.brokers.bootstrap_servers()).create().expect("a producer");
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let begin = EventMs(wall) - SpanMs::hours(2);
    let mut sent: BTreeMap<(String, i64), u64> = BTreeMap::new();
    let mut token: Option<String> = None;
    let data = peers.dir.path().join("data");
    let taken =
        |server: &Server| server.sql("select count(*) as n from readings")[0]["n"].as_u64().expect("a count") as usize;
    for life in 0..LIVES {
        let server = Server::start(&data, &arguments, token.as_deref());
        token = Some(server.token.clone());
        for message in 0..MESSAGES {
            let rows: Vec<Value> = (0..ROWS)
                .map(|row| {
                    let place = ((life * MESSAGES + message) * ROWS + row) as i64;
                    let (sensor, at) = (SENSORS[row % SENSORS.len()], begin + SpanMs(place * 100));
                    let value = f64::from(rng.random_range(0..15_000)) / 10.0;
                    sent.insert((sensor.to_owned(), at.0), value.to_bits());
                    json!({ "sensor_id": sensor, "timestamp": at.to_string(), "value": value })
                })
                .collect();
            let payload = Value::from(rows).to_string();
            let record: BaseRecord<'_, (), str> = BaseRecord::to("readings").payload(&payload);
            producer.send(record.partition((message % 2) as i32)).expect("a message that waits");
            producer.poll(Duration::ZERO);
        }
        producer.flush(PATIENCE).expect("the messages are there");
        if life + 1 < LIVES {
            // At whatever moment, once some of it was taken.
            let enough = rng.random_range(0..=MESSAGES * ROWS / 2) + life * MESSAGES * ROWS / 2;
            server.until("some readings", |server| match taken(server) {
                n if n >= enough => Ok(()),
                n => Err(format!("{n} of {enough}; {}", server.get("/api/sources"))),
            });
            server.kill();
            continue;
        }
        server.until("all readings", |server| match taken(server) {
            n if n == sent.len() => Ok(()),
            n => Err(format!("{n} of {}; {}", sent.len(), server.get("/api/sources"))),
        });
        server.until("all stores", |server| {
            let stores = server.get("/api/stores");
            let all = stores["stores"].as_array().expect("stores");
            match all.iter().all(|store| store["behind"] == 0 && store["error"].is_null()) {
                true if all.len() == 7 => Ok(()),
                _ => Err(stores.to_string()),
            }
        });
        let expected: Panes = server.sql("select sensor_id, start, n, mean from panes").iter().map(pane_of).collect();
        let counted: u64 = expected.values().map(|(n, _)| n).sum();
        assert_eq!(counted as usize, sent.len(), "each reading counts once");
        for (store, held) in [
            ("PostgreSQL", peers.in_postgres()),
            ("SQLite", peers.in_sqlite()),
            ("Redis", peers.in_redis()),
            ("Mosquitto", peers.in_mosquitto(expected.len())),
            ("Kafka", peers.in_kafka()),
            ("the lake", peers.in_the_lake()),
        ] {
            let differ = expected.iter().find(|(key, pane)| held.get(*key) != Some(pane));
            assert!(differ.is_none() && held.len() == expected.len(), "{store}: {} panes, {differ:?}", held.len());
            println!("{store}: {} panes, lost 0, wrong 0, more than Lehr's 0", held.len());
        }
        let held = peers.in_victoria();
        assert!(held == sent, "VictoriaMetrics: {} of {} readings", held.len(), sent.len());
        println!("VictoriaMetrics: {} readings sent, {} arrived, each once and right", sent.len(), held.len());
    }
}
