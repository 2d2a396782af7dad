//! Starts the real binary and talks to it as anybody would.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod inspector;
pub mod peers;
pub mod proxy;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything here may take before the test gives up: not a measurement, a bound on hanging.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Where `make test` puts what the tests need.
pub fn cache() -> PathBuf {
    std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    })
}

/// The built binary.
pub fn lehr() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lehr"));
    for settings in ["LEHR_DATA", "LEHR_LISTEN", "LEHR_COMPONENTS", "LEHR_TRAIN"] {
        command.env_remove(settings);
    }
    command.env("LEHR_LOG", "warn");
    command
}

/// Runs a command to its end, which must be a good one; gives standard output.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {stderr}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Runs a command that must fail; gives standard error.
pub fn fail(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().expect("the binary starts");
    assert!(!status.success(), "{command:?} should fail");
    String::from_utf8(stderr).expect("messages are UTF-8")
}

/// The JSON object on the last line of a command's output.
pub fn last_json(stdout: &str) -> Value {
    let line = stdout.lines().last().expect("there is output");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("'{line}' is no JSON: {error}"))
}

/// The rows of an answer to SQL, as objects.
pub fn objects(answer: &Value) -> Vec<Value> {
    let columns = answer["columns"].as_array().expect("columns");
    let columns: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    let rows = answer["rows"].as_array().expect("rows");
    let object = |row: &Value| {
        let cells = row.as_array().expect("a row").iter().cloned();
        Value::Object(columns.iter().map(|name| (*name).to_owned()).zip(cells).collect())
    };
    rows.iter().map(object).collect()
}

/// What a server says when it is ready; `None` when it ended before.
pub fn ready(child: &mut Child) -> Option<String> {
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    lines.find_map(|line| line.ok().filter(|line| line.contains("ready")))
}

/// A running server on a port of its own.
pub struct Server {
    child: Child,
    pub address: String,
    pub token: String,
}

impl Server {
    /// Starts `lehr serve --data DATA` with further arguments and waits until it says that it is ready.
    /// `token` is needed on a directory that has one already.
    pub fn start(data: &Path, arguments: &[&str], token: Option<&str>) -> Server {
        let mut child = lehr()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let ready = ready(&mut child);
        let ready = ready.unwrap_or_else(|| panic!("the server ended before it was ready: {:?}", child.wait()));
        Server::of(child, &ready, token)
    }

    /// A server that said that it is ready.
    pub fn of(child: Child, ready: &str, token: Option<&str>) -> Server {
        let link = ready.split_once("http://").expect("a link").1;
        let (address, rest) = link.split_once('/').expect("a path");
        let token = match rest.split_once("token=") {
            Some((_, token)) => token.trim().to_owned(),
            None => token.expect("a data directory with a token").to_owned(),
        };
        Server { address: address.to_owned(), child, token }
    }

    /// The same server to somebody with another token.
    pub fn as_somebody<'s>(&'s self, token: &'s str) -> Somebody<'s> {
        Somebody { server: self, token }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server ends");
    }

    /// Ends the server as whoever runs it would; it may tidy up.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there").success());
        assert!(self.child.wait().expect("the server ends").success(), "the server ends well");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.request("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.request("POST", path, Some(body.to_string().into_bytes()));
        assert!(status < 300, "POST {path}: {status} {answer}");
        answer
    }

    /// Any request with the admin's token and a JSON body; gives status and answer.
    pub fn request(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> (u16, Value) {
        self.as_somebody(&self.token).request(method, path, body)
    }

    fn send(&self, token: &str, method: &str, path: &str, body: Option<Vec<u8>>) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(self.url(path))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body.unwrap_or_default())
            .expect("a good request");
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut response = agent.run(request).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = response.body_mut().read_to_string().expect("a body");
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (response.status().as_u16(), json)
    }

    /// The status of a request with a body of so many blanks.
    pub fn oversized(&self, method: &str, path: &str, content_type: &str, bytes: usize) -> u16 {
        let mut stream = std::net::TcpStream::connect(&self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is allowed");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: {content_type}\r\n\
             content-length: {bytes}\r\n\r\n",
            self.address, self.token
        );
        stream.write_all(head.as_bytes()).expect("the server reads");
        // The server may refuse what it was sent before it has read it all.
        let _ = stream.write_all(&vec![b' '; bytes]);
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("an answer comes in time");
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in '{line}'"))
    }

    /// One query's rows, as objects.
    pub fn sql(&self, query: &str) -> Vec<Value> {
        self.try_sql(query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// One query's rows, as objects, or the error that was answered.
    pub fn try_sql(&self, query: &str) -> Result<Vec<Value>, Value> {
        let body = serde_json::json!({ "query": query }).to_string().into_bytes();
        let (status, mut answer) = self.request("POST", "/api/sql", Some(body));
        if status != 200 {
            return Err(answer["error"].take());
        }
        Ok(objects(&answer))
    }

    /// Asks again and again until the answer satisfies; panics with the last one when patience ends.
    pub fn until<T>(&self, what: &str, ask: impl FnMut(&Server) -> Result<T, String>) -> T {
        self.until_within(PATIENCE, what, ask)
    }

    /// The same, of what may take longer.
    pub fn until_within<T>(
        &self,
        patience: Duration,
        what: &str,
        mut ask: impl FnMut(&Server) -> Result<T, String>,
    ) -> T {
        let begun = Instant::now();
        loop {
            match ask(self) {
                Ok(found) => return found,
                Err(last) if begun.elapsed() > patience => panic!("no {what}: {last}"),
                // Paces the questions; nothing depends on its length.
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// A WebSocket, authenticated.
    pub fn websocket(&self, path: &str) -> WebSocket {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("ws://{}{path}{separator}token={}", self.address, self.token);
        let stream = std::net::TcpStream::connect(&self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is allowed");
        let (socket, _) = tungstenite::client(url, stream).expect("the server speaks WebSocket");
        WebSocket(socket)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already after `kill`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whoever holds a token.
pub struct Somebody<'s> {
    server: &'s Server,
    token: &'s str,
}

impl Somebody<'_> {
    pub fn request(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> (u16, Value) {
        self.server.send(self.token, method, path, body)
    }
}

pub struct WebSocket(tungstenite::WebSocket<std::net::TcpStream>);

impl WebSocket {
    /// The next message that is JSON.
    pub fn next(&mut self) -> Value {
        self.read().expect("a message comes in time")
    }

    /// The same; `None` when the connection is over.
    pub fn try_next(&mut self) -> Option<Value> {
        self.read().ok()
    }

    fn read(&mut self) -> Result<Value, tungstenite::Error> {
        loop {
            if let tungstenite::Message::Text(text) = self.0.read()? {
                return Ok(serde_json::from_str(&text).expect("messages are JSON"));
            }
        }
    }

    /// The next message that satisfies.
    pub fn until<T>(&mut self, mut found: impl FnMut(&Value) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let message = self.next();
            if let Some(found) = found(&message) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "no such message; the last one: {message}");
        }
    }
}
