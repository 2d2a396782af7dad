//! Is the broker there, does it let us in, and do the tags say anything? Leaves nothing behind on the broker.

use crate::config::{Config, ConfigError};
use crate::link::{Heard, Link, Said, Wanted};
use crate::sparkplug::{Kind, MetricAddress, Payload, Topic};
use crate::topic;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// For the connection and the subscription.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// For messages: retained ones come at once.
const LISTENED: Duration = Duration::from_secs(2);
/// Messages that are looked at.
const MESSAGES_MOST: usize = 10_000;
/// Where Mosquitto and others say what they are.
const VERSION: &str = "$SYS/broker/version";

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{address}: {why}; is the broker running, and are address, version, username and ca right?")]
    Unreachable { address: String, why: String },
}

/// Reaches the broker once, and listens for two seconds. Says what it found, line by line. Checks no sensor: for that is
/// [`Config::check`].
///
/// # Errors
/// The broker cannot be reached, or does not let one in.
pub async fn probe(config: &Config) -> Result<Vec<String>, ProbeError> {
    let endpoint = config.endpoint()?;
    let failed = |why: String| ProbeError::Unreachable { address: config.address.clone(), why };
    // Not the source's own name, or the broker would end the source's connection.
    let wanted = Wanted {
        client_id: format!("{}-probe", config.client_id()),
        session_s: None,
        will: None,
        manual_acks: false,
        receive_maximum: 1000,
        requests: 16,
    };
    let mut filters: Vec<String> = vec![VERSION.to_owned()];
    filters.extend(config.tags.iter().map(|tag| tag.topic.clone()).collect::<BTreeSet<_>>());
    if !config.sparkplug.is_empty() {
        filters.push("spBv1.0/#".to_owned());
    }
    let mut link = Link::open(&endpoint, &wanted);
    let requests = link.requests();
    let granted = timeout(ANSWER_WITHIN, async {
        loop {
            match link.next().await? {
                Said::Connected { .. } => requests.subscribe(filters.iter().map(|filter| (filter.clone(), 0)))?,
                Said::Subscribed(granted) => return Ok::<_, crate::link::Broken>(granted),
                _ => {}
            }
        }
    });
    let granted = granted.await.map_err(|_| failed("no answer in 10 s".into()))?.map_err(|broken| failed(broken.0))?;

    let protocol = if endpoint.version >= 5 { "5" } else { "3.1.1" };
    let encrypted = if endpoint.tls.is_some() { ", encrypted" } else { "" };
    let mut lines = vec![format!("{} speaks MQTT {protocol}{encrypted}", config.address)];
    for (filter, _) in filters.iter().zip(&granted).skip(1).filter(|(_, granted)| !**granted) {
        lines.push(format!("{filter}: the broker does not let {} subscribe; see its access rules", wanted.client_id));
    }
    let mut found = Found::default();
    let until = Instant::now() + LISTENED;
    for _ in 0..MESSAGES_MOST {
        match timeout_at(until, link.next()).await {
            Ok(Ok(Said::Message(message))) => found.hear(&message),
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    lines.extend(found.version.iter().map(|version| format!("the broker is {version}")));
    found.topics(config, &mut lines);
    found.metrics(config, &mut lines);
    Ok(lines)
}

#[derive(Default)]
struct Found {
    version: Option<String>,
    topics: BTreeSet<String>,
    /// Names of metrics of births, and how many messages of each edge node.
    metrics: BTreeSet<String>,
    nodes: BTreeMap<String, u64>,
}

impl Found {
    fn hear(&mut self, message: &Heard) {
        if message.topic == VERSION {
            self.version = Some(String::from_utf8_lossy(&message.payload).chars().take(80).collect());
        }
        if let (Ok(topic), Ok(payload)) = (message.topic.parse::<Topic>(), Payload::read(&message.payload))
            && !matches!(topic.kind, Kind::NodeCommand | Kind::DeviceCommand)
        {
            *self.nodes.entry(topic.node.to_string()).or_default() += 1;
            for name in payload.metrics.into_iter().filter_map(|metric| metric.name) {
                let address = MetricAddress { node: topic.node.clone(), device: topic.device.clone(), metric: name };
                self.metrics.insert(address.to_string());
            }
        }
        self.topics.insert(message.topic.clone());
    }

    fn topics(&self, config: &Config, lines: &mut Vec<String>) {
        let heard = |filter: &str| self.topics.iter().any(|topic| topic::matches(filter, topic));
        for filter in config.tags.iter().map(|tag| tag.topic.as_str()).collect::<BTreeSet<_>>() {
            lines.push(match heard(filter) {
                true => format!("{filter}: heard"),
                false => format!("{filter}: nothing in 2 s; it may be rarely published, or its name is another"),
            });
        }
    }

    fn metrics(&self, config: &Config, lines: &mut Vec<String>) {
        if config.sparkplug.is_empty() {
            return;
        }
        let nodes = self.nodes.iter().map(|(node, messages)| format!("{node} ({messages} messages)"));
        let nodes: Vec<String> = nodes.collect();
        let all = if nodes.is_empty() { "none in 2 s".to_owned() } else { nodes.join(", ") };
        lines.push(format!("Sparkplug edge nodes: {all}"));
        for tag in config.sparkplug.iter().flat_map(|host| &host.tags) {
            lines.push(match self.metrics.contains(&tag.metric) {
                true => format!("{}: heard", tag.metric),
                // By alias alone it is not told apart; only a birth has names.
                false => format!("{}: not named in 2 s; the host will ask for a birth", tag.metric),
            });
        }
    }
}
