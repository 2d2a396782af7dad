//! A host application's view of all edge nodes: (state, message, now) → (samples, commands). Pure.
//!
//! Rules that the specification leaves open, or that keep data whole:
//! - What came out of order and was waited for in vain is taken in its order, and a new birth is asked for. What comes
//!   later still is taken as history. Nothing that carries a value and a time is thrown away.
//! - Without a birth a metric is known by its name alone: an alias may have been given anew.
//! - A birth in the same session (equal bdSeq) leaves devices as they are; in a new one they are gone until their own.

use super::known::KnownMetric;
use super::payload::{Metric, MetricValue, Payload};
use super::topic::{Kind, MetricAddress, NodeId, Topic};
use super::{BD_SEQ, topic};
use lehr_domain::EventMs;
use lehr_tags::{Quality, Sample, Times};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Edge nodes that are remembered.
const NODES_MOST: usize = 1000;
/// Metrics that are remembered, of all edge nodes.
const METRICS_MOST: usize = 200_000;
/// Metrics of messages that came out of order, for each edge node.
const HELD_MOST: usize = 20_000;
/// How often an edge node that does not answer is asked for a birth.
const ASKED_MOST: u32 = 5;
/// Bytes of a metric's name.
const NAME_MOST: usize = 1000;
/// Characters of a text that are remembered.
const TEXT_MOST: usize = 200;

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

#[derive(Debug, Default)]
struct Node {
    online: bool,
    bd_seq: Option<u64>,
    /// The sequence number that comes next; `None` before a birth on this connection.
    next: Option<u8>,
    /// What came before its turn, by sequence number.
    held: BTreeMap<u8, (Topic, Payload)>,
    held_since: Option<Duration>,
    /// Device and name of each alias of the last births.
    aliases: HashMap<u64, (Option<String>, String)>,
    /// The edge node itself is `None`.
    devices: BTreeMap<Option<String>, Device>,
    asked: Option<Duration>,
    /// A birth is wanted, and was asked for so often in vain.
    wanted: Option<u32>,
}

#[derive(Debug, Default)]
struct Device {
    online: bool,
    metrics: BTreeMap<String, Stored>,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    datatype: Option<u32>,
    tags: Vec<usize>,
    value: Option<f64>,
    text: Option<String>,
    at: Option<EventMs>,
    quality: Quality,
    /// Since when it is stale, until it is said anew.
    stale: Option<EventMs>,
}

/// What all steps need besides the edge node.
struct Context<'a> {
    id: &'a NodeId,
    tags: &'a HashMap<MetricAddress, Vec<usize>>,
    counts: &'a mut Counts,
    metrics: &'a mut usize,
    options: &'a HostOptions,
    now: Moment,
    reaction: Reaction,
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

impl Node {
    fn hear(&mut self, topic: Topic, payload: Payload, context: &mut Context) {
        match topic.kind {
            Kind::NodeBirth => self.born(&payload, context),
            Kind::NodeDeath => self.died(&payload, context),
            _ => self.in_order(topic, payload, context),
        }
    }

    fn born(&mut self, payload: &Payload, context: &mut Context) {
        let Some(seq) = payload.sequence() else {
            return context.refuse("NBIRTH: seq is missing or above 255; the edge node must send it");
        };
        // What waited for its turn is of before.
        self.take_held(true, context);
        let bd_seq = bd_seq(payload);
        let same_session = self.online && self.bd_seq == bd_seq;
        self.aliases.clear();
        if !same_session {
            // The edge node's own metrics follow in this very message.
            for (_, device) in self.devices.iter_mut().filter(|(device, _)| device.is_some()) {
                device.stale(context);
            }
        }
        (self.online, self.bd_seq, self.next, self.wanted) = (true, bd_seq, Some(seq.wrapping_add(1)), None);
        context.counts.births += 1;
        self.define(None, payload, context);
    }

    fn died(&mut self, payload: &Payload, context: &mut Context) {
        let of = bd_seq(payload);
        // A will may come after the next birth. Of an edge node that gives no number any death is believed.
        if !self.online || (self.bd_seq.is_some() && self.bd_seq != of) {
            context.counts.other_deaths += 1;
            return;
        }
        context.counts.deaths += 1;
        self.gone(context);
    }

    /// Offline, and all that was known is stale by the host's clock.
    fn gone(&mut self, context: &mut Context) {
        self.take_held(true, context);
        for device in self.devices.values_mut() {
            device.stale(context);
        }
        (self.online, self.bd_seq, self.next) = (false, None, None);
        self.aliases.clear();
    }

    fn in_order(&mut self, topic: Topic, payload: Payload, context: &mut Context) {
        let Some(seq) = payload.sequence() else {
            let kind = topic.kind.text();
            return context.refuse(&format!("{kind}: seq is missing or above 255; the edge node must send it"));
        };
        let Some(next) = self.next else {
            self.apply(&topic, &payload, false, context);
            return self.ask(context);
        };
        match seq.wrapping_sub(next) {
            0 => {
                self.next = Some(next.wrapping_add(1));
                self.apply(&topic, &payload, false, context);
                self.catch_up(context);
            }
            // Half of all numbers are ahead, the others behind.
            1..128 => {
                self.held.insert(seq, (topic, payload));
                self.held_since.get_or_insert(context.now.clock);
                let metrics: usize = self.held.values().map(|(_, payload)| payload.metrics.len()).sum();
                if metrics > HELD_MOST {
                    self.give_up(context);
                }
            }
            _ => {
                context.counts.late += 1;
                self.apply(&topic, &payload, true, context);
                self.ask(context);
            }
        }
    }

    /// Takes what waited and whose turn it is.
    fn catch_up(&mut self, context: &mut Context) {
        if self.held.is_empty() {
            return;
        }
        while let Some(next) = self.next
            && let Some((topic, payload)) = self.held.remove(&next)
        {
            self.next = Some(next.wrapping_add(1));
            self.apply(&topic, &payload, false, context);
        }
        // What is still missing is waited for anew.
        self.held_since = (!self.held.is_empty()).then_some(context.now.clock);
    }

    /// What is missing will not come.
    fn give_up(&mut self, context: &mut Context) {
        context.counts.gaps += 1;
        self.take_held(false, context);
        self.ask(context);
    }

    fn take_held(&mut self, late: bool, context: &mut Context) {
        self.held_since = None;
        let first = self.next.unwrap_or(0);
        let mut held: Vec<(u8, (Topic, Payload))> = std::mem::take(&mut self.held).into_iter().collect();
        held.sort_by_key(|(seq, _)| seq.wrapping_sub(first));
        for (seq, (topic, payload)) in held {
            self.next = Some(seq.wrapping_add(1));
            self.apply(&topic, &payload, late, context);
        }
    }

    fn apply(&mut self, topic: &Topic, payload: &Payload, late: bool, context: &mut Context) {
        match topic.kind {
            // A birth or a death that is late says nothing of now.
            Kind::DeviceBirth | Kind::DeviceDeath if late => self.values(&topic.device, payload, late, context),
            Kind::DeviceBirth => {
                context.counts.births += 1;
                self.define(topic.device.clone(), payload, context);
            }
            Kind::DeviceDeath => {
                context.counts.deaths += 1;
                if let Some(device) = self.devices.get_mut(&topic.device) {
                    device.stale(context);
                }
            }
            _ => self.values(&topic.device, payload, late, context),
        }
    }

    /// A birth: all metrics of the edge node or of a device, with their names and types.
    fn define(&mut self, device: Option<String>, payload: &Payload, context: &mut Context) {
        self.devices.entry(device.clone()).or_default().online = true;
        for metric in &payload.metrics {
            let Some(name) = metric.name.as_deref().filter(|name| !name.is_empty()) else {
                context.refuse("a metric of a birth has no name; the edge node must send it");
                continue;
            };
            if name.len() > NAME_MOST {
                context.refuse(&format!("a metric's name is longer than {NAME_MOST} bytes"));
                continue;
            }
            let metrics = &mut self.devices.entry(device.clone()).or_default().metrics;
            if !metrics.contains_key(name) {
                if *context.metrics >= METRICS_MOST {
                    context.refuse(&format!("{name}: more than {METRICS_MOST} metrics are known already"));
                    continue;
                }
                *context.metrics += 1;
                let tags = context.tags_of(&device, name);
                metrics.insert(name.to_owned(), Stored { tags, ..Stored::default() });
            }
            if let Some(stored) = metrics.get_mut(name) {
                stored.datatype = metric.datatype;
            }
            if let Some(alias) = metric.alias {
                let meant = (device.clone(), name.to_owned());
                let before = self.aliases.insert(alias, meant.clone());
                if let Some((_, other)) = before.filter(|before| *before != meant) {
                    context.refuse(&format!("alias {alias} is of {other} and of {name}; it must be of one metric"));
                }
            }
        }
        let named: std::collections::HashSet<&str> =
            payload.metrics.iter().filter_map(|metric| metric.name.as_deref()).collect();
        if let Some(known) = self.devices.get_mut(&device) {
            // What is not born again is no longer measured.
            known.stale_but(|name| named.contains(name), context);
        }
        self.values(&device, payload, false, context);
    }

    fn values(&mut self, device: &Option<String>, payload: &Payload, late: bool, context: &mut Context) {
        let mut unknown = false;
        for metric in &payload.metrics {
            let named = match (&metric.name, metric.alias) {
                (Some(name), _) if !name.is_empty() => Some(name.as_str()),
                (_, Some(alias)) => {
                    self.aliases.get(&alias).filter(|(of, _)| of == device).map(|(_, name)| name.as_str())
                }
                _ => None,
            };
            let stored = named.and_then(|name| self.devices.get_mut(device)?.metrics.get_mut(name));
            match stored {
                Some(stored) => stored.take(named.unwrap_or_default(), metric, payload.timestamp, late, context),
                None => {
                    unknown = true;
                    let what = named.map_or_else(|| format!("alias {:?}", metric.alias), str::to_owned);
                    context.refuse(&format!("{what}: no birth has named it"));
                }
            }
        }
        let offline = self.devices.get(device).is_none_or(|device| !device.online);
        if unknown || offline {
            self.ask(context);
        }
    }

    fn ask(&mut self, context: &mut Context) {
        self.wanted = Some(0);
        self.ask_again(context);
    }

    fn ask_again(&mut self, context: &mut Context) {
        let Some(times) = self.wanted else { return };
        let every = context.options.rebirth_every;
        if self.asked.is_some_and(|asked| context.now.clock.saturating_sub(asked) < every) {
            return;
        }
        self.asked = Some(context.now.clock);
        self.wanted = (times + 1 < ASKED_MOST).then_some(times + 1);
        context.counts.rebirths += 1;
        context.reaction.commands.push(Command::Rebirth(context.id.clone()));
    }
}

impl Device {
    fn stale(&mut self, context: &mut Context) {
        if self.online {
            self.online = false;
            self.stale_but(|_| false, context);
        }
    }

    fn stale_but(&mut self, spared: impl Fn(&str) -> bool, context: &mut Context) {
        for (name, stored) in &mut self.metrics {
            if stored.at.is_none() || stored.stale.is_some() || spared(name) {
                continue;
            }
            stored.stale = Some(context.now.plant);
            let Some(value) = stored.value.filter(|_| stored.quality == Quality::Good) else { continue };
            stored.quality = Quality::Uncertain;
            // By the host's clock: that of a will is of when the edge node connected.
            let times = Times { source: Some(context.now.plant), server: None };
            context.reaction.samples.extend(stored.tags.iter().map(|tag| Sample {
                tag: *tag,
                value,
                times,
                quality: Quality::Uncertain,
                historical: false,
            }));
        }
    }
}

impl Stored {
    fn take(&mut self, name: &str, metric: &Metric, sent: Option<u64>, late: bool, context: &mut Context) {
        if metric.is_transient.unwrap_or(false) {
            context.counts.transient += 1;
            return;
        }
        let time = |ms: u64| EventMs(i64::try_from(ms).unwrap_or(i64::MAX));
        let mut times = Times { source: metric.timestamp.or(sent).map(time), server: sent.map(time) };
        let historical = late || metric.is_historical.unwrap_or(false);
        let null = metric.has_no_value();
        let (number, quality) = match metric.number(self.datatype) {
            _ if null => (None, Quality::Bad),
            number => (number, metric.quality()),
        };
        if !historical {
            self.value = number;
            self.text = match &metric.value {
                Some(MetricValue::Text(text)) if !null => Some(text.chars().take(TEXT_MOST).collect()),
                _ => None,
            };
            self.at = times.source.or(Some(context.now.plant));
            self.quality = quality;
        }
        let value = match number {
            Some(number) => number,
            None if null => f64::NAN,
            None => {
                context.counts.unread += 1;
                if !self.tags.is_empty() {
                    context.refuse(&format!("{name}: it is no number; a sensor needs one"));
                }
                return;
            }
        };
        let mut pass = |times, historical| {
            let tags = self.tags.iter();
            context.reaction.samples.extend(tags.map(|tag| Sample { tag: *tag, value, times, quality, historical }));
        };
        if !historical
            && let Some(since) = self.stale.take()
            && let Some(at) = times.source
            && at <= since
        {
            // Said anew, and of before it became stale: it holds again from now on, or it would stay stale for ever.
            pass(times, true);
            times.source = times.server.filter(|sent| *sent > since).or(Some(EventMs(since.0 + 1)));
        }
        pass(times, historical);
    }
}

impl Context<'_> {
    fn refuse(&mut self, why: &str) {
        self.reaction.refused.push(format!("{}: {why}", self.id));
    }

    fn tags_of(&self, device: &Option<String>, metric: &str) -> Vec<usize> {
        let address = MetricAddress { node: self.id.clone(), device: device.clone(), metric: metric.to_owned() };
        self.tags.get(&address).cloned().unwrap_or_default()
    }
}

fn bd_seq(payload: &Payload) -> Option<u64> {
    match payload.metric(BD_SEQ)?.value {
        Some(MetricValue::Long(number)) => Some(number),
        Some(MetricValue::Int(number)) => Some(number.into()),
        _ => None,
    }
}
