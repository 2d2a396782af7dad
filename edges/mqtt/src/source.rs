//! The loop of a broker: one connection for JSON payloads, and one for each Sparkplug host.

use crate::config::{Config, ConfigError, ReportTopic};
use crate::json::Topics;
use crate::link::{Broken, Heard, Link, Requests, Said, Wanted};
use crate::pump::{ACKNOWLEDGEMENTS_MOST, Pump};
use crate::repeats::Repeats;
use crate::sparkplug::{self, Known};
use crate::topic;
use lehr_tags::{Backoff, Intake, Quality, SourceStatus, Stopped, Tags, read_reports};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Runs until the intake has stopped, or the future is dropped, which closes the connections. What was heard and not yet
/// acknowledged is then sent again by the broker to the next run.
///
/// # Errors
/// The configuration cannot be used; nothing was connected.
pub async fn run(config: Config, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> Result<Stopped, ConfigError> {
    run_with(config, intake, status, Arc::default()).await
}

/// As [`run`]; `known` holds all metrics that Sparkplug edge nodes have said, for whoever looks.
pub async fn run_with(
    config: Config,
    intake: Arc<dyn Intake>,
    status: Arc<SourceStatus>,
    known: Arc<Known>,
) -> Result<Stopped, ConfigError> {
    let names = intake.names();
    config.check(&names)?;
    let config = Arc::new(config);
    let connections = usize::from(config.has_json()) + config.sparkplug.len();
    let links = Arc::new(Links { status: status.clone(), up: Mutex::new(vec![false; connections]) });
    type Loop = Pin<Box<dyn Future<Output = Result<Stopped, ConfigError>> + Send>>;
    let mut loops: Vec<Loop> = Vec::new();
    for (place, host) in config.sparkplug.iter().enumerate() {
        let (tags, addresses) = config.sparkplug_tags(host, &names)?;
        let standing = Standing { links: links.clone(), place, intake: intake.clone() };
        let part = sparkplug::HostLoop {
            config: config.clone(),
            host: host.clone(),
            tags,
            addresses,
            status: status.clone(),
            known: known.clone(),
        };
        loops.push(Box::pin(part.run(intake.clone(), standing)));
    }
    if config.has_json() {
        let standing = Standing { links, place: connections - 1, intake: intake.clone() };
        let tags = config.json_tags(&names)?;
        loops.push(Box::pin(run_json(config, tags, intake, status, standing)));
    }
    // All end when the intake stops; the first to notice is waited for, and the others end by the set's drop.
    let mut running = JoinSet::new();
    for part in loops {
        running.spawn(part);
    }
    match running.join_next().await {
        Some(Ok(ended)) => ended,
        Some(Err(failed)) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Ok(Stopped("the source was cancelled".into())),
        },
        None => Ok(Stopped("there was nothing to run".into())),
    }
}

/// The connections of a source: it counts as connected when all are.
struct Links {
    status: Arc<SourceStatus>,
    up: Mutex<Vec<bool>>,
}

/// One of them.
pub struct Standing {
    links: Arc<Links>,
    place: usize,
    intake: Arc<dyn Intake>,
}

impl Standing {
    pub fn connected(&self) {
        let mut up = self.links.up.lock().unwrap_or_else(PoisonError::into_inner);
        up[self.place] = true;
        if up.iter().all(|up| *up) {
            self.links.status.connected(self.intake.now());
        }
    }

    pub fn away(&self, why: &str) {
        let mut up = self.links.up.lock().unwrap_or_else(PoisonError::into_inner);
        up[self.place] = false;
        self.links.status.away(self.intake.now(), why);
    }
}

/// Why a connection ended.
pub enum End {
    Broken(Broken),
    Stopped(Stopped),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> End {
        End::Broken(broken)
    }
}

impl From<Stopped> for End {
    fn from(stopped: Stopped) -> End {
        End::Stopped(stopped)
    }
}

async fn run_json(
    config: Arc<Config>,
    tags: Tags,
    intake: Arc<dyn Intake>,
    status: Arc<SourceStatus>,
    standing: Standing,
) -> Result<Stopped, ConfigError> {
    let endpoint = config.endpoint()?;
    let wanted = Wanted {
        client_id: config.client_id(),
        session_s: Some(config.session_expiry_s),
        will: None,
        manual_acks: true,
        receive_maximum: config.receive_maximum,
        requests: ACKNOWLEDGEMENTS_MOST,
    };
    let mut listener = Listener {
        topics: Topics::new(&config.tags),
        pump: Pump::new(intake.clone(), config.qos > 0),
        taken: VecDeque::new(),
        repeats: Repeats::default(),
        tags,
        status,
        intake,
        standing,
        config,
    };
    let mut backoff = Backoff::default();
    loop {
        let mut link = Link::open(&endpoint, &wanted);
        match listener.listen(&mut link, &mut backoff).await {
            End::Stopped(stopped) => return Ok(stopped),
            End::Broken(why) => listener.standing.away(&why.0),
        }
        drop(link);
        if let Err(stopped) = listener.pump.drain().await {
            return Ok(stopped);
        }
        tokio::time::sleep(backoff.failed()).await;
    }
}

struct Listener {
    config: Arc<Config>,
    topics: Topics,
    tags: Tags,
    pump: Pump,
    /// Messages that were taken, and whose acknowledgements the connection has no room for yet.
    taken: VecDeque<Heard>,
    repeats: Repeats,
    status: Arc<SourceStatus>,
    intake: Arc<dyn Intake>,
    standing: Standing,
}

impl Listener {
    /// One connection, until it ends.
    async fn listen(&mut self, link: &mut Link, backoff: &mut Backoff) -> End {
        let requests = link.requests();
        // Of another connection: the broker sends those messages again.
        self.taken.clear();
        loop {
            let mut next = pin!(link.next());
            // The connection is listened to while there is room, and meanwhile what was heard is taken.
            let said = loop {
                while self.taken.front().is_some_and(|message| requests.acknowledge(message).is_ok()) {
                    self.taken.pop_front();
                }
                // A connection that sends slowly holds back what is taken.
                if self.taken.len() < ACKNOWLEDGEMENTS_MOST {
                    self.pump.start();
                }
                tokio::select! {
                    said = &mut next, if self.pump.has_room() || !self.taken.is_empty() => break said,
                    taken = self.pump.taken() => match taken {
                        Ok(messages) => self.taken.extend(messages),
                        Err(stopped) => return stopped.into(),
                    }
                }
            };
            if let Err(broken) = said.and_then(|said| self.heard(said, &requests, backoff)) {
                return broken.into();
            }
        }
    }

    fn heard(&mut self, said: Said, requests: &Requests, backoff: &mut Backoff) -> Result<(), Broken> {
        match said {
            Said::Connected { resumed } => {
                if !resumed {
                    self.repeats.forget();
                }
                let qos = self.config.qos;
                requests.subscribe(self.filters().into_iter().map(|filter| (filter, qos)))
            }
            Said::Subscribed(granted) => match granted.iter().position(|granted| !granted) {
                None => {
                    backoff.succeeded();
                    self.standing.connected();
                    Ok(())
                }
                Some(place) => Err(Broken(format!(
                    "the broker does not let {} subscribe to {}; see its access rules",
                    self.config.client_id(),
                    self.filters().get(place).map_or("a topic", String::as_str),
                ))),
            },
            Said::Message(message) => {
                self.message(message);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Each filter once.
    fn filters(&self) -> Vec<String> {
        let mut filters = self.topics.filters();
        for ReportTopic { topic, .. } in &self.config.reports {
            if !filters.contains(topic) {
                filters.push(topic.clone());
            }
        }
        filters
    }

    fn message(&mut self, message: Heard) {
        if self.repeats.was_taken(&message) {
            return self.pump.heard(message);
        }
        self.status.heard(1);
        self.repeats.note(&message);
        let now = self.intake.now();
        let largest = self.config.largest_message_kib << 10;
        let gathered = &mut self.pump.waiting.gathered;
        let mut refuse = |why: &str, payload: &[u8]| {
            self.status.refused(1);
            gathered.refuse(&self.config.name, now, why, &String::from_utf8_lossy(&payload[..payload.len().min(400)]));
        };
        if message.payload.len() > largest {
            let (topic, size) = (&message.topic, message.payload.len());
            let why = format!("topic {topic}: {size} bytes are more than largest_message_kib allows; raise it");
            refuse(&why, &message.payload);
        } else {
            let decoded = self.topics.decode(&message.topic, &message.payload);
            decoded.refused.iter().for_each(|why| refuse(why, &message.payload));
            let mut events = Vec::new();
            for report in self.config.reports.iter().filter(|report| topic::matches(&report.topic, &message.topic)) {
                for read in read_reports(report.kind, &message.payload, &self.intake.names(), now) {
                    match read {
                        Ok(event) => events.push(event),
                        Err(why) => refuse(&format!("topic {}: {why}", message.topic), &message.payload),
                    }
                }
            }
            gathered.events.extend(events);
            for mut sample in decoded.samples {
                if message.retained && sample.times.source.is_none() {
                    // When it was measured nobody knows.
                    sample.quality = sample.quality.max(Quality::Uncertain);
                }
                self.tags.take(&sample, now, &mut self.pump.waiting.gathered, &self.status);
            }
        }
        self.pump.heard(message);
    }
}
