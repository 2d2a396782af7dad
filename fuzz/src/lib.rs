//! What the targets share.
//!
//! Kafka's decoder, the bodies of requests and what model files say are taken in by their files: with their crates
//! librdkafka, and all of the application, would be built once more, which are not tried here.

use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::names::Names;
use lehr_mqtt::JsonTag;
use serde::Deserialize;
use std::sync::LazyLock;

pub mod http;
pub mod kafka;
#[allow(dead_code)]
#[path = "../../edges/kafka/src/names.rs"]
mod names;
pub mod registry;

/// The shipped catalogue's.
pub static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let catalogue = Catalogue::parse(DEFAULT).expect("the shipped catalogue is good");
    catalogue.names().expect("the shipped catalogue is good")
});

/// Every way in which a tag finds its value, time and quality.
const TAGS: &str = r#"
    tag = [
        { topic = "plant/a", value = "/temp", time = "/ts", quality = "/q", to = { sensor = "x" } },
        { topic = "plant/+", value = "/a/0/b~1c", time = "/t", time_unit = "ns", to = { sensor = "y" } },
        { topic = "plant/#", to = { sensor = "z" }, quality = "/q", quality_codes = "opc_ua" },
        { topic = "plant/a", value = "/s", time = "/ts", time_unit = "s", quality = "/q", quality_codes = "sparkplug", to = { sensor = "x" } },
        { topic = "plant/a", value = "/s", time = "/ts", time_unit = "us", to = { sensor = "x" } },
    ]
"#;

pub static JSON_TAGS: LazyLock<Vec<JsonTag>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct All {
        tag: Vec<JsonTag>,
    }
    toml::from_str::<All>(TAGS).expect("these tags are good").tag
});

/// Made-up bytes, taken from the front.
pub struct Bytes<'d>(pub &'d [u8]);

impl<'d> Bytes<'d> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// As many as there are, at most.
    pub fn take(&mut self, most: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
