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
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::peers::{self, GraphDatabase, Running, free_port, mosquitto_in, output, redis_in, start, victoria_in};
use support::{PATIENCE, Server};

/// A pane, as every store has it: sensor, start, readings, and the mean, bit by bit.
type Panes = BTreeMap<(String, i64), (u64, u64)>;
/// What is null is not there; numbers are floats, since 1 and 1.0 are the same.
type Properties = BTreeMap<String, Value>;
type Brokers = MockCluster<'static, DefaultProducerContext>;

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

/// The causal graph.
#[derive(Debug, PartialEq)]
struct Mirrored {
    edges: Vec<Properties>,
    nodes: Vec<String>,
    tick: u64,
}

fn properties(object: &Value) -> Properties {
    let members = object.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
    let plain = |value: &Value| value.as_f64().map_or_else(|| value.clone(), Value::from);
    members.map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// As Lehr says it.
fn causal_graph(server: &Server, tick: u64) -> Mirrored {
    let rows = server.sql("select * from edges order by edge_id");
    let edges: Vec<Properties> = rows.iter().map(properties).collect();
    let ends = edges.iter().flat_map(|edge| [&edge["cause"], &edge["effect"]]);
    let nodes: BTreeSet<String> = ends.map(|end| end.as_str().expect("a name").to_owned()).collect();
    Mirrored { edges, nodes: nodes.into_iter().collect(), tick }
}

/// Somebody who edits the causal graph, and remembers what was acknowledged.
struct Engineer {
    rng: ChaCha8Rng,
    /// Confidence by number, per mille.
    edges: BTreeMap<u64, u16>,
    /// Edges of the engineer's own.
    own: Vec<u64>,
    added: usize,
}

impl Engineer {
    fn new(rng: ChaCha8Rng, server: &Server) -> Engineer {
        let rows = server.sql("select edge_id, confidence from edges");
        let edges = rows.iter().map(|row| {
            let confidence = row["confidence"].as_f64().expect("a number");
            (row["edge_id"].as_u64().expect("a number"), (confidence * 1000.0).round() as u16)
        });
        Engineer { rng, edges: edges.collect(), own: Vec::new(), added: 0 }
    }

    fn edge(&self, confidence: u16) -> Value {
        json!({
            "cause": "melt_level", "effect": "furnace_pressure", "direction": "high", "threshold": 1200.5,
            "confidence": f64::from(confidence) / 1000.0, "lag_min_s": 0, "lag_max_s": 60, "mechanism": "it's a \"test\"",
            "advice": "", "reason": "tried",
        })
    }

    /// Adds, changes or removes an edge of the engineer's own.
    fn edit(&mut self, server: &Server) {
        let confidence = self.rng.random_range(0..=1000);
        let place = (!self.own.is_empty()).then(|| self.rng.random_range(0..self.own.len()));
        match (self.rng.random_range(0..4), place) {
            (0, Some(place)) => {
                let id = self.own.remove(place);
                let (status, answer) =
                    server.request("DELETE", &format!("/api/knowledge-graph/edges/{id}?reason=over"), None);
                assert_eq!(status, 200, "{answer}");
                self.edges.remove(&id);
            }
            (1 | 2, Some(place)) => {
                let body = self.edge(confidence).to_string().into_bytes();
                let path = format!("/api/knowledge-graph/edges/{}", self.own[place]);
                let (status, answer) = server.request("PUT", &path, Some(body));
                assert_eq!(status, 200, "{answer}");
                self.edges.insert(self.own[place], confidence);
            }
            _ => {
                let answer = server.post("/api/knowledge-graph/edges", &self.edge(confidence));
                let id = answer["edge"]["edge_id"].as_u64().unwrap_or_else(|| panic!("{answer}"));
                self.edges.insert(id, confidence);
                self.added += 1;
                self.own.push(id);
            }
        }
    }
}

/// Peers of all kinds, each in a folder of its own.
struct Peers {
    dir: tempfile::TempDir,
    brokers: Brokers,
    postgres: u16,
    redis: u16,
    mosquitto: u16,
    victoria: u16,
    graph: GraphDatabase,
    _running: Vec<Running>,
}

impl Peers {
    fn start() -> Peers {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let brokers = MockCluster::new(1).expect("brokers");
        for (topic, partitions) in [("readings", 2), ("lehr.panes", 2), ("lehr.position", 1)] {
            brokers.create_topic(topic, partitions, 1).expect("a topic");
        }
        // The slowest to start, and none takes a port of another's while it does.
        let graph = GraphDatabase::start(&dir.path().join("graph"));
        let (redis, mosquitto, victoria) = (free_port(), free_port(), free_port());
        let (running, postgres) = peers::start_postgres(&dir.path().join("postgres"), "glass");
        let running = vec![
            running,
            start(redis_in(dir.path(), redis), redis),
            start(mosquitto_in(dir.path(), mosquitto), mosquitto),
            start(victoria_in(dir.path(), victoria), victoria),
        ];
        Peers { dir, brokers, postgres, redis, mosquitto, victoria, graph, _running: running }
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
        let graph = self.graph.entry("graph", self.graph.bolt);
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
            {graph}
            "#
        );
        fs::write(&stores, text).expect("a file");
        (sources, stores)
    }

    fn in_postgres(&self) -> Panes {
        let start = "(extract(epoch from start) * 1000)::bigint";
        let sql = format!("SELECT sensor_id, {start}, n, mean FROM lehr.panes");
        panes_of(&output(peers::psql(self.postgres, "glass", &sql)))
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

    /// Edges by number, with all that is said of each; nodes by name; and the tick.
    fn in_the_mirror(&self) -> Mirrored {
        let edges = "MATCH (a:LehrNode)-[r]->(b:LehrNode) RETURN a.id AS cause, b.id AS effect, type(r) AS type, \
                     properties(r) AS properties";
        let edges = self.graph.cypher(edges).into_iter().map(|row| {
            let edge = properties(&row["properties"]);
            let ends = [&row["cause"], &row["effect"], &row["type"]];
            assert_eq!(
                ends,
                [&edge["cause"], &edge["effect"], &json!("LEADS_TO")],
                "where it is drawn is what it says"
            );
            edge
        });
        let mut edges: Vec<Properties> = edges.collect();
        edges.sort_by_key(|edge| edge["edge_id"].as_f64().map(|number| number as u64));
        let nodes = self.graph.cypher("MATCH (n:LehrNode) RETURN n.id AS id");
        let mut nodes: Vec<String> = nodes.iter().map(|row| row["id"].as_str().expect("a name").to_owned()).collect();
        nodes.sort();
        let positions = self.graph.cypher("MATCH (p:LehrPosition) RETURN p.tick AS tick");
        let [position] = &positions[..] else { panic!("one position, not {positions:?}") };
        Mirrored { edges, nodes, tick: position["tick"].as_u64().expect("a tick") }
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

const SENSORS: [&str; 4] =
    ["Line_A.furnace_temperature", "Line_A.belt_speed", "Line_B.mold_temperature", "Line_C.melt_level"];
const LIVES: usize = 5;
/// Edits of the causal graph before the end of a life.
const EDITS: usize = 5;
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
    let mut engineer: Option<Engineer> = None;
    let data = peers.dir.path().join("data");
    let taken =
        |server: &Server| server.sql("select count(*) as n from readings")[0]["n"].as_u64().expect("a count") as usize;
    for life in 0..LIVES {
        let server = Server::start(&data, &arguments, token.as_deref());
        token = Some(server.token.clone());
        let engineer = engineer.get_or_insert_with(|| Engineer::new(ChaCha8Rng::seed_from_u64(seed ^ 1), &server));
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
                n => {
                    engineer.edit(server);
                    Err(format!("{n} of {enough}; {}", server.get("/api/sources")))
                }
            });
            // The mirror is on its way too when the end comes.
            (0..EDITS).for_each(|_| engineer.edit(&server));
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
                true if all.len() == 8 => Ok(()),
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
        let (mirrored, tick) = (peers.in_the_mirror(), server.get("/api/health")["tick"].as_u64().expect("a tick"));
        let graph = causal_graph(&server, tick);
        let confidences = graph.edges.iter().map(|edge| {
            let confidence = edge["confidence"].as_f64().expect("a number");
            (edge["edge_id"].as_f64().expect("a number") as u64, (confidence * 1000.0).round() as u16)
        });
        assert_eq!(confidences.collect::<BTreeMap<_, _>>(), engineer.edges, "what was acknowledged holds");
        assert_eq!(mirrored, graph);
        assert!(engineer.added > 0, "vacuous: no edge was added");
        println!(
            "Neo4j: {} edges, {} nodes, at tick {tick}; {} edges were added in between; lost 0, twice 0",
            graph.edges.len(),
            graph.nodes.len(),
            engineer.added
        );
        let held = peers.in_victoria();
        assert!(held == sent, "VictoriaMetrics: {} of {} readings", held.len(), sent.len());
        println!("VictoriaMetrics: {} readings sent, {} arrived, each once and right", sent.len(), held.len());
    }
}
