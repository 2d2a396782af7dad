//! The metrics of an edge node or of one of its devices, and what a message makes of them.

use super::host::{Counts, HostOptions, Moment, Reaction};
use super::payload::{Metric, MetricValue};
use super::topic::{MetricAddress, NodeId};
use lehr_domain::EventMs;
use lehr_tags::{Quality, Sample, Times};
use std::collections::{BTreeMap, HashMap};

/// Characters of a text that are remembered.
const TEXT_MOST: usize = 200;

#[derive(Debug, Default)]
pub struct Device {
    pub online: bool,
    pub metrics: BTreeMap<String, Stored>,
}

#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub datatype: Option<u32>,
    pub tags: Vec<usize>,
    pub value: Option<f64>,
    pub text: Option<String>,
    pub at: Option<EventMs>,
    pub quality: Quality,
    /// Since when it is stale, until it is said anew.
    pub stale: Option<EventMs>,
}

/// What all steps need besides the edge node.
pub struct Context<'a> {
    pub id: &'a NodeId,
    pub tags: &'a HashMap<MetricAddress, Vec<usize>>,
    pub counts: &'a mut Counts,
    pub metrics: &'a mut usize,
    pub options: &'a HostOptions,
    pub now: Moment,
    pub reaction: Reaction,
}

impl Device {
    pub fn stale(&mut self, context: &mut Context) {
        if self.online {
            self.online = false;
            self.stale_but(|_| false, context);
        }
    }

    pub fn stale_but(&mut self, spared: impl Fn(&str) -> bool, context: &mut Context) {
        for (name, stored) in &mut self.metrics {
            if stored.at.is_none() || stored.stale.is_some() || spared(name) {
                continue;
            }
            stored.stale = Some(context.now.plant);
            let Some(value) = stored.value.filter(|_| stored.quality == Quality::Good) else { continue };
            stored.quality = Quality::Uncertain;
            // By the host's clock: that of a will is of when the edge node connected.
            let times = Times { source: Some(context.now.plant), server: None };
            context.reaction.samples.extend(stored.tags.iter().map(|tag| Sample {
                tag: *tag,
                value,
                times,
                quality: Quality::Uncertain,
                historical: false,
            }));
        }
    }
}

impl Stored {
    pub fn take(&mut self, name: &str, metric: &Metric, sent: Option<u64>, late: bool, context: &mut Context) {
        if metric.is_transient.unwrap_or(false) {
            context.counts.transient += 1;
            return;
        }
        let time = |ms: u64| EventMs(i64::try_from(ms).unwrap_or(i64::MAX));
        let mut times = Times { source: metric.timestamp.or(sent).map(time), server: sent.map(time) };
        let historical = late || metric.is_historical.unwrap_or(false);
        let null = metric.has_no_value();
        let (number, quality) = match metric.number(self.datatype) {
            _ if null => (None, Quality::Bad),
            number => (number, metric.quality()),
        };
        if !historical {
            self.value = number;
            self.text = match &metric.value {
                Some(MetricValue::Text(text)) if !null => Some(text.chars().take(TEXT_MOST).collect()),
                _ => None,
            };
            self.at = times.source.or(Some(context.now.plant));
            self.quality = quality;
        }
        let value = match number {
            Some(number) => number,
            None if null => f64::NAN,
            None => {
                context.counts.unread += 1;
                if !self.tags.is_empty() {
                    context.refuse(&format!("{name}: it is no number; a sensor needs one"));
                }
                return;
            }
        };
        let mut pass = |times, historical| {
            let tags = self.tags.iter();
            context.reaction.samples.extend(tags.map(|tag| Sample { tag: *tag, value, times, quality, historical }));
        };
        if !historical
            && let Some(since) = self.stale.take()
            && let Some(at) = times.source
            && at <= since
        {
            // Said anew, and of before it became stale: it holds again from now on, or it would stay stale for ever.
            pass(times, true);
            times.source = times.server.filter(|sent| *sent > since).or(Some(EventMs(since.0 + 1)));
        }
        pass(times, historical);
    }
}

impl Context<'_> {
    pub fn refuse(&mut self, why: &str) {
        self.reaction.refused.push(format!("{}: {why}", self.id));
    }

    pub fn tags_of(&self, device: &Option<String>, metric: &str) -> Vec<usize> {
        let address = MetricAddress { node: self.id.clone(), device: device.clone(), metric: metric.to_owned() };
        self.tags.get(&address).cloned().unwrap_or_default()
    }
}
