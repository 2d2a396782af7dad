//! One `[[mqtt]]` of `sources.toml`.

use crate::link::Endpoint;
use crate::sparkplug::{MetricAddress, check_id};
use crate::topic;
use lehr_domain::names::Names;
use lehr_tags::json::{QualityCodes, TimeUnit};
use lehr_tags::{ReportKind, SecretError, SecretFrom, Tags, Target, TargetError, TimestampOf};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// A broker, and what is read from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the source; unique among all.
    pub name: String,
    /// Host and port, as `broker.plant.example:1883`.
    pub address: String,
    /// Of the protocol: 5, or 4 (or 3) for 3.1.1.
    #[serde(default = "five")]
    pub version: u8,
    /// By which the broker remembers what was not taken yet. Without one it is `lehr-` and the name.
    pub client_id: Option<String>,
    /// 1: each message at least once. 0: at most once.
    #[serde(default = "one")]
    pub qos: u8,
    pub username: Option<String>,
    pub password: Option<SecretFrom>,
    /// Certificates of those whom the broker's certificate must be signed by, PEM. With it the connection is encrypted.
    pub ca: Option<PathBuf>,
    /// This client's own certificate and key, PEM, where the broker asks for one.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// A broker that is silent for one and a half of it counts as away, seconds.
    #[serde(default = "thirty")]
    pub keep_alive_s: u64,
    /// How long the broker keeps what a silent client has not taken, seconds. Version 5 alone; with 3.1.1 the broker decides.
    #[serde(default = "day")]
    pub session_expiry_s: u32,
    /// Messages that the broker may have under way unacknowledged. Version 5 alone.
    #[serde(default = "thousand")]
    pub receive_maximum: u16,
    /// Larger payloads are refused, KiB.
    #[serde(default = "megabyte")]
    pub largest_message_kib: usize,
    /// Whose time readings go by: what the payload says, or when it arrives.
    #[serde(default)]
    pub timestamps: TimestampOf,
    #[serde(default, rename = "tag")]
    pub tags: Vec<JsonTag>,
    /// Topics on which machines report units, states or set-points.
    #[serde(default, rename = "report")]
    pub reports: Vec<ReportTopic>,
    #[serde(default)]
    pub sparkplug: Vec<SparkplugConfig>,
}

fn five() -> u8 {
    5
}
fn one() -> u8 {
    1
}
fn thirty() -> u64 {
    30
}
fn day() -> u32 {
    86_400
}
fn thousand() -> u16 {
    1000
}
fn megabyte() -> usize {
    1024
}

/// A value in the JSON payloads of a topic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonTag {
    /// A topic, or a filter with + and #.
    pub topic: String,
    /// Where the value is, as a JSON pointer (RFC 6901). Without one the payload is the value.
    #[serde(default)]
    pub value: String,
    /// Where its time is: RFC 3339, or a number since 1970.
    pub time: Option<String>,
    /// Of a time that is a number.
    #[serde(default)]
    pub time_unit: TimeUnit,
    /// Where its quality is.
    pub quality: Option<String>,
    /// What a quality that is a number means.
    #[serde(default)]
    pub quality_codes: QualityCodes,
    pub to: Target,
}

/// A topic whose messages are reports; see docs/sources/reports.md.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTopic {
    /// A topic, or a filter with + and #.
    pub topic: String,
    pub kind: ReportKind,
}

/// Lehr as a Sparkplug host application on this broker: a connection of its own, without a session, as Sparkplug wants it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparkplugConfig {
    /// By which edge nodes know this host; unique on the broker.
    pub host_id: String,
    /// The only group that is heard. Without it all are.
    pub group: Option<String>,
    /// How long a missing message is waited for before the edge node is asked for a new birth, milliseconds.
    #[serde(default = "two_seconds")]
    pub reorder_timeout_ms: u64,
    /// An edge node is asked for a new birth at most so often, seconds.
    #[serde(default = "ten")]
    pub rebirth_every_s: u64,
    #[serde(default, rename = "tag")]
    pub tags: Vec<SparkplugTag>,
}

fn two_seconds() -> u64 {
    2000
}
fn ten() -> u64 {
    10
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparkplugTag {
    /// `group/edge node/device/metric`; of a metric of the edge node itself the device is empty: `group/edge node//metric`.
    pub metric: String,
    pub to: Target,
}

/// Why an entry cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    #[error("{field} is {value}; {must}")]
    Field { field: &'static str, value: String, must: String },
    #[error("tag {tag}: {why}")]
    Tag { tag: String, why: String },
    #[error("tag {tag}: {source}")]
    Target { tag: String, source: TargetError },
    #[error("password: {source}")]
    Secret { source: SecretError },
    #[error("{field} {}: {why}", .file.display())]
    File { field: &'static str, file: PathBuf, why: String },
}

pub(crate) fn bad(field: &'static str, value: impl ToString, must: impl Into<String>) -> ConfigError {
    ConfigError::Field { field, value: value.to_string(), must: must.into() }
}

fn bad_tag(tag: &str, why: impl Into<String>) -> ConfigError {
    ConfigError::Tag { tag: tag.to_owned(), why: why.into() }
}

/// Entries side by side: no client identity twice on a broker, or its owners would end each other's connections for ever.
pub fn check_together(configs: &[Config]) -> Result<(), ConfigError> {
    let mut taken = BTreeMap::new();
    for config in configs {
        for id in config.client_ids() {
            if let Some(other) = taken.insert((&config.address, id.clone()), &config.name) {
                let must = format!("{other} has it on {} too; give {} another", config.address, config.name);
                return Err(bad("client_id", id, must));
            }
        }
    }
    Ok(())
}

impl Config {
    /// All that can be said before connecting.
    pub fn check(&self, names: &Names) -> Result<(), ConfigError> {
        self.check_shape()?;
        self.check_sensors()?;
        self.json_tags(names)?;
        for host in &self.sparkplug {
            self.sparkplug_tags(host, names)?;
        }
        self.endpoint()?;
        Ok(())
    }

    fn check_shape(&self) -> Result<(), ConfigError> {
        let range = |field, value: u64, least: u64, most: u64| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(bad(field, value, format!("it must lie in {least} to {most}"))),
        };
        if self.name.trim().is_empty() {
            return Err(bad("name", "empty", "give the source a name"));
        }
        if !(3..=5).contains(&self.version) {
            return Err(bad("version", self.version, "it is 5, or 4 for MQTT 3.1.1"));
        }
        if self.qos > 1 {
            return Err(bad("qos", self.qos, "it is 1 (at least once) or 0 (at most once)"));
        }
        range("keep_alive_s", self.keep_alive_s, 5, 43_200)?;
        range("receive_maximum", self.receive_maximum.into(), 1, 65_535)?;
        range("largest_message_kib", self.largest_message_kib as u64, 1, 65_536)?;
        if !self.has_json() && self.sparkplug.is_empty() {
            return Err(bad("tag", "missing", "name at least one [[mqtt.tag]], [[mqtt.report]] or [[mqtt.sparkplug]]"));
        }
        for report in &self.reports {
            topic::check_filter(&report.topic).map_err(|why| bad_tag(&report.topic, format!("topic: {why}")))?;
        }
        for tag in &self.tags {
            topic::check_filter(&tag.topic).map_err(|why| bad_tag(&tag.topic, format!("topic: {why}")))?;
            let pointers = [Some(("value", &tag.value)), tag.time.as_ref().map(|at| ("time", at))];
            let quality = tag.quality.as_ref().map(|at| ("quality", at));
            for (field, pointer) in pointers.into_iter().chain([quality]).flatten() {
                if !pointer.is_empty() && !pointer.starts_with('/') {
                    let why = format!("{field} is {pointer}; a path begins with /, as /{pointer}");
                    return Err(bad_tag(&tag.topic, why));
                }
            }
        }
        let mut hosts = BTreeSet::new();
        for host in &self.sparkplug {
            check_id(&host.host_id).map_err(|why| bad("sparkplug.host_id", &host.host_id, why))?;
            if let Some(group) = &host.group {
                check_id(group).map_err(|why| bad("sparkplug.group", group, why))?;
            }
            if !hosts.insert(&host.host_id) {
                return Err(bad("sparkplug.host_id", &host.host_id, "each host on a broker needs its own"));
            }
            range("sparkplug.reorder_timeout_ms", host.reorder_timeout_ms, 1, 600_000)?;
            range("sparkplug.rebirth_every_s", host.rebirth_every_s, 1, 86_400)?;
        }
        Ok(())
    }

    /// Two tags of one sensor would take turns in saying what it measures.
    fn check_sensors(&self) -> Result<(), ConfigError> {
        let json = self.tags.iter().map(|tag| (format!("{}{}", tag.topic, tag.value), &tag.to.sensor));
        let hosts = self.sparkplug.iter().flat_map(|host| &host.tags);
        let mut taken = BTreeMap::new();
        for (tag, sensor) in json.chain(hosts.map(|tag| (tag.metric.clone(), &tag.to.sensor))) {
            if let Some(other) = taken.insert(sensor, tag.clone()) {
                return Err(bad_tag(&tag, format!("{sensor} has the tag {other} already; a sensor has one")));
            }
        }
        Ok(())
    }

    pub(crate) fn json_tags(&self, names: &Names) -> Result<Tags, ConfigError> {
        let tags = self.tags.iter().map(|tag| (format!("{}{}", tag.topic, tag.value), &tag.to));
        Tags::new(&self.name, self.timestamps, tags, names).map_err(target)
    }

    pub(crate) fn sparkplug_tags(
        &self,
        host: &SparkplugConfig,
        names: &Names,
    ) -> Result<(Tags, Vec<MetricAddress>), ConfigError> {
        let mut addresses = Vec::with_capacity(host.tags.len());
        for tag in &host.tags {
            let address: MetricAddress = tag.metric.parse().map_err(|why: String| bad_tag(&tag.metric, why))?;
            if host.group.as_ref().is_some_and(|group| *group != address.node.group) {
                let why = "its group is not the one that is heard; correct the metric, or leave group out";
                return Err(bad_tag(&tag.metric, why));
            }
            addresses.push(address);
        }
        let tags = host.tags.iter().map(|tag| (tag.metric.clone(), &tag.to));
        let tags = Tags::new(&self.name, self.timestamps, tags, names).map_err(target)?;
        Ok((tags, addresses))
    }

    /// Whether there is a connection for JSON payloads.
    pub(crate) fn has_json(&self) -> bool {
        !(self.tags.is_empty() && self.reports.is_empty())
    }

    pub(crate) fn client_id(&self) -> String {
        self.client_id.clone().unwrap_or_else(|| format!("lehr-{}", self.name))
    }

    /// Of its connections.
    fn client_ids(&self) -> Vec<String> {
        let json = self.has_json().then(|| self.client_id());
        json.into_iter().chain(self.sparkplug.iter().map(|host| self.host_client_id(host))).collect()
    }

    pub(crate) fn host_client_id(&self, host: &SparkplugConfig) -> String {
        format!("{}-{}", self.client_id(), host.host_id)
    }

    /// Where the broker is and how it lets one in; reads the password and the certificates.
    pub fn endpoint(&self) -> Result<Endpoint, ConfigError> {
        let must = "it is a host and a port, as 127.0.0.1:1883";
        let (host, port) = self.address.rsplit_once(':').ok_or_else(|| bad("address", &self.address, must))?;
        let port: u16 = port.parse().map_err(|_| bad("address", &self.address, must))?;
        if host.is_empty() || host.contains('/') || port == 0 {
            return Err(bad("address", &self.address, must));
        }
        let password = self.password.as_ref().map(SecretFrom::read).transpose();
        let password = password.map_err(|source| ConfigError::Secret { source })?;
        if self.username.is_none() && password.is_some() {
            return Err(bad("username", "missing", "a password needs one"));
        }
        Ok(Endpoint {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            version: self.version,
            login: self.username.clone().map(|user| (user, password)),
            tls: crate::tls::config(self)?,
            keep_alive: Duration::from_secs(self.keep_alive_s),
        })
    }
}

fn target((tag, source): (String, TargetError)) -> ConfigError {
    ConfigError::Target { tag, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    const GOOD: &str = r#"
        name = "broker"
        address = "127.0.0.1:1883"
        [[tag]]
        topic = "plant/a/furnace"
        value = "/temp"
        time = "/ts"
        to = { sensor = "Line_A.furnace_temperature", unit = "°F" }
        [[sparkplug]]
        host_id = "lehr"
        [[sparkplug.tag]]
        metric = "Plant/Furnace/Crown/Temperature"
        to = { sensor = "Line_A.crown_temperature" }
    "#;

    fn said(change: (&str, &str)) -> String {
        let text = GOOD.replace(change.0, change.1);
        assert_ne!(text, GOOD, "{change:?} changes nothing");
        match toml::from_str::<Config>(&text) {
            Ok(config) => config.check(&names()).map_or_else(|error| error.to_string(), |()| "good".into()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn defaults_are_sensible() {
        let config: Config = toml::from_str(GOOD).unwrap();
        config.check(&names()).unwrap();
        assert_eq!((config.version, config.qos, config.client_id().as_str()), (5, 1, "lehr-broker"));
        assert_eq!(config.endpoint().unwrap().port, 1883);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_fix() {
        for (change, part) in [
            (("name = \"broker\"", "name = \" \""), "name is empty"),
            (("127.0.0.1:1883", "127.0.0.1"), "address is 127.0.0.1; it is a host and a port"),
            (("127.0.0.1:1883", "mqtt://a:1883"), "it is a host and a port"),
            (("value = \"/temp\"", "value = \"temp\""), "value is temp; a path begins with /, as /temp"),
            (("plant/a/furnace", "plant/#/furnace"), "# must stand alone"),
            (("°F", "bar"), "tag plant/a/furnace/temp: unit of Line_A.furnace_temperature"),
            (("host_id = \"lehr\"", "host_id = \"a/b\""), "sparkplug.host_id is a/b"),
            (
                ("crown_temperature", "furnace_temperature"),
                "has the tag plant/a/furnace/temp already; a sensor has one",
            ),
            (("Plant/Furnace/Crown/Temperature", "Plant/Furnace"), "group/edge node/device/metric"),
            (("host_id = \"lehr\"", "host_id = \"lehr\"\ngroup = \"Other\""), "its group is not the one that is heard"),
            (("name = \"broker\"", "name = \"broker\"\nqos = 2"), "qos is 2; it is 1"),
            (("name = \"broker\"", "name = \"broker\"\nretain = true"), "unknown field `retain`"),
            (("name = \"broker\"", "name = \"broker\"\nca = \"/no/such\""), "ca /no/such: "),
            (
                ("name = \"broker\"", "name = \"broker\"\npassword = { env = \"LEHR_NO_SUCH\" }"),
                "LEHR_NO_SUCH is not set",
            ),
        ] {
            let said = said(change);
            assert!(said.contains(part), "{change:?}: {said}");
        }
    }

    #[test]
    fn a_client_is_known_by_one_name() {
        let one: Config = toml::from_str(GOOD).unwrap();
        let named = |name: &str, client_id: Option<&str>| Config {
            name: name.into(),
            client_id: client_id.map(str::to_owned),
            ..one.clone()
        };
        assert_eq!(check_together(&[one.clone(), named("other", None)]), Ok(()));
        let error = check_together(&[one.clone(), named("other", Some("lehr-broker"))]).unwrap_err().to_string();
        assert_eq!(error, "client_id is lehr-broker; broker has it on 127.0.0.1:1883 too; give other another");
    }

    #[test]
    fn the_manuals_example_is_a_configuration() {
        #[derive(Deserialize)]
        struct Sources {
            mqtt: Vec<Config>,
        }
        let manual = include_str!("../../../docs/sources/mqtt.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let Sources { mqtt } = toml::from_str(example).unwrap();
        let [config] = mqtt.as_slice() else { panic!("{mqtt:?}") };
        config.check_shape().unwrap();
        config.check_sensors().unwrap();
        config.json_tags(&names()).unwrap();
        config.sparkplug_tags(&config.sparkplug[0], &names()).unwrap();
    }
}
