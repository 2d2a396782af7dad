//! Subscriptions and their monitored items.

use crate::config::Report;
use crate::node::NodeName;
use crate::plan::{ITEMS_A_CALL, ITEMS_A_SUBSCRIPTION, Item, handle};
use crate::sequence::Sequence;
use opcua::client::services::{CreateMonitoredItems, CreateSubscription, DeleteSubscriptions, TransferSubscriptions};
use opcua::client::{Session, UARequest};
use opcua::types::{
    AttributeId, DataChangeFilter, DataChangeTrigger, Error, ExtensionObject, MonitoredItemCreateRequest,
    MonitoringMode, MonitoringParameters, NamespaceMap, NodeId, ReadValueId, StatusCode, TimestampsToReturn,
    VariableId, Variant,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Without anything new, a server says so this often.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long a server keeps a subscription that is not asked: a cut, or Lehr behind, may last so long.
const LIFETIME: Duration = Duration::from_secs(600);
/// Values of one notification. More come in several.
const VALUES_MOST: u32 = 10_000;
/// Beyond two keep-alives, for whatever delays them.
const SILENCE_MARGIN: Duration = Duration::from_secs(5);

pub(crate) struct Subscription {
    pub sequence: Sequence,
    /// When it was last told of.
    pub heard: Instant,
    /// Longer than this it is not silent while it lives.
    pub silence: Duration,
}

/// All of a source, by the server's numbers.
#[derive(Default)]
pub(crate) struct Subscriptions {
    pub all: BTreeMap<u32, Subscription>,
    /// The session that owns them.
    owner: NodeId,
    /// Items that could not be monitored: position and why. Tried again later.
    pub missing: Vec<(usize, String)>,
    /// To which items are added.
    last: Option<u32>,
    report: Report,
}

impl Subscriptions {
    /// Makes them, or takes them over from the session before. Says whether they are new.
    pub(crate) async fn establish(
        &mut self,
        session: &Session,
        publishing: Duration,
        report: Report,
        items: &[Item],
        namespaces: &NamespaceMap,
    ) -> Result<bool, Error> {
        if !self.all.is_empty() && (self.owner == session.server_session_id() || self.transfer(session).await) {
            self.owner = session.server_session_id();
            let now = Instant::now();
            self.all.values_mut().for_each(|subscription| subscription.heard = now);
            return Ok(false);
        }
        self.forget(session).await;
        self.report = report;
        self.owner = session.server_session_id();
        let at_once = items_a_call(session).await;
        for (position, chunk) in items.chunks(ITEMS_A_SUBSCRIPTION).enumerate() {
            let first = position * ITEMS_A_SUBSCRIPTION;
            let id = self.create(session, publishing).await?;
            let wanted: Vec<usize> = (first..first + chunk.len()).collect();
            self.monitor(session, id, items, &wanted, namespaces, at_once).await?;
        }
        Ok(true)
    }

    /// Those that were missing once more. Says how many are there now.
    pub(crate) async fn again(
        &mut self,
        session: &Session,
        items: &[Item],
        namespaces: &NamespaceMap,
    ) -> Result<usize, Error> {
        let wanted: Vec<usize> = std::mem::take(&mut self.missing).into_iter().map(|(item, _)| item).collect();
        let Some(id) = self.last else { return Ok(0) };
        let at_once = items_a_call(session).await;
        self.monitor(session, id, items, &wanted, namespaces, at_once).await?;
        Ok(wanted.len() - self.missing.len())
    }

    /// Deletes them; the server would by itself, later.
    pub(crate) async fn forget(&mut self, session: &Session) {
        let ids: Vec<u32> = std::mem::take(&mut self.all).into_keys().collect();
        self.missing.clear();
        self.last = None;
        if !ids.is_empty() {
            let _ = DeleteSubscriptions::new(session).subscription_ids(ids).send(session.channel()).await;
        }
    }

    async fn transfer(&self, session: &Session) -> bool {
        let ids: Vec<u32> = self.all.keys().copied().collect();
        let request = TransferSubscriptions::new(session).subscription_ids(ids).send_initial_values(false);
        let results = request.send(session.channel()).await.ok().and_then(|response| response.results);
        results.is_some_and(|results| {
            results.len() == self.all.len() && results.iter().all(|result| result.status_code.is_good())
        })
    }

    async fn create(&mut self, session: &Session, publishing: Duration) -> Result<u32, Error> {
        let count =
            |span: Duration| u32::try_from(span.as_millis() / publishing.as_millis().max(1)).unwrap_or(u32::MAX).max(1);
        let made = CreateSubscription::new(session)
            .publishing_interval(publishing)
            .max_keep_alive_count(count(KEEP_ALIVE))
            .max_lifetime_count(count(LIFETIME))
            .max_notifications_per_publish(VALUES_MOST)
            .send(session.channel())
            .await?;
        // A server may say anything; what is beyond an hour is not waited for.
        let interval = Duration::try_from_secs_f64(made.revised_publishing_interval / 1000.0).unwrap_or(publishing);
        let keep_alive = interval.saturating_mul(made.revised_max_keep_alive_count).min(Duration::from_secs(3600));
        let subscription = Subscription {
            sequence: Sequence::default(),
            heard: Instant::now(),
            silence: keep_alive * 2 + SILENCE_MARGIN,
        };
        self.all.insert(made.subscription_id, subscription);
        self.last = Some(made.subscription_id);
        Ok(made.subscription_id)
    }

    async fn monitor(
        &mut self,
        session: &Session,
        id: u32,
        items: &[Item],
        wanted: &[usize],
        namespaces: &NamespaceMap,
        at_once: usize,
    ) -> Result<(), Error> {
        let mut requests = Vec::new();
        for item in wanted.iter().copied() {
            match node(&items[item], namespaces) {
                Ok(node) => requests.push((item, request(item, &items[item], node, self.report))),
                Err(why) => self.missing.push((item, why)),
            }
        }
        let mut plain = Vec::new();
        for (item, code) in self.request(session, id, requests, at_once).await? {
            match code {
                code if code.is_good() => {}
                // A server that cannot tell of times is asked for changes alone.
                StatusCode::BadMonitoredItemFilterUnsupported | StatusCode::BadFilterNotAllowed => plain.push(item),
                code => self.missing.push((item.0, code.to_string())),
            }
        }
        plain.iter_mut().for_each(|(_, request)| request.requested_parameters.filter = ExtensionObject::null());
        for ((item, _), code) in self.request(session, id, plain, at_once).await? {
            if !code.is_good() {
                self.missing.push((item, code.to_string()));
            }
        }
        Ok(())
    }

    /// What became of each.
    async fn request(
        &self,
        session: &Session,
        id: u32,
        requests: Vec<(usize, MonitoredItemCreateRequest)>,
        at_once: usize,
    ) -> Result<Vec<((usize, MonitoredItemCreateRequest), StatusCode)>, Error> {
        let mut codes = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(at_once) {
            let created = CreateMonitoredItems::new(id, session)
                .timestamps_to_return(TimestampsToReturn::Both)
                .items_to_create(chunk.iter().map(|(_, request)| request.clone()).collect())
                .send(session.channel())
                .await?;
            codes.extend(created.results.into_iter().map(|created| created.result.status_code));
        }
        Ok(requests.into_iter().zip(codes).collect())
    }
}

fn node(item: &Item, namespaces: &NamespaceMap) -> Result<NodeId, String> {
    let name: NodeName = item.node.parse().map_err(|error: crate::node::NodeError| error.to_string())?;
    name.resolve(namespaces).map_err(|error| error.to_string())
}

fn request(position: usize, item: &Item, node_id: NodeId, report: Report) -> MonitoredItemCreateRequest {
    let filter = match report {
        Report::Changes => ExtensionObject::null(),
        Report::Measurements => ExtensionObject::from_message(DataChangeFilter {
            trigger: DataChangeTrigger::StatusValueTimestamp,
            ..DataChangeFilter::default()
        }),
    };
    MonitoredItemCreateRequest {
        item_to_monitor: ReadValueId { node_id, attribute_id: AttributeId::Value as u32, ..ReadValueId::default() },
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            client_handle: handle(position),
            sampling_interval: f64::from(item.sampling_ms),
            queue_size: item.queue,
            // What is held up is told in order; of what is then lost, the server tells by the overflow bit.
            discard_oldest: false,
            filter,
        },
    }
}

/// How many items the server takes in one call.
async fn items_a_call(session: &Session) -> usize {
    let limit: NodeId = VariableId::Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall.into();
    let read = session.read(&[ReadValueId::from(limit)], TimestampsToReturn::Neither, 0.0).await;
    let said = read.ok().and_then(|values| values.into_iter().next()).and_then(|value| value.value);
    match said {
        Some(Variant::UInt32(most)) if most > 0 => ITEMS_A_CALL.min(most as usize),
        _ => ITEMS_A_CALL,
    }
}
