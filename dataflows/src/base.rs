//! The base collections: of each row the revision that holds, until it leaves by retention.

use crate::{Diff, Rows, Ts};
use differential_dataflow::AsCollection;
use lehr_domain::event::Revised;
use lehr_domain::{Event, EventKey, EventMs, LineId, SpanMs};
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
    /// A week of panes and the day that is not over; five weeks of units, of what operators did and of what was
    /// recommended, so that the last four weekly KPIs stay restatable.
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
    /// After a restart: what was heard of a line before.
    Heard(LineId, EventMs),
    LowWater(EventMs),
}

/// The rows of the base collections, and how far the events of each line have come.
pub struct Base<'s> {
    /// The rows that hold.
    pub rows: Rows<'s, Revised>,
    /// Per line the latest time of a unit or state change that ever came, whether or not its row holds. Several
    /// workers may each say one for a line; the greatest counts. Of what *came* rather than of what holds, so
    /// that it depends neither on the order in which corrections arrive nor on what has left by retention.
    pub heard: Rows<'s, (LineId, EventMs)>,
    /// The full hour, UTC, before which rows have left by retention; none before any did. One row a worker. It moves
    /// once an hour, so that what is cut there is cut seldom.
    pub left: Rows<'s, EventMs>,
    /// The minute before which twins look at nothing again; see [`crate::twin::edge`]. One row a worker.
    pub edge: Rows<'s, EventMs>,
}

/// The rows that hold: per key the one with the highest revision, among equal revisions the greatest, so
/// that neither order of arrival nor repetition matters.
///
/// Rows with an event time leave when the low-water mark passes it by the retention of events; a row that comes later
/// than that is not taken, and takes away the lower revision that it corrects. Of a key whose row has left nothing
/// is remembered, so that a lower revision, if it comes after all, holds. State: one event a key, one time a line.
pub fn base<'s>(feed: Stream<'s, Ts, Vec<Feed>>, retention: Retention) -> Base<'s> {
    let said = said(feed, retention);
    let rows = said.clone().flat_map(|said| if let Said::Holds(row) = said { Some(row) } else { None });
    let heard = said.clone().flat_map(|said| if let Said::Heard(line, at) = said { Some((line, at)) } else { None });
    let left = said.clone().flat_map(|said| if let Said::Left(at) = said { Some(at) } else { None });
    let edge = said.flat_map(|said| if let Said::Edge(at) = said { Some(at) } else { None });
    Base { rows, heard, left, edge }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Holds(Revised),
    Heard(LineId, EventMs),
    Left(EventMs),
    Edge(EventMs),
}

fn said<'s>(feed: Stream<'s, Ts, Vec<Feed>>, retention: Retention) -> Rows<'s, Said> {
    feed.unary_frontier::<CapacityContainerBuilder<Vec<(Said, Ts, Diff)>>, _, _, _>(
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
                            Feed::Event(event) => {
                                held.hear_of(&event.event, &mut out);
                                held.upsert(event, &mut out);
                            }
                            Feed::Heard(line, at) => held.hear(line, at, &mut out),
                            Feed::LowWater(mark) => held.reach(mark, retention, &mut out),
                        }
                    }
                    held.expire(&mut out);
                    differential_dataflow::consolidation::consolidate(&mut out);
                    let mut session = output.session(&capability);
                    for (said, diff) in out.drain(..) {
                        session.give((said, tick, diff));
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
    heard: BTreeMap<LineId, EventMs>,
    /// Rows older than this have left.
    low_water: Option<EventMs>,
    /// What was said of it.
    left: Option<EventMs>,
    edge: Option<EventMs>,
}

impl Held {
    fn reach(&mut self, mark: EventMs, retention: Retention, out: &mut Vec<(Said, Diff)>) {
        self.low_water = self.low_water.max(Some(mark - retention.events));
        let edge = Some(crate::twin::edge(mark, retention));
        if self.edge < edge {
            out.extend(self.edge.map(|edge| (Said::Edge(edge), -1)));
            out.extend(edge.map(|edge| (Said::Edge(edge), 1)));
            self.edge = edge;
        }
    }

    fn hear_of(&mut self, event: &Event, out: &mut Vec<(Said, Diff)>) {
        match event {
            Event::Unit(unit) => self.hear(unit.line, unit.at, out),
            Event::State(change) => self.hear(change.line, change.at, out),
            _ => {}
        }
    }

    fn hear(&mut self, line: LineId, at: EventMs, out: &mut Vec<(Said, Diff)>) {
        let before = self.heard.get(&line).copied();
        if before < Some(at) {
            self.heard.insert(line, at);
            out.extend(before.map(|before| (Said::Heard(line, before), -1)));
            out.push((Said::Heard(line, at), 1));
        }
    }

    fn upsert(&mut self, new: Revised, out: &mut Vec<(Said, Diff)>) {
        let (key, time) = (new.event.key(), new.event.event_time());
        if self.rows.get(&key).is_some_and(|old| *old >= new) {
            return;
        }
        if let Some(old) = self.rows.remove(&key) {
            if let Some(time) = old.event.event_time() {
                self.by_time.remove(&(time, key));
            }
            out.push((Said::Holds(old), -1));
        }
        // What it corrects is wrong in any case.
        if time.is_some_and(|time| Some(time) < self.low_water) {
            return;
        }
        if let Some(time) = time {
            self.by_time.insert((time, key), ());
        }
        out.push((Said::Holds(new.clone()), 1));
        self.rows.insert(key, new);
    }

    fn expire(&mut self, out: &mut Vec<(Said, Diff)>) {
        // Before the epoch there was nothing: when everything is kept, nothing has left.
        let Some(low_water) = self.low_water.filter(|low_water| *low_water > EventMs(0)) else { return };
        let left = Some((low_water - SpanMs(1)).floor(SpanMs::hours(1)) + SpanMs::hours(1));
        if self.left < left {
            out.extend(self.left.map(|left| (Said::Left(left), -1)));
            out.extend(left.map(|left| (Said::Left(left), 1)));
            self.left = left;
        }
        while let Some(entry) = self.by_time.first_entry() {
            if entry.key().0 >= low_water {
                break;
            }
            let ((_, key), ()) = entry.remove_entry();
            let row = self.rows.remove(&key).expect("indexed rows are held");
            out.push((Said::Holds(row), -1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::machine::Setpoint;
    use lehr_domain::unit::{Unit, Verdict};
    use lehr_domain::{Micro, ProductId, SensorId, UnitId};

    fn setpoint(revision: u64, at: i64, value: i64) -> Revised {
        let row = Setpoint { sensor: SensorId(1), at: EventMs(at), value: Micro(value) };
        Revised { revision, event: Event::Setpoint(row) }
    }

    fn unit(revision: u64, at: i64) -> Revised {
        let unit = Unit {
            unit: UnitId(1),
            line: LineId(0),
            at: EventMs(at),
            product: ProductId(0),
            verdict: Verdict::Good,
            defects: Vec::new(),
        };
        Revised { revision, event: Event::Unit(unit) }
    }

    /// What is said after `rows`, the low-water mark being `low_water`.
    fn said_of(rows: impl IntoIterator<Item = Revised>, low_water: Option<EventMs>) -> Vec<(Said, Diff)> {
        let (mut held, mut out) = (Held { low_water, ..Held::default() }, Vec::new());
        for row in rows {
            held.hear_of(&row.event, &mut out);
            held.upsert(row, &mut out);
        }
        differential_dataflow::consolidation::consolidate(&mut out);
        out
    }

    #[test]
    fn the_highest_revision_holds_whatever_the_order() {
        let rows = [setpoint(1, 0, 10), setpoint(3, 0, 5), setpoint(2, 0, 99), setpoint(3, 0, 7)];
        for rotation in 0..rows.len() {
            let mut rows = rows.clone();
            rows.rotate_left(rotation);
            assert_eq!(said_of(rows, None), [(Said::Holds(setpoint(3, 0, 7)), 1)]);
        }
    }

    /// Once a line's clock stood where a row had been that was corrected since, if the row came before its
    /// correction, and did not if it came after.
    #[test]
    fn how_far_a_line_has_come_does_not_depend_on_the_order_of_corrections() {
        let expected = [(Said::Holds(unit(2, 5)), 1), (Said::Heard(LineId(0), EventMs(9)), 1)];
        assert_eq!(said_of([unit(1, 9), unit(2, 5)], None), expected);
        assert_eq!(said_of([unit(2, 5), unit(1, 9)], None), expected);
    }

    /// Once the corrected row stayed, unless both came in one tick.
    #[test]
    fn a_correction_to_a_time_that_has_left_takes_the_row_away() {
        let heard = (Said::Heard(LineId(0), EventMs(9)), 1);
        assert_eq!(said_of([unit(1, 9), unit(2, 5)], Some(EventMs(7))), [heard]);
    }
}
