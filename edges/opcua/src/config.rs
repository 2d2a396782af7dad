//! One `[[opcua]]` of `sources.toml`.

use crate::node::{NodeError, NodeName};
use lehr_domain::names::Names;
use lehr_tags::{SecretError, SecretFrom, Tags, Target, TargetError, TimestampOf};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Tags of one source: a thousand at ten hertz are 10 000 values a second, which is what a source is sized for.
pub(crate) const TAGS_MOST: usize = 50_000;

/// A server and the tags that are taken from it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// `opc.tcp://host:port/path`.
    pub endpoint: String,
    #[serde(default)]
    pub security: Security,
    /// Whose certificate the server may have. Says nothing without security.
    #[serde(default)]
    pub trust: Trust,
    /// Whether a trusted certificate must also be in date, and name the host and the application.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Folder of `own/cert.der`, `private/private.pem` (made when missing), `trusted/` and `rejected/`.
    #[serde(default = "pki")]
    pub pki: PathBuf,
    pub user: Option<String>,
    pub password: Option<SecretFrom>,
    /// A login by certificate: DER or PEM, and its key as PEM.
    pub user_certificate: Option<PathBuf>,
    pub user_key: Option<PathBuf>,
    /// A login goes over a connection without security, where others on the network may read or replace it.
    #[serde(default)]
    pub insecure_login: bool,
    #[serde(default)]
    pub timestamps: TimestampOf,
    /// How often the server says what has changed, milliseconds.
    #[serde(default = "publishing")]
    pub publishing_ms: u32,
    #[serde(default)]
    pub report: Report,
    #[serde(default, rename = "tag")]
    pub tags: Vec<Tag>,
}

/// A variable, and the sensor it is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// `ns=2;s=Line_A.furnace`, or with the namespace's URI: `nsu=http://example.com/plant;s=Line_A.furnace`.
    pub node: String,
    /// Of an array: which element, from 0, across all dimensions.
    pub element: Option<u32>,
    /// How often the server looks, milliseconds.
    #[serde(default = "sampling")]
    pub sampling_ms: u32,
    /// Values that the server keeps while Lehr does not ask. Left out: those of ten seconds, 10 to 1000.
    pub queue: Option<u32>,
    pub to: Target,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    #[default]
    None,
    /// Signed and encrypted.
    Basic256sha256,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Certificates in the folder `trusted`.
    #[default]
    Folder,
    /// Any: who is on the other side is not known.
    Any,
}

/// What the server tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// Each new measurement, also when it is the value before: what stays silent counts as stale.
    #[default]
    Measurements,
    /// Changes of the value or its quality alone.
    Changes,
}

fn yes() -> bool {
    true
}

fn pki() -> PathBuf {
    PathBuf::from("opcua-pki")
}

fn publishing() -> u32 {
    500
}

fn sampling() -> u32 {
    1000
}

/// What is wrong with a configuration. Names the source, the field and the fix.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("opcua {source_name}: {field} {must}")]
    Field { source_name: String, field: &'static str, must: String },
    #[error("opcua {source_name}: node {node}: {source}")]
    Node { source_name: String, node: String, source: NodeError },
    #[error("opcua {source_name}: tag {tag}: {source}")]
    Target { source_name: String, tag: String, source: TargetError },
    #[error("opcua {source_name}: password: {source}")]
    Password { source_name: String, source: SecretError },
}

impl Config {
    /// A server that asks for neither login nor security, to be looked at.
    pub fn anonymous(name: &str, endpoint: &str) -> Config {
        Config {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            security: Security::None,
            trust: Trust::default(),
            verify: yes(),
            pki: pki(),
            user: None,
            password: None,
            user_certificate: None,
            user_key: None,
            insecure_login: false,
            timestamps: TimestampOf::default(),
            publishing_ms: publishing(),
            report: Report::default(),
            tags: Vec::new(),
        }
    }

    /// All that can be said before connecting.
    pub fn check(&self, names: &Names) -> Result<(), ConfigError> {
        self.check_peer()?;
        if self.tags.is_empty() || self.tags.len() > TAGS_MOST {
            return Err(self.wrong("tag", format!("must be there 1 to {TAGS_MOST} times, not {}", self.tags.len())));
        }
        for tag in &self.tags {
            self.check_tag(tag)?;
        }
        self.tags(names).map(drop)
    }

    /// What is said of the server and the login, apart from the tags.
    pub(crate) fn check_peer(&self) -> Result<(), ConfigError> {
        if self.name.trim().is_empty() {
            return Err(self.wrong("name", "must not be empty"));
        }
        let host = self.endpoint.strip_prefix("opc.tcp://").map(|rest| rest.split(['/', ':']).next().unwrap_or(""));
        if host.is_none_or(str::is_empty) {
            let must = format!("is {}; write it as opc.tcp://host:4840", self.endpoint);
            return Err(self.wrong("endpoint", must));
        }
        if !(10..=60_000).contains(&self.publishing_ms) {
            return Err(self.wrong("publishing_ms", format!("is {}; it must lie in 10 to 60000", self.publishing_ms)));
        }
        let (by_name, by_certificate) = (self.user.is_some(), self.user_certificate.is_some());
        if self.password.is_some() && !by_name {
            return Err(self.wrong("password", "is given without user; add user = \"…\""));
        }
        if by_name && self.password.is_none() {
            return Err(self.wrong("password", "is missing; add password = { env = \"…\" } or { file = \"…\" }"));
        }
        if by_name && by_certificate {
            return Err(self.wrong("user_certificate", "is given beside user; a login is by one of them"));
        }
        if by_certificate != self.user_key.is_some() {
            return Err(self.wrong("user_key", "and user_certificate must be given together"));
        }
        if by_name && self.security == Security::None && !self.insecure_login {
            let must = "must not be \"none\" with a password; use \"basic256sha256\", or set insecure_login = true";
            return Err(self.wrong("security", must));
        }
        if let Some(password) = &self.password {
            password.read().map_err(|source| ConfigError::Password { source_name: self.name.clone(), source })?;
        }
        Ok(())
    }

    fn check_tag(&self, tag: &Tag) -> Result<(), ConfigError> {
        tag.node.parse::<NodeName>().map_err(|source| ConfigError::Node {
            source_name: self.name.clone(),
            node: tag.node.clone(),
            source,
        })?;
        if !(10..=3_600_000).contains(&tag.sampling_ms) {
            let must = format!("of {} is {}; it must lie in 10 to 3600000", tag.node, tag.sampling_ms);
            return Err(self.wrong("sampling_ms", must));
        }
        if tag.queue.is_some_and(|queue| !(1..=100_000).contains(&queue)) {
            return Err(self.wrong("queue", format!("of {} must lie in 1 to 100000", tag.node)));
        }
        Ok(())
    }

    pub(crate) fn tags(&self, names: &Names) -> Result<Tags, ConfigError> {
        let tags = self.tags.iter().map(|tag| (tag.address(), &tag.to));
        Tags::new(&self.name, self.timestamps, tags, names).map_err(|(tag, source)| ConfigError::Target {
            source_name: self.name.clone(),
            tag,
            source,
        })
    }

    pub(crate) fn publishing(&self) -> Duration {
        Duration::from_millis(u64::from(self.publishing_ms))
    }

    fn wrong(&self, field: &'static str, must: impl Into<String>) -> ConfigError {
        ConfigError::Field { source_name: self.name.clone(), field, must: must.into() }
    }
}

impl Tag {
    /// As messages have it.
    pub(crate) fn address(&self) -> String {
        match self.element {
            None => self.node.clone(),
            Some(element) => format!("{}[{element}]", self.node),
        }
    }

    pub(crate) fn queue(&self) -> u32 {
        self.queue.unwrap_or_else(|| (10_000 / self.sampling_ms.max(1)).clamp(10, 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    fn check(text: &str) -> Result<(), String> {
        let text = format!("name = \"plc\"\nendpoint = \"opc.tcp://127.0.0.1:4840\"\n{text}");
        let config: Config = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
        config.check(&names()).map_err(|error| error.to_string())
    }

    const TAG: &str = "[[tag]]\nnode = \"ns=2;s=A\"\nto = { sensor = \"Line_A.furnace_temperature\", unit = \"°F\" }";

    #[test]
    fn defaults_are_enough() {
        assert_eq!(check(TAG), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_fix() {
        let tag = |text: &str| TAG.replace("ns=2;s=A", text);
        for (text, expected) in [
            ("", "opcua plc: tag must be there 1 to 50000 times, not 0".to_owned()),
            (&tag("ns=2;x=A"), "opcua plc: node ns=2;x=A: write it as ns=2;s=NAME".to_owned()),
            (&TAG.replace("furnace_temp", "furnase_temp"), "opcua plc: tag ns=2;s=A: sensor Line_A.furnase".to_owned()),
            (&TAG.replace("°F", "bar"), "opcua plc: tag ns=2;s=A: unit of Line_A.furnace_temperature: bar".to_owned()),
            (&format!("user = \"u\"\n{TAG}"), "opcua plc: password is missing".to_owned()),
            (
                &format!("user = \"u\"\npassword = {{ env = \"PATH\" }}\n{TAG}"),
                "opcua plc: security must not be \"none\" with a password".to_owned(),
            ),
            (&format!("user_key = \"k\"\n{TAG}"), "opcua plc: user_key and user_certificate".to_owned()),
            (&format!("publishing_ms = 1\n{TAG}"), "opcua plc: publishing_ms is 1".to_owned()),
            (&format!("publish_ms = 100\n{TAG}"), "unknown field `publish_ms`".to_owned()),
        ] {
            let said = check(text).unwrap_err();
            assert!(said.starts_with(&expected), "{said}\nshould begin\n{expected}");
        }
    }

    #[test]
    fn a_queue_holds_ten_seconds() {
        let queue = |sampling_ms: u32| {
            let tag: Tag =
                toml::from_str(&format!("node = \"i=1\"\nsampling_ms = {sampling_ms}\nto.sensor = \"a\"")).unwrap();
            tag.queue()
        };
        assert_eq!([10, 100, 1000, 60_000].map(queue), [1000, 100, 10, 10]);
    }
}
