//! An entry `[[objects]]` of `stores.toml`.

use crate::position::POSITION;
use crate::target::Objects;
use lehr_domain::SpanMs;
use lehr_tags::SecretFrom;
use lehr_targets::{Table, Target};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where artefacts lie, beside the tables.
pub(crate) const ARTIFACTS: &str = "artifacts";

/// Longest time that deltas are gathered: so much is delivered anew at most after a crash.
const GATHERED_MOST: SpanMs = SpanMs::minutes(10);

/// One bucket, or a part of it, or a folder. Nobody else should write there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// `s3://bucket/prefix` or `file:///folder`.
    pub url: Option<String>,
    /// Instead of `url`.
    pub folder: Option<PathBuf>,
    /// Of a server that is not Amazon's: `http://minio:9000`.
    pub endpoint: Option<String>,
    #[serde(default = "us_east_1")]
    pub region: String,
    pub access_key: Option<SecretFrom>,
    pub secret_key: Option<SecretFrom>,
    /// Certificates of authorities beside those of the system, PEM.
    pub ca: Option<PathBuf>,
    /// Tables that are kept; all but readings when absent.
    pub tables: Option<Vec<String>>,
    /// Whether the files of trained models are kept too.
    #[serde(default = "yes")]
    pub models: bool,
    /// How long deltas are gathered, such as `1m`.
    #[serde(default = "minute")]
    pub every: String,
    /// Days that ended so long ago are not changed any more, such as `6d`.
    pub closed_after: Option<String>,
    /// For each request with its repetitions, seconds.
    #[serde(default = "sixty")]
    pub timeout_s: u64,
}

/// Where objects lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Bucket { bucket: String, prefix: String },
    Folder(PathBuf),
}

fn us_east_1() -> String {
    "us-east-1".to_owned()
}

fn yes() -> bool {
    true
}

fn minute() -> String {
    "1m".to_owned()
}

fn sixty() -> u64 {
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
        match self.place()? {
            Place::Bucket { .. } => self.check_bucket()?,
            Place::Folder(_) => self.check_folder()?,
        }
        self.gathered()?;
        self.closed()?;
        if !(1..=3600).contains(&self.timeout_s) {
            return Err(wrong("timeout_s", format!("is {}; it must lie in 1 to 3600", self.timeout_s)));
        }
        let known = || tables.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        for name in self.tables.iter().flatten() {
            if !tables.iter().any(|table| table.name == name) {
                return Err(wrong("tables", format!("has {name}, which Lehr has not; it has {}", known())));
            }
        }
        if self.tables.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong("tables", "is empty; leave it out to keep all tables"));
        }
        match tables.iter().find(|table| [ARTIFACTS, POSITION].contains(&table.name)) {
            Some(table) => Err(wrong("tables", format!("has {}, which is a name of the store's own", table.name))),
            None => Ok(()),
        }
    }

    fn check_bucket(&self) -> Result<(), ConfigError> {
        for (field, given) in [("access_key", &self.access_key), ("secret_key", &self.secret_key)] {
            if given.is_none() {
                return Err(wrong(field, "is missing; give { env = \"NAME\" } or { file = \"PATH\" }"));
            }
        }
        let endpoint = self.endpoint.as_deref().unwrap_or("https://");
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(wrong("endpoint", format!("'{endpoint}' must begin with http:// or https://")));
        }
        Ok(())
    }

    fn check_folder(&self) -> Result<(), ConfigError> {
        let given = [
            ("endpoint", self.endpoint.is_some()),
            ("access_key", self.access_key.is_some()),
            ("secret_key", self.secret_key.is_some()),
            ("ca", self.ca.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(wrong(field, "is for buckets; leave it out for a folder")),
            None => Ok(()),
        }
    }

    pub(crate) fn place(&self) -> Result<Place, ConfigError> {
        let url = match (&self.url, &self.folder) {
            (Some(_), Some(_)) => return Err(wrong("folder", "is there beside url; leave out one of them")),
            (None, None) => return Err(wrong("url", "is missing; give s3://bucket/prefix, or folder")),
            (None, Some(folder)) => return absolute("folder", folder.clone()),
            (Some(url), None) => url,
        };
        if let Some(path) = url.strip_prefix("file://") {
            return absolute("url", PathBuf::from(path));
        }
        let bad = || wrong("url", format!("'{url}' must be s3://bucket/prefix or file:///folder"));
        let (bucket, prefix) =
            url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or_else(bad)?;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(good) {
            return Err(wrong("url", format!("'{url}': a bucket has 3 to 63 of a-z, 0-9, - and .")));
        }
        let prefix = prefix.trim_end_matches('/');
        let good = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.=".contains(c))
                && part != "."
                && part != ".."
        };
        if !prefix.is_empty() && !prefix.split('/').all(good) {
            return Err(wrong("url", format!("'{url}': a prefix has letters, digits, -, _, . and = between single /")));
        }
        Ok(Place::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// Follows from where the store stands. Nothing is sent before it is driven.
    ///
    /// A call of `apply` waits until `every` has passed since the last one. So whoever drives it should hold no more than
    /// one delta behind the one under way, and join to it what comes: else the store is as many times `every` late as
    /// deltas wait.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(Objects::new(self.clone()))
    }

    /// Where the store is, without secrets.
    pub fn address(&self) -> String {
        let place = self.url.clone().or_else(|| self.folder.as_ref().map(|folder| folder.display().to_string()));
        let place = place.unwrap_or_else(|| "nowhere".to_owned());
        match &self.endpoint {
            // Some write keys into it.
            Some(endpoint) if !endpoint.contains('@') => format!("{place} at {endpoint}"),
            _ => place,
        }
    }

    /// The time to gather, and zero for each delta by itself.
    pub(crate) fn gathered(&self) -> Result<Duration, ConfigError> {
        match SpanMs::parse(&self.every) {
            Ok(span) if span <= GATHERED_MOST => Ok(Duration::from_millis(span.0.unsigned_abs())),
            _ => Err(wrong("every", format!("is '{}'; it must lie in 0s to 10m, such as 1m", self.every))),
        }
    }

    pub(crate) fn closed(&self) -> Result<Option<SpanMs>, ConfigError> {
        let Some(text) = &self.closed_after else { return Ok(None) };
        match SpanMs::parse(text) {
            Ok(span) if span >= SpanMs::hours(1) => Ok(Some(span)),
            _ => Err(wrong("closed_after", format!("is '{text}'; it must be 1h or more, such as 6d"))),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    pub(crate) fn follows(&self, table: &Table) -> bool {
        table.is_kept(self.tables.as_deref())
    }
}

fn absolute(field: &str, folder: PathBuf) -> Result<Place, ConfigError> {
    if !folder.is_absolute() {
        return Err(wrong(field, format!("'{}' must be the whole path of a folder, from /", folder.display())));
    }
    Ok(Place::Folder(folder))
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

    const BUCKET: &str =
        "name = \"lake\"\nurl = \"s3://glass/lehr\"\naccess_key = { env = \"A\" }\nsecret_key = { env = \"S\" }\n";

    fn refusal(text: &str) -> String {
        toml::from_str::<Config>(text).unwrap().check(&[table("features")]).unwrap_err().to_string()
    }

    #[test]
    fn little_need_be_said() {
        let config: Config = toml::from_str("name = \"lake\"\nfolder = \"/var/lib/lehr/lake\"").unwrap();
        config.check(&[table("features")]).unwrap();
        assert_eq!(config.gathered().unwrap(), Duration::from_secs(60));
        assert!(config.models);
        assert_eq!(config.address(), "/var/lib/lehr/lake");
        let config: Config = toml::from_str(&format!("{BUCKET}endpoint = \"http://minio:9000\"")).unwrap();
        config.check(&[table("features")]).unwrap();
        assert_eq!(config.place().unwrap(), Place::Bucket { bucket: "glass".into(), prefix: "lehr".into() });
        assert_eq!(config.address(), "s3://glass/lehr at http://minio:9000");
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Stores {
            objects: Vec<Config>,
        }
        let manual = include_str!("../../../docs/stores/objects.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let stores: Stores = toml::from_str(example).unwrap();
        let tables = [table("features"), table("units")];
        stores.objects.iter().for_each(|store| store.check(&tables).unwrap());
        assert_eq!(stores.objects.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        let folder = "name = \"a\"\nfolder = \"/lake\"\n";
        for (text, expected) in [
            ("name = \"a\"".to_owned(), "url is missing; give s3://bucket/prefix, or folder"),
            (format!("{folder}url = \"s3://glass\""), "folder is there beside url; leave out one of them"),
            (folder.replace("/lake", "lake"), "folder 'lake' must be the whole path of a folder, from /"),
            (format!("{folder}endpoint = \"http://a\""), "endpoint is for buckets; leave it out for a folder"),
            (BUCKET.replace("s3:", "gs:"), "url 'gs://glass/lehr' must be s3://bucket/prefix or file:///folder"),
            (BUCKET.replace("glass", "G"), "url 's3://G/lehr': a bucket has 3 to 63 of a-z, 0-9, - and ."),
            (
                BUCKET.replace("/lehr", "/../x"),
                "url 's3://glass/../x': a prefix has letters, digits, -, _, . and = between single /",
            ),
            (
                BUCKET.replace("secret_key", "# "),
                "secret_key is missing; give { env = \"NAME\" } or { file = \"PATH\" }",
            ),
            (format!("{BUCKET}endpoint = \"minio:9000\""), "endpoint 'minio:9000' must begin with http:// or https://"),
            (format!("{BUCKET}every = \"11m\""), "every is '11m'; it must lie in 0s to 10m, such as 1m"),
            (format!("{BUCKET}closed_after = \"1m\""), "closed_after is '1m'; it must be 1h or more, such as 6d"),
            (format!("{BUCKET}timeout_s = 0"), "timeout_s is 0; it must lie in 1 to 3600"),
            (format!("{BUCKET}tables = [\"alarms\"]"), "tables has alarms, which Lehr has not; it has features"),
            (format!("{BUCKET}tables = []"), "tables is empty; leave it out to keep all tables"),
        ] {
            assert_eq!(refusal(&text), expected);
        }
        let unknown = toml::from_str::<Config>(&format!("{BUCKET}speed = 1")).unwrap_err().to_string();
        assert!(unknown.contains("speed"), "{unknown}");
        let config: Config = toml::from_str(BUCKET).unwrap();
        assert!(config.check(&[table("artifacts")]).is_err());
    }
}
