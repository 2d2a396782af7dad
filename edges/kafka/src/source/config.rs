//! One `[[kafka]]` of `sources.toml`.

use super::arrow;
use crate::names::{check_bootstrap, check_topic};
use lehr_domain::names::Names;
use lehr_tags::json::{QualityCodes, TimeUnit};
use lehr_tags::{Tags, Target, TargetError, TimestampOf};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Brokers, and what is read from them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the source; unique among all.
    pub name: String,
    /// Host and port of some of the brokers; they name the others.
    pub bootstrap: Vec<String>,
    /// The consumer group, whose offsets say what was taken. Without one it is `lehr-` and the name.
    pub group: Option<String>,
    /// Where a group begins that has no offset yet.
    #[serde(default)]
    pub from: Start,
    /// Whose time readings go by: what the payload says, the record's timestamp, or when it arrives.
    #[serde(default)]
    pub timestamps: TimestampOf,
    /// A member of the group that is silent for so long is taken for dead, milliseconds.
    #[serde(default = "forty_five_seconds")]
    pub session_timeout_ms: u32,
    /// Larger payloads are refused, KiB.
    #[serde(default = "megabyte")]
    pub largest_message_kib: usize,
    /// What may be fetched ahead of what is taken, KiB.
    #[serde(default = "sixteen_megabytes")]
    pub fetch_ahead_kib: usize,
    /// Topics whose messages have a value at a place.
    #[serde(default, rename = "tag")]
    pub tags: Vec<Tag>,
    /// Topics whose messages name the sensor.
    #[serde(default)]
    pub rows: Vec<Rows>,
}

fn forty_five_seconds() -> u32 {
    45_000
}
fn megabyte() -> usize {
    1024
}
fn sixteen_megabytes() -> usize {
    16 * 1024
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the oldest message that the brokers keep.
    #[default]
    Earliest,
    /// With the next message.
    Latest,
}

/// How the messages of a topic are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    #[default]
    Json,
    /// An Arrow IPC stream: each row of its record batches is read as a message of JSON, and each of its columns is a
    /// field of that.
    Arrow,
}

/// A value in the messages of a topic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    pub topic: String,
    #[serde(default)]
    pub format: Format,
    /// Of the messages with this key alone.
    pub key: Option<String>,
    /// Where the value is, as a JSON pointer (RFC 6901). Without one the payload is the value.
    #[serde(default)]
    pub value: String,
    /// Where its time is: RFC 3339, or a number since 1970. Without one it is the record's timestamp.
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

/// A topic whose messages are a row each, or an array or table of rows; each names its sensor as the catalogue does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    pub topic: String,
    #[serde(default)]
    pub format: Format,
    /// Where the name of the sensor is, within a row.
    #[serde(default = "sensor_id")]
    pub sensor: String,
    #[serde(default = "value")]
    pub value: String,
    /// A row without a time has the record's timestamp.
    #[serde(default = "timestamp")]
    pub time: String,
    #[serde(default)]
    pub time_unit: TimeUnit,
    /// A row without a quality is good.
    #[serde(default = "quality")]
    pub quality: String,
    #[serde(default)]
    pub quality_codes: QualityCodes,
}

fn sensor_id() -> String {
    "/sensor_id".into()
}
fn value() -> String {
    "/value".into()
}
fn timestamp() -> String {
    "/timestamp".into()
}
fn quality() -> String {
    "/quality".into()
}

impl Tag {
    /// The places of a message that are read.
    pub(super) fn pointers(&self) -> [(&'static str, Option<&str>); 3] {
        [("value", Some(&self.value)), ("time", self.time.as_deref()), ("quality", self.quality.as_deref())]
    }
}

impl Rows {
    /// The places of a row that are read.
    pub(super) fn pointers(&self) -> [(&'static str, &str); 4] {
        [("sensor", &self.sensor), ("value", &self.value), ("time", &self.time), ("quality", &self.quality)]
    }
}

/// Why a configuration cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    #[error("kafka {name}: {field} is {value}; {must}")]
    Field { name: String, field: &'static str, value: String, must: String },
    #[error("kafka {name}: topic {topic}: {why}")]
    Topic { name: String, topic: String, why: String },
    #[error("kafka {name}: tag {tag}: {source}")]
    Target { name: String, tag: String, source: TargetError },
    #[error("kafka {name}: the client cannot be made: {why}")]
    Client { name: String, why: String },
}

impl Config {
    /// All that can be said before connecting.
    pub fn check(&self, names: &Names) -> Result<(), ConfigError> {
        self.check_fields()?;
        let mut formats = BTreeMap::new();
        let of_tags = self.tags.iter().map(|tag| (&tag.topic, tag.format));
        for (topic, format) in of_tags.chain(self.rows.iter().map(|rows| (&rows.topic, rows.format))) {
            if *formats.entry(topic).or_insert(format) != format {
                return Err(self.topic(topic, "it has two formats; all that is read of it has one".into()));
            }
        }
        for tag in &self.tags {
            self.check_topic(&tag.topic, tag.format, tag.pointers())?;
        }
        let mut topics = BTreeSet::new();
        for rows in &self.rows {
            for (field, pointer) in rows.pointers() {
                if pointer.is_empty() {
                    return Err(
                        self.topic(&rows.topic, format!("{field} is empty; a row has it at a place of its own"))
                    );
                }
            }
            self.check_topic(&rows.topic, rows.format, rows.pointers().map(|(field, at)| (field, Some(at))))?;
            if !topics.insert(&rows.topic) {
                return Err(self.topic(&rows.topic, "it has two [[kafka.rows]]; one says what its rows are".into()));
            }
        }
        self.tags(names).map(|_| ())
    }

    fn check_fields(&self) -> Result<(), ConfigError> {
        let range = |field, value: u64, least: u64, most: u64| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(self.bad(field, value, &format!("it must lie in {least} to {most}"))),
        };
        if self.name.trim().is_empty() {
            return Err(self.bad("name", "empty", "give the source a name"));
        }
        check_bootstrap(&self.bootstrap).map_err(|(value, must)| self.bad("bootstrap", value, must))?;
        if self.group.as_ref().is_some_and(|group| group.trim().is_empty()) {
            return Err(self.bad("group", "empty", "name the consumer group, or leave it out"));
        }
        range("session_timeout_ms", self.session_timeout_ms.into(), 1000, 1_800_000)?;
        range("largest_message_kib", self.largest_message_kib as u64, 1, 65_536)?;
        range("fetch_ahead_kib", self.fetch_ahead_kib as u64, 1, 1_048_576)?;
        if self.tags.is_empty() && self.rows.is_empty() {
            return Err(self.bad("tag", "missing", "name at least one [[kafka.tag]] or [[kafka.rows]]"));
        }
        Ok(())
    }

    fn check_topic<const N: usize>(
        &self,
        topic: &str,
        format: Format,
        pointers: [(&'static str, Option<&str>); N],
    ) -> Result<(), ConfigError> {
        check_topic(topic).map_err(|why| self.topic(topic, why.into()))?;
        for (field, pointer) in pointers.into_iter().filter_map(|(field, pointer)| Some((field, pointer?))) {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(self.topic(topic, format!("{field} is {pointer}; a path begins with /, as /{pointer}")));
            }
            if format == Format::Arrow && arrow::column_at(pointer).is_none_or(|column| column.is_empty()) {
                let why = format!("{field} is {pointer:?}; with format = \"arrow\" it is a column, as /{field}");
                return Err(self.topic(topic, why));
            }
        }
        Ok(())
    }

    fn bad(&self, field: &'static str, value: impl ToString, must: &str) -> ConfigError {
        ConfigError::Field { name: self.name.clone(), field, value: value.to_string(), must: must.to_owned() }
    }

    fn topic(&self, topic: &str, why: String) -> ConfigError {
        ConfigError::Topic { name: self.name.clone(), topic: topic.to_owned(), why }
    }

    pub(super) fn tags(&self, names: &Names) -> Result<Tags, ConfigError> {
        let tags = self.tags.iter().map(|tag| (format!("{}{}", tag.topic, tag.value), &tag.to));
        let named = |(tag, source)| ConfigError::Target { name: self.name.clone(), tag, source };
        Tags::new(&self.name, self.timestamps, tags, names).map_err(named)
    }

    pub(super) fn group(&self) -> String {
        self.group.clone().unwrap_or_else(|| format!("lehr-{}", self.name))
    }

    /// Each once, in the order of their names.
    pub(super) fn topics(&self) -> BTreeSet<&str> {
        let rows = self.rows.iter().map(|rows| rows.topic.as_str());
        self.tags.iter().map(|tag| tag.topic.as_str()).chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::Event;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    fn names() -> Names {
        let mut names = Names::default();
        let events: Vec<Event> = Catalogue::parse(DEFAULT).unwrap().events(&names).unwrap();
        events.iter().for_each(|event| names.apply(event));
        names
    }

    const GOOD: &str = r#"
        name = "plant"
        bootstrap = ["127.0.0.1:9092"]
        [[tag]]
        topic = "furnace.a"
        value = "/temp"
        time = "/ts"
        to = { sensor = "Line_A.furnace_temperature", unit = "°F" }
        [[rows]]
        topic = "readings"
        sensor = "/name"
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
        assert_eq!((config.from, config.group().as_str()), (Start::Earliest, "lehr-plant"));
        assert_eq!(config.topics().into_iter().collect::<Vec<_>>(), ["furnace.a", "readings"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_fix() {
        for (change, part) in [
            (("name = \"plant\"", "name = \" \""), "name is empty; give the source a name"),
            (("127.0.0.1:9092", "127.0.0.1"), "bootstrap is 127.0.0.1; it is a host and a port"),
            (("[\"127.0.0.1:9092\"]", "[]"), "name at least one broker"),
            (("\"furnace.a\"", "\"furnace/a\""), "topic furnace/a: a topic has letters"),
            (("value = \"/temp\"", "value = \"temp\""), "value is temp; a path begins with /, as /temp"),
            (("sensor = \"/name\"", "sensor = \"\""), "topic readings: sensor is empty"),
            (("°F", "bar"), "tag furnace.a/temp: unit of Line_A.furnace_temperature"),
            (("Line_A.furnace_temperature", "Line_Z.nothing"), "Line_Z.nothing is not in the catalogue"),
            (("name = \"plant\"", "name = \"plant\"\nsession_timeout_ms = 5"), "it must lie in 1000 to 1800000"),
            (("name = \"plant\"", "name = \"plant\"\npassword = \"x\""), "unknown field `password`"),
            (("topic = \"readings\"", "topic = \"readings\"\n[[rows]]\ntopic = \"readings\""), "two [[kafka.rows]]"),
            (("sensor = \"/name\"", "format = \"arrow\"\nsensor = \"/a/b\""), "sensor is \"/a/b\"; with format"),
            (
                ("value = \"/temp\"", "format = \"arrow\""),
                "value is \"\"; with format = \"arrow\" it is a column, as /value",
            ),
            (
                ("topic = \"readings\"", "topic = \"furnace.a\"\nformat = \"arrow\""),
                "topic furnace.a: it has two formats",
            ),
            (("value = \"/temp\"", "value = \"/temp\"\nformat = \"avro\""), "unknown variant `avro`"),
        ] {
            let said = said(change);
            assert!(said.contains(part), "{change:?}: {said}");
        }
    }
}
