//! The connection of a host application. It has no session, as the specification wants it: what edge nodes said while it
//! was away is not sent again, and each is asked for a new birth instead.

use super::host::{Command, Host, HostOptions, Moment, Reaction};
use super::payload::{DataType, Metric, MetricValue, Payload};
use super::state::HostState;
use super::topic::{Kind, MetricAddress, NAMESPACE, Topic};
use super::{Known, REBIRTH, wall};
use crate::config::{Config, ConfigError, SparkplugConfig};
use crate::link::{Broken, Heard, Link, Requests, Said, Wanted, Will};
use crate::pump::Pump;
use crate::source::{End, Standing};
use lehr_domain::EventMs;
use lehr_tags::{Backoff, Intake, SourceStatus, Stopped, Tags};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// How often waiting is looked after.
const TICK: Duration = Duration::from_millis(50);
/// Requests that can wait: a birth asked of each edge node, and the host's own state.
const REQUESTS: usize = 4096;

pub struct HostLoop {
    pub config: Arc<Config>,
    pub host: SparkplugConfig,
    pub tags: Tags,
    pub addresses: Vec<MetricAddress>,
    pub status: Arc<SourceStatus>,
    pub known: Arc<Known>,
}

struct Running {
    part: HostLoop,
    host: Arc<Mutex<Host>>,
    pump: Pump,
    intake: Arc<dyn Intake>,
    standing: Standing,
    began: Instant,
    /// Of the connection, in the will and in the state.
    timestamp: EventMs,
}

impl HostLoop {
    pub async fn run(self, intake: Arc<dyn Intake>, standing: Standing) -> Result<Stopped, ConfigError> {
        let endpoint = self.config.endpoint()?;
        let options = HostOptions {
            reorder_timeout: Duration::from_millis(self.host.reorder_timeout_ms),
            rebirth_every: Duration::from_secs(self.host.rebirth_every_s),
        };
        let host = Arc::new(Mutex::new(Host::new(options, self.addresses.iter().cloned())));
        self.known.add(&self.host.host_id, host.clone());
        let pump = Pump::new(intake.clone(), false);
        let began = Instant::now();
        let mut running = Running { part: self, host, pump, intake, standing, began, timestamp: EventMs(0) };
        let mut backoff = Backoff::default();
        loop {
            // Later than before, even when the clock was set back: an edge node believes the newest alone.
            running.timestamp = EventMs(wall().0.max(running.timestamp.0 + 1));
            let mut link = Link::open(&endpoint, &running.wanted());
            let end = running.listen(&mut link, &mut backoff).await;
            if let End::Stopped(_) = end {
                running.say_goodbye(&mut link).await;
            }
            drop(link);
            match end {
                End::Stopped(stopped) => return Ok(stopped),
                End::Broken(why) => running.standing.away(&format!("Sparkplug host {}: {why}", running.id())),
            }
            let reaction = running.lock().disconnected(running.now());
            running.take(&reaction, b"");
            if let Err(stopped) = running.pump.drain().await {
                return Ok(stopped);
            }
            tokio::time::sleep(backoff.failed()).await;
        }
    }
}

impl Running {
    fn id(&self) -> &str {
        &self.part.host.host_id
    }

    fn lock(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment { plant: self.intake.now(), clock: self.began.elapsed() }
    }

    fn state(&self, online: bool) -> Vec<u8> {
        HostState::at(online, self.timestamp).write()
    }

    fn wanted(&self) -> Wanted {
        let will = Will { topic: HostState::topic(self.id()), payload: self.state(false), retain: true };
        Wanted {
            client_id: self.part.config.host_client_id(&self.part.host),
            session_s: None,
            will: Some(will),
            manual_acks: false,
            receive_maximum: self.part.config.receive_maximum,
            requests: REQUESTS,
        }
    }

    async fn listen(&mut self, link: &mut Link, backoff: &mut Backoff) -> End {
        let requests = link.requests();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut next = pin!(link.next());
            let said = loop {
                self.pump.start();
                tokio::select! {
                    said = &mut next, if self.pump.has_room() => break said,
                    taken = self.pump.taken() => if let Err(stopped) = taken { return stopped.into() },
                    _ = ticks.tick() => {
                        let reaction = self.lock().tick(self.now());
                        if let Err(broken) = self.carry_out(reaction, &requests, b"") {
                            return broken.into();
                        }
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
            Said::Connected { .. } => {
                let group = self.part.host.group.as_deref().unwrap_or("+");
                let kinds = ["NBIRTH", "NDEATH", "NDATA"].map(|kind| format!("{NAMESPACE}/{group}/{kind}/+"));
                let devices = ["DBIRTH", "DDEATH", "DDATA"].map(|kind| format!("{NAMESPACE}/{group}/{kind}/+/+"));
                let own = HostState::topic(self.id());
                requests.subscribe(kinds.into_iter().chain(devices).chain([own]).map(|filter| (filter, 1)))
            }
            Said::Subscribed(granted) if granted.iter().all(|granted| *granted) => {
                backoff.succeeded();
                self.say(requests, true)?;
                self.standing.connected();
                let reaction = self.lock().connected(self.now());
                self.carry_out(reaction, requests, b"")
            }
            Said::Subscribed(_) => {
                let why = format!("the broker does not let it subscribe to {NAMESPACE}; see its access rules");
                Err(Broken(why))
            }
            Said::Message(message) => self.message(message, requests),
            _ => Ok(()),
        }
    }

    fn message(&mut self, message: Heard, requests: &Requests) -> Result<(), Broken> {
        if message.topic == HostState::topic(self.id()) {
            // A will of an earlier connection, that the broker was slow to send: the host is there all the same.
            return match HostState::read(&message.payload) {
                Some(state) if !state.online => self.say(requests, true),
                _ => Ok(()),
            };
        }
        self.part.status.heard(1);
        let largest = self.part.config.largest_message_kib << 10;
        let reaction = if message.payload.len() > largest {
            let size = message.payload.len();
            let why =
                format!("topic {}: {size} bytes are more than largest_message_kib allows; raise it", message.topic);
            Reaction { refused: vec![why], ..Reaction::default() }
        } else {
            self.lock().hear(&message.topic, &message.payload, self.now())
        };
        let done = self.carry_out(reaction, requests, &message.payload);
        self.pump.heard(message);
        done
    }

    fn say(&self, requests: &Requests, online: bool) -> Result<(), Broken> {
        requests.publish(&HostState::topic(self.id()), 1, true, &self.state(online))
    }

    fn carry_out(&mut self, reaction: Reaction, requests: &Requests, payload: &[u8]) -> Result<(), Broken> {
        self.take(&reaction, payload);
        for Command::Rebirth(node) in &reaction.commands {
            requests.publish(&Topic::of_node(Kind::NodeCommand, node).to_string(), 0, false, &rebirth())?;
        }
        Ok(())
    }

    fn take(&mut self, reaction: &Reaction, payload: &[u8]) {
        let now = self.intake.now();
        let HostLoop { config, tags, status, .. } = &mut self.part;
        let into = &mut self.pump.waiting.gathered;
        for why in &reaction.refused {
            status.refused(1);
            into.refuse(&config.name, now, why, &format!("{} bytes", payload.len()));
        }
        reaction.samples.iter().for_each(|sample| tags.take(sample, now, into, status));
    }

    /// Offline by its own word, and only then gone.
    async fn say_goodbye(&mut self, link: &mut Link) {
        if self.say(&link.requests(), false).is_ok() {
            link.leave().await;
        }
    }
}

fn rebirth() -> Vec<u8> {
    let now = u64::try_from(wall().0).unwrap_or(0);
    let metric = Metric {
        timestamp: Some(now),
        value: Some(MetricValue::Boolean(true)),
        ..Metric::named(REBIRTH, DataType::Boolean)
    };
    Payload { timestamp: Some(now), metrics: vec![metric], seq: None }.write()
}
