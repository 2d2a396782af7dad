//! Sparkplug B, version 3.0: what an edge node and a host application say to each other over MQTT.
//!
//! - `payload`: the messages, and values by their types
//! - `topic`: names of groups, edge nodes, devices, metrics
//! - `state`: whether a host is there
//! - `host`: a host's view of all edge nodes, as a state machine (pure)
//! - `session`, `values`: of it, one edge node, and the metrics of a device
//! - `known`: the last value of every metric, for whoever looks
//! - `host_loop`: its connection
//! - `node`: an edge node, as a state machine (pure)

mod host;
mod host_loop;
mod known;
mod node;
mod payload;
mod session;
mod state;
mod topic;
mod values;

use lehr_domain::EventMs;
use std::time::{SystemTime, UNIX_EPOCH};

pub use host::{Command, Counts, Host, HostOptions, Moment, Reaction};
pub(crate) use host_loop::HostLoop;
pub use known::{Known, KnownMetric};
pub use node::{Commanded, EdgeNode, MetricDef, Outgoing, Update};
pub use payload::{DataType, Metric, MetricValue, Payload, PayloadError, PropertySet, PropertyValue};
pub use state::HostState;
pub use topic::{Kind, MetricAddress, NodeId, Topic, check_id};

/// The metric by which an edge node is asked for a new birth.
pub const REBIRTH: &str = "Node Control/Rebirth";
/// The metric that ties a death to its birth.
pub const BD_SEQ: &str = "bdSeq";

/// The wall clock: other hosts and edge nodes compare it with their own.
pub(crate) fn wall() -> EventMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
