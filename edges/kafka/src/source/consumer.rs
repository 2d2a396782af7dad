//! A member of a consumer group.

use super::batch::{Held, Offsets};
use super::config::{Config, ConfigError, Start};
use crate::client;
use lehr_tags::{Intake, SourceStatus};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::statistics::Statistics;
use rdkafka::{Message, TopicPartitionList};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How long the group waits for a member to come along when it is divided anew, and a member for the answer to that,
/// milliseconds; not less than its session. The next message is asked for all the time, so nobody needs the minutes that
/// are usual.
const REJOIN_WITHIN_MS: u32 = 60_000;
/// How often it is looked whether there are brokers, milliseconds.
const LOOK_EVERY_MS: &str = "1000";

/// The connection of a source. When it is dropped, it leaves the group, on a thread of its own: brokers that are away
/// may hold that up.
pub struct Member {
    consumer: Option<StreamConsumer<Watch>>,
}

/// Sees what happens to the connection.
pub struct Watch {
    status: Arc<SourceStatus>,
    intake: Arc<dyn Intake>,
    up: AtomicBool,
    /// A commit failed, and is to be made again.
    behind: AtomicBool,
    terms: Mutex<Terms>,
}

/// Which partitions are this member's, each since which assignment.
#[derive(Debug, Default)]
struct Terms {
    last: u64,
    held: HashMap<String, HashMap<i32, u64>>,
}

impl Member {
    pub fn join(config: &Config, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> Result<Member, ConfigError> {
        let failed = |error: KafkaError| ConfigError::Client { name: config.name.clone(), why: error.to_string() };
        let from = match config.from {
            Start::Earliest => "earliest",
            Start::Latest => "latest",
        };
        let watch = Watch {
            status,
            intake,
            up: AtomicBool::new(false),
            behind: AtomicBool::new(false),
            terms: Mutex::default(),
        };
        let consumer: StreamConsumer<Watch> = client::settings(&config.bootstrap, &config.group())
            .set("group.id", config.group())
            .set("session.timeout.ms", config.session_timeout_ms.to_string())
            .set("heartbeat.interval.ms", (config.session_timeout_ms / 10).max(100).to_string())
            .set("max.poll.interval.ms", config.session_timeout_ms.max(REJOIN_WITHIN_MS).to_string())
            // Nobody commits but the source, once it is durable.
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", from)
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            .set("queued.max.messages.kbytes", config.fetch_ahead_kib.to_string())
            .set("statistics.interval.ms", LOOK_EVERY_MS)
            .create_with_context(watch)
            .map_err(failed)?;
        let topics: Vec<&str> = config.topics().into_iter().collect();
        consumer.subscribe(&topics).map_err(failed)?;
        Ok(Member { consumer: Some(consumer) })
    }

    fn consumer(&self) -> &StreamConsumer<Watch> {
        self.consumer.as_ref().expect("it is there until the drop")
    }

    /// The next message. Until it is asked for the next one, the group hears nothing of this member.
    pub async fn next(&self) -> Result<BorrowedMessage<'_>, KafkaError> {
        self.consumer().recv().await
    }

    pub fn held(&self, message: &BorrowedMessage<'_>) -> Held {
        let term = self.consumer().context().term(message.topic(), message.partition());
        // A message of a partition that was just lost is taken, and not committed.
        Held { term: term.unwrap_or(0), next: message.offset() + 1 }
    }

    /// No more messages of what is assigned now, until [`Member::resume`].
    pub fn pause(&self) -> KafkaResult<()> {
        self.consumer().pause(&self.consumer().assignment()?)
    }

    pub fn resume(&self) -> KafkaResult<()> {
        self.consumer().resume(&self.consumer().assignment()?)
    }

    /// Commits, without waiting for it, what is still this member's.
    pub fn commit(&self, offsets: &mut Offsets) {
        let watch = self.consumer().context();
        offsets.retain(|topic, partition| watch.term(topic, partition));
        watch.behind.store(false, Ordering::Relaxed);
        if offsets.is_empty() {
            return;
        }
        let commit = |list: TopicPartitionList| self.consumer().commit(&list, CommitMode::Async);
        if let Err(error) = offsets.to_list().and_then(commit) {
            tracing::debug!(target: "lehr_kafka", "offsets are committed later: {}", client::said(&error));
            watch.behind.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a commit failed.
    pub fn is_behind(&self) -> bool {
        self.consumer().context().behind.load(Ordering::Relaxed)
    }

    pub fn away(&self, why: &str) {
        self.consumer().context().away(why);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        // When no thread can be had, it leaves here.
        let _ = thread::Builder::new().name("kafka leaves".into()).spawn(move || drop(consumer));
    }
}

impl Watch {
    fn with<T>(&self, look: impl FnOnce(&mut Terms) -> T) -> T {
        look(&mut self.terms.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn term(&self, topic: &str, partition: i32) -> Option<u64> {
        self.with(|terms| terms.held.get(topic).and_then(|partitions| partitions.get(&partition)).copied())
    }

    fn away(&self, why: &str) {
        self.up.store(false, Ordering::Relaxed);
        self.status.away(self.intake.now(), why);
    }
}

impl ClientContext for Watch {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    /// Connected is who reaches a broker and has its place in the group.
    fn stats(&self, statistics: Statistics) {
        let reached = statistics.brokers.values().any(|broker| broker.state == "UP");
        let placed = statistics.cgrp.is_some_and(|group| group.state == "up" && group.join_state == "steady");
        if reached && placed {
            if !self.up.swap(true, Ordering::Relaxed) {
                self.status.connected(self.intake.now());
            }
        } else if !reached && self.up.load(Ordering::Relaxed) {
            self.away("no broker can be reached");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "lehr_kafka", "{error}: {reason}");
        if client::code(&error) == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.away("no broker can be reached");
        }
    }
}

impl ConsumerContext for Watch {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let each = |list: &TopicPartitionList| -> Vec<(String, i32)> {
            list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
        };
        match rebalance {
            Rebalance::Assign(list) => self.with(|terms| {
                terms.last += 1;
                for (topic, partition) in each(list) {
                    terms.held.entry(topic).or_default().insert(partition, terms.last);
                }
            }),
            Rebalance::Revoke(list) => self.with(|terms| {
                for (topic, partition) in each(list) {
                    terms.held.entry(topic).or_default().remove(&partition);
                }
            }),
            Rebalance::Error(_) => {}
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => {
                tracing::debug!(target: "lehr_kafka", "offsets are committed again: {}", client::said(&error));
                self.behind.store(true, Ordering::Relaxed);
            }
        }
    }
}
