//! OPC UA, on both sides.
//!
//! ```text
//! server → Publish response → [sequence: nothing twice, gaps asked for again] → [value] → Tags → Intake
//!                    ↑ acknowledged once durable; asked for more only then
//! ```
//!
//! - `config`: what a user writes, and what can be said of it before connecting
//! - `node`, `value`, `plan`, `sequence`: pure; names of nodes, values as numbers, tags as monitored items, order
//! - `security`, `open`: certificates and logins; a session with the server
//! - `subscribe`, `follow`, `source`: subscriptions, their notifications, and the loop around it all
//! - `probe`, `browse`, `mapping`: what a server has, for whoever sets a source up
//! - `device`: a simulated plant as a server
//!
//! **Invariant:** a notification is acknowledged after its readings are durable. Publish requests are ours, not those of
//! the client library, whose own are acknowledged on arrival and answered into a callback that cannot wait.

mod browse;
mod config;
mod device;
mod follow;
mod mapping;
mod node;
mod open;
mod plan;
mod probe;
mod security;
mod sequence;
mod source;
mod subscribe;
mod value;

pub use browse::{Bounds, Found, Kind, browse};
pub use config::{Config, ConfigError, Report, Security, Tag, Trust};

pub use device::{Device, DeviceConfig, DeviceError, Login, Point, Setpoint, Variable, WriteSetpoint};
pub use mapping::{Proposal, mapping, proposed};
pub use open::PeerError;
pub use probe::probe;
pub use source::run;
