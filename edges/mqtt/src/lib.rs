//! MQTT 3.1.1 and 5 as a source of readings: JSON payloads, and Sparkplug B as a host application. The other way round,
//! rows are published, and the simulated plant is an edge node.
//!
//! ```text
//! broker → Link → json::Topics ──────┐
//!               → sparkplug::Host ───┴→ Tags → Pump → Intake
//!                                              └──→ PUBACK, once it is durable
//! ```
//!
//! - `config`: one `[[mqtt]]` of `sources.toml`
//! - `link`, `tls`: one connection, of either version
//! - `topic`: filters, and what they match
//! - `json`: payloads to samples (pure)
//! - `pump`: samples to the intake; what is acknowledged, and when
//! - `repeats`: what was taken and may be sent again
//! - `source`: the loop of a broker with JSON payloads
//! - `sparkplug`: payloads, the host's and the edge node's state machines (pure), and their loops
//! - `publisher`: rows out, in order, acknowledged
//! - `store`: a broker that follows Lehr's tables
//! - `plant`: the simulated plant as an edge node, or as JSON topics
//! - `probe`: is the broker there, and does it let us in

mod config;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod link;
mod plant;
mod probe;
mod publisher;
mod pump;
mod repeats;
mod source;
pub mod sparkplug;
pub mod store;
mod tls;
mod topic;

pub use config::{Config, ConfigError, JsonTag, ReportTopic, SparkplugConfig, SparkplugTag, check_together};
pub use link::Endpoint;
pub use plant::{JsonPlant, Measured, Reported, SparkplugPlant, Told, WriteBack, serve_json, serve_sparkplug};
pub use probe::{ProbeError, probe};
pub use publisher::{Message, PublishError, Publisher, row_topic};
pub use source::{run, run_with};
