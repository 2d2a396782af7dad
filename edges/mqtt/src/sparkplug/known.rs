//! The last value of every metric that an edge node has said, tagged or not: for whoever looks, and to choose tags from.

use super::host::{Counts, Host};
use super::topic::MetricAddress;
use lehr_domain::EventMs;
use lehr_tags::Quality;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Debug, PartialEq)]
pub struct KnownMetric {
    pub address: MetricAddress,
    /// In the edge node's unit; `None` for what is no number.
    pub value: Option<f64>,
    pub text: Option<String>,
    pub at: Option<EventMs>,
    pub quality: Quality,
    /// Whether its edge node or device is there.
    pub online: bool,
    /// Whether a tag reads it.
    pub tagged: bool,
}

/// Of all hosts of a source.
#[derive(Debug, Default)]
pub struct Known {
    hosts: Mutex<BTreeMap<String, Arc<Mutex<Host>>>>,
}

impl Known {
    /// As of now: host id and metrics. A copy.
    pub fn snapshot(&self) -> BTreeMap<String, Vec<KnownMetric>> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = |host: &Mutex<Host>| host.lock().unwrap_or_else(PoisonError::into_inner).known();
        hosts.iter().map(|(id, host)| (id.clone(), known(host))).collect()
    }

    /// How often what happened, by host id.
    pub fn counts(&self) -> BTreeMap<String, Counts> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counts = |host: &Mutex<Host>| host.lock().unwrap_or_else(PoisonError::into_inner).counts();
        hosts.iter().map(|(id, host)| (id.clone(), counts(host))).collect()
    }

    pub(crate) fn add(&self, host_id: &str, host: Arc<Mutex<Host>>) {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).insert(host_id.to_owned(), host);
    }
}
