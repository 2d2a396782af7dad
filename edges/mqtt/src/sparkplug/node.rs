//! An edge node: births, data by alias, deaths, and what a host commands. Pure; it is told the time.

use super::payload::{DataType, Metric, MetricValue, Payload, PropertySet, PropertyValue};
use super::topic::{Kind, NodeId, Topic, check_id};
use super::{BD_SEQ, REBIRTH};
use lehr_domain::EventMs;
use lehr_tags::Quality;
use std::collections::{BTreeMap, HashMap};

/// A metric of a device. All are doubles.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDef {
    pub device: String,
    pub metric: String,
    pub unit: Option<String>,
    /// A host may write it.
    pub writable: bool,
}

/// A new value of a metric, which is named by its place among the definitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    pub metric: usize,
    pub value: f64,
    pub at: EventMs,
    pub quality: Quality,
    /// Measured while there was no connection.
    pub historical: bool,
}

/// A message to be published, not retained, QoS 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub topic: String,
    pub payload: Vec<u8>,
}

/// What a host wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Commanded {
    /// Say all anew, with [`EdgeNode::births`].
    Rebirth,
    Write {
        metric: usize,
        value: f64,
    },
    /// It cannot be done, and why.
    Refused(String),
}

#[derive(Clone, Debug)]
pub struct EdgeNode {
    id: NodeId,
    metrics: Vec<MetricDef>,
    last: Vec<Option<Update>>,
    /// Metrics of each device.
    devices: BTreeMap<String, Vec<usize>>,
    by_name: HashMap<(String, String), usize>,
    seq: u8,
    bd_seq: Option<u8>,
}

fn ms(at: EventMs) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

impl EdgeNode {
    /// # Errors
    /// A name that Sparkplug does not allow, or a metric that is there twice.
    pub fn new(group: &str, node: &str, metrics: Vec<MetricDef>) -> Result<EdgeNode, String> {
        for (what, id) in [("group", group), ("edge node", node)] {
            check_id(id).map_err(|why| format!("{what} {id}: {why}"))?;
        }
        let mut devices: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_name = HashMap::new();
        for (place, MetricDef { device, metric, .. }) in metrics.iter().enumerate() {
            check_id(device).map_err(|why| format!("device {device}: {why}"))?;
            devices.entry(device.clone()).or_default().push(place);
            if by_name.insert((device.clone(), metric.clone()), place).is_some() {
                return Err(format!("metric {metric} of {device} is there twice"));
            }
        }
        let id = NodeId { group: group.to_owned(), node: node.to_owned() };
        Ok(EdgeNode { id, last: vec![None; metrics.len()], metrics, devices, by_name, seq: 0, bd_seq: None })
    }

    /// Filters by which a host's commands are heard.
    pub fn commands(&self) -> Vec<String> {
        let of_node = Topic::of_node(Kind::NodeCommand, &self.id).to_string();
        let devices = self.devices.keys().map(|device| Topic::of_device(Kind::DeviceCommand, &self.id, device));
        std::iter::once(of_node).chain(devices.map(|topic| topic.to_string())).collect()
    }

    /// A new session: its will, by which the broker says that this edge node is gone.
    pub fn begin(&mut self) -> Outgoing {
        self.bd_seq = Some(self.bd_seq.map_or(0, |last| last.wrapping_add(1)));
        self.death(None)
    }

    /// Said by the edge node itself before it leaves.
    pub fn leave(&self, now: EventMs) -> Outgoing {
        self.death(Some(now))
    }

    fn death(&self, now: Option<EventMs>) -> Outgoing {
        // Without a sequence number: nobody knows when a will is sent.
        let payload = Payload { timestamp: now.map(ms), metrics: vec![self.bd_seq_metric(now)], seq: None };
        Outgoing { topic: Topic::of_node(Kind::NodeDeath, &self.id).to_string(), payload: payload.write() }
    }

    fn bd_seq_metric(&self, now: Option<EventMs>) -> Metric {
        let value = Some(MetricValue::Long(self.bd_seq.unwrap_or(0).into()));
        Metric { value, timestamp: now.map(ms), ..Metric::named(BD_SEQ, DataType::Int64) }
    }

    /// All that there is, of the edge node and of each device, with its last values: first of all messages of a session,
    /// and whenever a host asks.
    pub fn births(&mut self, now: EventMs) -> Vec<Outgoing> {
        self.seq = 0;
        // Without an alias, so that a host that knows none can use it.
        let rebirth = Metric {
            value: Some(MetricValue::Boolean(false)),
            timestamp: Some(ms(now)),
            ..Metric::named(REBIRTH, DataType::Boolean)
        };
        let of_node = vec![self.bd_seq_metric(Some(now)), rebirth];
        let topic = Topic::of_node(Kind::NodeBirth, &self.id);
        let mut births = vec![self.message(&topic, of_node, now)];
        for (device, metrics) in self.devices.clone() {
            let metrics = metrics.into_iter().map(|place| self.birth_metric(place, now)).collect();
            let topic = Topic::of_device(Kind::DeviceBirth, &self.id, &device);
            births.push(self.message(&topic, metrics, now));
        }
        births
    }

    fn birth_metric(&self, place: usize, now: EventMs) -> Metric {
        let MetricDef { metric, unit, .. } = &self.metrics[place];
        let named = Metric { alias: Some(alias(place)), ..Metric::named(metric, DataType::Double) };
        let mut properties = PropertySet::default();
        if let Some(unit) = unit {
            properties.keys.push("engUnit".to_owned());
            let text = Some(unit.clone());
            properties.values.push(PropertyValue { kind: Some(DataType::String as u32), int: None, text });
        }
        let mut born = match &self.last[place] {
            Some(update) => Metric { timestamp: Some(ms(update.at)), ..valued(named, update, &mut properties) },
            None => Metric { timestamp: Some(ms(now)), is_null: Some(true), ..named },
        };
        born.properties = (!properties.keys.is_empty()).then_some(properties);
        born
    }

    /// One message for each device that has updates, in their order.
    pub fn data(&mut self, updates: &[Update], now: EventMs) -> Vec<Outgoing> {
        let mut by_device: BTreeMap<String, Vec<Metric>> = BTreeMap::new();
        for update in updates {
            let Some(MetricDef { device, .. }) = self.metrics.get(update.metric) else { continue };
            let mut properties = PropertySet::default();
            let named = Metric {
                alias: Some(alias(update.metric)),
                timestamp: Some(ms(update.at)),
                is_historical: update.historical.then_some(true),
                ..Metric::default()
            };
            let mut metric = valued(named, update, &mut properties);
            metric.properties = (!properties.keys.is_empty()).then_some(properties);
            by_device.entry(device.clone()).or_default().push(metric);
            self.note(*update);
        }
        let topic = |device: &str| Topic::of_device(Kind::DeviceData, &self.id, device);
        let topics: Vec<(Topic, Vec<Metric>)> = by_device.into_iter().map(|(name, all)| (topic(&name), all)).collect();
        topics.into_iter().map(|(topic, metrics)| self.message(&topic, metrics, now)).collect()
    }

    /// For the next birth.
    pub fn note(&mut self, update: Update) {
        if let Some(last) = self.last.get_mut(update.metric)
            && last.is_none_or(|last| last.at <= update.at)
        {
            *last = Some(Update { historical: false, ..update });
        }
    }

    pub fn last(&self, metric: usize) -> Option<Update> {
        self.last.get(metric).copied().flatten()
    }

    /// A device that cannot be reached.
    pub fn device_gone(&mut self, device: &str, now: EventMs) -> Outgoing {
        let topic = Topic::of_device(Kind::DeviceDeath, &self.id, device);
        self.message(&topic, Vec::new(), now)
    }

    fn message(&mut self, topic: &Topic, metrics: Vec<Metric>, now: EventMs) -> Outgoing {
        let payload = Payload { timestamp: Some(ms(now)), metrics, seq: Some(self.seq.into()) };
        self.seq = self.seq.wrapping_add(1);
        Outgoing { topic: topic.to_string(), payload: payload.write() }
    }

    /// What a host's message asks for, metric by metric.
    pub fn command(&self, topic: &str, payload: &[u8]) -> Vec<Commanded> {
        let refused = |why: String| vec![Commanded::Refused(why)];
        let topic: Topic = match topic.parse() {
            Ok(topic) => topic,
            Err(why) => return refused(format!("topic {topic}: {why}")),
        };
        let payload = match Payload::read(payload) {
            Ok(payload) => payload,
            Err(error) => return refused(format!("topic {topic}: {error}")),
        };
        if topic.node != self.id {
            return refused(format!("topic {topic}: it is for another edge node"));
        }
        match (topic.kind, &topic.device) {
            (Kind::NodeCommand, _) => payload.metrics.iter().map(node_command).collect(),
            (Kind::DeviceCommand, Some(device)) => {
                payload.metrics.iter().map(|metric| self.write(device, metric)).collect()
            }
            _ => refused(format!("topic {topic}: it is no command")),
        }
    }

    fn write(&self, device: &str, metric: &Metric) -> Commanded {
        let by_alias = || metric.alias.and_then(|alias| usize::try_from(alias).ok()?.checked_sub(1));
        let place = match &metric.name {
            Some(name) => self.by_name.get(&(device.to_owned(), name.clone())).copied(),
            None => by_alias(),
        };
        let found = place.and_then(|place| Some((place, self.metrics.get(place)?)));
        let Some((place, def)) = found.filter(|(_, def)| def.device == device) else {
            return Commanded::Refused(format!("{device}: there is no metric {:?}", metric.name));
        };
        match metric.number(Some(DataType::Double as u32)).filter(|value| value.is_finite() && !metric.has_no_value()) {
            _ if !def.writable => Commanded::Refused(format!("{device}/{}: it cannot be written", def.metric)),
            Some(value) => Commanded::Write { metric: place, value },
            None => Commanded::Refused(format!("{device}/{}: the value is no number", def.metric)),
        }
    }
}

fn node_command(metric: &Metric) -> Commanded {
    match (metric.name.as_deref(), &metric.value) {
        (Some(REBIRTH), Some(MetricValue::Boolean(true))) => Commanded::Rebirth,
        (name, _) => Commanded::Refused(format!("{name:?}: the edge node takes {REBIRTH} = true alone")),
    }
}

/// 0 is no alias: some take it for none.
fn alias(place: usize) -> u64 {
    place as u64 + 1
}

fn valued(metric: Metric, update: &Update, properties: &mut PropertySet) -> Metric {
    let code = match update.quality {
        Quality::Good => None,
        Quality::Uncertain => Some(500),
        Quality::Bad => Some(0),
    };
    if let Some(code) = code {
        properties.keys.push("Quality".to_owned());
        properties.values.push(PropertyValue { kind: Some(DataType::Int32 as u32), int: Some(code), text: None });
    }
    match update.value.is_finite() {
        true => Metric { value: Some(MetricValue::Double(update.value)), ..metric },
        false => Metric { is_null: Some(true), ..metric },
    }
}
