//! Brokers as a store of Lehr's tables.

use super::config::Config;
use super::link::{Link, failed};
use super::position::{self, Position};
use super::records::records;
use crate::client;
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_targets::{Delta, Table, Target, TargetError};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// For each step of connecting.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

pub struct KafkaTarget {
    config: Config,
    link: Option<Arc<Link>>,
    holds: Tick,
}

impl KafkaTarget {
    pub fn new(config: Config) -> KafkaTarget {
        KafkaTarget { config, link: None, holds: Tick(0) }
    }

    fn settings(&self) -> ClientConfig {
        client::settings(&self.config.bootstrap, &format!("lehr-{}", self.config.name))
    }

    /// By which the brokers know who writes these topics.
    fn transactional(&self) -> Option<String> {
        self.config.transactions.then(|| format!("{}{}", self.config.prefix, self.config.name))
    }

    /// Makes the topics that are missing.
    async fn create(&self, tables: &[Arc<Table>]) -> Result<(), TargetError> {
        let position = self.config.position();
        let chosen = self.config.chosen(tables);
        let wanted = chosen.iter().map(|table| self.config.topic(table.name)).chain([position.clone()]).collect();
        let logs: BTreeSet<String> =
            chosen.iter().filter(|table| table.log).map(|table| self.config.topic(table.name)).collect();
        let missing = self.missing(wanted).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let admin: AdminClient<DefaultClientContext> =
            self.settings().create().map_err(|error| failed("the client cannot be made", &error))?;
        let copies = self.config.replication.unwrap_or(-1);
        let topics: Vec<NewTopic<'_>> = missing
            .iter()
            .map(|name| {
                let partitions = if *name == position { 1 } else { self.config.partitions };
                let cleanup = if logs.contains(name) { "delete" } else { "compact" };
                NewTopic::new(name, partitions, TopicReplication::Fixed(copies)).set("cleanup.policy", cleanup)
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(CONNECT_WITHIN)).operation_timeout(Some(CONNECT_WITHIN));
        let what = format!("topics {} cannot be created", missing.join(", "));
        let made = admin.create_topics(&topics, &options).await.map_err(|error| failed(&what, &error))?;
        for topic in made {
            match topic {
                // Whoever made it meanwhile has made it.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    let error = rdkafka::error::KafkaError::AdminOp(code);
                    return Err(failed(&format!("topic {name} cannot be created"), &error));
                }
            }
        }
        Ok(())
    }

    /// Those of the topics that are not there. Asks for all, as asking for one may make it, and not as it should be.
    async fn missing(&self, wanted: Vec<String>) -> Result<Vec<String>, TargetError> {
        let mut settings = self.settings();
        settings.set("allow.auto.create.topics", "false");
        let position = self.config.position();
        blocking(move || {
            let what = "the topics cannot be listed";
            let asking: BaseConsumer = settings.create().map_err(|error| failed(what, &error))?;
            let metadata = asking.fetch_metadata(None, CONNECT_WITHIN).map_err(|error| failed(what, &error))?;
            let found = client::topics(&metadata, wanted.iter().map(String::as_str));
            if found.iter().any(|(name, partitions)| *name == position && partitions.is_some_and(|count| count != 1)) {
                return Err(TargetError::Refused(format!(
                    "{position} has more than one partition; delete it, and Lehr makes it as it must be"
                )));
            }
            Ok(found.into_iter().filter(|(_, there)| there.is_none()).map(|(name, _)| name.to_owned()).collect())
        })
        .await
    }

    /// A link over which nothing is left from before.
    async fn open(&mut self) -> Result<(), TargetError> {
        let transactional = self.transactional();
        if let (Some(link), None) = (&self.link, &transactional)
            && !link.is_dead()
        {
            // What was sent comes before what will be sent. Over another link it could come after.
            link.forgive();
            return link.delivered(Instant::now() + CONNECT_WITHIN).await;
        }
        if let Some(link) = self.link.take() {
            // It may take a moment to end.
            blocking(move || {
                drop(link);
                Ok(())
            })
            .await?;
        }
        let patience = Duration::from_secs(self.config.timeout_s);
        let link = Arc::new(Link::open(self.settings(), transactional.as_deref(), patience)?);
        if transactional.is_some() {
            link.fence(CONNECT_WITHIN).await?;
        }
        self.link = Some(link);
        Ok(())
    }

    async fn write(&self, link: &Arc<Link>, delta: &Delta, deadline: Instant) -> Result<(), TargetError> {
        let (after, tick, now) = (delta.after.0.to_string(), delta.tick.0.to_string(), delta.now.to_string());
        let headers = [("lehr-after", &after), ("lehr-tick", &tick), ("lehr-now", &now)]
            .into_iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        if self.config.transactions {
            link.begin()?;
        }
        for table in delta.tables.iter().filter(|delta| self.config.keeps(&delta.table)) {
            let topic = self.config.topic(table.table.name);
            for record in records(table) {
                link.send(&topic, &record.key, record.value.as_deref(), &headers, deadline).await?;
            }
        }
        // The position says what is there, even to readers who look at what is not committed.
        link.delivered(deadline).await?;
        let position = Position { tick: delta.tick.0 }.text();
        link.send(&self.config.position(), position::KEY, Some(&position), &headers, deadline).await?;
        link.delivered(deadline).await?;
        if self.config.transactions {
            link.commit(deadline).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Target for KafkaTarget {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.create(tables).await?;
        self.open().await?;
        let (settings, topic) = (self.settings(), self.config.position());
        self.holds = blocking(move || position::read(settings, &topic, CONNECT_WITHIN)).await?;
        Ok(Some(self.holds))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        if delta.tick <= self.holds {
            return Ok(());
        }
        let link = self.link.clone().ok_or_else(|| TargetError::Away("it was not connected".into()))?;
        let deadline = Instant::now() + Duration::from_secs(self.config.timeout_s);
        if let Err(error) = self.write(&link, delta, deadline).await {
            if self.config.transactions
                && let Err(left) = link.abort(CONNECT_WITHIN).await
            {
                // The next link of this name ends it.
                tracing::debug!(target: "lehr_kafka", "{}: {left}", self.config.name);
            }
            return Err(error);
        }
        self.holds = delta.tick;
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, TargetError> + Send + 'static,
) -> Result<T, TargetError> {
    let ended = tokio::task::spawn_blocking(call).await;
    ended.unwrap_or_else(|error| Err(TargetError::Away(format!("the client ended: {error}"))))
}
