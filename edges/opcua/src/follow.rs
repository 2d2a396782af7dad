//! What subscriptions tell, taken in order and acknowledged once durable.

use crate::config::{Config, ConfigError, Report};
use crate::plan::{Item, item_of, items};
use crate::sequence::{AGAIN_MOST, Arrival, successor};
use crate::subscribe::Subscriptions;
use crate::value::{told, waits};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lehr_tags::{Gathered, Intake, Sample, SourceStatus, Stopped, Tags};
use opcua::client::services::{Publish, Republish};
use opcua::client::{Session, UARequest};
use opcua::types::{
    DataChangeNotification, Error, ExtensionObject, NamespaceMap, PublishResponse, StatusChangeNotification,
    StatusCode, SubscriptionAcknowledgement,
};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Publish requests that wait at the server, for each subscription and beyond: while one answer is made durable, others
/// come. Answers that are held are at most as many.
const REQUESTS_A_SUBSCRIPTION: usize = 2;
const REQUESTS_MOST: usize = 20;
/// A request may wait long at a server that has little to say. Whether the server lives is seen by its silence.
const REQUEST_LASTS: Duration = Duration::from_secs(3600);
/// How often what could not be monitored is tried again.
const MISSING_AGAIN: Duration = Duration::from_secs(60);

/// Why following ended.
#[derive(Debug)]
pub(crate) enum End {
    Stopped(Stopped),
    /// The connection or the session is gone.
    Lost(String),
    /// The subscriptions are to be made anew.
    Anew(String),
}

/// A source's tags and what is taken of them.
pub(crate) struct Follow {
    name: String,
    publishing: Duration,
    report: Report,
    intake: Arc<dyn Intake>,
    status: Arc<SourceStatus>,
    items: Vec<Item>,
    tags: Tags,
    pub subscriptions: Subscriptions,
    gathered: Gathered,
    acknowledged: Vec<SubscriptionAcknowledgement>,
    /// Whether values came since this was last set to false.
    pub fruitful: bool,
}

impl Follow {
    pub(crate) fn new(
        config: &Config,
        intake: Arc<dyn Intake>,
        status: Arc<SourceStatus>,
    ) -> Result<Follow, ConfigError> {
        Ok(Follow {
            name: config.name.clone(),
            publishing: config.publishing(),
            report: config.report,
            items: items(&config.tags),
            tags: config.tags(&intake.names())?,
            intake,
            status,
            subscriptions: Subscriptions::default(),
            gathered: Gathered::default(),
            acknowledged: Vec::new(),
            fruitful: false,
        })
    }

    /// Follows the subscriptions of a session that is connected, and makes them where they are not there.
    pub(crate) async fn attend(&mut self, session: &Arc<Session>) -> End {
        let namespaces = match self.begin(session).await {
            Ok(namespaces) => namespaces,
            Err(error) => return End::Lost(format!("subscribing failed: {error}")),
        };
        self.status.connected(self.intake.now());
        if let Err(end) = self.hand_over().await {
            return end;
        }
        let mut wanted = (self.subscriptions.all.len() * REQUESTS_A_SUBSCRIPTION + 1).min(REQUESTS_MOST);
        let mut asked = FuturesUnordered::new();
        let mut again_at = Instant::now() + MISSING_AGAIN;
        loop {
            while asked.len() < wanted {
                asked.push(publish(session.clone(), mem::take(&mut self.acknowledged)));
            }
            let (silent_at, silent) = self.silent_at();
            let first = tokio::select! {
                answer = asked.next() => answer,
                // A connection may be dead without a word: then the next session takes over what waits at the server.
                // Where this one never brought anything, it is the subscriptions that are.
                () = tokio::time::sleep_until(silent_at.into()) => {
                    return if self.fruitful { End::Lost(silent) } else { End::Anew(silent) };
                }
                () = tokio::time::sleep_until(again_at.into()), if !self.subscriptions.missing.is_empty() => {
                    again_at = Instant::now() + MISSING_AGAIN;
                    if let Err(error) = self.subscriptions.again(session, &self.items, &namespaces).await {
                        return End::Lost(format!("subscribing failed: {error}"));
                    }
                    continue;
                }
            };
            // All that have come: what is made durable together costs as much as one.
            let mut answers: Vec<Answer> = first.into_iter().collect();
            while let Some(Some(answer)) = asked.next().now_or_never() {
                answers.push(answer);
            }
            let ended = self.take_all(session, answers, &mut wanted, asked.len()).await;
            if let Err(end) = self.hand_over().await.and(ended) {
                return end;
            }
        }
    }

    async fn begin(&mut self, session: &Session) -> Result<NamespaceMap, Error> {
        let namespaces = session.read_namespace_array().await?;
        let new = self.subscriptions.establish(session, self.publishing, self.report, &self.items, &namespaces).await?;
        if new {
            let now = self.intake.now();
            for (item, why) in &self.subscriptions.missing {
                let node = &self.items[*item].node;
                self.status.refused(1);
                self.gathered.refuse(&self.name, now, &format!("tag {node}: cannot be monitored: {why}"), node);
            }
        }
        Ok(namespaces)
    }

    async fn take_all(
        &mut self,
        session: &Session,
        answers: Vec<Answer>,
        wanted: &mut usize,
        waiting: usize,
    ) -> Result<(), End> {
        for answer in answers {
            match answer {
                Ok(response) => self.hear(session, response).await?,
                Err(error) => match error.status() {
                    StatusCode::BadTooManyPublishRequests => *wanted = waiting.clamp(1, *wanted),
                    StatusCode::BadTimeout | StatusCode::BadRequestTimeout => {}
                    StatusCode::BadNoSubscription => {
                        return Err(End::Anew("the server has no subscription of ours any more".into()));
                    }
                    _ => return Err(End::Lost(format!("no more notifications: {error}"))),
                },
            }
        }
        Ok(())
    }

    /// Waits until what was taken is durable. Only then are the acknowledgements sent that have gathered.
    async fn hand_over(&mut self) -> Result<(), End> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.intake.take_durably(mem::take(&mut self.gathered)).await.map_err(End::Stopped)?;
        // Meanwhile nothing was asked, so nothing could be told.
        let now = Instant::now();
        self.subscriptions.all.values_mut().for_each(|subscription| subscription.heard = now);
        Ok(())
    }

    /// When the subscription that has been silent longest counts as dead, and what is said then.
    fn silent_at(&self) -> (Instant, String) {
        let all = self.subscriptions.all.values();
        match all.min_by_key(|subscription| subscription.heard + subscription.silence) {
            Some(subscription) => (
                subscription.heard + subscription.silence,
                format!("neither a notification nor a keep-alive for {} s", subscription.silence.as_secs()),
            ),
            None => (Instant::now(), "there is no subscription".into()),
        }
    }

    async fn hear(&mut self, session: &Session, response: PublishResponse) -> Result<(), End> {
        self.status.heard(1);
        let id = response.subscription_id;
        // One of a session before, which nobody follows: it ends by itself.
        let Some(subscription) = self.subscriptions.all.get_mut(&id) else { return Ok(()) };
        subscription.heard = Instant::now();
        let message = response.notification_message;
        let (number, data) = (message.sequence_number, message.notification_data.unwrap_or_default());
        let arrival = subscription.sequence.arrival(number);
        if let Arrival::After { from, missing } = arrival {
            self.ask_again(session, id, from, missing).await?;
        }
        // A keep-alive has the number of what comes next.
        if data.is_empty() {
            return Ok(());
        }
        self.acknowledge(id, number);
        match arrival {
            Arrival::Before => Ok(()),
            _ => self.take(id, number, data),
        }
    }

    /// Notifications that were sent and did not come, as after a cut.
    async fn ask_again(&mut self, session: &Session, id: u32, from: u32, missing: u32) -> Result<(), End> {
        let (mut number, mut lost) = (from, 0);
        for _ in 0..missing {
            if missing > AGAIN_MOST {
                lost = missing;
                break;
            }
            match Republish::new(id, number, session).send(session.channel()).await {
                Ok(response) => {
                    let message = response.notification_message;
                    let data = message.notification_data.unwrap_or_default();
                    if message.sequence_number == number && !data.is_empty() {
                        self.acknowledge(id, number);
                        self.take(id, number, data)?;
                    } else {
                        lost += 1;
                    }
                }
                Err(error) => match error.status() {
                    StatusCode::BadMessageNotAvailable
                    | StatusCode::BadServiceUnsupported
                    | StatusCode::BadNotImplemented => lost += 1,
                    StatusCode::BadSubscriptionIdInvalid => return Err(End::Anew(error.to_string())),
                    _ => return Err(End::Lost(format!("asking again failed: {error}"))),
                },
            }
            number = successor(number);
        }
        if lost > 0 {
            self.status.refused(u64::from(lost));
            let reason = format!("{lost} notifications are lost: the server no longer has them");
            self.gathered.refuse(&self.name, self.intake.now(), &reason, &format!("{from} + {missing}"));
        }
        Ok(())
    }

    fn acknowledge(&mut self, subscription_id: u32, sequence_number: u32) {
        self.acknowledged.push(SubscriptionAcknowledgement { subscription_id, sequence_number });
    }

    fn take(&mut self, id: u32, number: u32, data: Vec<ExtensionObject>) -> Result<(), End> {
        if let Some(subscription) = self.subscriptions.all.get_mut(&id) {
            subscription.sequence.took(number);
        }
        for part in data {
            if let Some(changes) = part.inner_as::<DataChangeNotification>() {
                self.take_changes(changes);
            } else if let Some(change) = part.inner_as::<StatusChangeNotification>()
                && change.status.is_bad()
            {
                return Err(End::Anew(format!("the server ended a subscription: {}", change.status)));
            }
        }
        Ok(())
    }

    fn take_changes(&mut self, changes: &DataChangeNotification) {
        self.fruitful = true;
        let now = self.intake.now();
        for change in changes.monitored_items.iter().flatten() {
            let Some(item) = item_of(change.client_handle).and_then(|item| self.items.get(item)) else { continue };
            if waits(&change.value) {
                continue;
            }
            for (tag, element) in &item.tags {
                let reason = match told(&change.value, *element) {
                    Ok(told) => {
                        let (value, times, quality) = (told.value, told.times, told.quality);
                        let sample = Sample { tag: *tag, value, times, quality, historical: false };
                        self.tags.take(&sample, now, &mut self.gathered, &self.status);
                        if !told.overflow {
                            continue;
                        }
                        "values are lost: the server's queue was full; make queue longer".to_owned()
                    }
                    Err(why) => why,
                };
                self.status.refused(1);
                let input = format!("{:?}", change.value.value);
                self.gathered.refuse(&self.name, now, &format!("tag {}: {reason}", item.node), &input);
            }
        }
    }
}

type Answer = Result<PublishResponse, Error>;

async fn publish(session: Arc<Session>, acknowledged: Vec<SubscriptionAcknowledgement>) -> Answer {
    Publish::new(&session).acks(acknowledged).timeout(REQUEST_LASTS).send(session.channel()).await
}
