//! Decoders as `fuzz/` tries them: what is private to everybody else. No part of the interface.

use crate::JsonTag;
use crate::json::Topics;
use lehr_tags::Sample;

pub use crate::topic::{check_filter, check_topic, matches};

/// The samples of a payload, and what could not be read of it.
pub fn decode(tags: &[JsonTag], topic: &str, payload: &[u8]) -> (Vec<Sample>, Vec<String>) {
    let decoded = Topics::new(tags).decode(topic, payload);
    (decoded.samples, decoded.refused)
}
