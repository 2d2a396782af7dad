//! An edge node's session with a host: births, deaths, and messages in their order.

use super::BD_SEQ;
use super::host::Command;
use super::payload::{MetricValue, Payload};
use super::topic::{Kind, Topic};
use super::values::{Context, Device, Stored};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Metrics that are remembered, of all edge nodes.
const METRICS_MOST: usize = 200_000;
/// Metrics of messages that came out of order, for each edge node.
const HELD_MOST: usize = 20_000;
/// Bytes of a metric's name.
const NAME_MOST: usize = 1000;
/// How often an edge node that does not answer is asked for a birth.
const ASKED_MOST: u32 = 5;

#[derive(Debug, Default)]
pub struct Node {
    pub online: bool,
    pub bd_seq: Option<u64>,
    /// The sequence number that comes next; `None` before a birth on this connection.
    pub next: Option<u8>,
    /// What came before its turn, by sequence number.
    pub held: BTreeMap<u8, (Topic, Payload)>,
    pub held_since: Option<Duration>,
    /// Device and name of each alias of the last births.
    pub aliases: HashMap<u64, (Option<String>, String)>,
    /// The edge node itself is `None`.
    pub devices: BTreeMap<Option<String>, Device>,
    pub asked: Option<Duration>,
    /// A birth is wanted, and was asked for so often in vain.
    pub wanted: Option<u32>,
}

impl Node {
    pub fn hear(&mut self, topic: Topic, payload: Payload, context: &mut Context) {
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
    pub fn gone(&mut self, context: &mut Context) {
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
    pub fn give_up(&mut self, context: &mut Context) {
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
        let named: HashSet<&str> = payload.metrics.iter().filter_map(|metric| metric.name.as_deref()).collect();
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

    pub fn ask(&mut self, context: &mut Context) {
        self.wanted = Some(0);
        self.ask_again(context);
    }

    pub fn ask_again(&mut self, context: &mut Context) {
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

fn bd_seq(payload: &Payload) -> Option<u64> {
    match payload.metric(BD_SEQ)?.value {
        Some(MetricValue::Long(number)) => Some(number),
        Some(MetricValue::Int(number)) => Some(number.into()),
        _ => None,
    }
}
