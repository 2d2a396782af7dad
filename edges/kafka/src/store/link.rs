//! A producer whose deliveries are counted.

use crate::client;
use lehr_targets::TargetError;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

/// What waits to be sent, KiB. Beyond it the sender waits.
const WAITING_MOST_KIB: &str = "32768";
/// How often it is looked whether there is room again.
const ROOM_EVERY: Duration = Duration::from_millis(5);

/// Records of a key arrive in the order in which they were sent, each once, as long as the link lives.
pub struct Link {
    producer: ThreadedProducer<Deliveries>,
}

/// What became of what was sent.
#[derive(Default)]
pub struct Deliveries {
    sent: AtomicU64,
    done: AtomicU64,
    failed: Mutex<Option<(String, KafkaError)>>,
    changed: Notify,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "lehr_kafka", "{error}: {reason}");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            self.failed().get_or_insert_with(|| (message.topic().to_owned(), error.clone()));
        }
        self.done.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }
}

impl Deliveries {
    fn failed(&self) -> std::sync::MutexGuard<'_, Option<(String, KafkaError)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Connects by and by. `transactional` is the name under which no two links write: the later one ends the earlier.
    /// Without one, what was sent is tried for ever, for order's sake: see [`Link::delivered`].
    pub fn open(
        mut settings: ClientConfig,
        transactional: Option<&str>,
        patience: Duration,
    ) -> Result<Link, TargetError> {
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            // As clients in Java do, so that keys of other producers meet ours.
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.kbytes", WAITING_MOST_KIB);
        match transactional {
            Some(name) => settings
                .set("transactional.id", name)
                .set("transaction.timeout.ms", (patience + Duration::from_secs(10)).as_millis().to_string())
                .set("message.timeout.ms", patience.as_millis().to_string()),
            None => settings.set("message.timeout.ms", "0"),
        };
        let producer = settings.create_with_context(Deliveries::default());
        Ok(Link { producer: producer.map_err(|error| failed("the client cannot be made", &error))? })
    }

    fn deliveries(&self) -> &Arc<Deliveries> {
        self.producer.context()
    }

    /// Sends a record, and waits while too much waits already.
    pub async fn send(
        &self,
        topic: &str,
        key: &str,
        value: Option<&str>,
        headers: &OwnedHeaders,
        deadline: Instant,
    ) -> Result<(), TargetError> {
        let mut record = BaseRecord::to(topic).key(key).headers(headers.clone());
        record.payload = value;
        loop {
            self.deliveries().sent.fetch_add(1, Ordering::AcqRel);
            let Err((error, again)) = self.producer.send(record) else { return Ok(()) };
            self.deliveries().sent.fetch_sub(1, Ordering::AcqRel);
            if client::code(&error) != Some(RDKafkaErrorCode::QueueFull) {
                return Err(failed(topic, &error));
            }
            if Instant::now() >= deadline {
                return Err(TargetError::Away("the brokers take nothing more".into()));
            }
            record = again;
            sleep(ROOM_EVERY).await;
        }
    }

    /// Waits until all that was sent is with the brokers. What is not there at the deadline is still tried: nothing
    /// else may be sent over another link before.
    pub async fn delivered(&self, deadline: Instant) -> Result<(), TargetError> {
        let deliveries = self.deliveries();
        loop {
            let mut changed = std::pin::pin!(deliveries.changed.notified());
            changed.as_mut().enable();
            if let Some((topic, error)) = deliveries.failed().as_ref() {
                return Err(failed(topic, error));
            }
            let (sent, done) = (deliveries.sent.load(Ordering::Acquire), deliveries.done.load(Ordering::Acquire));
            if done >= sent {
                return Ok(());
            }
            if timeout_at(deadline, changed).await.is_err() {
                let left = sent - done;
                return Err(TargetError::Away(format!("the brokers have not confirmed {left} records in time")));
            }
        }
    }

    /// Forgets what failed, for a new beginning.
    pub fn forgive(&self) {
        *self.deliveries().failed() = None;
    }

    /// Whether the client itself has given up.
    pub fn is_dead(&self) -> bool {
        self.producer.client().fatal_error().is_some()
    }

    /// Ends what an earlier link of the same name has begun.
    pub async fn fence(self: &Arc<Self>, within: Duration) -> Result<(), TargetError> {
        self.blocking("transactions cannot begin", move |producer| producer.init_transactions(within)).await
    }

    pub fn begin(&self) -> Result<(), TargetError> {
        self.producer.begin_transaction().map_err(|error| failed("a transaction cannot begin", &error))
    }

    pub async fn commit(self: &Arc<Self>, deadline: Instant) -> Result<(), TargetError> {
        let within = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
        self.blocking("a transaction was not committed", move |producer| producer.commit_transaction(within)).await
    }

    /// Takes a transaction back, as far as the brokers can be reached; they do so themselves when it times out.
    pub async fn abort(self: &Arc<Self>, within: Duration) -> Result<(), TargetError> {
        self.blocking("a transaction was not taken back", move |producer| producer.abort_transaction(within)).await
    }

    async fn blocking(
        self: &Arc<Self>,
        what: &'static str,
        call: impl FnOnce(&ThreadedProducer<Deliveries>) -> Result<(), KafkaError> + Send + 'static,
    ) -> Result<(), TargetError> {
        let link = self.clone();
        match tokio::task::spawn_blocking(move || call(&link.producer)).await {
            Ok(done) => done.map_err(|error| failed(what, &error)),
            Err(error) => Err(TargetError::Away(format!("{what}: {error}"))),
        }
    }
}

/// What somebody has to mend, told from what passes.
pub fn failed(what: &str, error: &KafkaError) -> TargetError {
    use RDKafkaErrorCode as Code;
    let said = client::said(error);
    let refused = |fix: &str| TargetError::Refused(format!("{what}: {said}; {fix}"));
    match client::code(error) {
        Some(
            Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::GroupAuthorizationFailed,
        ) => refused("allow Lehr to create, describe, read and write its topics, and its transactional id"),
        Some(Code::MessageSizeTooLarge) => refused("raise max.message.bytes of the topic"),
        Some(Code::InvalidReplicationFactor) => refused("replication must not be more than there are brokers"),
        Some(Code::PolicyViolation) => {
            refused("create the topic by hand, with cleanup.policy=compact, or delete for readings")
        }
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => refused("the topic was deleted; create it again"),
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            refused("another Lehr writes under this name and prefix; stop it, or choose others")
        }
        Some(Code::UnsupportedFeature | Code::UnsupportedVersion) => {
            refused("the brokers do not have it; create the topics by hand, or set transactions = false")
        }
        _ => TargetError::Away(format!("{what}: {said}")),
    }
}
