//! Where stores write, so that no two of them write over each other.
//!
//! Names of servers are held against each other as they are written: two names of one server are not known as such. What is
//! missed here is found when the second store does not stand where it was left.

use lehr_tags::SecretFrom;
use lehr_targets::Table;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a store writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The server, by all the names that it is given; empty for this machine. Who shares one of them shares the server.
    servers: BTreeSet<String>,
    /// What is written there. Behind a / is what lies within.
    names: BTreeSet<String>,
    /// The option by which it becomes another place.
    pub field: &'static str,
}

impl Place {
    fn new(
        servers: impl IntoIterator<Item = String>,
        names: impl IntoIterator<Item = String>,
        field: &'static str,
    ) -> Place {
        Place { servers: servers.into_iter().collect(), names: names.into_iter().collect(), field }
    }

    /// What both write, if there is anything: the first of it, and where.
    pub fn shared(&self, other: &Place) -> Option<String> {
        let server = self.servers.intersection(&other.servers).next()?;
        let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        let clash = |name: &&String| {
            other.names.iter().any(|theirs| *name == theirs || within(name, theirs) || within(theirs, name))
        };
        let name = self.names.iter().find(clash)?;
        Some(if server.is_empty() { name.clone() } else { format!("{name} of {server}") })
    }
}

pub fn kafka(config: &lehr_kafka::store::Config, tables: &[Arc<Table>]) -> Place {
    let brokers = config.bootstrap.iter().flat_map(|entry| entry.split(',')).map(|broker| host(broker, 9092));
    let kept = kept(tables, |table| table.is_kept(config.tables.as_deref()));
    let topics = kept.map(|table| table.name).chain(["position"]);
    Place::new(brokers, topics.map(|name| format!("topic {}{name}", config.prefix)), "prefix")
}

pub fn postgres(config: &lehr_sql::postgres::Config, _tables: &[Arc<Table>]) -> Place {
    let server = config.server().map_or_else(|| unread(config.url.as_ref()), |server| host(&server, 5432));
    Place::new([server], [format!("schema {}", config.schema)], "schema")
}

pub fn sqlite(config: &lehr_sql::sqlite::Config, _tables: &[Arc<Table>]) -> Place {
    Place::new([String::new()], [format!("file {}", followed(&config.path).display())], "path")
}

pub fn redis(config: &lehr_redis::Config, _tables: &[Arc<Table>]) -> Place {
    let server = config.server().map_or_else(|| unread(config.url.as_ref()), |server| host(&server, 6379));
    Place::new([server], [format!("keys {}*", config.prefix)], "prefix")
}

/// It keeps no position, so two stores may share a bucket while they write other tables.
pub fn influx(config: &lehr_influx::store::Config, tables: &[Arc<Table>]) -> Place {
    let url = config.url.trim_start_matches("http://").trim_end_matches('/');
    let server = format!("{}, org {}, bucket {}", host(url, 80), config.org, config.bucket);
    let kept = kept(tables, |table| config.follows(table));
    Place::new([server], kept.map(|table| format!("measurement {}", table.name)), "bucket, or other tables")
}

pub fn mqtt(config: &lehr_mqtt::store::Config, tables: &[Arc<Table>]) -> Place {
    let kept = kept(tables, |table| table.is_kept(config.tables.as_deref()));
    let topics = kept.map(|table| table.name).chain(["position"]);
    Place::new([host(&config.address, 1883)], topics.map(|name| format!("topic {}/{name}", config.prefix)), "prefix")
}

pub fn neo4j(config: &lehr_neo4j::Config, _tables: &[Arc<Table>]) -> Place {
    let server = config.uri.split_once("://").map_or(config.uri.as_str(), |(_, server)| server);
    Place::new([host(server, 7687)], [format!("database {}", config.database)], "database")
}

pub fn objects(config: &lehr_objects::Config, tables: &[Arc<Table>]) -> Place {
    let url = config.url.as_deref().unwrap_or_default();
    let folder = config.folder.as_deref().or_else(|| url.strip_prefix("file://").map(Path::new));
    let kept = kept(tables, |table| table.is_kept(config.tables.as_deref()));
    let names = kept.map(|table| table.name).chain(["position.json"]);
    if let Some(folder) = folder {
        let folder = followed(folder);
        let field = if config.folder.is_some() { "folder" } else { "url" };
        return Place::new([String::new()], names.map(|name| format!("{}/{name}", folder.display())), field);
    }
    let (bucket, prefix) = url.trim_start_matches("s3://").split_once('/').unwrap_or((url, ""));
    let prefix = prefix.trim_end_matches('/');
    let server = match config.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://")) {
        Some((scheme, endpoint)) => host(endpoint.trim_end_matches('/'), if scheme == "https" { 443 } else { 80 }),
        None => "Amazon S3".to_owned(),
    };
    let bucket = bucket.trim_start_matches("s3://");
    let path = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    Place::new([format!("bucket {bucket} at {server}")], names.map(|name| format!("{path}{name}")), "url")
}

fn kept<'t>(tables: &'t [Arc<Table>], keeps: impl Fn(&Table) -> bool + 't) -> impl Iterator<Item = &'t Arc<Table>> {
    tables.iter().filter(move |table| keeps(table))
}

/// `host:port` and what follows a /, in one way of writing it.
fn host(address: &str, port: u16) -> String {
    let (server, rest) = address.find('/').map_or((address, ""), |end| address.split_at(end));
    let parts = server.rsplit_once(':').filter(|(_, given)| !given.ends_with(']'));
    let (name, port) = parts.map_or((server, port.to_string()), |(name, given)| (name, given.to_owned()));
    match name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase().as_str() {
        "localhost" => format!("127.0.0.1:{port}{rest}"),
        ipv6 if ipv6.contains(':') => format!("[{ipv6}]:{port}{rest}"),
        name => format!("{name}:{port}{rest}"),
    }
}

/// Where a url stands that cannot be read now, or says nothing of use.
fn unread(url: Option<&SecretFrom>) -> String {
    match url {
        Some(SecretFrom::Env(name)) => format!("the url in ${name}"),
        Some(SecretFrom::File(file)) => format!("the url in {}", file.display()),
        None => String::new(),
    }
}

/// Without links and `..`, as far as it is there.
fn followed(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => followed(parent).join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoresConfig;

    fn read(text: &str) -> Result<usize, String> {
        let config: StoresConfig = toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        config.stores().map(|stores| stores.len()).map_err(|error| error.to_string())
    }

    /// Two stores of a kind, each with what is given.
    fn both(kind: &str, one: &str, other: &str) -> Result<usize, String> {
        read(&format!("[[{kind}]]\nname = \"one\"\n{one}\n[[{kind}]]\nname = \"other\"\n{other}\n"))
    }

    const PANES: &str = "tables = [\"panes\"]";

    #[test]
    fn two_stores_of_one_place_are_refused_with_the_field_to_change() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(&dir, dir.join("link")).unwrap();
        let dir = dir.display();
        let s3 = "access_key = { env = \"K\" }\nsecret_key = { env = \"S\" }";
        let postgres = "database = \"glass\"\nuser = \"lehr\"";
        let neo4j = |uri: &str| format!("uri = \"{uri}\"\nuser = \"neo4j\"");
        let influx = |more: &str| format!("url = \"http://h:8086\"\norg = \"glass\"\nbucket = \"plant\"\n{more}");
        let url = folder.path().join("url");
        std::fs::write(&url, "postgres://u:secret@DB:5432/glass").unwrap();
        let in_file = format!("url = {{ file = {url:?} }}");
        let redis = folder.path().join("redis");
        std::fs::write(&redis, "redis://u:secret@localhost:6379/2").unwrap();
        let redis_in_file = format!("url = {{ file = {redis:?} }}");
        for (kind, one, other, what) in [
            (
                "kafka",
                "bootstrap = [\"a:9092,B:9092\"]".to_owned(),
                "bootstrap = [\"b:9092\"]".to_owned(),
                "topic lehr.alert_metrics of b:9092: give one of them another prefix",
            ),
            // The position is everybody's.
            (
                "kafka",
                format!("bootstrap = [\"a:9092\"]\n{PANES}"),
                "bootstrap = [\"a:9092\"]\ntables = [\"readings\"]".to_owned(),
                "topic lehr.position of a:9092: give one of them another prefix",
            ),
            (
                "postgres",
                format!("address = \"db:5432\"\n{postgres}\n{PANES}"),
                in_file.clone(),
                "schema lehr of db:5432/glass: give one of them another schema",
            ),
            (
                "postgres",
                "url = { env = \"LEHR_NO_SUCH_URL\" }".to_owned(),
                "url = { env = \"LEHR_NO_SUCH_URL\" }".to_owned(),
                "schema lehr of the url in $LEHR_NO_SUCH_URL: give one of them another schema",
            ),
            (
                "sqlite",
                format!("path = \"{dir}/a.db\""),
                format!("path = \"{dir}/link/a.db\""),
                &*format!("file {dir}/a.db: give one of them another path"),
            ),
            (
                "redis",
                "address = \"127.0.0.1:6379\"\ndatabase = 2".to_owned(),
                redis_in_file.clone(),
                "keys lehr:* of 127.0.0.1:6379/2: give one of them another prefix",
            ),
            (
                "influx",
                influx(""),
                influx("tables = [\"readings\"]"),
                "measurement readings of h:8086, org glass, bucket plant: give one of them another bucket, or other tables",
            ),
            (
                "mqtt",
                "address = \"m:1883\"".to_owned(),
                "address = \"M:1883\"\ntables = [\"readings\"]".to_owned(),
                "topic lehr/position of m:1883: give one of them another prefix",
            ),
            // Topics of the one lie below a table of the other.
            (
                "mqtt",
                format!("address = \"m:1883\"\n{PANES}"),
                "address = \"m:1883\"\nprefix = \"lehr/panes\"".to_owned(),
                "topic lehr/panes of m:1883: give one of them another prefix",
            ),
            (
                "neo4j",
                neo4j("bolt://g"),
                neo4j("neo4j+s://G:7687"),
                "database neo4j of g:7687: give one of them another database",
            ),
            (
                "objects",
                format!("url = \"s3://lake/lehr/\"\nendpoint = \"http://minio:9000/\"\n{s3}\n{PANES}"),
                format!("url = \"s3://lake/lehr\"\nendpoint = \"http://minio:9000\"\n{s3}\ntables = [\"alerts\"]"),
                "lehr/position.json of bucket lake at minio:9000: give one of them another url",
            ),
            (
                "objects",
                format!("folder = \"{dir}/lake\""),
                format!("url = \"file://{dir}/link/lake\""),
                &*format!("{dir}/lake/alert_metrics: give one of them another url"),
            ),
        ] {
            let expected = format!("stores one and other both write {what}");
            assert_eq!(both(kind, &one, &other), Err(expected), "{kind}");
        }
    }

    #[test]
    fn stores_that_differ_in_one_thing_are_taken() {
        let s3 = "access_key = { env = \"K\" }\nsecret_key = { env = \"S\" }";
        let postgres = "address = \"db:5432\"\nuser = \"lehr\"";
        let neo4j = "uri = \"bolt://g\"\nuser = \"neo4j\"";
        let influx = "url = \"http://h:8086\"\norg = \"glass\"\nbucket = \"plant\"";
        for (kind, one, other) in [
            ("kafka", "bootstrap = [\"a:9092\"]".to_owned(), "bootstrap = [\"b:9092\"]".to_owned()),
            (
                "kafka",
                "bootstrap = [\"a:9092\"]".to_owned(),
                "bootstrap = [\"a:9092\"]\nprefix = \"lehr.x.\"".to_owned(),
            ),
            ("postgres", format!("{postgres}\ndatabase = \"a\""), format!("{postgres}\ndatabase = \"b\"")),
            (
                "postgres",
                format!("{postgres}\ndatabase = \"a\""),
                format!("{postgres}\ndatabase = \"a\"\nschema = \"s\""),
            ),
            (
                "postgres",
                "url = { env = \"LEHR_NO_SUCH_URL\" }".to_owned(),
                "url = { env = \"LEHR_NO_OTHER_URL\" }".to_owned(),
            ),
            ("sqlite", "path = \"/x/a.db\"".to_owned(), "path = \"/x/b.db\"".to_owned()),
            ("redis", "address = \"r:1\"".to_owned(), "address = \"r:1\"\ndatabase = 1".to_owned()),
            ("redis", "address = \"r:1\"".to_owned(), "address = \"r:1\"\nprefix = \"lehr-2:\"".to_owned()),
            ("influx", influx.to_owned(), format!("{influx}\ntables = [\"sensors\"]")),
            ("mqtt", "address = \"m:1\"".to_owned(), "address = \"m:1\"\nprefix = \"lehr2\"".to_owned()),
            ("neo4j", neo4j.to_owned(), format!("{neo4j}\ndatabase = \"second\"")),
            ("objects", format!("url = \"s3://lake/a\"\n{s3}"), format!("url = \"s3://lake/b\"\n{s3}")),
            ("objects", format!("url = \"s3://lake\"\n{s3}"), format!("url = \"s3://lake/b\"\n{s3}")),
            ("objects", "folder = \"/x/a\"".to_owned(), "folder = \"/x/b\"".to_owned()),
        ] {
            assert_eq!(both(kind, &one, &other), Ok(2), "{kind}: {one} and {other}");
        }
    }

    #[test]
    fn stores_of_other_kinds_are_none_of_each_others_business() {
        let text = "[[redis]]\nname = \"a\"\naddress = \"h:1\"\nprefix = \"lehr\"\n\
                    [[mqtt]]\nname = \"b\"\naddress = \"h:1\"\n";
        assert_eq!(read(text), Ok(2));
    }
}
