//! The simulated plant as devices, read as any plant would be: over Modbus TCP, OPC UA and MQTT.

mod support;

use lehr_domain::{EventMs, SpanMs};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
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

/// Hours of a plant with a fault, recorded in the process, and measured by devices that tell a broker, from which Lehr
/// hears it: what follows from it is the same.
#[test]
fn over_mqtt_a_plant_has_the_same_key_figures_and_root_causes_as_in_the_process() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let start = (EventMs(wall) - SpanMs::hours(4)).floor(SpanMs::hours(1));
    let until = start + SpanMs::minutes(60);
    let plant = ["--seed", "5", "--fault", "belt_overspeed:Line_B@10m+20m"];
    let record = dir.path().join("record");
    let mut generate = lehr();
    generate
        .arg("generate")
        .args(plant)
        .args(["--duration", "60m", "--start", &start.to_string(), "--out"])
        .arg(&record);
    succeed(&mut generate);

    let (_broker, address) = broker(dir.path());
    let mapping = dir.path().join("sources.toml");
    let devices = |until: EventMs| {
        let mut devices = lehr();
        devices.arg("plant").args(plant).args(["--mqtt", &address, "--speed", "3000", "--mapping"]).arg(&mapping);
        devices.args(["--start", &start.to_string(), "--until", &until.to_string()]);
        succeed(&mut devices);
    };
    // First for the mapping alone: who is not subscribed yet hears nothing.
    devices(start);
    let sources = mapping.to_string_lossy().into_owned();
    let arguments = ["--no-plant", "--clock-every", "0s", "--sources", &sources];
    let server = Server::start(&dir.path().join("data"), &arguments, None);
    server.until("a connection", |server| match only_source(server) {
        source if source["state"] == "connected" => Ok(()),
        source => Err(source.to_string()),
    });
    devices(until);

    let recorded = |query: &str| -> Vec<Value> {
        let mut sql = lehr();
        sql.args(["sql", "--format", "json", "--rows", "1000000", query, "--data"]).arg(&record);
        objects(&serde_json::from_str(&succeed(&mut sql)).expect("an answer as JSON"))
    };
    let count = "select count(*) as n from units union all select count(*) from readings";
    let expected = sorted(recorded(count));
    server.until("all that was measured", |server| match sorted(server.sql(count)) {
        counts if counts == expected => Ok(()),
        counts => Err(format!("{counts:?} instead of {expected:?}; {}", only_source(server))),
    });
    for table in SAME {
        let query = format!("select * from {table}");
        let (in_the_process, over_mqtt) = (sorted(recorded(&query)), sorted(server.sql(&query)));
        let differ = in_the_process.iter().zip(&over_mqtt).find(|(one, other)| one != other);
        assert!(differ.is_none(), "{table}: {differ:#?}");
        assert_eq!(in_the_process.len(), over_mqtt.len(), "{table}");
        assert!(!over_mqtt.is_empty(), "vacuous: no {table}");
        println!("{table}: {} rows, the same", over_mqtt.len());
    }
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
