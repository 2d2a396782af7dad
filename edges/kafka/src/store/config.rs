//! One `[[kafka]]` of `stores.toml`.

use super::target::KafkaTarget;
use crate::names::{check_bootstrap, check_topic};
use lehr_targets::{Table, Target};
use serde::Deserialize;
use std::sync::Arc;

/// Brokers, and what is written to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the store; unique among all.
    pub name: String,
    /// Host and port of some of the brokers; they name the others.
    pub bootstrap: Vec<String>,
    /// Topics are called this and the table. No two stores write under the same.
    #[serde(default = "lehr")]
    pub prefix: String,
    /// The tables that are kept there; all but readings when absent.
    pub tables: Option<Vec<String>>,
    /// Of topics that are made. Later ones would move keys, and so break their order.
    #[serde(default = "one")]
    pub partitions: i32,
    /// Of topics that are made: copies of each record. Without it the brokers' own default.
    pub replication: Option<i32>,
    /// A delta appears whole, or not at all. Brokers other than Apache Kafka may not have them.
    #[serde(default = "yes")]
    pub transactions: bool,
    /// How long the brokers have for a delta, seconds.
    #[serde(default = "minute")]
    pub timeout_s: u64,
}

fn lehr() -> String {
    "lehr.".into()
}
fn one() -> i32 {
    1
}
fn yes() -> bool {
    true
}
fn minute() -> u64 {
    60
}

/// Why a configuration cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("kafka {name}: {field} is {value}; {must}")]
pub struct ConfigError {
    name: String,
    field: &'static str,
    value: String,
    must: String,
}

/// What follows the prefix in the name of the topic that holds the tick.
const POSITION: &str = "position";

impl Config {
    /// All that can be said before connecting.
    pub fn check(&self, tables: &[Arc<Table>]) -> Result<(), ConfigError> {
        let bad = |field, value: String, must: &str| {
            Err(ConfigError { name: self.name.clone(), field, value, must: must.to_owned() })
        };
        if self.name.trim().is_empty() {
            return bad("name", "empty".into(), "give the store a name");
        }
        if let Err((value, must)) = check_bootstrap(&self.bootstrap) {
            return bad("bootstrap", value, must);
        }
        for wanted in self.tables.iter().flatten() {
            if !tables.iter().any(|table| table.name == wanted) {
                let known: Vec<&str> = tables.iter().map(|table| table.name).collect();
                return bad("tables", wanted.clone(), &format!("the tables are {}", known.join(", ")));
            }
        }
        let chosen = self.chosen(tables);
        if chosen.is_empty() {
            return bad("tables", "empty".into(), "name at least one table, or leave it out for all");
        }
        for table in chosen {
            if table.name == POSITION {
                return bad("tables", POSITION.into(), "its topic would be that of the tick; name the others");
            }
            if let Err(why) = check_topic(&self.topic(table.name)) {
                return bad("prefix", self.prefix.clone(), why);
            }
        }
        if !(1..=1000).contains(&self.partitions) {
            return bad("partitions", self.partitions.to_string(), "it must lie in 1 to 1000");
        }
        if let Some(copies) = self.replication.filter(|copies| !(1..=100).contains(copies)) {
            return bad("replication", copies.to_string(), "it must lie in 1 to 100");
        }
        // Brokers allow transactions of 15 minutes at most, unless told otherwise.
        if !(1..=600).contains(&self.timeout_s) {
            return bad("timeout_s", self.timeout_s.to_string(), "it must lie in 1 to 600");
        }
        Ok(())
    }

    /// A store that is not connected yet.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(KafkaTarget::new(self.clone()))
    }

    /// Where the store is.
    pub fn address(&self) -> String {
        format!("kafka://{}/{}*", self.bootstrap.join(","), self.prefix)
    }

    pub(super) fn chosen<'t>(&self, tables: &'t [Arc<Table>]) -> Vec<&'t Arc<Table>> {
        tables.iter().filter(|table| self.keeps(table)).collect()
    }

    pub(super) fn keeps(&self, table: &Table) -> bool {
        table.is_kept(self.tables.as_deref())
    }

    pub(super) fn topic(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    pub(super) fn position(&self) -> String {
        self.topic(POSITION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    const GOOD: &str = "name = \"log\"\nbootstrap = [\"127.0.0.1:9092\"]\ntables = [\"alerts\"]\nprefix = \"lehr.\"\n";

    #[test]
    fn logs_are_kept_where_they_are_named_alone() {
        let column = Column { name: "id", kind: ColumnType::Int, doc: "" };
        let table = |name, log| Arc::new(Table { name, doc: "", columns: vec![column], key: 1, log });
        let tables = [table("alerts", false), table("readings", true)];
        let kept = |change: &str| -> Vec<&str> {
            let config: Config = toml::from_str(&GOOD.replace("tables = [\"alerts\"]", change)).unwrap();
            config.check(&tables).unwrap();
            config.chosen(&tables).iter().map(|table| table.name).collect()
        };
        assert_eq!(kept(""), ["alerts"]);
        assert_eq!(kept("tables = [\"readings\"]"), ["readings"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_fix() {
        let column = Column { name: "id", kind: ColumnType::Int, doc: "" };
        let table = |name| Arc::new(Table { name, doc: "", columns: vec![column], key: 1, log: false });
        let tables = [table("alerts"), table("position")];
        let said = |change: (&str, &str)| {
            let text = GOOD.replace(change.0, change.1);
            let config = toml::from_str::<Config>(&text).map_err(|error| error.to_string());
            config.and_then(|config| config.check(&tables).map_err(|error| error.to_string())).err()
        };
        assert_eq!(said(("alerts", "alerts")), None);
        for (change, part) in [
            (("\"log\"", "\"\""), "name is empty; give the store a name"),
            (("127.0.0.1:9092", "kafka"), "bootstrap is kafka; it is a host and a port"),
            (("alerts", "alarms"), "tables is alarms; the tables are alerts, position"),
            (("[\"alerts\"]", "[]"), "tables is empty; name at least one table"),
            (("alerts", "position"), "its topic would be that of the tick"),
            (("lehr.", "lehr/"), "prefix is lehr/; a topic has letters"),
            (("prefix", "partitions = 0\nprefix"), "partitions is 0; it must lie in 1 to 1000"),
            (("prefix", "timeout_s = 0\nprefix"), "timeout_s is 0; it must lie in 1 to 600"),
            (("prefix", "acks = 1\nprefix"), "unknown field `acks`"),
        ] {
            let said = said(change).unwrap_or_default();
            assert!(said.contains(part), "{change:?}: {said}");
        }
    }
}
