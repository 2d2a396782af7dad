//! What all protocols share on the way in: a device says something of a *tag*, and Lehr takes a reading of a *sensor*.
//!
//! ```text
//! device → protocol → Sample → [Tags: unit, deadband, time, quality] → Gathered → Intake → runtime
//! ```
//!
//! - `target`: which sensor a tag is, and how its values are converted
//! - `quality`: the quality codes of the protocols, as one
//! - `units`: units of measurement of the same quantity
//! - `tags`: samples to readings; a bad value never takes its message along
//! - [`json`]: fields of JSON messages
//! - `report`: what machines say besides readings: inspected units, states, set-points
//! - `intake`: where readings go, and what holds a source up
//! - `secret`: passwords, which a configuration names and does not hold
//! - `backoff`, `status`: a peer that is away, and what is said of it
//!
//! Nothing here does I/O or asks for the time, but that secrets are read.

mod backoff;
mod intake;
pub mod json;
mod quality;
mod report;
mod secret;
mod status;
mod tags;
mod target;
mod units;

pub use backoff::Backoff;
pub use intake::{Gathered, Intake, Stopped};
pub use quality::Quality;
pub use report::{ReportKind, read_reports, report};
pub use secret::{Secret, SecretError, SecretFrom};
pub use status::{Link, SourceStatus, Standing};
pub use tags::{Sample, Tags, Times, TimestampOf};
pub use target::{Target, TargetError};
pub use units::{UnitError, conversion};
