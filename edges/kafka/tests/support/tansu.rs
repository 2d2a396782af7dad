//! A broker on disk, in a folder and a process of its own: tansu with SQLite.

use super::{DEADLINE, Reached};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Tansu {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

fn binary() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("lehr")
    });
    cache.join("tansu/bin/tansu")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Tansu {
    pub fn start() -> Tansu {
        let mut broker = Tansu { folder: tempfile::tempdir().unwrap(), port: free_port(), child: None };
        broker.run(true);
        broker
    }

    /// Starts until it stays and answers. Another may have taken a port that is not its own yet.
    fn run(&mut self, any_port: bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < deadline, "the broker does not start");
            match self.child.as_mut().map(|child| child.try_wait().unwrap()) {
                Some(None) if self.answers() => return,
                Some(None) => sleep(Duration::from_millis(10)),
                ended => {
                    if any_port && ended.is_some() {
                        self.port = free_port();
                    }
                    self.child = Some(self.spawn());
                }
            }
        }
    }

    fn spawn(&self) -> Child {
        let address = format!("tcp://{}", self.bootstrap());
        Command::new(binary())
            // Paths of its files are taken from here.
            .current_dir(self.folder.path())
            .args(["broker", "--silent", "--storage-engine", "sqlite://broker.db"])
            .args(["--listener-url", &address, "--advertised-listener-url", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tansu: run `make test-setup`")
    }

    fn answers(&self) -> bool {
        let asking: BaseConsumer = ClientConfig::new().set("bootstrap.servers", self.bootstrap()).create().unwrap();
        asking.fetch_metadata(None, Duration::from_secs(5)).is_ok()
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// At the same port, with what its files hold.
    pub fn restart(&mut self) {
        self.run(false);
    }
}

impl Reached for Tansu {
    fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Tansu {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
