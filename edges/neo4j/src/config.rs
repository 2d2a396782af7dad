//! An entry `[[neo4j]]` of `stores.toml`.

use crate::mirror::{CAUSE, EDGE, EFFECT};
use crate::target::Mirroring;
use lehr_domain::table::{Column, ColumnType};
use lehr_tags::SecretFrom;
use lehr_targets::{Table, Target, TargetError};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The table that is mirrored.
pub(crate) const TABLE: &str = "edges";

/// What a URI may begin with, and whether what follows is encrypted. Those that encrypt and trust everybody are not
/// among them: neo4rs checks certificates with them too.
const SCHEMES: [(&str, bool); 4] = [("bolt", false), ("neo4j", false), ("bolt+s", true), ("neo4j+s", true)];

/// One database, which mirrors one Lehr.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// `bolt://host:port`, or bolt+s, neo4j, neo4j+s. Without a port it is 7687.
    pub uri: String,
    pub user: String,
    /// None where the server asks for none.
    pub password: Option<SecretFrom>,
    /// Must exist.
    #[serde(default = "neo4j")]
    pub database: String,
    /// Certificates of authorities beside those of the system, PEM.
    pub ca: Option<PathBuf>,
    /// For each statement, seconds.
    #[serde(default = "minute")]
    pub timeout_s: u64,
}

fn neo4j() -> String {
    "neo4j".to_owned()
}

fn minute() -> u64 {
    60
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
        if self.name.trim().is_empty() {
            return Err(wrong("name", "is empty; give the store one"));
        }
        self.check_uri()?;
        if self.user.is_empty() {
            return Err(wrong("user", "is empty; give the one that may write the database, such as neo4j"));
        }
        if self.database.is_empty() {
            return Err(wrong("database", "is empty; leave it out for neo4j"));
        }
        if self.ca.is_some() && !self.uri.contains("+s://") {
            return Err(wrong("ca", "is of use with bolt+s:// and neo4j+s:// only; change uri, or leave ca out"));
        }
        if !(1..=3600).contains(&self.timeout_s) {
            return Err(wrong("timeout_s", format!("is {}; it must lie in 1 to 3600", self.timeout_s)));
        }
        let Some(table) = tables.iter().find(|table| table.name == TABLE) else {
            return Err(wrong("name", format!("needs Lehr's table {TABLE}, which is not there")));
        };
        shape(table).map(|_| ()).map_err(|problem| wrong("name", problem))
    }

    fn check_uri(&self) -> Result<(), ConfigError> {
        let uri = &self.uri;
        let must = || wrong("uri", format!("'{uri}' must be bolt://host:port, or begin with bolt+s, neo4j or neo4j+s"));
        let (scheme, place) = uri.split_once("://").ok_or_else(must)?;
        if scheme.ends_with("+ssc") {
            return Err(wrong(
                "uri",
                format!("'{uri}' trusts everybody: use +s, and ca for a certificate of your own"),
            ));
        }
        if place.contains('@') {
            return Err(wrong("uri", "must not hold user and password: they have fields of their own"));
        }
        let known = SCHEMES.iter().any(|(known, _)| *known == scheme);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()),
            _ => (place, Some(7687)),
        };
        let good = known && !host.is_empty() && !place.contains(['/', '?', '#']) && port.is_some_and(|port| port > 0);
        good.then_some(()).ok_or_else(must)
    }

    /// Follows from where the store stands. Nothing is sent before it is driven.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(Mirroring::new(self.clone()))
    }

    /// Where the store is, without secrets.
    pub fn address(&self) -> String {
        format!("{}/{}", self.uri, self.database)
    }

    pub(crate) fn encrypts(&self) -> bool {
        SCHEMES.iter().any(|(scheme, encrypts)| *encrypts && self.uri.split("://").next() == Some(*scheme))
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// With the secret as it is now: it may be changed while Lehr runs.
    pub(crate) fn options(&self) -> Result<neo4rs::Config, TargetError> {
        let refused = |why: String| TargetError::Refused(why);
        self.check_uri().map_err(|error| refused(error.to_string()))?;
        let password = match &self.password {
            Some(from) => from.read().map_err(|error| refused(format!("password: {error}")))?.reveal().to_owned(),
            None => String::new(),
        };
        // One connection, which is given up as a whole: after an error nobody knows what it would answer next.
        let mut options = neo4rs::ConfigBuilder::default()
            .uri(&self.uri)
            .user(&self.user)
            .password(password)
            .db(self.database.as_str())
            .max_connections(1);
        if let Some(ca) = &self.ca {
            std::fs::metadata(ca).map_err(|error| refused(format!("ca {}: {error}", ca.display())))?;
            options = options.with_client_certificate(ca);
        }
        options.build().map_err(|error| refused(error.to_string()))
    }
}

/// Where a table of edges has number, cause and effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub edge: usize,
    pub cause: usize,
    pub effect: usize,
}

pub(crate) fn shape(table: &Table) -> Result<Shape, String> {
    let place = |name: &str, kind: ColumnType| {
        let is = |column: &Column| column.name == name && column.kind == kind;
        let found = table.columns.iter().position(is);
        found.ok_or_else(|| format!("needs the column {name} of Lehr's table {TABLE}, which is not there"))
    };
    Ok(Shape {
        edge: place(EDGE, ColumnType::Int)?,
        cause: place(CAUSE, ColumnType::Text)?,
        effect: place(EFFECT, ColumnType::Text)?,
    })
}

fn wrong(field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &'static str, columns: &[(&'static str, ColumnType)]) -> Arc<Table> {
        let columns = columns.iter().map(|(name, kind)| Column { name, kind: *kind, doc: "" }).collect();
        Arc::new(Table { name, doc: "Edges.", columns, key: 1, log: false })
    }

    fn edges() -> Arc<Table> {
        table(TABLE, &[("edge_id", ColumnType::Int), ("cause", ColumnType::Text), ("effect", ColumnType::Text)])
    }

    const PLACE: &str = "name = \"graph\"\nuri = \"bolt://graph:7687\"\nuser = \"neo4j\"\n";

    fn refusal(text: &str) -> String {
        toml::from_str::<Config>(text).unwrap().check(&[edges()]).unwrap_err().to_string()
    }

    #[test]
    fn little_need_be_said() {
        let config: Config = toml::from_str(PLACE).unwrap();
        config.check(&[edges()]).unwrap();
        assert_eq!((config.database.as_str(), config.timeout_s), ("neo4j", 60));
        assert_eq!(config.address(), "bolt://graph:7687/neo4j");
        for uri in ["bolt://graph", "neo4j+s://10.0.0.8:7688", "bolt+s://[::1]:7687", "neo4j://[::1]"] {
            let config = Config { uri: uri.to_owned(), ..config.clone() };
            config.check(&[edges()]).unwrap();
            assert_eq!(config.encrypts(), uri.contains("+s"), "{uri}");
            config.options().unwrap();
        }
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Stores {
            neo4j: Vec<Config>,
        }
        let manual = include_str!("../../../docs/stores/neo4j.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let stores: Stores = toml::from_str(example).unwrap();
        stores.neo4j.iter().for_each(|store| store.check(&[edges()]).unwrap());
        assert_eq!(stores.neo4j.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        let uri = |uri: &str| PLACE.replace("bolt://graph:7687", uri);
        for (text, expected) in [
            (PLACE.replace("\"graph\"", "\" \""), "name is empty; give the store one"),
            (uri("graph:7687"), "uri 'graph:7687' must be bolt://host:port, or begin with bolt+s, neo4j or neo4j+s"),
            (uri("http://g:1"), "uri 'http://g:1' must be bolt://host:port, or begin with bolt+s, neo4j or neo4j+s"),
            (uri("bolt://g:x"), "uri 'bolt://g:x' must be bolt://host:port, or begin with bolt+s, neo4j or neo4j+s"),
            (uri("bolt+ssc://g"), "uri 'bolt+ssc://g' trusts everybody: use +s, and ca for a certificate of your own"),
            (uri("bolt://a:b@g"), "uri must not hold user and password: they have fields of their own"),
            (
                PLACE.replace("\"neo4j\"", "\"\""),
                "user is empty; give the one that may write the database, such as neo4j",
            ),
            (format!("{PLACE}database = \"\""), "database is empty; leave it out for neo4j"),
            (
                format!("{PLACE}ca = \"/etc/ca.pem\""),
                "ca is of use with bolt+s:// and neo4j+s:// only; change uri, or leave ca out",
            ),
            (format!("{PLACE}timeout_s = 0"), "timeout_s is 0; it must lie in 1 to 3600"),
        ] {
            assert_eq!(refusal(&text), expected);
        }
        let unknown = toml::from_str::<Config>(&format!("{PLACE}tables = []")).unwrap_err().to_string();
        assert!(unknown.contains("tables"), "{unknown}");
        let config: Config = toml::from_str(PLACE).unwrap();
        assert!(config.check(&[]).unwrap_err().to_string().contains("table edges"));
        let without = table(TABLE, &[("edge_id", ColumnType::Int), ("cause", ColumnType::Text)]);
        assert!(config.check(&[without]).unwrap_err().to_string().contains("column effect"));
    }
}
