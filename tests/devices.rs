//! The simulated plant as devices, read as any plant would be: over Modbus TCP, OPC UA and MQTT.

mod support;

use lehr_domain::{EventMs, SpanMs};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use support::{PATIENCE, Server, lehr, objects, succeed};

/// A process that ends with the test: a plant, a broker.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn plant(dir: &Path, protocol: &str, address: &str, mapping: &Path) -> Running {
        let mut command = lehr();
        command.args(["plant", protocol, address, "--pki"]).arg(dir.join("pki")).arg("--mapping").arg(mapping);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let ready = lines.find_map(|line| line.ok().filter(|line| line.contains("ready")));
        assert!(ready.is_some(), "the plant ended before it was ready: {:?}", child.wait());
        Running(child)
    }
}

/// A port that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

fn only_source(server: &Server) -> Value {
    server.get("/api/sources")["sources"][0].clone()
}

fn read_over(protocol: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (address, mapping) = (free_address(), dir.path().join("sources.toml"));
    let plant = Running::plant(dir.path(), protocol, &address, &mapping);
    let sources = mapping.to_string_lossy().into_owned();
    let server = Server::start(&dir.path().join("data"), &["--no-plant", "--sources", &sources], None);
    let sensors = server.sql("select count(*) as n from sensors")[0]["n"].as_i64().expect("a count");
    let heard = |server: &Server| server.sql("select count(*) as n from latest where status = 'OK'")[0]["n"].as_i64();
    server.until("readings of every sensor", |server| match heard(server) {
        // A sensor in ten thousand readings is uncertain or bad at the moment.
        Some(n) if n + 3 >= sensors => Ok(()),
        n => Err(format!("{n:?} of {sensors}; {}", only_source(server))),
    });
    let furnace = "select value from latest where sensor_id = 'Line_A.furnace_temperature'";
    let value = server.sql(furnace)[0]["value"].as_f64().expect("a value");
    assert!((1400.0..1650.0).contains(&value), "{value} °C");

    // A plant that goes and comes back is noticed both times.
    drop(plant);
    server.until("the plant is away", |server| match only_source(server) {
        source if source["state"] == "away" => Ok(()),
        source => Err(source.to_string()),
    });
    let before = only_source(&server)["readings"].as_u64().expect("a count");
    let _plant = Running::plant(dir.path(), protocol, &address, &mapping);
    server.until("the plant is read again", |server| match only_source(server) {
        source if source["state"] == "connected" && source["readings"].as_u64() > Some(before + 50) => Ok(()),
        source => Err(source.to_string()),
    });
}

#[test]
fn a_plant_is_read_over_modbus_and_read_again_when_it_was_away() {
    read_over("--modbus");
}

#[test]
fn a_plant_is_read_over_opc_ua_and_read_again_when_it_was_away() {
    read_over("--opcua");
}

/// Mosquitto, and where it is.
fn broker(dir: &Path) -> (Running, String) {
    let address = free_address();
    let (host, port) = address.split_once(':').expect("a port");
    let config = dir.join("broker.conf");
    // Nothing is thrown away that Lehr has not taken yet.
    let text =
        format!("listener {port} {host}\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\n");
    std::fs::write(&config, text).expect("a file");
    let child = Command::new("mosquitto").arg("-c").arg(&config).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
    let broker = Running(child.expect("mosquitto is installed by `make test-setup`"));
    let begun = Instant::now();
    while TcpStream::connect(&address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "the broker does not listen");
        std::thread::yield_now();
    }
    (broker, address)
}

/// Tables that say the same whatever way the same was measured: all that plant time does not change.
const SAME: [&str; 11] = [
    "units",
    "defects",
    "machine_states",
    "setpoints",
    "panes",
    "features",
    "kpis",
    "deviations",
    "incidents",
    "root_causes",
    "alerts",
];

fn sorted(rows: Vec<Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

/// An hour of a plant with a fault, some hours ago.
struct Hour {
    dir: tempfile::TempDir,
    start: EventMs,
    until: EventMs,
}

/// What the plant is given, in the process and as devices.
const PLANT: [&str; 4] = ["--seed", "5", "--fault", "belt_overspeed:Line_B@10m+20m"];

impl Hour {
    /// Recorded in the process.
    fn record() -> Hour {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
        let start = (EventMs(wall) - SpanMs::hours(4)).floor(SpanMs::hours(1));
        let hour = Hour { dir: tempfile::tempdir().expect("a folder"), start, until: start + SpanMs::minutes(60) };
        let mut generate = lehr();
        generate.arg("generate").args(PLANT).args(["--duration", "60m", "--start", &hour.start.to_string(), "--out"]);
        succeed(generate.arg(hour.recording()));
        hour
    }

    fn recording(&self) -> PathBuf {
        self.dir.path().join("record")
    }

    fn recorded(&self, query: &str) -> Vec<Value> {
        let mut sql = lehr();
        sql.args(["sql", "--format", "json", "--rows", "1000000", query, "--data"]).arg(self.recording());
        objects(&serde_json::from_str(&succeed(&mut sql)).expect("an answer as JSON"))
    }

    /// The plant as devices, until the hour is over.
    fn devices(&self, serving: &[&str], until: EventMs) -> Command {
        let mut devices = lehr();
        devices.arg("plant").args(PLANT).args(serving).arg("--mapping").arg(self.mapping());
        devices.arg("--pki").arg(self.dir.path().join("pki"));
        devices.args(["--start", &self.start.to_string(), "--until", &until.to_string()]);
        devices
    }

    fn mapping(&self) -> PathBuf {
        self.dir.path().join("sources.toml")
    }

    /// A server that reads by the mapping, once all its sources are connected.
    fn reading(&self) -> Server {
        let sources = self.mapping().to_string_lossy().into_owned();
        let arguments = ["--no-plant", "--clock-every", "0s", "--sources", &sources];
        let server = Server::start(&self.dir.path().join("data"), &arguments, None);
        server.until("connections", |server| {
            let sources = server.get("/api/sources")["sources"].clone();
            let all = sources.as_array().expect("sources");
            let connected = all.iter().all(|source| source["state"] == "connected");
            if connected { Ok(()) } else { Err(sources.to_string()) }
        });
        server
    }

    fn until_it_has(&self, server: &Server, query: &str) {
        let expected = sorted(self.recorded(query));
        server.until(query, |server| match sorted(server.sql(query)) {
            rows if rows == expected => Ok(()),
            rows => Err(format!("{rows:?} instead of {expected:?}; {}", server.get("/api/sources"))),
        });
    }

    fn is_the_same(&self, server: &Server, query: &str) {
        let (in_the_process, over_devices) = (sorted(self.recorded(query)), sorted(server.sql(query)));
        let differ = in_the_process.iter().zip(&over_devices).find(|(one, other)| one != other);
        assert!(differ.is_none(), "{query}: {differ:#?}");
        assert_eq!(in_the_process.len(), over_devices.len(), "{query}");
        assert!(!over_devices.is_empty(), "vacuous: {query}");
        println!("{query}: {} rows, the same", over_devices.len());
    }

    /// Serves the plant over another protocol, and over MQTT what no other carries: what inspection finds, states of
    /// machines and set-points.
    fn over(&self, protocol: &str, meddle: impl Fn(&mut toml::Table), check: impl Fn(&Server)) {
        let (_broker, address) = broker(self.dir.path());
        let devices = free_address();
        let serving = [protocol, devices.as_str(), "--mqtt", &address, "--speed", "60", "--hold"];
        // What is polled when time stands still is of the hour too.
        let mut plant = self.devices(&serving, self.until - SpanMs(1));
        let mut plant = plant.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let (mut orders, said) = (plant.stdin.take().expect("piped"), plant.stdout.take().expect("piped"));
        let _plant = Running(plant);
        let mut lines = BufReader::new(said).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))), "the plant did not get ready");
        let mut sources: toml::Table =
            std::fs::read_to_string(self.mapping()).expect("a mapping").parse().expect("TOML");
        for mqtt in sources["mqtt"].as_array_mut().expect("sources") {
            mqtt.as_table_mut().expect("a source").remove("tag");
        }
        meddle(&mut sources);
        std::fs::write(self.mapping(), sources.to_string()).expect("a file");
        let server = self.reading();
        orders.write_all(b"begin\n").expect("it listens");
        check(&server);
    }
}

/// What is the same whatever way it was measured.
#[test]
fn over_mqtt_a_plant_has_the_same_key_figures_and_root_causes_as_in_the_process() {
    let hour = Hour::record();
    let (_broker, address) = broker(hour.dir.path());
    let serving = ["--mqtt", address.as_str(), "--speed", "3000"];
    // First for the mapping alone: who is not subscribed yet hears nothing.
    succeed(&mut hour.devices(&serving, hour.start));
    let server = hour.reading();
    succeed(&mut hour.devices(&serving, hour.until));
    hour.until_it_has(&server, "select count(*) as n from units union all select count(*) from readings");
    for table in SAME {
        hour.is_the_same(&server, &format!("select * from {table}"));
    }
}

/// OPC UA tells of every value with the time at which it was measured.
#[test]
fn over_opc_ua_a_plant_has_the_same_key_figures_and_root_causes_as_in_the_process() {
    let hour = Hour::record();
    let all = |server: &Server| {
        hour.until_it_has(server, "select count(*) as n from units union all select count(*) from readings");
        for table in SAME {
            hour.is_the_same(server, &format!("select * from {table}"));
        }
    };
    // A minute of the plant comes at once.
    let queued = |sources: &mut toml::Table| {
        for opcua in sources["opcua"].as_array_mut().expect("sources") {
            for tag in opcua["tag"].as_array_mut().expect("tags") {
                tag.as_table_mut().expect("a tag").insert("queue".into(), toml::Value::Integer(1000));
            }
        }
    };
    hour.over("--opcua", queued, all);
}

/// Modbus tells the last value of each sensor when it is asked: here one in six of those that change each second, and those
/// of the furnace many times. So panes differ in their counts; what they say of the plant does not.
#[test]
fn over_modbus_a_plant_has_the_same_key_figures_and_root_causes_as_in_the_process() {
    let hour = Hour::record();
    let often = |sources: &mut toml::Table| {
        for modbus in sources["modbus"].as_array_mut().expect("sources") {
            modbus.as_table_mut().expect("a source").insert("every_ms".into(), toml::Value::Integer(50));
        }
    };
    let all = |server: &Server| {
        hour.until_it_has(server, "select count(*) as n from units");
        for table in ["units", "defects", "machine_states", "setpoints"] {
            hour.is_the_same(server, &format!("select * from {table}"));
        }
        // Of what inspection and machines say, and what of that the sensors explain.
        hour.is_the_same(server, "select * from kpis");
        let explained = "select production_line, incident, effect, rank, cause, direction, sensor_id from root_causes";
        hour.until_it_has(server, explained);
        hour.is_the_same(server, explained);
    };
    hour.over("--modbus", often, all);
}

#[test]
fn an_opc_ua_server_is_looked_at_and_its_variables_are_known_by_name() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let _plant = Running::plant(dir.path(), "--opcua", &address, &dir.path().join("sources.toml"));
    let server = Server::start(&dir.path().join("data"), &["--no-plant"], None);
    let wanted = serde_json::json!({ "endpoint": format!("opc.tcp://{address}/") });
    let offered = server.post("/api/sources/browse", &wanted);
    let variables = offered["variables"].as_array().expect("variables");
    let named = |variable: &&Value| variable["sensor_id"].is_string();
    let sensors = server.sql("select count(*) as n from sensors")[0]["n"].as_u64().expect("a count");
    assert_eq!(variables.iter().filter(named).count() as u64, sensors, "{variables:#?}");
    let furnace = variables.iter().find(|variable| variable["sensor_id"] == "Line_A.furnace_temperature");
    assert_eq!(furnace.expect("a variable of the furnace")["unit"], "°C");

    let nobody = serde_json::json!({ "endpoint": format!("opc.tcp://{}/", free_address()) });
    let (status, answer) = server.request("POST", "/api/sources/browse", Some(nobody.to_string().into_bytes()));
    assert_eq!((status, &answer["error"]["field"]), (400, &Value::from("endpoint")), "{answer}");
}
