//! Modbus TCP, both ways: Lehr polls devices, and a simulated plant is one.
//!
//! ```text
//! Config → plan → [Source: schedule, link] → answers → samples → lehr_tags::Tags → Intake
//!                          ↑ exceptions: split, hold back
//! Map of sensors and set-points → [Served] ← any Modbus client
//! ```
//!
//! - `register`: which table and address; `value`: what its registers mean
//! - `config`: an entry `[[modbus]]` of `sources.toml`
//! - `plan`: tags merged into few reads, and reads cut where the device refuses them
//! - `schedule`: when a device is asked, and what was missed
//! - `outcome`: what an answer or a refusal means for tags
//! - `link`: the connection, and one request at a time; `sweep`: all reads of a unit
//! - `source`: polls until nobody takes what it reads; `probe`: asks once
//! - `map`, `answer`, `served`: the device side
//!
//! Only `link`, `sweep`, `source`, `probe` and `served` do I/O.

mod answer;
mod config;
#[doc(hidden)]
pub mod fuzzing;
mod link;
mod map;
mod outcome;
mod plan;
mod probe;
mod register;
mod schedule;
mod served;
mod source;
mod sweep;
mod value;

pub use config::{Config, ConfigError, DeviceConfig, TagConfig, check_together};
pub use map::{Map, MapError, Point, Role};
pub use probe::{ProbeError, probe};
pub use register::{NotARegister, Register, Table};
pub use served::{Board, Served, WriteSetPoint};
pub use source::run;
pub use value::{Kind, Order, Place};
