//! The simulated plant's side: its sensors over MQTT, and its set-points written back, as a Sparkplug edge node or as JSON.
//! Knows names, units and values, and nothing of the plant.

use crate::link::{Broken, Endpoint, Heard, Link, Requests, Said, Wanted, Will};
use crate::publisher::{Message, PublishError, Publisher};
use crate::sparkplug::{Commanded, EdgeNode, Update};
use lehr_domain::EventMs;
use lehr_tags::{Backoff, Quality};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Takes a set-point, or says why not: it is out of its limits, say.
pub type WriteBack = Arc<dyn Fn(&str, f64) -> Result<(), String> + Send + Sync>;

/// Updates that are kept while there is no connection; the oldest go.
const KEPT_MOST: usize = 10_000;
/// Updates of one message.
const MESSAGE_MOST: usize = 500;
const REQUESTS: usize = 1024;

/// A plant as an edge node.
pub struct SparkplugPlant {
    pub endpoint: Endpoint,
    /// Unique on the broker.
    pub client_id: String,
    pub node: EdgeNode,
    /// By the place of the metric, the name under which it is written back.
    pub set_points: Vec<(usize, String)>,
}

/// Serves until the feed ends; then says that it is gone, and leaves. Values go at most once (QoS 0, as Sparkplug has it);
/// those that come while there is no connection are sent after the next birth, as history. The count is of updates that
/// were too many to keep.
pub async fn serve_sparkplug(
    mut plant: SparkplugPlant,
    mut feed: mpsc::Receiver<Vec<Update>>,
    write: WriteBack,
) -> u64 {
    let mut kept = Kept::default();
    let mut backoff = Backoff::default();
    loop {
        let will = plant.node.begin();
        let wanted = Wanted {
            client_id: plant.client_id.clone(),
            session_s: None,
            will: Some(Will { topic: will.topic, payload: will.payload, retain: false }),
            manual_acks: false,
            receive_maximum: 100,
            requests: REQUESTS,
        };
        let mut link = Link::open(&plant.endpoint, &wanted);
        let mut session = Session { plant: &mut plant, write: &write, kept: &mut kept, born: false };
        match session.run(&mut link, &mut feed, &mut backoff).await {
            Ok(()) => return kept.dropped,
            Err(Broken(why)) => tracing::debug!(why, "the plant's edge node has no connection"),
        }
        drop(link);
        // What is measured meanwhile is kept.
        let wait = tokio::time::sleep(backoff.failed());
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                updates = feed.recv() => match updates {
                    Some(updates) => kept.add(updates),
                    None => return kept.dropped,
                },
            }
        }
    }
}

#[derive(Default)]
struct Kept {
    updates: VecDeque<Update>,
    dropped: u64,
}

impl Kept {
    fn add(&mut self, updates: Vec<Update>) {
        self.updates.extend(updates);
        while self.updates.len() > KEPT_MOST {
            self.updates.pop_front();
            self.dropped += 1;
        }
    }
}

struct Session<'p> {
    plant: &'p mut SparkplugPlant,
    write: &'p WriteBack,
    kept: &'p mut Kept,
    /// The births of this session are said.
    born: bool,
}

impl Session<'_> {
    async fn run(
        &mut self,
        link: &mut Link,
        feed: &mut mpsc::Receiver<Vec<Update>>,
        backoff: &mut Backoff,
    ) -> Result<(), Broken> {
        let requests = link.requests();
        // Messages that do not fit among the requests yet.
        let mut waiting: VecDeque<(String, Vec<u8>)> = VecDeque::new();
        let mut over = false;
        loop {
            let mut next = pin!(link.next());
            let said = loop {
                while let Some((topic, payload)) = waiting.front() {
                    if requests.publish(topic, 0, false, payload).is_err() {
                        break;
                    }
                    waiting.pop_front();
                }
                if over && waiting.is_empty() {
                    break None;
                }
                tokio::select! {
                    said = &mut next => break Some(said?),
                    updates = feed.recv(), if !over && waiting.len() < REQUESTS => match updates {
                        Some(updates) if self.born => waiting.extend(self.data(&updates)),
                        Some(updates) => self.kept.add(updates),
                        None => {
                            over = true;
                            let gone = self.plant.node.leave(wall());
                            waiting.push_back((gone.topic, gone.payload));
                        }
                    },
                }
            };
            let Some(said) = said else { break };
            match said {
                Said::Connected { .. } => {
                    let commands = self.plant.node.commands();
                    requests.subscribe(commands.into_iter().map(|filter| (filter, 1)))?;
                }
                Said::Subscribed(_) => {
                    backoff.succeeded();
                    self.born = true;
                    waiting.extend(self.births());
                    waiting.extend(self.remembered());
                }
                Said::Message(message) => waiting.extend(self.command(&message)),
                _ => {}
            }
        }
        link.leave().await;
        Ok(())
    }

    fn births(&mut self) -> Vec<(String, Vec<u8>)> {
        self.plant.node.births(wall()).into_iter().map(|message| (message.topic, message.payload)).collect()
    }

    fn data(&mut self, updates: &[Update]) -> Vec<(String, Vec<u8>)> {
        let messages = updates.chunks(MESSAGE_MOST).flat_map(|some| self.plant.node.data(some, wall()));
        messages.map(|message| (message.topic, message.payload)).collect()
    }

    fn remembered(&mut self) -> Vec<(String, Vec<u8>)> {
        let kept: Vec<Update> =
            self.kept.updates.drain(..).map(|update| Update { historical: true, ..update }).collect();
        self.data(&kept)
    }

    fn command(&mut self, message: &Heard) -> Vec<(String, Vec<u8>)> {
        let mut answers = Vec::new();
        for commanded in self.plant.node.command(&message.topic, &message.payload) {
            match commanded {
                Commanded::Rebirth => answers.extend(self.births()),
                Commanded::Write { metric, value } => answers.extend(self.set(metric, value)),
                Commanded::Refused(why) => tracing::info!(why, "a command to the plant's edge node is refused"),
            }
        }
        answers
    }

    /// The metric is said as it is afterwards: new, or still the old one.
    fn set(&mut self, metric: usize, value: f64) -> Vec<(String, Vec<u8>)> {
        let name = self.plant.set_points.iter().find(|(place, _)| *place == metric).map(|(_, name)| name.clone());
        let done = name.as_ref().map_or(Err("it is no set-point".to_owned()), |name| (self.write)(name, value));
        let value = match done {
            Ok(()) => value,
            Err(why) => {
                tracing::info!(why, value, set_point = name, "a set-point is refused");
                match self.plant.node.last(metric) {
                    Some(last) => last.value,
                    None => return Vec::new(),
                }
            }
        };
        let last = self.plant.node.last(metric).map_or(EventMs(0), |last| last.at);
        let at = EventMs(wall().0.max(last.0 + 1));
        self.data(&[Update { metric, value, at, quality: Quality::Good, historical: false }])
    }
}

fn wall() -> EventMs {
    crate::sparkplug::wall()
}

/// What a sensor says, by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub sensor: String,
    pub value: f64,
    pub at: EventMs,
    pub quality: Quality,
}

/// A report as JSON, and what it is of: the last level of its topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    pub of: &'static str,
    pub json: String,
}

/// What a plant says at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub measured: Vec<Measured>,
    pub reported: Vec<Reported>,
}

/// A plant as JSON topics. Reports are on `prefix/reports/of`. A sensor `Line_A.furnace_temperature` is on `prefix/Line_A/furnace_temperature`; a set-point is
/// written, as a number, on `prefix/set/name`, and answered on `prefix/set/name/done`.
pub struct JsonPlant {
    pub endpoint: Endpoint,
    /// Unique on the broker; the connection for set-points has `-set` behind it.
    pub client_id: String,
    pub prefix: String,
}

impl JsonPlant {
    pub fn topic(&self, sensor: &str) -> String {
        format!("{}/{}", self.prefix, sensor.replace('.', "/"))
    }

    pub fn report_topic(&self, of: &str) -> String {
        format!("{}/reports/{of}", self.prefix)
    }

    fn messages(&self, told: Told) -> Vec<Message> {
        let measured = told.measured.iter().map(|measured| self.message(measured));
        let reported = told.reported.into_iter().map(|Reported { of, json }| Message {
            topic: self.report_topic(of),
            payload: json.into_bytes(),
            retain: false,
        });
        measured.chain(reported).collect()
    }

    fn message(&self, measured: &Measured) -> Message {
        let Measured { sensor, value, at, quality } = measured;
        let quality = match quality {
            Quality::Good => "good",
            Quality::Uncertain => "uncertain",
            Quality::Bad => "bad",
        };
        let said = serde_json::json!({ "value": value, "time": at.0, "quality": quality });
        Message { topic: self.topic(sensor), payload: said.to_string().into_bytes(), retain: false }
    }
}

/// Serves until the feed ends and all is acknowledged (QoS 1). While the broker is away the feed waits.
///
/// # Errors
/// A sensor whose name makes no topic, or that the broker refuses.
pub async fn serve_json(
    plant: JsonPlant,
    mut feed: mpsc::Receiver<Told>,
    write: WriteBack,
) -> Result<(), PublishError> {
    let publisher = Publisher::connect(plant.endpoint.clone(), &plant.client_id, |why| {
        tracing::debug!(why, "the plant's broker");
    });
    let publish = async {
        while let Some(told) = feed.recv().await {
            publisher.publish(plant.messages(told)).await?;
        }
        Ok(())
    };
    tokio::select! {
        done = publish => done,
        () = take_set_points(&plant, &write) => Ok(()),
    }
}

/// Never ends.
async fn take_set_points(plant: &JsonPlant, write: &WriteBack) {
    let wanted = Wanted {
        client_id: format!("{}-set", plant.client_id),
        session_s: None,
        will: None,
        manual_acks: false,
        receive_maximum: 100,
        requests: REQUESTS,
    };
    let mut backoff = Backoff::default();
    loop {
        let mut link = Link::open(&plant.endpoint, &wanted);
        let requests = link.requests();
        let why = loop {
            let done = match link.next().await {
                Ok(Said::Connected { .. }) => {
                    requests.subscribe(std::iter::once((format!("{}/set/+", plant.prefix), 1)))
                }
                Ok(Said::Subscribed(_)) => {
                    backoff.succeeded();
                    Ok(())
                }
                Ok(Said::Message(message)) => answer(plant, write, &message, &requests),
                Ok(_) => Ok(()),
                Err(broken) => Err(broken),
            };
            if let Err(broken) = done {
                break broken;
            }
        };
        tracing::debug!(%why, "the plant's set-points have no connection");
        tokio::time::sleep(backoff.failed()).await;
    }
}

fn answer(plant: &JsonPlant, write: &WriteBack, message: &Heard, requests: &Requests) -> Result<(), Broken> {
    let name = message.topic.strip_prefix(&format!("{}/set/", plant.prefix)).unwrap_or_default();
    let value: Result<f64, String> =
        serde_json::from_slice(&message.payload).map_err(|_| "the payload must be a number".to_owned());
    let done = value.and_then(|value| write(name, value));
    let said = match &done {
        Ok(()) => serde_json::json!({ "ok": true }),
        Err(why) => serde_json::json!({ "ok": false, "why": why }),
    };
    requests.publish(&format!("{}/set/{name}/done", plant.prefix), 1, false, said.to_string().as_bytes())
}
