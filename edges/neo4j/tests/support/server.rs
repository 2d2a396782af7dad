//! ArcadeDB in a folder of its own: it speaks Bolt and Cypher as Neo4j does.

use super::LIMIT;
use lehr_neo4j::Config;
use neo4rs::{Graph, Row, query};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const PASSWORD: &str = "pass'w\"ord";

pub struct Server {
    dir: TempDir,
    pub port: u16,
    child: Option<Child>,
}

fn arcadedb() -> PathBuf {
    let cache = std::env::var("LEHR_CACHE").expect("LEHR_CACHE: run `make test`");
    let folder = Path::new(&cache).join("neo4j/arcadedb_embedded");
    assert!(folder.exists(), "{} is missing: run scripts/test-neo4j", folder.display());
    folder
}

/// Below those that the system gives away by itself: so nobody gets it while the server starts, which takes seconds, or is
/// down.
fn free_port() -> u16 {
    let given: String = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("Linux");
    let first: u16 = given.split_whitespace().next().and_then(|port| port.parse().ok()).expect("two ports");
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
    let mut ports = (0..1000).map(|_| rng.random_range(first / 2..first));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

impl Server {
    pub async fn start() -> Server {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("password"), PASSWORD).expect("written");
        let mut server = Server { dir, port: free_port(), child: None };
        server.restart().await;
        server
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    fn spawn(&self) -> Child {
        let (arcadedb, dir) = (arcadedb(), self.dir.path().display());
        let log = fs::File::create(self.dir.path().join("out")).expect("a log");
        let property = |name: &str, value: String| format!("-Darcadedb.{name}={value}");
        super::bound_to_us(arcadedb.join("jre/bin/java"))
            .args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--add-modules", "jdk.incubator.vector"])
            .arg(property("server.rootPassword", PASSWORD.to_owned()))
            .arg(property("server.rootPath", dir.to_string()))
            .arg(property("server.databaseDirectory", format!("{dir}/databases")))
            .arg(property("server.httpIncomingHost", "127.0.0.1".to_owned()))
            .arg(property("server.httpIncomingPort", free_port().to_string()))
            .arg(property("server.plugins", "Bolt:com.arcadedb.bolt.BoltProtocolPlugin".to_owned()))
            .arg(property("server.defaultDatabases", "neo4j[root]".to_owned()))
            .arg(property("bolt.host", "127.0.0.1".to_owned()))
            .arg(property("bolt.port", self.port.to_string()))
            .arg(property("bolt.defaultDatabase", "neo4j".to_owned()))
            .args(["-cp", &format!("{}/jars/*", arcadedb.display()), "com.arcadedb.server.ArcadeDBServer"])
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .spawn()
            .expect("java")
    }

    /// At the same port, with what its files hold.
    pub async fn restart(&mut self) {
        let deadline = Instant::now() + LIMIT;
        self.child = Some(self.spawn());
        loop {
            let log = fs::read_to_string(self.dir.path().join("out")).unwrap_or_default();
            let ended = self.child.as_mut().expect("started").try_wait().expect("ours").is_some();
            // What is left of a killed one may not be gone yet. And without a port for HTTP it does not serve, nor end.
            if ended || log.contains("Exception in thread \"main\"") {
                if !ended {
                    self.kill();
                }
                self.child = Some(self.spawn());
            }
            let graph = self.graph().await;
            let asked = tokio::time::timeout(Duration::from_secs(5), async {
                let mut txn = graph.start_txn().await?;
                txn.run(query("RETURN 1")).await?;
                txn.rollback().await
            });
            if matches!(asked.await, Ok(Ok(()))) {
                return;
            }
            assert!(Instant::now() < deadline, "it does not start: {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
    }

    pub fn runs(&self) -> bool {
        self.child.is_some()
    }

    pub async fn graph(&self) -> Graph {
        let address = format!("bolt://127.0.0.1:{}", self.port);
        Graph::new(address, "root", PASSWORD).await.expect("it does not connect yet")
    }

    /// What somebody else does, or sees.
    pub async fn cypher(&self, statement: &str) -> Vec<Row> {
        let graph = self.graph().await;
        let mut txn = graph.start_txn().await.expect("begun");
        let mut stream = txn.execute(query(statement)).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let mut rows = Vec::new();
        while let Some(row) = stream.next(txn.handle()).await.unwrap_or_else(|error| panic!("{statement}: {error}")) {
            rows.push(row);
        }
        txn.commit().await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        rows
    }

    pub async fn count(&self, statement: &str) -> i64 {
        self.cypher(statement).await[0].get("count").expect("a number")
    }

    pub fn config(&self) -> Config {
        self.config_at(self.port)
    }

    /// By way of another port.
    pub fn config_at(&self, port: u16) -> Config {
        toml::from_str(&self.config_text(port)).expect("a configuration")
    }

    pub fn config_text(&self, port: u16) -> String {
        let password = self.dir.path().join("password");
        format!(
            "name = \"graph\"\nuri = \"bolt://127.0.0.1:{port}\"\nuser = \"root\"\npassword = {{ file = {password:?} }}\n"
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
