//! An entry `[[redis]]` of `stores.toml`.

use crate::target::RedisTarget;
use lehr_tags::SecretFrom;
use lehr_targets::{Table, Target, TargetError};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, TlsCertificates};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What follows the prefix in the keys that Lehr keeps beside its tables.
pub(crate) const POSITION: &str = "position";
pub(crate) const TABLES: &str = "tables";
pub(crate) const TICKS: &str = "ticks";

/// Longest prefix, bytes. It is in every key.
const PREFIX_MOST: usize = 100;

/// One server. Either `url`, or `address` and what it needs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the store; unique among all.
    pub name: String,
    /// `redis://user:password@host:port/database`, or `rediss://` for an encrypted connection: a secret for its password.
    pub url: Option<SecretFrom>,
    /// Host and port.
    pub address: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretFrom>,
    /// Number of the database.
    pub database: Option<u16>,
    /// Encrypted, and the server's certificate is checked.
    #[serde(default)]
    pub tls: bool,
    /// Certificates of authorities in place of those of the system, PEM.
    pub ca: Option<PathBuf>,
    /// All keys begin with it. Nobody else's should.
    #[serde(default = "lehr")]
    pub prefix: String,
    /// Tables that are kept; all but logs, such as readings, when absent.
    pub tables: Option<Vec<String>>,
    /// Entries that the stream of a log keeps, per sensor.
    #[serde(default = "ten_thousand")]
    pub log_length: usize,
    /// For each exchange with the server, seconds.
    #[serde(default = "minute")]
    pub timeout_s: u64,
}

fn lehr() -> String {
    "lehr:".to_owned()
}
fn ten_thousand() -> usize {
    10_000
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
        self.check_where()?;
        let prefix = &self.prefix;
        if prefix.is_empty() || prefix.len() > PREFIX_MOST || prefix.contains(char::is_whitespace) {
            return Err(wrong("prefix", format!("'{prefix}' must have 1 to {PREFIX_MOST} bytes and no space")));
        }
        let within = |field, value: u64, most: u64| match (1..=most).contains(&value) {
            true => Ok(()),
            false => Err(wrong(field, format!("is {value}; it must lie in 1 to {most}"))),
        };
        within("log_length", self.log_length as u64, 10_000_000)?;
        within("timeout_s", self.timeout_s, 3600)?;
        let known = || tables.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        for name in self.tables.iter().flatten() {
            if !tables.iter().any(|table| table.name == name) {
                return Err(wrong("tables", format!("has {name}, which Lehr has not; it has {}", known())));
            }
        }
        if self.tables.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong("tables", "is empty; leave it out to keep all tables"));
        }
        match tables.iter().find(|table| [POSITION, TABLES, TICKS].contains(&table.name)) {
            Some(table) => Err(wrong("tables", format!("has {}, which is a name of the store's own", table.name))),
            None => Ok(()),
        }
    }

    fn check_where(&self) -> Result<(), ConfigError> {
        if self.ca.is_some() && !self.tls && self.url.is_none() {
            return Err(wrong("ca", "is for an encrypted connection; set tls = true"));
        }
        if self.url.is_some() {
            let twice = [
                ("address", self.address.is_some()),
                ("user", self.user.is_some()),
                ("password", self.password.is_some()),
                ("database", self.database.is_some()),
                ("tls", self.tls),
            ];
            return match twice.iter().find(|(_, given)| *given) {
                Some((field, _)) => Err(wrong(field, "is part of url already; leave out one of them")),
                None => Ok(()),
            };
        }
        if self.user.is_some() && self.password.is_none() {
            return Err(wrong("password", "is missing; a user has one"));
        }
        self.host_and_port().map(|_| ())
    }

    fn host_and_port(&self) -> Result<(&str, u16), ConfigError> {
        let Some(address) = self.address.as_deref() else {
            return Err(wrong("address", "is missing; give it, or url"));
        };
        let parts = address.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
        match parts.map(|(host, port)| (host, port.parse::<u16>())) {
            Some((host, Ok(port))) if port > 0 => Ok((host.trim_start_matches('[').trim_end_matches(']'), port)),
            _ => Err(wrong("address", format!("'{address}' must be host:port, such as cache-1:6379"))),
        }
    }

    /// Follows from where the store stands. Nothing is sent before it is driven.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(RedisTarget::new(self.clone()))
    }

    /// Where the store is, without secrets.
    pub fn address(&self) -> String {
        match self.server() {
            Some(server) => format!("{server}, {}*", self.prefix),
            None => "the url that is configured".to_owned(),
        }
    }

    /// `host:port/database`; `None` where the url cannot be read.
    pub fn server(&self) -> Option<String> {
        match &self.address {
            Some(address) => Some(format!("{address}/{}", self.database.unwrap_or(0))),
            None => self.info().ok().map(|info| format!("{}/{}", info.addr(), info.redis_settings().db())),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    pub(crate) fn follows(&self, table: &Table) -> bool {
        table.is_kept(self.tables.as_deref())
    }

    /// A client with the secrets as they are now: they may be changed while Lehr runs.
    pub(crate) fn client(&self) -> Result<redis::Client, TargetError> {
        let info = self.info()?;
        let unusable = |error: redis::RedisError| TargetError::Refused(format!("the client cannot be made: {error}"));
        let encrypted = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        match &self.ca {
            Some(ca) if encrypted => {
                let read = fs::read(ca).map_err(|error| TargetError::Refused(format!("ca {}: {error}", ca.display())));
                let root_cert = Some(read?);
                redis::Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).map_err(unusable)
            }
            Some(_) => {
                Err(TargetError::Refused("ca is for an encrypted connection; url must be rediss://…".to_owned()))
            }
            None => redis::Client::open(info).map_err(unusable),
        }
    }

    fn info(&self) -> Result<ConnectionInfo, TargetError> {
        let secret = |field: &str, from: &SecretFrom| {
            from.read().map_err(|error| TargetError::Refused(format!("{field}: {error}")))
        };
        if let Some(from) = &self.url {
            let info = secret("url", from)?.reveal().into_connection_info().map_err(|_| {
                TargetError::Refused("url must be redis://user:password@host:port/database, or rediss://…".to_owned())
            })?;
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
            return Ok(info.set_redis_settings(settings.set_skip_set_lib_name()));
        }
        let (host, port) = self.host_and_port().map_err(|error| TargetError::Refused(error.to_string()))?;
        let host = host.to_owned();
        let address = match self.tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        };
        let info = address
            .into_connection_info()
            .map_err(|_| TargetError::Refused("address must be host:port, such as cache-1:6379".to_owned()))?;
        let mut settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        settings = settings.set_db(self.database.unwrap_or(0).into());
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(from) = &self.password {
            settings = settings.set_password(secret("password", from)?.reveal());
        }
        Ok(info.set_redis_settings(settings.set_skip_set_lib_name()))
    }
}

fn wrong(field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn table(name: &'static str) -> Arc<Table> {
        let columns = vec![Column { name: "id", kind: ColumnType::Int, doc: "Number." }];
        Arc::new(Table { name, doc: "Ware.", columns, key: 1, log: false })
    }

    const PLACE: &str = "name = \"cache\"\naddress = \"cache-1:6379\"\n";

    fn refusal(text: &str) -> String {
        toml::from_str::<Config>(text).unwrap().check(&[table("alerts")]).unwrap_err().to_string()
    }

    #[test]
    fn little_need_be_said() {
        let config: Config = toml::from_str(PLACE).unwrap();
        config.check(&[table("alerts")]).unwrap();
        assert_eq!((config.prefix.as_str(), config.log_length, config.timeout_s), ("lehr:", 10_000, 60));
        assert_eq!(config.address(), "cache-1:6379/0, lehr:*");
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Stores {
            redis: Vec<Config>,
        }
        let manual = include_str!("../../../docs/stores/redis.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let stores: Stores = toml::from_str(example).unwrap();
        let tables = [table("alerts"), table("units"), table("readings")];
        stores.redis.iter().for_each(|store| store.check(&tables).unwrap());
        assert_eq!(stores.redis.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        for (text, expected) in [
            ("name = \"a\"".to_owned(), "address is missing; give it, or url"),
            (PLACE.replace(":6379", ""), "address 'cache-1' must be host:port, such as cache-1:6379"),
            (format!("{PLACE}url = {{ env = \"U\" }}"), "address is part of url already; leave out one of them"),
            (format!("{PLACE}user = \"lehr\""), "password is missing; a user has one"),
            (format!("{PLACE}ca = \"/a\""), "ca is for an encrypted connection; set tls = true"),
            (format!("{PLACE}prefix = \"\""), "prefix '' must have 1 to 100 bytes and no space"),
            (format!("{PLACE}log_length = 0"), "log_length is 0; it must lie in 1 to 10000000"),
            (format!("{PLACE}timeout_s = 0"), "timeout_s is 0; it must lie in 1 to 3600"),
            (format!("{PLACE}tables = [\"alarms\"]"), "tables has alarms, which Lehr has not; it has alerts"),
            (format!("{PLACE}tables = []"), "tables is empty; leave it out to keep all tables"),
        ] {
            assert_eq!(refusal(&text), expected);
        }
        let unknown = toml::from_str::<Config>(&format!("{PLACE}speed = 1")).unwrap_err().to_string();
        assert!(unknown.contains("speed"), "{unknown}");
        let config: Config = toml::from_str(PLACE).unwrap();
        assert!(config.check(&[table("position")]).is_err());
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "rediss://lehr:s3cret@cache-1:6380/2\n").unwrap();
        let text = format!("name = \"cache\"\nurl = {{ file = {:?} }}", file.path());
        let config: Config = toml::from_str(&text).unwrap();
        config.check(&[]).unwrap();
        assert_eq!(config.address(), "cache-1:6380/2, lehr:*");
        fs::write(&file, "s3cret").unwrap();
        assert_eq!(config.address(), "the url that is configured");
        assert!(!config.client().unwrap_err().to_string().contains("s3cret"));
    }
}
