//! VictoriaMetrics in a folder of its own: it takes points as InfluxDB does, and gives all that it keeps.

use super::wait_for;
use lehr_influx::store::Config;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Values by their times.
pub type Samples = BTreeMap<i64, f64>;

pub struct Server {
    dir: TempDir,
    pub port: u16,
    /// Encrypted, with a certificate for `localhost` by this folder's `ca.pem`.
    encrypted: bool,
    child: Option<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

impl Server {
    pub fn start() -> Server {
        Server::of(tempfile::tempdir().expect("a folder"), false)
    }

    /// With a certificate for `localhost`, for which `ca.pem` in its folder stands, and `other.pem` does not.
    pub fn encrypted() -> Server {
        let dir = tempfile::tempdir().expect("a folder");
        let openssl = |arguments: &str| {
            let mut openssl = Command::new("openssl");
            let made = openssl.current_dir(dir.path()).args(arguments.split(' ')).stderr(Stdio::null()).status();
            assert!(made.expect("openssl: run `make test-setup`").success(), "{arguments}");
        };
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        for name in ["ca", "other"] {
            openssl(&format!("req -x509 {new} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
        }
        std::fs::write(dir.path().join("names"), "subjectAltName=DNS:localhost").expect("a file");
        openssl(&format!("req {new} -subj /CN=localhost -keyout key.pem -out request.pem"));
        openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
        );
        Server::of(dir, true)
    }

    fn of(dir: TempDir, encrypted: bool) -> Server {
        let mut server = Server { dir, port: free_port(), encrypted, child: None };
        server.run(|server| server.port = free_port());
        server
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts until it stays and answers: another may have taken the port.
    fn run(&mut self, between: impl Fn(&mut Server)) {
        let mut first = true;
        wait_for("VictoriaMetrics starts", || {
            if self.child.as_mut().is_none_or(|child| child.try_wait().expect("ours").is_some()) {
                if !first {
                    between(self);
                }
                first = false;
                self.child = Some(self.spawn());
            }
            let healthy = self.get("/health").is_some_and(|said| said.contains("OK"));
            (healthy && self.child.as_mut()?.try_wait().expect("ours").is_none()).then_some(())
        });
    }

    fn spawn(&self) -> Child {
        let mut server = Command::new("victoria-metrics");
        server.arg(format!("-storageDataPath={}", self.dir.path().display()));
        server.arg(format!("-httpListenAddr=127.0.0.1:{}", self.port));
        // Of points that are alike one is kept, as in InfluxDB.
        server.args(["-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-memory.allowedBytes=64MB"]);
        if self.encrypted {
            server.arg("-tls").arg(format!("-tlsCertFile={}", self.file("server.pem").display()));
            server.arg(format!("-tlsKeyFile={}", self.file("key.pem").display()));
        }
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        server.spawn().expect("victoria-metrics: run `make test-setup`")
    }

    fn get(&self, path: &str) -> Option<String> {
        if self.encrypted {
            let mut curl = Command::new("curl");
            let said = curl.args(["--silent", "--fail", "--insecure"]).arg(format!("{}{path}", self.url())).output();
            let said = said.expect("curl is there");
            return said.status.success().then(|| String::from_utf8(said.stdout).expect("text"));
        }
        let mut answer = ureq::get(format!("{}{path}", self.url())).call().ok()?;
        answer.body_mut().with_config().limit(256 << 20).read_to_string().ok()
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
    }

    /// So that it writes all that it has.
    pub fn end(&mut self) {
        let mut child = self.child.take().expect("it runs");
        kill_process(Pid::from_child(&child), Signal::TERM).expect("it is ours");
        child.wait().expect("it ends");
    }

    /// At the same port, with what its files hold.
    pub fn restart(&mut self) {
        self.run(|_| ());
    }

    /// Per series, by its name and tags.
    pub fn samples(&self, name: &str) -> BTreeMap<String, Samples> {
        self.get("/internal/force_flush").expect("flushed");
        let text = self.get(&format!("/api/v1/export?match[]={name}")).expect("exported");
        let mut series = BTreeMap::new();
        for line in text.lines() {
            let mut said: Value = serde_json::from_str(line).expect("JSON");
            let numbers = |of: &Value| of.as_array().expect("an array").clone();
            let times = numbers(&said["timestamps"]);
            let values = numbers(&said["values"]);
            assert_eq!(times.len(), values.len());
            let pairs = times.iter().zip(&values);
            let samples: Samples =
                pairs.map(|(at, value)| (at.as_i64().expect("a time"), value.as_f64().expect("a value"))).collect();
            assert_eq!(samples.len(), times.len(), "a point is there twice");
            let metric = said["metric"].take();
            let tags: BTreeMap<String, Value> = serde_json::from_value(metric).expect("tags");
            let tags = tags.into_iter().filter(|(name, _)| name != "__name__");
            let tags: Vec<String> =
                tags.map(|(name, value)| format!("{name}={}", value.as_str().expect("text"))).collect();
            assert!(series.insert(tags.join("|"), samples).is_none());
        }
        series
    }

    fn url(&self) -> String {
        if self.encrypted {
            format!("https://localhost:{}", self.port)
        } else {
            format!("http://127.0.0.1:{}", self.port)
        }
    }

    pub fn config(&self, more: &str) -> Config {
        let url = self.url();
        let text = format!("name = \"history\"\nurl = \"{url}\"\norg = \"glass\"\nbucket = \"plant\"\n{more}");
        toml::from_str(&text).expect("a configuration")
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
