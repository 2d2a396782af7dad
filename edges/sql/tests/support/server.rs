//! PostgreSQL in a folder of its own.

use super::world::Store;
use super::{hex, wait_for};
use lehr_domain::table::{Cell, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_sql::postgres::Config;
use lehr_targets::Table;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const PASSWORD: &str = "pass'w\"ord";

pub struct Server {
    dir: TempDir,
    pub port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

/// Ended when dropped.
pub struct Session<'s> {
    server: &'s Server,
    child: Child,
}

/// The lock by which a session is found.
const HOLDING: u32 = 4711;

/// Where Debian has the server's programs; elsewhere they are in the path.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).max();
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// PostgreSQL does not run as root: then it is Debian's user for it.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let line =
        users.lines().find(|line| line.starts_with("postgres:")).expect("run `make test-setup`: no user postgres");
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields[2].parse().expect("a number"), fields[3].parse().expect("a number")))
}

fn command(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn good(output: Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

impl Server {
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// With settings such as `ssl=on`. The database is `glass`, its owner `lehr`.
    pub fn with(settings: &[&str]) -> Server {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("password"), PASSWORD).expect("written");
        fs::set_permissions(dir.path().join("password"), fs::Permissions::from_mode(0o644)).expect("ours");
        if let Some((user, group)) = server_user() {
            chown(dir.path(), Some(user), Some(group)).expect("root may");
        }
        let pwfile = format!("--pwfile={}", dir.path().join("password").display());
        let initdb = command("initdb")
            .arg("-D")
            .arg(dir.path().join("data"))
            .args(["-A", "scram-sha-256", &pwfile, "-U", "lehr", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"])
            .output();
        good(initdb.expect("initdb: run `make test-setup`"));
        let settings = settings.iter().map(|setting| setting.to_string()).collect();
        let mut server = Server { dir, port: free_port(), settings, child: None };
        server.run(|server| server.port = free_port());
        server.psql_in("postgres", "CREATE DATABASE glass");
        server
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Gives what the server writes to its own user.
    pub fn give(&self, file: &Path) {
        if let Some((user, group)) = server_user() {
            chown(file, Some(user), Some(group)).expect("root may");
        }
    }

    /// Starts until it stays: another may have taken the port, or what is left of a killed server is not gone yet.
    fn run(&mut self, between: impl Fn(&mut Server)) {
        let mut first = true;
        wait_for("PostgreSQL starts", || {
            if self.child.as_mut().is_none_or(|child| child.try_wait().expect("ours").is_some()) {
                if !first {
                    between(self);
                }
                first = false;
                self.child = Some(self.spawn());
            }
            let ready = Command::new(program("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .expect("pg_isready");
            (ready.success() && self.child.as_mut()?.try_wait().expect("ours").is_none()).then_some(())
        });
    }

    fn spawn(&self) -> Child {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("log")).expect("a log");
        let mut postgres = command("postgres");
        postgres.arg("-D").arg(self.dir.path().join("data")).args(["-p", &self.port.to_string()]);
        postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        self.settings.iter().for_each(|setting| {
            postgres.args(["-c", setting]);
        });
        postgres.stdout(Stdio::null()).stderr(log).spawn().expect("postgres")
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

    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("glass", sql)
    }

    fn psql_in(&self, database: &str, sql: &str) -> String {
        good(self.client(database, sql).output().expect("psql")).trim_end().to_owned()
    }

    fn client(&self, database: &str, sql: &str) -> Command {
        let place = format!("host=127.0.0.1 port={} user=lehr dbname={database} application_name=test", self.port);
        let mut psql = Command::new("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &place]).env("PGPASSWORD", PASSWORD);
        psql
    }

    /// A session that has done the first and is at the second.
    pub fn session(&self, first: &str, second: &str) -> Session<'_> {
        let sql = format!("{first}; SELECT pg_advisory_lock({HOLDING}); {second}");
        let child = self.client("glass", &sql).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("psql");
        let session = Session { server: self, child };
        wait_for("the session holds what it should", || (!session.backends().is_empty()).then_some(()));
        session
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
            "name = \"archive\"\naddress = \"127.0.0.1:{port}\"\ndatabase = \"glass\"\nuser = \"lehr\"\n\
             password = {{ file = {:?} }}\n{more}",
            self.dir.path().join("password")
        )
    }

    /// Ends all sessions of Lehr.
    pub fn end_sessions(&self) {
        self.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lehr'");
    }
}

impl Session<'_> {
    fn backends(&self) -> String {
        let holding = format!("FROM pg_locks WHERE locktype = 'advisory' AND objid = {HOLDING}");
        self.server.psql(&format!("SELECT pid {holding}"))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let pid = self.backends();
        if !pid.is_empty() {
            self.server.psql(&format!("SELECT pg_terminate_backend({pid}, 60000)"));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // At once, but so that it takes its processes and shared memory along.
            let _ = kill_process(Pid::from_child(&child), Signal::QUIT);
            let _ = child.wait();
        }
    }
}

impl Store for Server {
    fn position(&self) -> (Tick, EventMs) {
        let text = self.psql("SELECT tick, coalesce((extract(epoch FROM now) * 1000)::bigint, 0) FROM lehr.position");
        let (tick, now) = text.split_once('|').expect("two columns");
        (Tick(tick.parse().expect("a number")), EventMs(now.parse().expect("a number")))
    }

    fn rows(&self, table: &Table) -> Vec<String> {
        let cells = table.columns.iter().map(|column| {
            let name = format!("\"{}\"", column.name);
            let exact = match column.kind {
                ColumnType::Bool | ColumnType::Int => format!("{name}::text"),
                ColumnType::Float => format!("encode(float8send({name}), 'hex')"),
                ColumnType::Text => format!("encode(convert_to({name}, 'UTF8'), 'hex')"),
                ColumnType::Time => format!("encode(timestamptz_send({name}), 'hex')"),
            };
            format!("coalesce({exact}, '~')")
        });
        let row = cells.collect::<Vec<_>>().join(" || ',' || ");
        let text = self.psql(&format!("SELECT {row} FROM lehr.\"{}\"", table.name));
        text.lines().map(str::to_owned).collect()
    }

    fn shown(&self, row: &[Cell]) -> String {
        let cells = row.iter().map(|cell| match cell {
            Cell::Null => "~".to_owned(),
            Cell::Bool(value) => value.to_string(),
            Cell::Int(value) => value.to_string(),
            Cell::Float(value) => format!("{:016x}", value.to_bits()),
            Cell::Text(value) => hex(&value.replace('\0', "␀")),
            Cell::Time(EventMs(i64::MAX)) => "7fffffffffffffff".to_owned(),
            Cell::Time(EventMs(i64::MIN)) => "8000000000000000".to_owned(),
            Cell::Time(value) => format!("{:016x}", (value.0 - 946_684_800_000) * 1000),
        });
        cells.collect::<Vec<_>>().join(",")
    }
}
