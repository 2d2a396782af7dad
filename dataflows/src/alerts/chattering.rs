//! Which alerts chatter: raised again and again within a short time.

use crate::operators::{KeyState, per_key};
use crate::{Diff, Rows};
use lehr_domain::operator::AlertSubject;
use lehr_domain::rule::Severity;
use lehr_domain::{AlertId, EventMs, LineId, RuleId, SensorId, SpanMs};
use std::collections::BTreeSet;

/// So many activations within [`CHATTERING_WITHIN`] are chattering, from this one on. Conditions are found in
/// panes of a minute, so that the customary three in one minute could never come about.
pub const CHATTERING_ACTIVATIONS: usize = 3;
pub const CHATTERING_WITHIN: SpanMs = SpanMs::minutes(5);

/// What is watched for what.
pub type Watched = (RuleId, LineId, Option<SensorId>);

/// The alerts that are at least the third activation of their rule and subject within five minutes. State: the
/// starts of each rule and subject.
pub fn chattering<'s>(activations: Rows<'s, (Watched, EventMs)>) -> Rows<'s, AlertId> {
    per_key(activations, "chattering", step)
}

#[derive(Default)]
struct Starts(BTreeSet<EventMs>);

impl KeyState for Starts {
    fn is_idle(&self) -> bool {
        self.0.is_empty()
    }
}

impl Starts {
    /// The chattering starts that may see one of `changed`.
    fn chattering(&self, changed: &[(EventMs, Diff)]) -> BTreeSet<EventMs> {
        let near = changed.iter().flat_map(|(at, _)| self.0.range(*at..=*at + CHATTERING_WITHIN));
        let chatters = |start: &&EventMs| {
            self.0.range(**start - CHATTERING_WITHIN..=**start).nth(CHATTERING_ACTIVATIONS - 1).is_some()
        };
        near.filter(chatters).copied().collect()
    }
}

fn step(watched: &Watched, starts: &mut Starts, changes: &[(EventMs, Diff)], out: &mut Vec<(AlertId, Diff)>) {
    let (rule, line, sensor) = *watched;
    // The severity is no part of the id.
    let id = |raised_at| AlertSubject { rule, line, sensor, raised_at, severity: Severity::Low }.alert_id();
    out.extend(starts.chattering(changes).into_iter().map(|start| (id(start), -1)));
    for (start, diff) in changes {
        if *diff > 0 {
            starts.0.insert(*start);
        } else {
            starts.0.remove(start);
        }
    }
    out.extend(starts.chattering(changes).into_iter().map(|start| (id(start), 1)));
}
