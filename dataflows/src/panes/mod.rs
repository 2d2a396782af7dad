//! Panes: raw readings folded into fixed stretches of event time. The one hot operator: everything
//! downstream works on a few pane rows a tick, so this one alone must keep up with the sensors.

mod packed;
mod pane;

use crate::tables::PaneRow;
use crate::{Diff, Rows, Ts};
use differential_dataflow::AsCollection;
use lehr_domain::{EventMs, ReadingBatch, SensorId, SpanMs};
use pane::{Pane, Sample};
use std::collections::{BTreeMap, VecDeque};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

/// What panes are fed with. Readings arrive at the worker that owns their sensor (see
/// [`crate::graph::owner_of_sensor`]), so that raw readings are never exchanged; marks go to every worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum PaneFeed {
    Readings(ReadingBatch),
    LowWater(EventMs),
}

/// Panes younger than this many, per sensor, keep their readings unpacked: late readings are mostly a few
/// minutes late.
const UNPACKED_PANES: usize = 10;

/// Folds readings into panes of `width` and emits, once a tick, the panes that changed: the old row
/// retracted, the new one added.
///
/// Of several readings with the same sensor and time the greatest `(revision, value, status)` holds, so
/// that neither order of arrival nor repetition matters. A reading later than all before it in its pane is
/// appended without a search; any other is put into its place and the pane is summed up anew.
///
/// State: every reading that holds, 24 bytes in the newest panes of a sensor, packed to a few bytes in
/// older ones, until the low-water mark passes the pane's end by `retention`.
pub fn panes<'s>(feed: Stream<'s, Ts, Vec<PaneFeed>>, width: SpanMs, retention: SpanMs) -> Rows<'s, PaneRow> {
    feed.unary_frontier::<CapacityContainerBuilder<Vec<(PaneRow, Ts, Diff)>>, _, _, _>(
        Pipeline,
        "panes",
        move |_, _| {
            let mut pending = BTreeMap::new();
            let mut panes = Panes::new(width, retention);
            let mut out = Vec::new();
            move |(input, frontier), output| {
                input.for_each_stamp(|stamp, batches| {
                    let tick = *stamp.least().expect("inputs carry their tick");
                    let (_, feed) = pending.entry(tick).or_insert_with(|| (stamp.delayed(&tick, 0), Vec::new()));
                    for batch in batches {
                        feed.append(batch);
                    }
                });
                while let Some(entry) = pending.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (tick, (capability, feed)) = entry.remove_entry();
                    for item in &feed {
                        match item {
                            PaneFeed::Readings(batch) => panes.fold(batch),
                            PaneFeed::LowWater(mark) => panes.expire(*mark, &mut out),
                        }
                    }
                    panes.emit(&mut out);
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

/// The panes of all sensors that one worker owns.
pub struct Panes {
    width: i64,
    retention: SpanMs,
    /// By sensor id; `None` for sensors of other workers.
    sensors: Vec<Option<Box<SensorPanes>>>,
    /// Panes that changed since the last emission, with the row that is out there.
    dirty: Vec<(u32, i64, Option<PaneRow>)>,
    /// Panes that end at or before this have left.
    low_water: EventMs,
}

#[derive(Default)]
struct SensorPanes {
    /// Ascending by start.
    panes: VecDeque<Pane>,
}

impl Panes {
    pub fn new(width: SpanMs, retention: SpanMs) -> Panes {
        assert!(width.0 > 0, "panes need a width");
        Panes { width: width.0, retention, sensors: Vec::new(), dirty: Vec::new(), low_water: EventMs::MIN }
    }

    /// Takes a batch. Readings of panes that have left are not taken.
    pub fn fold(&mut self, batch: &ReadingBatch) {
        let rows = batch.len();
        // Equal lengths, checked once, let the compiler drop the bounds checks inside the loop.
        let (sensors, times, values) = (&batch.sensor[..rows], &batch.at[..rows], &batch.value[..rows]);
        let (statuses, revisions) = (&batch.status[..rows], &batch.revision[..rows]);
        let mut row = 0;
        while row < rows {
            let sensor = sensors[row];
            let index = sensor as usize;
            if index >= self.sensors.len() {
                self.sensors.resize_with(index + 1, || None);
            }
            let held = self.sensors[index].get_or_insert_with(Default::default);
            while row < rows && sensors[row] == sensor {
                let at = times[row];
                let sample = |start: i64| Sample {
                    offset: (at - start) as u32,
                    status: statuses[row],
                    revision: revisions[row],
                    value: values[row],
                };
                match held.panes.back_mut() {
                    Some(pane) if at > pane.last_at && at - pane.start < self.width => {
                        if !pane.dirty {
                            self.dirty.push((sensor, pane.start, Some(pane.published(SensorId(sensor)))));
                            pane.dirty = true;
                        }
                        pane.append(sample(pane.start));
                    }
                    _ => {
                        let start = at.div_euclid(self.width) * self.width;
                        if start + self.width > self.low_water.0 {
                            held.place(sensor, start, sample(start), &mut self.dirty);
                        }
                    }
                }
                row += 1;
            }
        }
    }

    /// Emits what changed since the last call.
    pub fn emit(&mut self, out: &mut Vec<(PaneRow, Diff)>) {
        for (sensor, start, old) in self.dirty.drain(..) {
            let held = self.sensors[sensor as usize].as_mut().expect("a dirty sensor is held");
            let Some(index) = held.find(start) else { continue };
            let newest = held.panes.len() - 1;
            let pane = &mut held.panes[index];
            pane.dirty = false;
            let new = pane.row(SensorId(sensor));
            if old.as_ref() != Some(&new) {
                out.extend(old.map(|row| (row, -1)));
                out.push((new, 1));
            }
            if newest - index >= UNPACKED_PANES {
                pane.pack();
            }
            if index == newest && newest >= UNPACKED_PANES {
                held.panes[newest - UNPACKED_PANES].pack();
            }
        }
    }

    /// Lets the panes leave whose end the mark has passed by the retention.
    pub fn expire(&mut self, mark: EventMs, out: &mut Vec<(PaneRow, Diff)>) {
        let low_water = EventMs((mark - self.retention).0).floor(SpanMs(self.width));
        if low_water <= self.low_water {
            return;
        }
        // What changed in this tick goes out first, so that what is retracted here is what is out there.
        self.emit(out);
        self.low_water = low_water;
        for (sensor, held) in self.sensors.iter_mut().enumerate() {
            let Some(held) = held else { continue };
            while held.panes.front().is_some_and(|pane| pane.start + self.width <= low_water.0) {
                let mut pane = held.panes.pop_front().expect("just looked at");
                out.push((pane.row(SensorId(sensor as u32)), -1));
            }
        }
    }
}

impl SensorPanes {
    fn find(&self, start: i64) -> Option<usize> {
        self.panes.binary_search_by_key(&start, |pane| pane.start).ok()
    }

    /// Puts a reading where it belongs: into a new pane, or among the readings of an old one.
    #[cold]
    fn place(&mut self, sensor: u32, start: i64, sample: Sample, dirty: &mut Vec<(u32, i64, Option<PaneRow>)>) {
        let index = match self.panes.binary_search_by_key(&start, |pane| pane.start) {
            Ok(index) => index,
            Err(index) => {
                let mut pane = Pane::new(start);
                pane.dirty = true;
                dirty.push((sensor, start, None));
                self.panes.insert(index, pane);
                index
            }
        };
        let pane = &mut self.panes[index];
        let old = (!pane.dirty).then(|| pane.published(SensorId(sensor)));
        if pane.insert(sample)
            && let Some(old) = old
        {
            pane.dirty = true;
            dirty.push((sensor, start, Some(old)));
        }
    }
}

#[cfg(test)]
mod tests;
