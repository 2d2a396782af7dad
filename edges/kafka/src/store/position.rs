//! The last tick, as the store keeps it: the last record of a topic of one partition.

use crate::client;
use lehr_domain::Tick;
use lehr_targets::TargetError;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The key of all records; compaction leaves the last one.
pub const KEY: &str = "position";
/// How far back the last record is looked for before all is read. What ends a transaction takes an offset too.
const BACK: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub tick: u64,
}

impl Position {
    pub fn text(self) -> String {
        format!("{{\"tick\":{}}}", self.tick)
    }
}

/// The tick that the store holds, 0 when it holds none. Blocks for as long as `within` at most, and some.
pub fn read(mut settings: ClientConfig, topic: &str, within: Duration) -> Result<Tick, TargetError> {
    let deadline = Instant::now() + within;
    let away = |error: &KafkaError| TargetError::Away(format!("{topic} cannot be read: {}", client::said(error)));
    let reading: BaseConsumer = settings
        // Never joined, and no offset is ever committed under it.
        .set("group.id", "lehr-position")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("allow.auto.create.topics", "false")
        .create()
        .map_err(|error| away(&error))?;
    let (low, high) = reading.fetch_watermarks(topic, 0, within).map_err(|error| away(&error))?;
    let mut from = low.max(high - BACK);
    loop {
        let found = last(&reading, topic, from, deadline)?;
        match found {
            Some(position) => return Ok(Tick(position.tick)),
            None if from <= low => return Ok(Tick(0)),
            None => from = low,
        }
    }
}

fn last(reading: &BaseConsumer, topic: &str, from: i64, deadline: Instant) -> Result<Option<Position>, TargetError> {
    let away = |error: &KafkaError| TargetError::Away(format!("{topic} cannot be read: {}", client::said(error)));
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(from)).map_err(|error| away(&error))?;
    reading.assign(&list).map_err(|error| away(&error))?;
    let mut found = None;
    while Instant::now() < deadline {
        match reading.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let payload = message.payload().unwrap_or_default();
                let position = serde_json::from_slice(payload).map_err(|_| {
                    TargetError::Refused(format!("{topic} holds what is no position of Lehr's; choose another prefix"))
                })?;
                found = Some(position);
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
            // The client goes on by itself.
            Some(Err(error)) => tracing::debug!(target: "lehr_kafka", "{topic}: {}", client::said(&error)),
            None => {}
        }
    }
    Err(TargetError::Away(format!("{topic} was not read to its end in time")))
}
