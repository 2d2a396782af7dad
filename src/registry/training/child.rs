//! The process that trains: of the lowest priority, the first to go when memory is short, in a process group of its own,
//! and gone when Lehr is.

use rustix::process::{Pid, Signal, kill_process_group, nice, set_parent_process_death_signal};
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What it gets of the server's environment, which may hold secrets.
const ENVIRONMENT: [&str; 8] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "LEHR_CACHE",
    "LD_LIBRARY_PATH",
    "RAYON_NUM_THREADS",
    "RUST_BACKTRACE",
];
/// How far it stands back behind everything else on the machine.
const NICENESS: i32 = 19;
/// How readily the system ends it when memory is short, of 1000 at most: before the server, which may share its limits.
const EXPENDABLE: &str = "1000";
/// Lines that may wait to be read. A process that tells more waits.
const LINES_WAITING: usize = 64;
/// Bytes of a line that are looked at; the rest of it is passed over.
const LINE_MOST: u64 = 64 << 10;
/// The end of what it writes to its standard error that is kept.
const SAID_MOST: usize = 4_000;
/// How long the last of it is waited for: something that it started may have it open still.
const LAST_WORDS_MOST: Duration = Duration::from_secs(1);

/// A running process. Dropped, it ends, with whatever it started.
pub struct Trainer {
    child: Child,
    lines: Receiver<String>,
    said: Arc<Mutex<Vec<u8>>>,
    listener: JoinHandle<()>,
    ended: Option<ExitStatus>,
}

/// What is heard of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Line(String),
    /// Nothing yet.
    Silence,
    /// It tells nothing any more.
    End,
}

impl Trainer {
    /// Must be called on a thread that outlives the process: the process ends with the thread that started it.
    pub fn start(program: &Path, arguments: &[OsString]) -> io::Result<Trainer> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.env_clear().envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        let before = || -> io::Result<()> {
            // So that a server that is killed leaves no training behind.
            set_parent_process_death_signal(Some(Signal::KILL))?;
            nice(NICENESS)?;
            Ok(())
        };
        // SAFETY: between fork and exec two system calls are made, and no memory is allocated or locked.
        unsafe { command.pre_exec(before) };
        let mut child = command.spawn()?;
        // Where that is not to be said it trains as well.
        let _ = std::fs::write(format!("/proc/{}/oom_score_adj", child.id()), EXPENDABLE);
        let lines = lines(child.stdout.take().expect("asked for"));
        let (said, listener) = listen(child.stderr.take().expect("asked for"));
        Ok(Trainer { child, lines, said, listener, ended: None })
    }

    /// The next line of its standard output; waits so long at most.
    pub fn hear(&self, patience: Duration) -> Heard {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// The end of what it wrote to its standard error. Of one that has ended, all that it still had to say is waited for,
    /// within bounds.
    pub fn said(&self) -> String {
        let begun = Instant::now();
        while self.ended.is_some() && !self.listener.is_finished() && begun.elapsed() < LAST_WORDS_MOST {
            thread::sleep(Duration::from_millis(1));
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).trim().to_owned()
    }

    /// Ends it, and whatever it started.
    pub fn kill(&mut self) {
        // Whoever leads the group may be gone already, and others of it not.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Trainer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads lines until the process closes its output, or nobody listens.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = sync_channel(LINES_WAITING);
    let read = move || {
        let mut stdout = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            let read = (&mut stdout).take(LINE_MOST).read_until(b'\n', &mut line);
            if !matches!(read, Ok(bytes) if bytes > 0) {
                return;
            }
            let whole = line.ends_with(b"\n");
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
            if !whole && stdout.skip_until(b'\n').is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("lehr training out".into()).spawn(read).expect("threads can be started");
    lines
}

fn listen(mut stderr: ChildStderr) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = said.clone();
    let read = move || {
        let mut part = [0; 1024];
        while let Ok(bytes @ 1..) = stderr.read(&mut part) {
            let mut said = kept.lock().unwrap_or_else(PoisonError::into_inner);
            said.extend_from_slice(&part[..bytes]);
            let over = said.len().saturating_sub(SAID_MOST);
            said.drain(..over);
        }
    };
    let listener = thread::Builder::new().name("lehr training err".into()).spawn(read).expect("threads can be started");
    (said, listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Trainer {
        Trainer::start(Path::new("/bin/sh"), &["-c".into(), script.into()]).unwrap()
    }

    fn all(trainer: &mut Trainer) -> (Vec<String>, ExitStatus) {
        let mut lines = Vec::new();
        loop {
            match trainer.hear(PATIENCE) {
                Heard::Line(line) => lines.push(line),
                Heard::Silence => panic!("it takes too long"),
                Heard::End => break,
            }
        }
        let begun = Instant::now();
        loop {
            if let Some(status) = trainer.ended() {
                return (lines, status);
            }
            assert!(begun.elapsed() < PATIENCE);
            thread::yield_now();
        }
    }

    #[test]
    fn it_is_heard_and_stands_back() {
        let mut trainer = shell("nice; echo two; echo wrong >&2; exit 3");
        let (lines, status) = all(&mut trainer);
        assert_eq!((lines, status.code()), (vec!["19".to_owned(), "two".to_owned()], Some(3)));
        assert_eq!(trainer.said(), "wrong");
    }

    #[test]
    fn it_goes_before_the_server_when_memory_is_short() {
        let mut trainer = shell("echo $$; sleep 1000");
        let Heard::Line(pid) = trainer.hear(PATIENCE) else { panic!("nothing is heard") };
        assert_eq!(std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap().trim(), EXPENDABLE);
        trainer.kill();
    }

    #[test]
    fn it_is_told_no_secrets() {
        let mut trainer = shell("env | cut -d= -f1");
        let (lines, _) = all(&mut trainer);
        // What a shell sets itself.
        let known = |name: &String| {
            ENVIRONMENT.contains(&name.as_str()) || ["PWD", "OLDPWD", "SHLVL", "_"].contains(&name.as_str())
        };
        assert!(lines.contains(&"PATH".to_owned()) && lines.iter().all(known), "{lines:?}");
    }

    #[test]
    fn what_it_says_is_bounded() {
        let script =
            "head -c 200000 /dev/zero | tr '\\0' x; echo; echo next; head -c 100000 /dev/zero | tr '\\0' y >&2";
        let mut trainer = shell(script);
        let (lines, _) = all(&mut trainer);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [LINE_MOST as usize, 4]);
        assert!(trainer.said().len() <= SAID_MOST);
    }

    #[test]
    fn killed_it_takes_along_what_it_started() {
        let mut trainer = shell("sleep 1000 & echo $!; wait");
        let Heard::Line(started) = trainer.hear(PATIENCE) else { panic!("nothing is heard") };
        trainer.kill();
        assert_eq!(trainer.hear(PATIENCE), Heard::End, "its output is closed, so nobody has it open");
        let begun = Instant::now();
        let state = || std::fs::read_to_string(format!("/proc/{started}/stat")).unwrap_or_default();
        // Gone, or dead and not yet asked for by whoever adopted it.
        while !(state().is_empty() || state().contains(") Z ")) {
            assert!(begun.elapsed() < PATIENCE, "{}", state());
            thread::yield_now();
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(Trainer::start(Path::new("/nowhere/lehr-train"), &[]).is_err());
    }
}
