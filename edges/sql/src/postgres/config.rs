//! An entry `[[postgres]]` of `stores.toml`.

use super::target::Postgres;
use crate::config::{ConfigError, check_name, check_tables, wrong};
use lehr_tags::SecretFrom;
use lehr_targets::{Table, Target, TargetError};
use serde::Deserialize;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// PostgreSQL cuts longer names off, bytes.
const NAME_MOST: usize = 63;

/// One database. Either `url`, or `address`, `database` and `user`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// `postgres://user:password@host:port/database`, which is a secret for its password.
    pub url: Option<SecretFrom>,
    /// Host and port.
    pub address: Option<String>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretFrom>,
    /// What `url` says when absent, else `prefer`.
    pub tls: Option<Tls>,
    /// Certificates of authorities beside those of the system, PEM.
    pub ca: Option<PathBuf>,
    /// Where Lehr's tables lie. Nobody else's should.
    #[serde(default = "lehr")]
    pub schema: String,
    /// Tables that are kept; all but readings when absent.
    pub tables: Option<Vec<String>>,
    /// For each statement, seconds.
    #[serde(default = "minute")]
    pub timeout_s: u64,
}

/// How far the connection is encrypted and the server known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    Off,
    /// Encrypted when the server can; by whom is not checked.
    Prefer,
    /// Encrypted; by whom is not checked.
    Require,
    /// The certificate must be signed by an authority.
    VerifyCa,
    /// … and name the host.
    Verify,
}

fn lehr() -> String {
    "lehr".to_owned()
}

fn minute() -> u64 {
    60
}

impl Config {
    /// All that can be said before connecting. `tables` are those that Lehr has.
    pub fn check(&self, tables: &[Arc<Table>]) -> Result<(), ConfigError> {
        check_name(&self.name)?;
        self.check_where()?;
        let schema = &self.schema;
        if schema.is_empty() || schema.len() > NAME_MOST || schema.contains('\0') || schema.starts_with("pg_") {
            return Err(wrong("schema", format!("'{schema}' must have 1 to {NAME_MOST} bytes and not begin with pg_")));
        }
        if !(1..=3600).contains(&self.timeout_s) {
            return Err(wrong("timeout_s", format!("is {}; it must lie in 1 to 3600", self.timeout_s)));
        }
        check_tables(self.tables.as_deref(), tables)
    }

    fn check_where(&self) -> Result<(), ConfigError> {
        if self.url.is_some() {
            let twice = [
                ("address", self.address.is_some()),
                ("database", self.database.is_some()),
                ("user", self.user.is_some()),
                ("password", self.password.is_some()),
            ];
            return match twice.iter().find(|(_, given)| *given) {
                Some((field, _)) => Err(wrong(field, "is part of url already; leave out one of them")),
                None => Ok(()),
            };
        }
        let needed = [("address", &self.address), ("database", &self.database), ("user", &self.user)];
        for (field, value) in needed {
            if value.as_ref().is_none_or(|value| value.is_empty()) {
                return Err(wrong(field, "is missing; give address, database and user, or url"));
            }
        }
        self.host_and_port().map(|_| ())
    }

    fn host_and_port(&self) -> Result<(&str, u16), ConfigError> {
        let address = self.address.as_deref().unwrap_or_default();
        let parts = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        match parts.map(|(host, port)| (host, port.parse::<u16>())) {
            Some((host, Ok(port))) if port > 0 => Ok((host.trim_start_matches('[').trim_end_matches(']'), port)),
            _ => Err(wrong("address", format!("'{address}' must be host:port, such as db-1:5432"))),
        }
    }

    /// Follows from where the store stands. Nothing is sent before it is driven.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(Postgres::new(self.clone()))
    }

    /// Where the store is, without secrets.
    pub fn address(&self) -> String {
        self.server().unwrap_or_else(|| "the url that is configured".to_owned())
    }

    /// `host:port/database`; `None` where the url cannot be read.
    pub fn server(&self) -> Option<String> {
        if let (Some(address), Some(database)) = (&self.address, &self.database) {
            return Some(format!("{address}/{database}"));
        }
        let options = self.options().ok()?;
        let database = options.get_database().unwrap_or(options.get_username());
        Some(format!("{}:{}/{database}", options.get_host(), options.get_port()))
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    pub(crate) fn follows(&self, table: &Table) -> bool {
        table.is_kept(self.tables.as_deref())
    }

    /// With the secrets, as they are now: they may be changed while Lehr runs.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, TargetError> {
        let secret = |field: &str, from: &SecretFrom| {
            from.read().map_err(|error| TargetError::Refused(format!("{field}: {error}")))
        };
        let mut options = match &self.url {
            Some(from) => {
                let url = secret("url", from)?;
                PgConnectOptions::from_str(url.reveal()).map_err(|_| {
                    TargetError::Refused("url must be postgres://user:password@host:port/database".to_owned())
                })?
            }
            None => {
                let (host, port) = self.host_and_port().map_err(|error| TargetError::Refused(error.to_string()))?;
                let options = PgConnectOptions::new_without_pgpass().host(host).port(port).ssl_mode(PgSslMode::Prefer);
                options
                    .username(self.user.as_deref().unwrap_or_default())
                    .database(self.database.as_deref().unwrap_or_default())
            }
        };
        if let Some(from) = &self.password {
            options = options.password(secret("password", from)?.reveal());
        }
        if let Some(tls) = self.tls {
            options = options.ssl_mode(match tls {
                Tls::Off => PgSslMode::Disable,
                Tls::Prefer => PgSslMode::Prefer,
                Tls::Require => PgSslMode::Require,
                Tls::VerifyCa => PgSslMode::VerifyCa,
                Tls::Verify => PgSslMode::VerifyFull,
            });
        }
        if let Some(ca) = &self.ca {
            let read = fs::read(ca).map_err(|error| TargetError::Refused(format!("ca {}: {error}", ca.display())));
            options = options.ssl_root_cert_from_pem(read?);
        }
        // Two statements a table, and some.
        Ok(options.application_name("lehr").statement_cache_capacity(256).disable_statement_logging())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn table(name: &'static str) -> Arc<Table> {
        let columns = vec![Column { name: "id", kind: ColumnType::Int, doc: "Number." }];
        Arc::new(Table { name, doc: "Ware.", columns, key: 1, log: false })
    }

    const PLACE: &str = "name = \"archive\"\naddress = \"db:5432\"\ndatabase = \"glass\"\nuser = \"lehr\"\n";

    fn refusal(text: &str) -> String {
        toml::from_str::<Config>(text).unwrap().check(&[table("alerts")]).unwrap_err().to_string()
    }

    #[test]
    fn little_need_be_said() {
        let config: Config = toml::from_str(PLACE).unwrap();
        config.check(&[table("alerts")]).unwrap();
        assert_eq!((config.schema.as_str(), config.timeout_s), ("lehr", 60));
        assert_eq!(config.address(), "db:5432/glass");
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Stores {
            postgres: Vec<Config>,
        }
        let manual = include_str!("../../../../docs/stores/postgres.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let stores: Stores = toml::from_str(example).unwrap();
        let tables = [table("alerts"), table("kpis"), table("units")];
        stores.postgres.iter().for_each(|store| store.check(&tables).unwrap());
        assert_eq!(stores.postgres.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        for (text, expected) in [
            ("name = \"a\"".to_owned(), "address is missing; give address, database and user, or url"),
            (PLACE.replace(":5432", ""), "address 'db' must be host:port, such as db-1:5432"),
            (format!("{PLACE}url = {{ env = \"U\" }}"), "address is part of url already; leave out one of them"),
            (format!("{PLACE}schema = \"pg_x\""), "schema 'pg_x' must have 1 to 63 bytes and not begin with pg_"),
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
        fs::write(&file, "postgres://lehr:s3cret@db:5433/glass?sslmode=require\n").unwrap();
        let text = format!("name = \"archive\"\nurl = {{ file = {:?} }}", file.path());
        let config: Config = toml::from_str(&text).unwrap();
        config.check(&[]).unwrap();
        assert_eq!(config.address(), "db:5433/glass");
        fs::write(&file, "s3cret").unwrap();
        assert_eq!(config.address(), "the url that is configured");
        assert!(!config.options().unwrap_err().to_string().contains("s3cret"));
    }
}
