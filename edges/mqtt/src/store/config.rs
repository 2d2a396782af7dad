//! An entry `[[mqtt]]` of `stores.toml`.

use super::target::MqttTarget;
use crate::config::{Config as Broker, ConfigError, bad};
use crate::link::Endpoint;
use crate::topic::{check_topic, has_wildcard};
use lehr_tags::{SecretFrom, TimestampOf};
use lehr_targets::{Table, Target};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What follows the prefix in the topic that holds the tick.
pub(super) const POSITION: &str = "position";
/// Longest prefix, bytes. It is in every topic.
const PREFIX_MOST: usize = 200;

/// A broker, and what is published on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the store; unique among all.
    pub name: String,
    /// Host and port.
    pub address: String,
    /// Of the protocol: 5, or 4 (or 3) for 3.1.1.
    #[serde(default = "five")]
    pub version: u8,
    /// Unique on the broker. Without one it is `lehr-store-` and the name.
    pub client_id: Option<String>,
    pub username: Option<String>,
    pub password: Option<SecretFrom>,
    /// Certificates of those whom the broker's certificate must be signed by, PEM. With it the connection is encrypted.
    pub ca: Option<PathBuf>,
    /// This client's own certificate and key, PEM, where the broker asks for one.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Topics begin with it and a slash. Nobody else's should.
    #[serde(default = "lehr")]
    pub prefix: String,
    /// Tables that are kept; all but logs, such as readings, when absent.
    pub tables: Option<Vec<String>>,
    /// How long the broker has for the next acknowledgement, seconds.
    #[serde(default = "half_minute")]
    pub timeout_s: u64,
}

fn five() -> u8 {
    5
}
fn lehr() -> String {
    "lehr".to_owned()
}
fn half_minute() -> u64 {
    30
}

impl Config {
    /// All that can be said before connecting; reads the password and the certificates. `tables` are those that Lehr has.
    pub fn check(&self, tables: &[Arc<Table>]) -> Result<(), ConfigError> {
        if self.name.trim().is_empty() {
            return Err(bad("name", "empty", "give the store a name"));
        }
        if !(3..=5).contains(&self.version) {
            return Err(bad("version", self.version, "it is 5, or 4 for MQTT 3.1.1"));
        }
        if !(1..=600).contains(&self.timeout_s) {
            return Err(bad("timeout_s", self.timeout_s, "it must lie in 1 to 600"));
        }
        let prefix = &self.prefix;
        if let Err(why) = check_topic(prefix) {
            return Err(bad("prefix", prefix, why));
        }
        let odd = |c: char| c.is_control();
        if prefix.len() > PREFIX_MOST || has_wildcard(prefix) || prefix.starts_with('$') || prefix.contains(odd) {
            let must = format!("it has up to {PREFIX_MOST} bytes, no wildcards, and does not begin with $");
            return Err(bad("prefix", prefix, must));
        }
        for wanted in self.tables.iter().flatten() {
            if !tables.iter().any(|table| table.name == wanted) {
                let known: Vec<&str> = tables.iter().map(|table| table.name).collect();
                return Err(bad("tables", wanted, format!("the tables are {}", known.join(", "))));
            }
        }
        if self.tables.as_ref().is_some_and(Vec::is_empty) {
            return Err(bad("tables", "empty", "name at least one table, or leave it out"));
        }
        if tables.iter().any(|table| table.name == POSITION && self.follows(table)) {
            return Err(bad("tables", POSITION, "its topic would be that of the tick; name the others"));
        }
        self.endpoint().map(|_| ())
    }

    /// A store that is not connected yet.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(MqttTarget::new(self.clone()))
    }

    /// Where the store is.
    pub fn address(&self) -> String {
        format!("mqtt://{}/{}/#", self.address, self.prefix)
    }

    pub(super) fn follows(&self, table: &Table) -> bool {
        table.is_kept(self.tables.as_deref())
    }

    pub(super) fn position(&self) -> String {
        format!("{}/{POSITION}", self.prefix)
    }

    pub(super) fn client_id(&self) -> String {
        self.client_id.clone().unwrap_or_else(|| format!("lehr-store-{}", self.name))
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// With the secrets as they are now: they may be changed while Lehr runs.
    pub(super) fn endpoint(&self) -> Result<Endpoint, ConfigError> {
        // A broker is reached alike, whichever way messages go.
        let broker = Broker {
            name: self.name.clone(),
            address: self.address.clone(),
            version: self.version,
            client_id: self.client_id.clone(),
            qos: 1,
            username: self.username.clone(),
            password: self.password.clone(),
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            keep_alive_s: 60,
            session_expiry_s: 0,
            receive_maximum: 10,
            largest_message_kib: 1024,
            timestamps: TimestampOf::default(),
            tags: Vec::new(),
            reports: Vec::new(),
            sparkplug: Vec::new(),
        };
        broker.endpoint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn tables() -> [Arc<Table>; 3] {
        let column = Column { name: "id", kind: ColumnType::Int, doc: "" };
        let table = |name, log| Arc::new(Table { name, doc: "", columns: vec![column], key: 1, log });
        [table("alerts", false), table("units", false), table("readings", true)]
    }

    const GOOD: &str = "name = \"screens\"\naddress = \"127.0.0.1:1883\"\n";

    #[test]
    fn little_need_be_said() {
        let config: Config = toml::from_str(GOOD).unwrap();
        config.check(&tables()).unwrap();
        assert_eq!(tables().map(|table| config.follows(&table)), [true, true, false]);
        assert_eq!((config.version, config.client_id().as_str()), (5, "lehr-store-screens"));
        assert_eq!(config.address(), "mqtt://127.0.0.1:1883/lehr/#");
    }

    #[test]
    fn what_is_wrong_is_named_with_the_fix() {
        for (change, part) in [
            (("\"screens\"", "\" \""), "name is empty; give the store a name"),
            ((":1883", ""), "address is 127.0.0.1; it is a host and a port"),
            (("name", "version = 2\nname"), "version is 2; it is 5"),
            (("name", "prefix = \"a/+\"\nname"), "prefix is a/+; a topic that is published to has no +"),
            (("name", "prefix = \"$SYS\"\nname"), "and does not begin with $"),
            (("name", "prefix = \"\"\nname"), "it is empty"),
            (("name", "timeout_s = 0\nname"), "timeout_s is 0; it must lie in 1 to 600"),
            (("name", "tables = [\"alarms\"]\nname"), "tables is alarms; the tables are alerts, units, readings"),
            (("name", "tables = []\nname"), "tables is empty; name at least one table"),
            (("name", "password = { env = \"LEHR_NO_SUCH\" }\nname"), "LEHR_NO_SUCH is not set"),
            (("name", "qos = 2\nname"), "unknown field `qos`"),
        ] {
            let text = GOOD.replacen(change.0, change.1, 1);
            assert_ne!(text, GOOD, "{change:?} changes nothing");
            let said = match toml::from_str::<Config>(&text) {
                Ok(config) => config.check(&tables()).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            assert!(said.contains(part), "{change:?}: {said}");
        }
    }

    #[test]
    fn the_manuals_example_is_a_configuration() {
        #[derive(Deserialize)]
        struct Stores {
            mqtt: Vec<Config>,
        }
        let manual = include_str!("../../../../docs/stores/mqtt.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let Stores { mqtt } = toml::from_str(example).unwrap();
        let [config] = mqtt.as_slice() else { panic!("{mqtt:?}") };
        // The files that it names are elsewhere.
        Config { ca: None, password: None, ..config.clone() }.check(&tables()).unwrap();
    }
}
