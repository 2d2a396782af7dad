//! Redis in a folder of its own.

use super::wait_for;
use lehr_redis::Config;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const PASSWORD: &str = "pass'w\"ord";

pub struct Server {
    dir: TempDir,
    pub port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

impl Server {
    /// One that has all that it confirmed, whatever happens to it.
    pub fn start() -> Server {
        Server::with(&["appendonly yes", "appendfsync always"])
    }

    /// With lines of its configuration.
    pub fn with(settings: &[&str]) -> Server {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("password"), PASSWORD).expect("written");
        let settings = settings.iter().map(|setting| setting.to_string()).collect();
        let mut server = Server { dir, port: free_port(), settings, child: None };
        server.run(|server| server.port = free_port());
        server
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Starts until it stays and answers: another may have taken the port.
    fn run(&mut self, between: impl Fn(&mut Server)) {
        let mut first = true;
        wait_for("Redis starts", || {
            if self.child.as_mut().is_none_or(|child| child.try_wait().expect("ours").is_some()) {
                if !first {
                    between(self);
                }
                first = false;
                self.child = Some(self.spawn());
            }
            let answered = self.client(&["PING"]).output().expect("redis-cli: run `make test-setup`");
            let answered = answered.stdout.starts_with(b"PONG");
            (answered && self.child.as_mut()?.try_wait().expect("ours").is_none()).then_some(())
        });
    }

    fn spawn(&self) -> Child {
        let dir = self.dir.path().display();
        let password = PASSWORD.replace('"', "\\\"");
        let text = format!(
            "bind 127.0.0.1\nport {}\ndir {dir}\nlogfile {dir}/log\nsave \"\"\nrequirepass \"{password}\"\n{}\n",
            self.port,
            self.settings.join("\n")
        );
        let file = self.dir.path().join("redis.conf");
        fs::write(&file, text).expect("written");
        let mut redis = Command::new("redis-server");
        redis.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        redis.spawn().expect("redis-server: run `make test-setup`")
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

    /// At the same port, with what its files hold.
    pub fn restart(&mut self) {
        self.run(|_| ());
    }

    fn client(&self, command: &[&str]) -> Command {
        let mut client = Command::new("redis-cli");
        client.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "--no-auth-warning", "--raw"]);
        client.env("REDISCLI_AUTH", PASSWORD).args(command).stdin(Stdio::null());
        client
    }

    /// What Redis's own client answers, line by line.
    pub fn cli(&self, command: &[&str]) -> Vec<String> {
        let output = self.client(command).output().expect("redis-cli: run `make test-setup`");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{command:?}: {text}");
        text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
    }

    pub fn config(&self, more: &str) -> Config {
        self.config_at(self.port, more)
    }

    /// By way of another port.
    pub fn config_at(&self, port: u16, more: &str) -> Config {
        toml::from_str(&self.config_text(port, more)).expect("a configuration")
    }

    pub fn config_text(&self, port: u16, more: &str) -> String {
        let password = self.dir.path().join("password");
        format!("name = \"cache\"\naddress = \"127.0.0.1:{port}\"\npassword = {{ file = {password:?} }}\n{more}")
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
