//! The process of a unit: requests come in at standard input, replies leave at standard output.

use crate::archive::remove_orphan;
use crate::error::UnitError;
use crate::frame::{REPLY_MOST, REQUEST_MOST, read, write};
use crate::message::{Reply, Request};
use crate::unit::{self, Instance};
use rustix::process::{Resource, Rlimit, Signal, getpgrp, getpid, kill_process, kill_process_group, setrlimit};
use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Memory that a unit may have of its own. What it takes beyond ends the unit, not the machine.
const MEMORY_MOST: u64 = 4 << 30;

/// Serves requests until standard input closes. Does not return before, and after it only when nothing is at work.
///
/// Call it first thing in a process: it takes standard input and output away, so that a unit that prints or reads does
/// no harm.
pub fn host() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let requests = File::from(rustix::io::dup(rustix::stdio::stdin())?);
    let mut replies = File::from(rustix::io::dup(rustix::stdio::stdout())?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    // A core of a unit's process helps nobody who runs a plant.
    let limits = [(Resource::Core, 0), (Resource::Data, MEMORY_MOST)];
    for (resource, most) in limits {
        // A limit that is lower already stands.
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    let requests = listen(requests);
    let mut instance = None;
    while let Ok(request) = requests.recv() {
        let result = answer(&mut instance, request);
        let (log, dropped) = unit::log();
        write(&mut replies, &Reply { result, log, dropped }, REPLY_MOST)?;
    }
    Ok(())
}

/// Requests are read in a thread of their own, so that the end of who asks is heard also while the unit hangs.
fn listen(mut from: File) -> Receiver<Request> {
    let (requests, received) = sync_channel(1);
    thread::spawn(move || {
        let mut folder = None;
        while let Ok(request) = read::<Request>(&mut from, REQUEST_MOST) {
            if let Request::Open { dir, .. } = &request {
                folder = Some(dir.clone());
            }
            if requests.send(request).is_err() {
                break;
            }
        }
        // A client that lives ends this process before it lets go of the pipe: this one does not, and cannot tidy up.
        folder.as_deref().inspect(|folder| remove_orphan(folder));
        end();
    });
    received
}

/// Ends the process at once, and what the unit started: its own clean-up may hang as well as its work.
fn end() {
    let alone = getpgrp() == getpid();
    let _ = if alone { kill_process_group(getpgrp(), Signal::KILL) } else { kill_process(getpid(), Signal::KILL) };
}

fn answer(instance: &mut Option<Instance>, request: Request) -> Result<Vec<f64>, UnitError> {
    if let Request::Open { dir, name } = request {
        if instance.is_some() {
            return Err(UnitError::Order("a second unit".into()));
        }
        *instance = Some(Instance::open(&dir, &name)?);
        return Ok(Vec::new());
    }
    let Some(unit) = instance else { return Err(UnitError::Order("a call before the unit is open".into())) };
    match request {
        Request::Open { .. } => unreachable!("answered above"),
        Request::Start { parameters, inputs, read } => {
            unit.start(&parameters, &inputs)?;
            unit.read(&read)
        }
        Request::Advance { inputs, steps, step_s, read } => {
            unit.advance(&inputs, steps, step_s)?;
            unit.read(&read)
        }
        Request::Save => unit.save().map(|()| Vec::new()),
        Request::Restore => unit.restore().map(|()| Vec::new()),
        Request::End => unit.end().map(|()| Vec::new()),
    }
}
