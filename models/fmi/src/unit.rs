//! A unit's library, loaded: what runs in the host process alone.
//!
//! ```text
//! Instance: order of calls, types, statuses as errors
//!   └ dyn Calls: two::Two or three::Three, the C functions of one version
//! ```
//!
//! There is one instance in a process: the callbacks for its log write to one place.

mod instance;
mod library;
mod log;
mod three;
mod two;

pub use instance::Instance;
pub use log::taken as log;

use crate::description::Kind;
use crate::message::Value;
use std::fmt;

/// What a function of a unit returns. `Pending` is of 2.0 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    Warning,
    Discard,
    Error,
    Fatal,
    Pending,
    /// None that the standard knows.
    Unknown(i32),
}

impl Status {
    /// The numbers are those of both versions.
    pub fn from_c(status: i32) -> Status {
        match status {
            0 => Status::Ok,
            1 => Status::Warning,
            2 => Status::Discard,
            3 => Status::Error,
            4 => Status::Fatal,
            5 => Status::Pending,
            other => Status::Unknown(other),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Ok => f.write_str("ok"),
            Status::Warning => f.write_str("warning"),
            Status::Discard => f.write_str("discard"),
            Status::Error => f.write_str("error"),
            Status::Fatal => f.write_str("fatal"),
            Status::Pending => f.write_str("pending"),
            Status::Unknown(status) => write!(f, "unknown ({status})"),
        }
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stepped {
    pub status: Status,
    /// The unit wants no further step.
    pub ends: bool,
    /// How far it came, s, where it says so.
    pub reached_s: Option<f64>,
}

/// The functions of one version of the interface, on one instance. Nothing of the order of calls is checked here.
trait Calls {
    fn enter_initialization(&mut self) -> (Status, &'static str);
    fn exit_initialization(&mut self) -> (Status, &'static str);
    /// Error: a type that this version does not have.
    fn set(&mut self, kind: Kind, reference: u32, value: Value) -> Status;
    fn get(&mut self, kind: Kind, reference: u32) -> (Status, Value);
    fn step(&mut self, at_s: f64, step_s: f64, state_is_kept: bool) -> Stepped;
    fn save(&mut self) -> Status;
    /// Only after a save that went well.
    fn restore(&mut self) -> Status;
    fn reset(&mut self) -> Status;
    fn terminate(&mut self) -> Status;
    /// After a fatal error nothing may be called, not even the freeing of the instance.
    fn abandon(&mut self);
}
