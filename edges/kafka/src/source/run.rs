//! The loop of a source.

use super::batch::{Batch, Offsets};
use super::config::{Config, ConfigError};
use super::consumer::Member;
use super::decode::{Decoder, Record};
use super::rows::Sensors;
use crate::client;
use lehr_domain::EventMs;
use lehr_tags::{Backoff, Gathered, Intake, SourceStatus, Stopped, Tags};
use rdkafka::Message;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use std::collections::HashMap;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked whether offsets have to be committed again.
const AGAIN_EVERY: Duration = Duration::from_secs(1);
/// What goes on being refused is told once in so long a time.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Runs until the intake has stopped, or the future is dropped, which leaves the group. What was read and not committed
/// then comes again.
///
/// # Errors
/// The configuration cannot be used; nothing was connected.
pub async fn run(config: Config, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> Result<Stopped, ConfigError> {
    let mut reader = Reader::new(config, intake, status)?;
    let mut backoff = Backoff::default();
    loop {
        let member = Member::join(&reader.config, reader.intake.clone(), reader.status.clone())?;
        match reader.follow(&member, &mut backoff).await {
            End::Stopped(stopped) => return Ok(stopped),
            End::Broken(why) => member.away(&why),
        }
        drop(member);
        tokio::time::sleep(backoff.failed()).await;
    }
}

/// Why a membership ended.
enum End {
    Broken(String),
    Stopped(Stopped),
}

struct Reader {
    config: Config,
    decoder: Decoder,
    tags: Tags,
    sensors: Sensors,
    intake: Arc<dyn Intake>,
    status: Arc<SourceStatus>,
    told: HashMap<&'static str, Instant>,
}

/// A batch that is being made durable.
struct UnderWay {
    done: Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send>>,
    offsets: Offsets,
}

impl UnderWay {
    fn start(batch: Batch, intake: Arc<dyn Intake>) -> UnderWay {
        let Batch { gathered, offsets, .. } = batch;
        let done = async move {
            match gathered.is_empty() {
                true => Ok(()),
                false => intake.take_durably(gathered).await,
            }
        };
        UnderWay { done: Box::pin(done), offsets }
    }
}

/// Waits for ever when nothing is under way.
async fn taken(under_way: &mut Option<UnderWay>) -> Result<(), Stopped> {
    match under_way {
        Some(under_way) => under_way.done.as_mut().await,
        None => std::future::pending().await,
    }
}

impl Reader {
    fn new(config: Config, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> Result<Reader, ConfigError> {
        let names = intake.names();
        config.check(&names)?;
        let named = |(tag, source)| ConfigError::Target { name: config.name.clone(), tag, source };
        Ok(Reader {
            decoder: Decoder::new(&config),
            tags: config.tags(&names)?,
            sensors: Sensors::new(&config.name, config.timestamps, &names).map_err(named)?,
            config,
            intake,
            status,
            told: HashMap::new(),
        })
    }

    async fn follow(&mut self, member: &Member, backoff: &mut Backoff) -> End {
        let mut batch = Batch::default();
        let mut under_way: Option<UnderWay> = None;
        let mut durable = Offsets::default();
        let mut paused = false;
        let mut again = tokio::time::interval(AGAIN_EVERY);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if under_way.is_none() && !batch.is_empty() {
                under_way = Some(UnderWay::start(mem::take(&mut batch), self.intake.clone()));
                if mem::take(&mut paused)
                    && let Err(error) = member.resume()
                {
                    return End::Broken(format!("reading cannot go on: {}", client::said(&error)));
                }
            }
            tokio::select! {
                done = taken(&mut under_way) => {
                    if let Err(stopped) = done {
                        return End::Stopped(stopped);
                    }
                    if let Some(UnderWay { offsets, .. }) = under_way.take() {
                        durable.extend(&offsets);
                        member.commit(&mut durable);
                    }
                }
                // While the partitions are paused it says nothing but what becomes of the group.
                next = member.next() => match next {
                    Ok(message) => {
                        backoff.succeeded();
                        self.hear(member, &message, &mut batch);
                        // A partition that was assigned meanwhile is not paused yet.
                        if batch.is_full() {
                            paused = true;
                            if let Err(error) = member.pause() {
                                return End::Broken(format!("reading cannot pause: {}", client::said(&error)));
                            }
                        }
                    }
                    Err(KafkaError::MessageConsumptionFatal(code)) => return End::Broken(code.to_string()),
                    Err(error) => self.complain(member, &error, &mut batch.gathered),
                },
                _ = again.tick() => {
                    if member.is_behind() {
                        member.commit(&mut durable);
                    }
                }
            }
        }
    }

    fn hear(&mut self, member: &Member, message: &BorrowedMessage<'_>, batch: &mut Batch) {
        let now = self.intake.now();
        self.status.heard(1);
        let record = Record {
            topic: message.topic(),
            key: message.key(),
            payload: message.payload(),
            at: message.timestamp().to_millis().map(EventMs),
        };
        let decoded = self.decoder.decode(&record);
        for refused in &decoded.refused {
            self.status.refused(1);
            batch.gathered.refuse(&self.config.name, now, &refused.why, &refused.input);
        }
        for sample in &decoded.samples {
            self.tags.take(sample, now, &mut batch.gathered, &self.status);
        }
        for (sensor, mut sample) in decoded.rows {
            match self.sensors.place(&sensor, || self.intake.names()) {
                Some(place) => {
                    sample.tag = place;
                    self.sensors.tags.take(&sample, now, &mut batch.gathered, &self.status);
                }
                None => {
                    self.status.refused(1);
                    let why = format!("topic {}: sensor {sensor} is not in the catalogue; add it there", record.topic);
                    batch.gathered.refuse(&self.config.name, now, &why, &sensor);
                }
            }
        }
        let bytes = message.payload_len() + message.key_len();
        batch.heard(record.topic, message.partition(), member.held(message), bytes);
    }

    /// What the brokers refuse. The client tries it again by itself.
    fn complain(&mut self, member: &Member, error: &KafkaError, into: &mut Gathered) {
        let said = client::said(error);
        match client::code(error) {
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                let topics: Vec<&str> = self.config.topics().into_iter().collect();
                self.tell("a topic is not there; create it, or correct topic", &topics.join(", "), into);
            }
            Some(RDKafkaErrorCode::NotImplemented | RDKafkaErrorCode::BadCompression) => {
                let why = "a partition stands still: its messages are compressed in a way that is not read here; let the \
                           producer use gzip, snappy or lz4";
                self.tell(why, &said, into);
            }
            Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed) => {
                member.away(&format!("{said}: allow Read and Describe of topics and group {}", self.config.group()));
            }
            Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure) => member.away(&said),
            _ => tracing::info!(target: "lehr_kafka", "{}: {said}", self.config.name),
        }
    }

    fn tell(&mut self, why: &'static str, input: &str, into: &mut Gathered) {
        let now = Instant::now();
        if self.told.get(why).is_some_and(|told| now - *told < TOLD_EVERY) {
            return;
        }
        self.told.insert(why, now);
        self.status.refused(1);
        into.refuse(&self.config.name, self.intake.now(), why, input);
    }
}
