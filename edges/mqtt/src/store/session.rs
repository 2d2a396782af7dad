//! One connection, over which messages go out in order, each of which the broker acknowledges.

use crate::link::{Broken, Endpoint, Heard, Link, Requests, Said, Wanted};
use crate::publisher::Message;
use crate::topic::check_topic;
use lehr_targets::TargetError;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// To be connected, and to be subscribed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// For a retained message, after the subscription: it comes at once, or there is none.
const RETAINED_WITHIN: Duration = Duration::from_secs(2);
/// Messages under way at once.
const WINDOW: usize = 100;

pub(super) struct Session {
    link: Link,
    requests: Requests,
    patience: Duration,
    /// Topics of what is under way, in order; with their packets once they are sent.
    under_way: VecDeque<(String, Option<u16>)>,
}

impl Session {
    /// Connected. Who had a connection of this name has none any more, so nothing of an earlier one comes later.
    pub async fn open(endpoint: &Endpoint, client_id: &str, patience: Duration) -> Result<Session, TargetError> {
        let mut link = Link::open(endpoint, &wanted(client_id));
        connected(&mut link).await?;
        let requests = link.requests();
        Ok(Session { link, requests, patience, under_way: VecDeque::new() })
    }

    /// Queues a message behind those before. Waits while too much is under way.
    pub async fn publish(&mut self, message: Message) -> Result<(), TargetError> {
        let Message { topic, payload, retain } = message;
        check_topic(&topic).map_err(|why| TargetError::Refused(format!("topic {}: {why}", shown(&topic))))?;
        while self.under_way.len() >= WINDOW {
            self.step().await?;
        }
        self.requests.publish(&topic, 1, retain, &payload).map_err(|broken| lost(&broken))?;
        self.under_way.push_back((topic, None));
        Ok(())
    }

    /// Returns when the broker has acknowledged all.
    pub async fn settle(&mut self) -> Result<(), TargetError> {
        while !self.under_way.is_empty() {
            self.step().await?;
        }
        Ok(())
    }

    /// Until the next acknowledgement.
    async fn step(&mut self) -> Result<(), TargetError> {
        let until = Instant::now() + self.patience;
        loop {
            let event = timeout_at(until, self.link.next())
                .await
                .map_err(|_| TargetError::Away(format!("no acknowledgement within {} s", self.patience.as_secs())))?;
            match event.map_err(|broken| lost_under_way(&broken))? {
                Said::Sent(packet) if packet != 0 => {
                    // Requests go out in their order.
                    if let Some((_, number)) = self.under_way.iter_mut().find(|(_, number)| number.is_none()) {
                        *number = Some(packet);
                    }
                }
                Said::Acknowledged(packet, taken) => {
                    let place = self.under_way.iter().position(|(_, number)| *number == Some(packet));
                    let Some((topic, _)) = place.and_then(|place| self.under_way.remove(place)) else { continue };
                    return taken.map_err(|why| {
                        let topic = shown(&topic);
                        TargetError::Refused(format!(
                            "the broker refuses to publish on {topic}: {why}; see its access rules"
                        ))
                    });
                }
                _ => {}
            }
        }
    }
}

/// The retained message of a topic, by a connection of its own.
pub(super) async fn retained(endpoint: &Endpoint, client_id: &str, topic: &str) -> Result<Option<Heard>, TargetError> {
    let mut link = Link::open(endpoint, &wanted(client_id));
    connected(&mut link).await?;
    let filter = [(topic.to_owned(), 1)];
    link.requests().subscribe(filter.into_iter()).map_err(|broken| lost(&broken))?;
    let mut until = Instant::now() + ANSWER_WITHIN;
    let mut subscribed = false;
    let found = loop {
        match timeout_at(until, link.next()).await {
            Ok(Ok(Said::Subscribed(granted))) if granted.contains(&false) => {
                let fix = "let this user read it";
                return Err(TargetError::Refused(format!("the broker does not let {client_id} read {topic}: {fix}")));
            }
            Ok(Ok(Said::Subscribed(_))) => (subscribed, until) = (true, Instant::now() + RETAINED_WITHIN),
            Ok(Ok(Said::Message(heard))) => break Some(heard),
            Ok(Ok(_)) => {}
            Ok(Err(broken)) => return Err(lost(&broken)),
            Err(_) if subscribed => break None,
            Err(_) => return Err(TargetError::Away(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
        }
    };
    link.leave().await;
    Ok(found)
}

/// Nothing is to be remembered of a connection: what it left unacknowledged comes again.
fn wanted(client_id: &str) -> Wanted {
    Wanted {
        client_id: client_id.to_owned(),
        session_s: None,
        will: None,
        manual_acks: false,
        receive_maximum: 10,
        requests: WINDOW,
    }
}

async fn connected(link: &mut Link) -> Result<(), TargetError> {
    let answered = timeout(ANSWER_WITHIN, async {
        loop {
            if let Said::Connected { .. } = link.next().await? {
                return Ok::<(), Broken>(());
            }
        }
    });
    match answered.await {
        Ok(done) => done.map_err(|broken| lost(&broken)),
        Err(_) => Err(TargetError::Away(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
    }
}

/// What brokers say when they do not let one in, in either version.
const REFUSALS: [&str; 4] = ["NotAuthorized", "BadUserNamePassword", "Banned", "ClientIdentifierNotValid"];

fn lost(broken: &Broken) -> TargetError {
    let why = &broken.0;
    match REFUSALS.iter().any(|refusal| why.contains(refusal)) {
        true => {
            TargetError::Refused(format!("the broker does not let us in: {why}; see username, password and client_id"))
        }
        false if why.contains("certificate") => TargetError::Refused(format!("no trusted connection: {why}; see ca")),
        false => TargetError::Away(why.clone()),
    }
}

/// Mosquitto may close the connection of one who may not publish, before it is heard why.
fn lost_under_way(broken: &Broken) -> TargetError {
    match lost(broken) {
        TargetError::Away(why) => TargetError::Away(format!("{why}; if this stays so, see the broker's access rules")),
        other => other,
    }
}

/// Of a topic, no more than fits into a message.
fn shown(topic: &str) -> String {
    topic.chars().take(200).collect()
}
