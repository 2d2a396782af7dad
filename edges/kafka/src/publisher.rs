//! Sensors of a plant as rows in a topic, as a source reads them.

use crate::client;
use crate::names::{check_bootstrap, check_topic};
use crate::store::Link;
use lehr_domain::EventMs;
use lehr_tags::Quality;
use rdkafka::message::OwnedHeaders;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// How long the brokers have for what is published at once.
const DELIVERED_WITHIN: Duration = Duration::from_secs(60);

/// A value of a sensor, in the sensor's own unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<'s> {
    pub sensor: &'s str,
    pub value: f64,
    pub at: EventMs,
    pub quality: Quality,
}

#[derive(Debug, thiserror::Error)]
#[error("{topic}: {why}")]
pub struct PublishError {
    topic: String,
    why: String,
}

/// Publishes to one topic, keyed by sensor, so that a sensor's values stay in order.
pub struct Publisher {
    topic: String,
    link: Link,
}

impl Publisher {
    pub fn open(bootstrap: &[String], topic: &str) -> Result<Publisher, PublishError> {
        let failed = |why: String| PublishError { topic: topic.to_owned(), why };
        check_bootstrap(bootstrap).map_err(|(value, must)| failed(format!("bootstrap is {value}; {must}")))?;
        check_topic(topic).map_err(|why| failed(why.to_owned()))?;
        let link = Link::open(client::settings(bootstrap, "lehr-plant"), None, DELIVERED_WITHIN);
        Ok(Publisher { topic: topic.to_owned(), link: link.map_err(|error| failed(error.to_string()))? })
    }

    /// Returns when the brokers have all of it. After an error, what is missing is still tried.
    pub async fn publish(&self, measured: &[Measured<'_>]) -> Result<(), PublishError> {
        let failed =
            |error: lehr_targets::TargetError| PublishError { topic: self.topic.clone(), why: error.to_string() };
        let (headers, deadline) = (OwnedHeaders::new(), Instant::now() + DELIVERED_WITHIN);
        self.link.forgive();
        for Measured { sensor, value, at, quality } in measured {
            let quality = match quality {
                Quality::Good => "good",
                Quality::Uncertain => "uncertain",
                Quality::Bad => "bad",
            };
            let row = json!({ "sensor_id": sensor, "timestamp": at.to_string(), "value": value, "quality": quality });
            self.link.send(&self.topic, sensor, Some(&row.to_string()), &headers, deadline).await.map_err(failed)?;
        }
        self.link.delivered(deadline).await.map_err(failed)
    }
}
