//! JSON payloads to samples. Pure.

use crate::config::JsonTag;
use crate::topic;
use lehr_tags::json::{field, measured, time, trust};
use lehr_tags::{Sample, Times};
use serde_json::Value;
use std::collections::HashMap;

/// Which tags a topic has.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    tags: Vec<JsonTag>,
    exact: HashMap<String, Vec<usize>>,
    /// With wildcards.
    filters: Vec<usize>,
}

/// What a message says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decoded {
    pub samples: Vec<Sample>,
    /// What could not be read, with the tag.
    pub refused: Vec<String>,
}

/// Topics whose tags are remembered; a publisher that invents topics under a wildcard is looked up each time.
const REMEMBERED: usize = 10_000;

impl Topics {
    pub fn new(tags: &[JsonTag]) -> Topics {
        let mut topics = Topics { tags: tags.to_vec(), ..Topics::default() };
        for (tag, JsonTag { topic, .. }) in tags.iter().enumerate() {
            match topic::has_wildcard(topic) {
                true => topics.filters.push(tag),
                false => topics.exact.entry(topic.clone()).or_default().push(tag),
            }
        }
        for (topic, found) in &mut topics.exact {
            found.extend(topics.filters.iter().filter(|tag| topic::matches(&tags[**tag].topic, topic)));
        }
        topics
    }

    /// Each filter once, in the order of the tags.
    pub fn filters(&self) -> Vec<String> {
        let mut filters: Vec<String> = Vec::new();
        for tag in &self.tags {
            if !filters.contains(&tag.topic) {
                filters.push(tag.topic.clone());
            }
        }
        filters
    }

    fn tags_of(&mut self, topic: &str) -> Vec<usize> {
        if let Some(found) = self.exact.get(topic) {
            return found.clone();
        }
        let matching = self.filters.iter().copied().filter(|tag| topic::matches(&self.tags[*tag].topic, topic));
        let found: Vec<usize> = matching.collect();
        if !found.is_empty() && self.exact.len() < REMEMBERED {
            self.exact.insert(topic.to_owned(), found.clone());
        }
        found
    }

    /// A field that cannot be read is refused alone; the other tags of the message are read.
    pub fn decode(&mut self, topic: &str, payload: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        let tags = self.tags_of(topic);
        if tags.is_empty() {
            // A subscription that the broker remembers from an earlier configuration.
            return decoded;
        }
        let message: Value = match serde_json::from_slice(payload) {
            Ok(message) => message,
            Err(error) => {
                decoded.refused.push(format!("topic {topic}: the payload is no JSON: {error}"));
                return decoded;
            }
        };
        for tag in tags {
            match self.sample(tag, &message) {
                Ok((sample, complaint)) => {
                    decoded.samples.push(sample);
                    decoded.refused.extend(complaint.map(|why| format!("topic {topic}: {why}")));
                }
                Err(why) => decoded.refused.push(format!("topic {topic}: {why}")),
            }
        }
        decoded
    }

    fn sample(&self, tag: usize, message: &Value) -> Result<(Sample, Option<String>), String> {
        let JsonTag { value, time: time_at, time_unit, quality, quality_codes, .. } = &self.tags[tag];
        let said = quality.as_deref().map(|at| field(message, at).map(|found| (found, at)));
        let (quality, complaint) = trust(said.transpose(), *quality_codes);
        let value = measured(field(message, value), value, quality)?;
        let source = time_at.as_deref().map(|at| time(field(message, at)?, at, *time_unit)).transpose()?;
        Ok((Sample { tag, value, times: Times { source, server: None }, quality, historical: false }, complaint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;
    use lehr_tags::Quality;
    use proptest::prelude::*;

    fn topics(text: &str) -> Topics {
        #[derive(serde::Deserialize)]
        struct All {
            tag: Vec<JsonTag>,
        }
        Topics::new(&toml::from_str::<All>(text).unwrap().tag)
    }

    const FURNACE: &str = r#"
        [[tag]]
        topic = "plant/a/furnace"
        value = "/temp"
        time = "/ts"
        quality = "/q"
        to = { sensor = "x" }
        [[tag]]
        topic = "plant/+/furnace"
        value = "/pressure"
        to = { sensor = "y" }
        [[tag]]
        topic = "plant/a/plain"
        to = { sensor = "z" }
    "#;

    fn said(topic: &str, payload: &str) -> Decoded {
        topics(FURNACE).decode(topic, payload.as_bytes())
    }

    #[test]
    fn value_time_and_quality_are_where_the_paths_say() {
        let decoded = said(
            "plant/a/furnace",
            r#"{"temp":1520.5,"pressure":"3.2","ts":"2026-01-31T06:00:00.250Z","q":"uncertain"}"#,
        );
        let at = EventMs::parse("2026-01-31T06:00:00.250Z").unwrap();
        let [temperature, pressure] = decoded.samples.as_slice() else { panic!("{decoded:?}") };
        assert_eq!((temperature.tag, temperature.value, temperature.times.source), (0, 1520.5, Some(at)));
        assert_eq!(temperature.quality, Quality::Uncertain);
        assert_eq!((pressure.tag, pressure.value, pressure.times.source), (1, 3.2, None));
        assert_eq!(said("plant/a/plain", " 17 ").samples[0].value, 17.0);
        assert_eq!(said("plant/a/plain", "true").samples[0].value, 1.0);
        assert_eq!(said("plant/b/furnace", r#"{"pressure":1}"#).samples.len(), 1);
        assert_eq!(said("somewhere/else", "not even json"), Decoded::default(), "no tag, no complaint");
    }

    #[test]
    fn a_bad_field_takes_no_other_along() {
        for (payload, kept, complaint) in [
            (r#"{"temp":"hot","ts":1,"q":"good","pressure":4}"#, vec![1], "/temp is \"hot\"; it must be a number"),
            (r#"{"temp":7,"ts":"soon","q":"good","pressure":4}"#, vec![1], "/ts is \"soon\"; it must be RFC 3339"),
            (r#"{"temp":7,"q":"good","pressure":4}"#, vec![1], "there is no /ts"),
            (r#"{"temp":7,"ts":1,"q":[],"pressure":4}"#, vec![0, 1], "/q is []; it must be good"),
            (r#"{"temp":null,"ts":1,"q":192,"pressure":4}"#, vec![1], "/temp is null"),
        ] {
            let decoded = said("plant/a/furnace", payload);
            let tags: Vec<usize> = decoded.samples.iter().map(|sample| sample.tag).collect();
            assert_eq!(tags, kept, "{payload}");
            assert!(decoded.refused[0].contains(complaint), "{payload}: {:?}", decoded.refused);
            assert_eq!(decoded.refused.len(), 1, "{payload}");
        }
        let bad = said("plant/a/furnace", r#"{"temp":null,"ts":1,"q":"bad","pressure":4}"#);
        assert_eq!((bad.samples.len(), bad.samples[0].quality, bad.refused.len()), (2, Quality::Bad, 0));
    }

    #[test]
    fn each_filter_is_subscribed_to_once() {
        let doubled = format!("{FURNACE}{FURNACE}");
        assert_eq!(topics(&doubled).filters(), ["plant/a/furnace", "plant/+/furnace", "plant/a/plain"]);
    }

    proptest! {
        #[test]
        fn every_tag_of_a_message_is_a_sample_or_a_complaint(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let decoded = topics(FURNACE).decode("plant/a/furnace", &payload);
            prop_assert!(decoded.samples.len() + decoded.refused.len() >= 1);
            prop_assert!(decoded.samples.iter().all(|sample| sample.value.is_finite() || sample.quality == Quality::Bad));
        }

        #[test]
        fn almost_json_is_read_or_refused(temp in ".{0,12}", ts in any::<f64>(), q in any::<i64>()) {
            let payload = format!("{{\"temp\":{temp},\"ts\":{ts:?},\"q\":{q},\"pressure\":1}}");
            let decoded = topics(FURNACE).decode("plant/a/furnace", payload.as_bytes());
            prop_assert!(decoded.samples.len() + decoded.refused.len() >= 1);
        }
    }
}
