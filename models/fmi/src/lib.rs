//! Co-simulation units of the Functional Mock-up Interface (FMI), versions 2.0 and 3.0, as components of the twin: a
//! plant brings its own model of a furnace or a lehr as a `.fmu` file, and it runs beside Lehr's.
//!
//! | what | where |
//! |---|---|
//! | a `.fmu` file taken apart and described | [`Unit::open`], [`Description`] |
//! | a running unit, in a process of its own | [`Hosted`], and [`host`] for that process |
//! | which quantities of a line go in, and what comes out | [`read`], [`Component`] |
//! | a component over the minutes of a line | [`Runner`], [`run`] |
//!
//! ```text
//! Lehr ── Hosted ══ requests, replies (stdin, stdout) ══ host ── instance ── the unit's shared library
//! ```
//!
//! Invariants: the unit's native code is loaded in the child process alone; every call has a time limit, every message
//! and every log a bound; the child ends when its `Hosted` is dropped, and when Lehr dies by whatever cause. What a
//! component says is a function of the minutes that it was given, provided that the unit is one.
//!
//! The crates `fmi` and `fmi-sys` bind the same interface. They are not used since they need libclang wherever Lehr is
//! built, unpack archives without bounds, and leave units and limits of 2.0's variables out of the description.

mod archive;
mod component;
mod description;
mod error;
mod frame;
mod host;
mod hosted;
mod message;
mod unit;

pub use archive::Unit;
pub use component::{
    BIAS_LEAST, BIAS_OVER, Compared, Component, ConfigError, Input, Output, Progress, Ran, Row, Runner, Source,
    compare, read, run,
};
pub use description::{Causality, Description, Kind, Steps, Variability, Variable, Version};
pub use error::{HostError, OpenError, UnitError};
pub use host::host;
pub use hosted::{HostProgram, Hosted};
pub use message::{LogLine, Setting, Severity, Value};
