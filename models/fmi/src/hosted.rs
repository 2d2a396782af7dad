//! A unit in a process of its own, seen from outside.

use crate::archive::Unit;
use crate::error::HostError;
use crate::frame::{REPLY_MOST, REQUEST_MOST, read, write};
use crate::message::{LogLine, Reply, Request, Setting};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The longest that is kept of what the process writes to its standard error.
const SAID_MOST: usize = 2000;
/// Log messages kept: the newest.
const LOG_MOST: usize = 100;

/// How the process of a unit is started: a program that calls [`host`](crate::host) first thing.
#[derive(Clone, Debug)]
pub struct HostProgram {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl HostProgram {
    /// This very program, also after its file was replaced.
    pub fn this(arguments: &[&str]) -> HostProgram {
        let arguments = arguments.iter().map(OsString::from).collect();
        HostProgram { program: PathBuf::from("/proc/self/exe"), arguments }
    }
}

/// A running unit. Dropped, its process ends, and what that started.
///
/// A call that takes longer than the limit ends the process; after that, and after it died, every call returns the same
/// error.
pub struct Hosted {
    /// Its files must outlive the process.
    _unit: Arc<Unit>,
    child: Child,
    requests: ChildStdin,
    replies: Receiver<io::Result<Reply>>,
    said: Arc<Mutex<Vec<u8>>>,
    limit: Duration,
    log: VecDeque<LogLine>,
    dropped: u64,
    dead: Option<HostError>,
}

impl Hosted {
    /// Starts a process and loads the unit in it. `limit` holds for this and every call after it; `environment` is what
    /// the process gets beside Lehr's own.
    pub fn open(
        unit: Arc<Unit>,
        host: &HostProgram,
        name: &str,
        environment: &[(String, String)],
        limit: Duration,
    ) -> Result<Hosted, HostError> {
        let mut child = Command::new(&host.program)
            .args(&host.arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            // What a unit writes to where it runs, it writes to its own folder.
            .current_dir(unit.dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| HostError::Spawn(error.to_string()))?;
        let requests = child.stdin.take().expect("asked for");
        let replies = replies(child.stdout.take().expect("asked for"));
        let said = listen(child.stderr.take().expect("asked for"));
        let open = Request::Open { dir: unit.dir().to_owned(), name: name.to_owned() };
        let (log, dropped, dead) = (VecDeque::new(), 0, None);
        let mut hosted = Hosted { _unit: unit, child, requests, replies, said, limit, log, dropped, dead };
        hosted.call(&open)?;
        Ok(hosted)
    }

    /// Begins a simulation at time 0 with these parameters and inputs; what ran before is forgotten. Returns the values
    /// of `read` at the beginning.
    pub fn start(&mut self, parameters: &[Setting], inputs: &[Setting], read: &[u32]) -> Result<Vec<f64>, HostError> {
        let (parameters, inputs, read) = (parameters.to_vec(), inputs.to_vec(), read.to_vec());
        self.call(&Request::Start { parameters, inputs, read })
    }

    /// Sets inputs, takes so many steps of one length, and returns the values of `read`.
    pub fn advance(
        &mut self,
        inputs: &[Setting],
        steps: u32,
        step_s: f64,
        read: &[u32],
    ) -> Result<Vec<f64>, HostError> {
        self.call(&Request::Advance { inputs: inputs.to_vec(), steps, step_s, read: read.to_vec() })
    }

    /// Keeps the state as it is now, for units that can.
    pub fn save(&mut self) -> Result<(), HostError> {
        self.call(&Request::Save).map(drop)
    }

    /// Goes back to the state that was kept.
    pub fn restore(&mut self) -> Result<(), HostError> {
        self.call(&Request::Restore).map(drop)
    }

    /// Ends the simulation; `start` begins another.
    pub fn end(&mut self) -> Result<(), HostError> {
        self.call(&Request::End).map(drop)
    }

    /// What the unit said, oldest first, and how many messages more were not kept.
    pub fn log(&self) -> (impl Iterator<Item = &LogLine>, u64) {
        (self.log.iter(), self.dropped)
    }

    /// Why it runs no more, if so.
    pub fn dead(&self) -> Option<&HostError> {
        self.dead.as_ref()
    }

    fn call(&mut self, request: &Request) -> Result<Vec<f64>, HostError> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        match write(&mut self.requests, request, REQUEST_MOST) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                let size = postcard::to_stdvec(request).map_or(usize::MAX, |body| body.len());
                return Err(HostError::TooLarge { size, most: REQUEST_MOST });
            }
            // The process is gone; the reply that will not come tells how.
            Err(_) => {}
        }
        let reply = match self.replies.recv_timeout(self.limit) {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                let _ = self.kill();
                return Err(self.die(HostError::Protocol(error.to_string())));
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.kill();
                return Err(self.die(HostError::TimeLimit { limit: self.limit }));
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                // Its output is closed: it ended, or will not be heard again.
                let how = self.how_it_ended();
                let said = self.said();
                return Err(self.die(HostError::Died { how, said }));
            }
        };
        self.dropped += reply.dropped;
        for line in reply.log {
            self.log.push_back(line);
            if self.log.len() > LOG_MOST {
                self.log.pop_front();
                self.dropped += 1;
            }
        }
        Ok(reply.result?)
    }

    fn die(&mut self, error: HostError) -> HostError {
        self.dead = Some(error.clone());
        error
    }

    fn kill(&mut self) -> io::Result<ExitStatus> {
        // The unit may have started others; they are of its group. That it is gone already is no error.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.child.wait()
    }

    /// A process that died by itself is asked first: killed, it would say that it was killed.
    fn how_it_ended(&mut self) -> String {
        let patience = [1, 5, 20, 100, 400].map(Duration::from_millis);
        let ended = patience.into_iter().find_map(|pause| {
            let status = self.child.try_wait().ok().flatten();
            if status.is_none() {
                thread::sleep(pause);
            }
            status
        });
        let killed = self.kill();
        let Some(status) = ended.or(killed.ok()) else { return "it cannot be told how".to_owned() };
        match (status.signal(), status.code()) {
            (Some(signal), _) => format!("signal {signal}{}", meaning(signal)),
            (None, Some(code)) => format!("exit status {code}"),
            (None, None) => status.to_string(),
        }
    }

    fn said(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&said).trim().to_owned();
        Some(text).filter(|text| !text.is_empty())
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        // It was told nothing and needs to be told nothing: what it holds is its own.
        let _ = self.kill();
    }
}

fn meaning(signal: i32) -> &'static str {
    match signal {
        4 => ", an illegal instruction",
        6 => ", it gave up by itself",
        7 | 11 => ", it reached for memory that is not its own",
        8 => ", an arithmetic error",
        9 => ", it was ended from outside, perhaps for want of memory",
        _ => "",
    }
}

fn replies(mut from: impl Read + Send + 'static) -> Receiver<io::Result<Reply>> {
    let (replies, received) = sync_channel(1);
    thread::spawn(move || {
        loop {
            let reply = read::<Reply>(&mut from, REPLY_MOST);
            let last = reply.is_err();
            if replies.send(reply).is_err() || last {
                break;
            }
        }
    });
    received
}

/// Reads to the end, so that a unit that prints never waits, and keeps the last of it.
fn listen(mut from: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = said.clone();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..count]);
            let beyond = kept.len().saturating_sub(SAID_MOST);
            kept.drain(..beyond);
        }
    });
    said
}
