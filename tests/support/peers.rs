//! Servers of other people, each in a folder of its own and on ports of its own, on this machine.
#![allow(dead_code, reason = "each test file uses its own part")]

use super::{PATIENCE, cache};
use serde_json::{Value, json};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port()
}

/// Starts a server, and waits until it listens.
pub fn start(mut command: Command, port: u16) -> Running {
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

pub fn output(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
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

pub fn redis_in(dir: &Path, port: u16) -> Command {
    let mut redis = Command::new("redis-server");
    redis.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(dir);
    redis
}

pub fn mosquitto_in(dir: &Path, port: u16) -> Command {
    let config = dir.join("broker.conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
    fs::write(&config, text).expect("a file");
    let mut mosquitto = Command::new("mosquitto");
    mosquitto.arg("-c").arg(config);
    mosquitto
}

pub fn victoria_in(dir: &Path, port: u16) -> Command {
    let mut victoria = Command::new("victoria-metrics");
    victoria.arg(format!("-storageDataPath={}", dir.join("victoria").display()));
    victoria.args([format!("-httpListenAddr=127.0.0.1:{port}"), "-retentionPeriod=100y".to_owned()]);
    // As InfluxDB does: a point that comes again is written over.
    victoria.arg("-dedup.minScrapeInterval=1ms");
    victoria
}

/// A question to a PostgreSQL that listens on this port; it prints cells with | between them.
pub fn psql(port: u16, database: &str, sql: &str) -> Command {
    let place = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-q", "-c", sql, &place]).stderr(Stdio::null());
    psql
}

/// Starts PostgreSQL with an empty database.
pub fn start_postgres(dir: &Path, database: &str) -> (Running, u16) {
    let port = free_port();
    let running = start(postgres_in(dir, port), port);
    let begun = Instant::now();
    while !psql(port, "postgres", "SELECT 1").stdout(Stdio::null()).status().expect("psql").success() {
        assert!(begun.elapsed() < PATIENCE, "PostgreSQL lets nobody in");
        std::thread::sleep(Duration::from_millis(50));
    }
    output(psql(port, "postgres", &format!("CREATE DATABASE {database}")));
    (running, port)
}

/// ArcadeDB, which speaks Bolt and Cypher as Neo4j does, and HTTP for whoever looks at what it holds.
pub struct GraphDatabase {
    running: Running,
    pub bolt: u16,
    http: u16,
    password: PathBuf,
}

const GRAPH_PASSWORD: &str = "playwithdata";
/// `root` and the password, as HTTP says it.
const GRAPH_LOGIN: &str = "Basic cm9vdDpwbGF5d2l0aGRhdGE=";

impl GraphDatabase {
    /// In a folder that is made.
    pub fn start(dir: &Path) -> GraphDatabase {
        fs::create_dir_all(dir).expect("a folder");
        let password = dir.join("password");
        fs::write(&password, GRAPH_PASSWORD).expect("a file");
        let begun = Instant::now();
        loop {
            let (bolt, http) = (free_port(), free_port());
            let running = Running(arcadedb(dir, bolt, http).spawn().expect("java: run `make test-setup`"));
            let mut database = GraphDatabase { running, bolt, http, password: password.clone() };
            if database.is_ready(begun) {
                return database;
            }
            // It takes its ports seconds after it was told which: somebody else may have them by then.
            assert!(begun.elapsed() < PATIENCE, "ArcadeDB does not start");
        }
    }

    /// Whether it serves; no, when it ended or cannot.
    fn is_ready(&mut self, begun: Instant) -> bool {
        while begun.elapsed() < PATIENCE {
            if self.running.0.try_wait().expect("ours").is_some() {
                return false;
            }
            let said = ureq::get(format!("http://127.0.0.1:{}/api/v1/ready", self.http)).call();
            let serves = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
            if said.is_ok_and(|said| said.status() == 204) && serves(self.bolt) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }

    /// An entry of a file of stores, by way of this port.
    pub fn entry(&self, name: &str, port: u16) -> String {
        format!(
            "[[neo4j]]\nname = {name:?}\nuri = \"bolt://127.0.0.1:{port}\"\nuser = \"root\"\npassword = {{ file = {:?} }}\n",
            self.password
        )
    }

    /// What somebody else does, or sees: the rows of the answer.
    pub fn cypher(&self, statement: &str) -> Vec<Value> {
        let url = format!("http://127.0.0.1:{}/api/v1/command/neo4j", self.http);
        let body = json!({ "language": "cypher", "command": statement, "limit": -1 }).to_string();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let sent = agent.post(&url).header("authorization", GRAPH_LOGIN).send(&body);
        let text = sent.expect("an answer").body_mut().read_to_string().expect("a body");
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        answer["result"].as_array().unwrap_or_else(|| panic!("{statement}: {answer}")).clone()
    }
}

fn arcadedb(dir: &Path, bolt: u16, http: u16) -> Command {
    let arcadedb = cache().join("neo4j/arcadedb_embedded");
    assert!(arcadedb.exists(), "{} is missing: run `make test-setup`", arcadedb.display());
    let property = |name: &str, value: &str| format!("-Darcadedb.{name}={value}");
    let mut java = Command::new(arcadedb.join("jre/bin/java"));
    java.args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--add-modules", "jdk.incubator.vector"])
        .arg(property("server.rootPassword", GRAPH_PASSWORD))
        .arg(property("server.rootPath", &dir.display().to_string()))
        .arg(property("server.databaseDirectory", &dir.join("databases").display().to_string()))
        .arg(property("server.httpIncomingHost", "127.0.0.1"))
        .arg(property("server.httpIncomingPort", &http.to_string()))
        .arg(property("server.plugins", "Bolt:com.arcadedb.bolt.BoltProtocolPlugin"))
        .arg(property("server.defaultDatabases", "neo4j[root]"))
        .arg(property("bolt.host", "127.0.0.1"))
        .arg(property("bolt.port", &bolt.to_string()))
        .arg(property("bolt.defaultDatabase", "neo4j"))
        .args(["-cp", &format!("{}/jars/*", arcadedb.display()), "com.arcadedb.server.ArcadeDBServer"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    java
}
