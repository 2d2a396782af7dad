//! The base collections: of each row the revision that holds, until it leaves by retention.

use crate::{Diff, Rows, Ts};
use differential_dataflow::AsCollection;
use lehr_domain::event::Revised;
use lehr_domain::{EventKey, EventMs, SpanMs};
use std::collections::BTreeMap;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

/// How long rows stay after the low-water mark of event time has passed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub panes: SpanMs,
    pub events: SpanMs,
}

impl Default for Retention {
    /// A week of panes and the day that is not over; five weeks of units and operator events, so that the
    /// last four weekly KPIs stay restatable.
    fn default() -> Retention {
        Retention { panes: SpanMs::days(8), events: SpanMs::days(35) }
    }
}

impl Retention {
    /// Keeps everything: for replays, whose output must not depend on when they are run.
    pub const FOREVER: Retention = Retention { panes: SpanMs::FOREVER, events: SpanMs::FOREVER };
}

/// What the base collections are fed with. Events arrive at the worker that owns their key (see
/// [`crate::graph::owner`]); marks go to every worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Feed {
    Event(Revised),
    LowWater(EventMs),
}

/// The rows that hold: per key the one with the highest revision, among equal revisions the greatest, so
/// that neither order of arrival nor repetition matters.
///
/// Rows with an event time leave when the low-water mark passes it by `retention`; a row that comes later
/// than that is not taken (the gate in front of the journal has put it into `late` already). State: one
/// event a key.
pub fn base<'s>(feed: Stream<'s, Ts, Vec<Feed>>, retention: SpanMs) -> Rows<'s, Revised> {
    feed.unary_frontier::<CapacityContainerBuilder<Vec<(Revised, Ts, Diff)>>, _, _, _>(
        Pipeline,
        "base collections",
        move |_, _| {
            let mut pending = BTreeMap::new();
            let mut held = Held::default();
            let mut out = Vec::new();
            move |(input, frontier), output| {
                input.for_each_stamp(|stamp, batches| {
                    let tick = *stamp.least().expect("inputs carry their tick");
                    let (_, rows) = pending.entry(tick).or_insert_with(|| (stamp.delayed(&tick, 0), Vec::new()));
                    for batch in batches {
                        rows.append(batch);
                    }
                });
                while let Some(entry) = pending.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (tick, (capability, feed)) = entry.remove_entry();
                    for item in feed {
                        match item {
                            Feed::Event(event) => held.upsert(event, &mut out),
                            Feed::LowWater(mark) => held.low_water = held.low_water.max(Some(mark - retention)),
                        }
                    }
                    held.expire(&mut out);
                    differential_dataflow::consolidation::consolidate(&mut out);
                    let mut session = output.session(&capability);
                    for (row, diff) in out.drain(..) {
                        session.give((row, tick, diff));
                    }
                }
            }
        },
    )
    .as_collection()
}

#[derive(Default)]
struct Held {
    rows: BTreeMap<EventKey, Revised>,
    by_time: BTreeMap<(EventMs, EventKey), ()>,
    /// Rows older than this have left.
    low_water: Option<EventMs>,
}

impl Held {
    fn upsert(&mut self, new: Revised, out: &mut Vec<(Revised, Diff)>) {
        let time = new.event.event_time();
        if time.is_some_and(|time| Some(time) < self.low_water) {
            return;
        }
        let key = new.event.key();
        if let Some(old) = self.rows.get(&key) {
            if *old >= new {
                return;
            }
            if let Some(time) = old.event.event_time() {
                self.by_time.remove(&(time, key));
            }
            out.push((old.clone(), -1));
        }
        if let Some(time) = time {
            self.by_time.insert((time, key), ());
        }
        out.push((new.clone(), 1));
        self.rows.insert(key, new);
    }

    fn expire(&mut self, out: &mut Vec<(Revised, Diff)>) {
        let Some(low_water) = self.low_water else { return };
        while let Some(entry) = self.by_time.first_entry() {
            if entry.key().0 >= low_water {
                break;
            }
            let ((_, key), ()) = entry.remove_entry();
            let row = self.rows.remove(&key).expect("indexed rows are held");
            out.push((row, -1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::machine::Setpoint;
    use lehr_domain::{Event, Micro, SensorId};

    fn setpoint(revision: u64, at: i64, value: i64) -> Revised {
        let row = Setpoint { sensor: SensorId(1), at: EventMs(at), value: Micro(value) };
        Revised { revision, event: Event::Setpoint(row) }
    }

    #[test]
    fn the_highest_revision_holds_whatever_the_order() {
        let rows = [setpoint(1, 0, 10), setpoint(3, 0, 5), setpoint(2, 0, 99), setpoint(3, 0, 7)];
        for rotation in 0..rows.len() {
            let mut rows = rows.clone();
            rows.rotate_left(rotation);
            let (mut held, mut out) = (Held::default(), Vec::new());
            for row in rows {
                held.upsert(row, &mut out);
            }
            differential_dataflow::consolidation::consolidate(&mut out);
            assert_eq!(out, vec![(setpoint(3, 0, 7), 1)]);
        }
    }
}
