//! Rows out: QoS 1, in order, and acknowledged before [`Publisher::publish`] returns.
//!
//! What a broken connection leaves unacknowledged is published anew, from the first such message on, so that a subscriber
//! sees each message at least once, and after a repeat all that followed it. By the key in the topic, and by what the row
//! says, it can tell.

use crate::link::{Broken, Endpoint, Link, Requests, Said, Wanted};
use crate::topic::check_topic;
use lehr_tags::Backoff;
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Messages under way at once.
const WINDOW: usize = 100;
/// Messages that are accepted and not acknowledged; a caller beyond it waits.
const QUEUE_MOST: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    /// The broker keeps it, for those who come later.
    pub retain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("topic {topic}: {why}")]
    Topic { topic: String, why: &'static str },
    #[error("the broker refuses to publish on {topic}: {why}; see its access rules")]
    Refused { topic: String, why: String },
    #[error("the publisher has ended")]
    Ended,
}

/// The topic of a row: what would part or mask a level is written as a percent sign and its code.
pub fn row_topic(prefix: &str, table: &str, key: &str) -> String {
    let mut topic = format!("{prefix}/{table}/");
    for character in key.chars() {
        match character {
            '/' | '+' | '#' | '%' | '\0' => topic.push_str(&format!("%{:02X}", u32::from(character))),
            _ => topic.push(character),
        }
    }
    topic
}

struct Job {
    messages: Vec<Message>,
    done: oneshot::Sender<Result<(), PublishError>>,
}

/// A connection for publishing, which is made anew whenever it breaks. Ends when it is dropped.
pub struct Publisher {
    jobs: mpsc::Sender<Job>,
    task: JoinHandle<()>,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Publisher {
    /// Connects in the background; in a runtime of tokio. `client_id` must be unique on the broker. `said` is told why the
    /// broker is away, and `None` when it is there.
    pub fn connect(
        endpoint: Endpoint,
        client_id: &str,
        said: impl Fn(Option<&str>) + Send + Sync + 'static,
    ) -> Publisher {
        let (jobs, waiting) = mpsc::channel(1);
        let wanted = Wanted {
            client_id: client_id.to_owned(),
            session_s: None,
            will: None,
            manual_acks: false,
            receive_maximum: 10,
            requests: WINDOW,
        };
        Publisher { jobs, task: tokio::spawn(drive(endpoint, wanted, waiting, said)) }
    }

    /// Publishes in this order, after all that was published before, and returns when the broker has acknowledged all.
    /// While the broker is away it waits; who does not want to wait drops the future, and the messages go out all the same.
    ///
    /// # Errors
    /// A topic that cannot be published to, before anything is sent; or the first message that the broker refused, and the
    /// others were published.
    pub async fn publish(&self, messages: Vec<Message>) -> Result<(), PublishError> {
        for Message { topic, .. } in &messages {
            check_topic(topic).map_err(|why| PublishError::Topic { topic: topic.clone(), why })?;
        }
        if messages.is_empty() {
            return Ok(());
        }
        let (done, ended) = oneshot::channel();
        self.jobs.send(Job { messages, done }).await.map_err(|_| PublishError::Ended)?;
        ended.await.unwrap_or(Err(PublishError::Ended))
    }
}

async fn drive(endpoint: Endpoint, wanted: Wanted, mut jobs: mpsc::Receiver<Job>, said: impl Fn(Option<&str>)) {
    let mut unsent = Unacknowledged::default();
    let mut backoff = Backoff::default();
    loop {
        let mut link = Link::open(&endpoint, &wanted);
        match connection(&mut link, &mut jobs, &mut unsent, &mut backoff, &said).await {
            Ok(()) => return,
            Err(broken) => said(Some(&broken.0)),
        }
        drop(link);
        tokio::time::sleep(backoff.failed()).await;
    }
}

/// One connection. Returns when nobody publishes any more and all is acknowledged.
async fn connection(
    link: &mut Link,
    jobs: &mut mpsc::Receiver<Job>,
    queue: &mut Unacknowledged,
    backoff: &mut Backoff,
    said: &impl Fn(Option<&str>),
) -> Result<(), Broken> {
    let requests = link.requests();
    let mut connected = false;
    let mut open = true;
    queue.anew();
    loop {
        let mut next = pin!(link.next());
        let event = loop {
            if connected {
                queue.submit(&requests)?;
            }
            if !open && queue.items.is_empty() {
                break None;
            }
            tokio::select! {
                event = &mut next => break Some(event?),
                job = jobs.recv(), if open && queue.items.len() < QUEUE_MOST => match job {
                    Some(job) => queue.add(job),
                    None => open = false,
                },
            }
        };
        let Some(event) = event else { break };
        match event {
            Said::Connected { .. } => {
                connected = true;
                backoff.succeeded();
                said(None);
            }
            Said::Sent(packet) if packet != 0 => queue.sent(packet),
            Said::Acknowledged(packet, taken) => queue.acknowledged(packet, taken),
            _ => {}
        }
    }
    link.leave().await;
    Ok(())
}

struct Item {
    message: Message,
    job: u64,
    packet: Option<u16>,
}

struct Waiting {
    left: usize,
    failed: Option<PublishError>,
    done: oneshot::Sender<Result<(), PublishError>>,
}

/// In the order of publication.
#[derive(Default)]
struct Unacknowledged {
    items: VecDeque<Item>,
    /// Of the items, those that this connection was given.
    submitted: usize,
    jobs: BTreeMap<u64, Waiting>,
    next_job: u64,
}

impl Unacknowledged {
    fn add(&mut self, Job { messages, done }: Job) {
        let job = self.next_job;
        self.next_job += 1;
        self.jobs.insert(job, Waiting { left: messages.len(), failed: None, done });
        self.items.extend(messages.into_iter().map(|message| Item { message, job, packet: None }));
    }

    /// For a new connection.
    fn anew(&mut self) {
        self.submitted = 0;
        self.items.iter_mut().for_each(|item| item.packet = None);
    }

    fn submit(&mut self, requests: &Requests) -> Result<(), Broken> {
        while self.submitted < WINDOW.min(self.items.len()) {
            let Message { topic, payload, retain } = &self.items[self.submitted].message;
            requests.publish(topic, 1, *retain, payload)?;
            self.submitted += 1;
        }
        Ok(())
    }

    /// Requests go out in their order.
    fn sent(&mut self, packet: u16) {
        if let Some(item) = self.items.iter_mut().take(self.submitted).find(|item| item.packet.is_none()) {
            item.packet = Some(packet);
        }
    }

    fn acknowledged(&mut self, packet: u16, taken: Result<(), String>) {
        let place = self.items.iter().take(self.submitted).position(|item| item.packet == Some(packet));
        let Some(Item { message, job, .. }) = place.and_then(|place| self.items.remove(place)) else { return };
        self.submitted -= 1;
        let Some(waiting) = self.jobs.get_mut(&job) else { return };
        waiting.left -= 1;
        if let Err(why) = taken {
            waiting.failed.get_or_insert(PublishError::Refused { topic: message.topic, why });
        }
        if waiting.left == 0
            && let Some(Waiting { failed, done, .. }) = self.jobs.remove(&job)
        {
            // Whoever no longer waits need not know.
            let _ = done.send(failed.map_or(Ok(()), Err));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_one_level_each() {
        assert_eq!(row_topic("lehr", "alerts", "Line_A/furnace #1+50%"), "lehr/alerts/Line_A%2Ffurnace %231%2B50%25");
        assert_eq!(check_topic(&row_topic("lehr", "alerts", "#/+")), Ok(()));
    }
}
