//! A host application's view of all edge nodes: (state, message, now) → (samples, commands). Pure.
//!
//! Rules that the specification leaves open, or that keep data whole:
//! - What came out of order and was waited for in vain is taken in its order, and a new birth is asked for. What comes
//!   later still is taken as history. Nothing that carries a value and a time is thrown away.
//! - Without a birth a metric is known by its name alone: an alias may have been given anew.
//! - A birth in the same session (equal bdSeq) leaves devices as they are; in a new one they are gone until their own.

use super::known::KnownMetric;
use super::payload::Payload;
use super::session::Node;
use super::topic;
use super::topic::{Kind, MetricAddress, NodeId, Topic};
use super::values::{Context, Device};
use lehr_domain::EventMs;
use lehr_tags::Sample;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Edge nodes that are remembered.
const NODES_MOST: usize = 1000;

/// Now, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Plant time, by which values become stale.
    pub plant: EventMs,
    /// Since any fixed instant; never goes back. Waiting is counted by it.
    pub clock: Duration,
}

#[derive(Clone, Copy, Debug)]
pub struct HostOptions {
    /// How long a missing message is waited for.
    pub reorder_timeout: Duration,
    /// An edge node is asked for a birth at most so often.
    pub rebirth_every: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Ask the edge node for a new birth.
    Rebirth(NodeId),
}

/// What follows from a message, or from time going by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reaction {
    /// Of the host's tags.
    pub samples: Vec<Sample>,
    pub commands: Vec<Command>,
    /// What could not be taken, and why.
    pub refused: Vec<String>,
}

/// How often what happened; only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub births: u64,
    /// Deaths of edge nodes and devices that were believed.
    pub deaths: u64,
    /// Deaths of a session that is over already.
    pub other_deaths: u64,
    /// Messages that did not come in time after their predecessor.
    pub gaps: u64,
    /// Messages behind their successors.
    pub late: u64,
    /// Births asked for.
    pub rebirths: u64,
    /// Metrics not to be stored, which are not.
    pub transient: u64,
    /// Text, bytes, data sets, templates: remembered or passed over, and no readings.
    pub unread: u64,
}

#[derive(Debug)]
pub struct Host {
    options: HostOptions,
    /// Tags by what they are of.
    tags: HashMap<MetricAddress, Vec<usize>>,
    nodes: BTreeMap<NodeId, Node>,
    counts: Counts,
    metrics: usize,
}

impl Host {
    /// `tags` in the order in which samples name them.
    pub fn new(options: HostOptions, tags: impl IntoIterator<Item = MetricAddress>) -> Host {
        let mut by_address: HashMap<MetricAddress, Vec<usize>> = HashMap::new();
        for (tag, address) in tags.into_iter().enumerate() {
            by_address.entry(address).or_default().push(tag);
        }
        Host { options, tags: by_address, nodes: BTreeMap::new(), counts: Counts::default(), metrics: 0 }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The last value of every metric.
    pub fn known(&self) -> Vec<KnownMetric> {
        let mut known = Vec::with_capacity(self.metrics);
        for (node, Node { devices, .. }) in &self.nodes {
            for (device, Device { online, metrics }) in devices {
                known.extend(metrics.iter().map(|(metric, stored)| KnownMetric {
                    address: MetricAddress { node: node.clone(), device: device.clone(), metric: metric.clone() },
                    value: stored.value,
                    text: stored.text.clone(),
                    at: stored.at,
                    quality: stored.quality,
                    online: *online,
                    tagged: !stored.tags.is_empty(),
                }));
            }
        }
        known
    }

    /// Whether an edge node, or one of its devices, is there.
    pub fn is_online(&self, node: &NodeId, device: Option<&str>) -> bool {
        let found = self.nodes.get(node).and_then(|node| node.devices.get(&device.map(str::to_owned)));
        found.is_some_and(|device| device.online)
    }

    /// The host is connected, and all edge nodes that it should know are asked to say what they have: they may have been
    /// connected for long.
    pub fn connected(&mut self, now: Moment) -> Reaction {
        let mut wanted: Vec<NodeId> = self.tags.keys().map(|address| address.node.clone()).collect();
        wanted.extend(self.nodes.keys().cloned());
        wanted.sort();
        wanted.dedup();
        let mut all = Reaction::default();
        for id in wanted {
            self.with(&id, now, &mut all, |node, context| {
                node.asked = None;
                node.ask(context);
            });
        }
        all
    }

    /// The connection is gone, and with it all certainty.
    pub fn disconnected(&mut self, now: Moment) -> Reaction {
        let mut all = Reaction::default();
        let nodes: Vec<NodeId> = self.nodes.keys().cloned().collect();
        for id in nodes {
            self.with(&id, now, &mut all, |node, context| {
                node.gone(context);
                node.wanted = None;
            });
        }
        all
    }

    /// Time has gone by.
    pub fn tick(&mut self, now: Moment) -> Reaction {
        let mut all = Reaction::default();
        let waiting = |node: &Node| node.held_since.is_some() || node.wanted.is_some();
        let nodes: Vec<NodeId> =
            self.nodes.iter().filter(|(_, node)| waiting(node)).map(|(id, _)| id.clone()).collect();
        for id in nodes {
            self.with(&id, now, &mut all, |node, context| {
                let timeout = context.options.reorder_timeout;
                if node.held_since.is_some_and(|since| context.now.clock.saturating_sub(since) >= timeout) {
                    node.give_up(context);
                }
                node.ask_again(context);
            });
        }
        all
    }

    /// A message of an edge node. What is not of one, or is a command to one, is passed over.
    pub fn hear(&mut self, topic: &str, payload: &[u8], now: Moment) -> Reaction {
        let mut reaction = Reaction::default();
        let topic: Topic = match topic.parse() {
            Ok(topic) => topic,
            Err(why) => {
                if !topic.starts_with(&format!("{}/STATE/", topic::NAMESPACE)) {
                    reaction.refused.push(format!("topic {topic}: {why}"));
                }
                return reaction;
            }
        };
        if matches!(topic.kind, Kind::NodeCommand | Kind::DeviceCommand) {
            return reaction;
        }
        let payload = match Payload::read(payload) {
            Ok(payload) => payload,
            Err(error) => {
                reaction.refused.push(format!("topic {topic}: {error}"));
                return reaction;
            }
        };
        let id = topic.node.clone();
        self.with(&id, now, &mut reaction, |node, context| node.hear(topic, payload, context));
        reaction
    }

    fn with(&mut self, id: &NodeId, now: Moment, into: &mut Reaction, step: impl FnOnce(&mut Node, &mut Context)) {
        if !self.nodes.contains_key(id) && self.nodes.len() >= NODES_MOST {
            into.refused.push(format!("{id}: more than {NODES_MOST} edge nodes; name a group to be heard alone"));
            return;
        }
        let node = self.nodes.entry(id.clone()).or_default();
        let reaction = std::mem::take(into);
        let Host { options, tags, counts, metrics, .. } = self;
        let mut context = Context { id, tags, counts, metrics, options, now, reaction };
        step(node, &mut context);
        *into = context.reaction;
    }
}
