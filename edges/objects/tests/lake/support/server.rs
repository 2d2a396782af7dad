//! s3s-fs with its files in a folder of its own.

use super::wait_for;
use lehr_objects::Config;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const ACCESS: &str = "lehr-access";
const SECRET: &str = "pass'w\"ord/+=";
pub const BUCKET: &str = "glass";

pub struct Server {
    dir: TempDir,
    pub port: u16,
    child: Option<Child>,
}

fn program() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| home.join(".cache")).join("lehr")
    });
    cache.join("s3s/bin/s3s-fs")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

impl Server {
    /// With an empty bucket.
    pub fn start() -> Server {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("files").join(BUCKET)).expect("made");
        for (name, secret) in [("access", ACCESS), ("secret", SECRET), ("wrong", "wr0ng")] {
            fs::write(dir.path().join(name), format!("{secret}\n")).expect("written");
        }
        let mut server = Server { dir, port: free_port(), child: None };
        server.run(|server| server.port = free_port());
        server
    }

    /// Starts until it stays: another may have taken the port.
    fn run(&mut self, between: impl Fn(&mut Server)) {
        let mut first = true;
        wait_for("s3s-fs starts", || {
            if self.child.as_mut().is_none_or(|child| child.try_wait().expect("ours").is_some()) {
                if !first {
                    between(self);
                }
                first = false;
                self.child = Some(self.spawn());
            }
            let answers = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            (answers && self.child.as_mut()?.try_wait().expect("ours").is_none()).then_some(())
        });
    }

    fn spawn(&self) -> Child {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("log")).expect("a log");
        Command::new(program())
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--access-key",
                ACCESS,
                "--secret-key",
                SECRET,
            ])
            .arg(self.dir.path().join("files"))
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("s3s-fs: run `make test-setup`")
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

    pub fn config(&self, more: &str) -> Config {
        self.config_at(self.port, more)
    }

    /// By way of another port.
    pub fn config_at(&self, port: u16, more: &str) -> Config {
        toml::from_str(&self.config_text(port, more)).expect("a configuration")
    }

    pub fn config_text(&self, port: u16, more: &str) -> String {
        format!(
            "name = \"lake\"\nurl = \"s3://{BUCKET}/lehr/lake\"\nendpoint = \"http://127.0.0.1:{port}\"\n\
             access_key = {{ file = {:?} }}\nsecret_key = {{ file = {:?} }}\nevery = \"0s\"\n{more}",
            self.dir.path().join("access"),
            self.dir.path().join("secret")
        )
    }

    /// Files below the prefix.
    pub fn objects(&self) -> Vec<String> {
        objects_in(&self.dir.path().join("files").join(BUCKET).join("lehr/lake"))
    }
}

/// Names of Lehr's objects in a folder.
pub fn objects_in(root: &Path) -> Vec<String> {
    let (mut names, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(root).expect("below").to_str().expect("text").to_owned());
            }
        }
    }
    names.retain(|name| name.ends_with(".parquet") || name.ends_with(".partial"));
    names.sort();
    names
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
