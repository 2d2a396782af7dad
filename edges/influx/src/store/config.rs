//! An entry `[[influx]]` of `stores.toml`.

use super::target::InfluxTarget;
use lehr_domain::table::ColumnType;
use lehr_tags::SecretFrom;
use lehr_targets::{Table, Target};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A bucket, and what is written to it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the store; unique among all.
    pub name: String,
    /// `http://host:port`, or `https://` for an encrypted connection, with a path where a proxy wants one.
    pub url: String,
    /// Certificates of authorities in place of those of the system, PEM.
    pub ca: Option<PathBuf>,
    pub org: String,
    pub bucket: String,
    /// That may write to the bucket. Without one nothing is said of it, as where a proxy does so.
    pub token: Option<SecretFrom>,
    /// The tables that are written; logs, such as readings, when absent.
    pub tables: Option<Vec<String>>,
    /// Points of a request at most.
    #[serde(default = "five_thousand")]
    pub batch: usize,
    /// For each request, seconds.
    #[serde(default = "half_minute")]
    pub timeout_s: u64,
}

fn five_thousand() -> usize {
    5000
}
fn half_minute() -> u64 {
    30
}

/// Why an entry cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct ConfigError {
    pub field: String,
    pub problem: String,
}

impl Config {
    /// All that can be said before connecting. `tables` are those that Lehr has.
    pub fn check(&self, tables: &[Arc<Table>]) -> Result<(), ConfigError> {
        let given = [("name", &self.name), ("org", &self.org), ("bucket", &self.bucket)];
        if let Some((field, _)) = given.iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(wrong(field, "is empty; give it"));
        }
        self.check_url()?;
        for (field, value, most) in [("batch", self.batch as u64, 5000), ("timeout_s", self.timeout_s, 600)] {
            if !(1..=most).contains(&value) {
                return Err(wrong(field, format!("is {value}; it must lie in 1 to {most}")));
            }
        }
        for name in self.tables.iter().flatten() {
            if !tables.iter().any(|table| table.name == name) {
                let known: Vec<&str> = tables.iter().map(|table| table.name).collect();
                return Err(wrong("tables", format!("has {name}, which Lehr has not; it has {}", known.join(", "))));
            }
        }
        if self.tables.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong("tables", "is empty; leave it out for readings"));
        }
        tables.iter().filter(|table| self.follows(table)).try_for_each(|table| check_table(table))
    }

    fn check_url(&self) -> Result<(), ConfigError> {
        let url = &self.url;
        let place = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = place.and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let good = |c: char| !c.is_whitespace() && !c.is_control();
        if host.is_empty() || host.contains('@') || url.contains(['?', '#']) || !url.chars().all(good) {
            return Err(wrong(
                "url",
                format!("'{url}' must be http://host:port or https://host, without login and query"),
            ));
        }
        if self.ca.is_some() && !self.encrypted() {
            return Err(wrong(
                "ca",
                format!("is for encrypted connections, and url '{url}' is none; make it https://"),
            ));
        }
        Ok(())
    }

    pub(super) fn encrypted(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// A store that is not connected yet.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(InfluxTarget::new(self.clone()))
    }

    /// Where the store is.
    pub fn address(&self) -> String {
        format!("{}, bucket {}", self.url, self.bucket)
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Whether this store writes the table.
    pub fn follows(&self, table: &Table) -> bool {
        match &self.tables {
            Some(names) => names.iter().any(|name| name == table.name),
            None => table.log,
        }
    }
}

/// A log needs a time. Of other tables each change is a point of its own time, in the series of its key: a time in the key
/// would make a series of each moment.
fn check_table(table: &Table) -> Result<(), ConfigError> {
    let is_time = |column: &lehr_domain::table::Column| column.kind == ColumnType::Time;
    if table.log && !table.columns.iter().any(is_time) {
        return Err(wrong("tables", format!("has {}, which has no time; leave it out", table.name)));
    }
    match table.columns.iter().take(table.key).find(|column| is_time(column)) {
        Some(column) if !table.log => Err(wrong(
            "tables",
            format!(
                "has {}, whose rows are told apart by a time ({}): each would be a series of its own; leave it out",
                table.name, column.name
            ),
        )),
        _ => Ok(()),
    }
}

fn wrong(field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::Column;

    fn table(name: &'static str, log: bool, kinds: &[ColumnType], key: usize) -> Arc<Table> {
        let columns = kinds.iter().map(|kind| Column { name: "of", kind: *kind, doc: "" }).collect();
        Arc::new(Table { name, doc: "", columns, key, log })
    }

    fn tables() -> [Arc<Table>; 3] {
        use ColumnType::{Float, Text, Time};
        [
            table("readings", true, &[Text, Time, Float], 2),
            table("kpis", false, &[Text, Float], 1),
            table("windows", false, &[Text, Time, Float], 2),
        ]
    }

    const GOOD: &str = "name = \"history\"\nurl = \"http://db:8086\"\norg = \"glass\"\nbucket = \"plant\"\n";

    #[test]
    fn readings_alone_are_written_unless_told_otherwise() {
        let config: Config = toml::from_str(GOOD).unwrap();
        config.check(&tables()).unwrap();
        assert_eq!((config.batch, config.timeout_s), (5000, 30));
        assert_eq!(tables().map(|table| config.follows(&table)), [true, false, false]);
        assert_eq!(config.address(), "http://db:8086, bucket plant");
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Stores {
            influx: Vec<Config>,
        }
        let manual = include_str!("../../../../docs/stores/influx.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let stores: Stores = toml::from_str(example).unwrap();
        stores.influx.iter().for_each(|store| store.check(&tables()).unwrap());
        assert_eq!(stores.influx.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        for (change, part) in [
            (("\"history\"", "\"\""), "name is empty; give it"),
            (("\"glass\"", "\" \""), "org is empty; give it"),
            (("http://", ""), "url 'db:8086' must be http://host:port or https://host"),
            (("http:", "ftp:"), "url 'ftp://db:8086' must be http://host:port or https://host"),
            (("name", "ca = \"ca.pem\"\nname"), "ca is for encrypted connections, and url 'http://db:8086' is none"),
            (("db:8086", "user:secret@db:8086"), "must be http://host:port or https://host, without login"),
            (("name", "batch = 5001\nname"), "batch is 5001; it must lie in 1 to 5000"),
            (("name", "timeout_s = 0\nname"), "timeout_s is 0; it must lie in 1 to 600"),
            (("name", "tables = [\"alarms\"]\nname"), "tables has alarms, which Lehr has not; it has readings, kpis"),
            (("name", "tables = []\nname"), "tables is empty; leave it out for readings"),
            (("name", "tables = [\"windows\"]\nname"), "tables has windows, whose rows are told apart by a time (of)"),
            (("name", "retention = 1\nname"), "unknown field `retention`"),
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
}
