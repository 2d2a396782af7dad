//! The simulated plant as devices, read as any plant would be: over Modbus TCP and OPC UA.

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use support::{Server, lehr};

/// A plant that ends with the test.
struct Plant(Child);

impl Drop for Plant {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Plant {
    fn start(dir: &Path, protocol: &str, address: &str, mapping: &Path) -> Plant {
        let mut command = lehr();
        command.args(["plant", protocol, address, "--pki"]).arg(dir.join("pki")).arg("--mapping").arg(mapping);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let ready = lines.find_map(|line| line.ok().filter(|line| line.contains("ready")));
        assert!(ready.is_some(), "the plant ended before it was ready: {:?}", child.wait());
        Plant(child)
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
    let plant = Plant::start(dir.path(), protocol, &address, &mapping);
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
    let _plant = Plant::start(dir.path(), protocol, &address, &mapping);
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
