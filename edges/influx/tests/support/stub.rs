//! An HTTP server that answers in turn as it is told, and writes down what was asked.

use flate2::read::GzDecoder;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Method, path and query.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A status line with headers, and a body; or silence.
#[derive(Clone, Debug)]
pub enum Say {
    Answer(&'static str, &'static str),
    Nothing,
}

pub struct Stub {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<VecDeque<Say>>>,
    ended: Arc<AtomicBool>,
}

impl Stub {
    /// Takes all that it was not told to answer otherwise.
    pub fn start() -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stub = Stub {
            port: listener.local_addr().expect("bound").port(),
            asked: Arc::default(),
            answers: Arc::default(),
            ended: Arc::default(),
        };
        let (asked, answers, ended) = (stub.asked.clone(), stub.answers.clone(), stub.ended.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (asked, answers) = (asked.clone(), answers.clone());
                thread::spawn(move || {
                    let mut reader = BufReader::new(client.try_clone().expect("a handle"));
                    while let Some(request) = read(&mut reader) {
                        asked.lock().unwrap().push(request);
                        let said = answers.lock().unwrap().pop_front().unwrap_or(Say::Answer("204 No Content", ""));
                        match said {
                            Say::Answer(head, body) => answer(&client, head, body),
                            // Until the client has had enough.
                            Say::Nothing => _ = reader.read(&mut [0; 1]),
                        }
                    }
                });
            }
        });
        stub
    }

    pub fn say(&self, answers: impl IntoIterator<Item = Say>) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    pub fn config(&self, more: &str) -> lehr_influx::store::Config {
        let text = format!(
            "name = \"history\"\nurl = \"http://127.0.0.1:{}\"\norg = \"Glas & Söhne\"\nbucket = \"plant/1\"\n{more}",
            self.port
        );
        toml::from_str(&text).expect("a configuration")
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: Vec<(String, String)> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut asked = Asked { line: lines[0].clone(), headers, body: String::new() };
    let length = asked.header("content-length").expect("a length").parse().expect("a number");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    assert_eq!(asked.header("content-encoding"), Some("gzip"));
    GzDecoder::new(body.as_slice()).read_to_string(&mut asked.body).expect("gzip");
    Some(asked)
}

fn answer(mut client: &TcpStream, head: &str, body: &str) {
    let length = match head.starts_with("204") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let _ = client.write_all(format!("HTTP/1.1 {head}\r\n{length}\r\n{body}").as_bytes());
}
