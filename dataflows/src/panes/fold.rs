//! The panes of all sensors of one worker, apart from the dataflow that carries their rows away.

use super::pane::{Pane, Readings, Sample};
use super::{PaneConfig, PaneFeed};
use crate::Diff;
use crate::tables::PaneRow;
use lehr_domain::{EventMs, ReadingBatch, SensorId, SpanMs};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Panes younger than this many, per sensor, keep their readings unpacked: late readings are mostly a few
/// minutes late.
const UNPACKED_PANES: usize = 10;
/// Panes that are looked at one by one before a search among all.
const NEAR_PANES: usize = 6;

/// The panes of all sensors that one worker owns.
pub struct Panes {
    config: PaneConfig,
    width: i64,
    /// By sensor id; those of other workers' sensors stay empty.
    sensors: Vec<SensorPanes>,
    /// Panes that changed since the last emission.
    dirty: Vec<(u32, i64)>,
    low_water: EventMs,
    /// Panes that end at or before this are sealed, but for those reopened in this tick.
    sealed_until: EventMs,
    /// Panes that end at or before this have left.
    left_until: EventMs,
}

/// One sensor's panes: the newest, where nearly all readings go, apart from the older ones.
struct SensorPanes {
    newest: Pane,
    /// Ascending by start, all before the newest.
    older: VecDeque<Pane>,
}

/// Where no reading is ever appended: stands for "no newest pane".
const NOWHERE: i64 = i64::MIN + 1;

impl Default for SensorPanes {
    fn default() -> SensorPanes {
        let mut newest = Pane::new(NOWHERE, 0);
        newest.last_at = i64::MAX;
        SensorPanes { newest, older: VecDeque::new() }
    }
}

impl Panes {
    pub fn new(config: PaneConfig) -> Panes {
        assert!(config.width.0 > 0, "panes need a width");
        let (sealed_until, left_until) = (EventMs::MIN, EventMs::MIN);
        let (sensors, dirty) = (Vec::new(), Vec::new());
        Panes { config, width: config.width.0, sensors, dirty, low_water: EventMs::MIN, sealed_until, left_until }
    }

    /// Takes a part of a tick.
    pub fn take(&mut self, feed: PaneFeed, out: &mut Vec<(PaneRow, Diff)>) {
        match feed {
            PaneFeed::Readings(batch) => self.fold(&batch),
            PaneFeed::Reopened(batch) => self.reopen(&batch),
            PaneFeed::Restored(rows) => self.restore(&rows),
            PaneFeed::LowWater(mark) => self.expire(mark, out),
        }
    }

    /// Takes readings. Those of panes that have left are not taken.
    pub fn fold(&mut self, batch: &ReadingBatch) {
        let rows = batch.len();
        // Equal lengths, checked once, let the compiler drop the bounds checks inside the loop.
        let (sensors, times, values) = (&batch.sensor[..rows], &batch.at[..rows], &batch.value[..rows]);
        let (statuses, revisions) = (&batch.status[..rows], &batch.revision[..rows]);
        let Some(greatest) = sensors.iter().max() else { return };
        self.room_for(*greatest);
        let width = self.width;
        for row in 0..rows {
            let (sensor, at) = (sensors[row], times[row]);
            let sample = |start: i64| Sample {
                revision: revisions[row],
                value: values[row],
                offset: (at - start) as u32,
                status: statuses[row],
            };
            let pane = &mut self.sensors[sensor as usize].newest;
            if at > pane.last_at
                && at - pane.start < width
                && let Readings::Open(readings) = &mut pane.readings
            {
                readings.push(sample(pane.start));
                pane.last_at = at;
                if !pane.dirty {
                    pane.dirty = true;
                    self.dirty.push((sensor, pane.start));
                }
            } else {
                let start = at.div_euclid(width) * width;
                self.place(sensor, start, sample(start));
            }
        }
    }

    fn room_for(&mut self, sensor: u32) {
        if sensor as usize >= self.sensors.len() {
            self.sensors.resize_with(sensor as usize + 1, Default::default);
        }
    }

    /// Puts a reading where it belongs: into a new pane, or among the readings of an old one.
    #[cold]
    fn place(&mut self, sensor: u32, start: i64, sample: Sample) {
        if start + self.width <= self.left_until.0 {
            return;
        }
        let pane = self.sensors[sensor as usize].pane(start);
        if pane.insert(sample) && !pane.dirty {
            pane.dirty = true;
            self.dirty.push((sensor, start));
        }
    }

    /// Gives sealed panes their readings back. Panes that are not sealed know them already; panes that have
    /// left stay away.
    fn reopen(&mut self, batch: &ReadingBatch) {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        let precedence = |row: usize| (batch.revision[row], batch.value[row], batch.status[row]);
        order.sort_unstable_by_key(|row| (batch.sensor[*row], batch.at[*row], std::cmp::Reverse(precedence(*row))));
        order.dedup_by_key(|row| (batch.sensor[*row], batch.at[*row]));
        let Some(greatest) = batch.sensor.iter().max() else { return };
        self.room_for(*greatest);
        let width = self.width;
        let start_of = |row: usize| batch.at[row].div_euclid(width) * width;
        for rows in order.chunk_by(|a, b| (batch.sensor[*a], start_of(*a)) == (batch.sensor[*b], start_of(*b))) {
            let (sensor, start) = (batch.sensor[rows[0]], start_of(rows[0]));
            if start + width <= self.left_until.0 {
                continue;
            }
            let samples = rows.iter().map(|row| Sample {
                revision: batch.revision[*row],
                value: batch.value[*row],
                offset: (batch.at[*row] - start) as u32,
                status: batch.status[*row],
            });
            let pane = self.sensors[sensor as usize].pane(start);
            if pane.is_sealed() {
                pane.reopen(samples.collect());
            } else {
                for sample in samples {
                    pane.insert(sample);
                }
            }
            if !pane.dirty {
                pane.dirty = true;
                self.dirty.push((sensor, start));
            }
        }
    }

    fn restore(&mut self, rows: &[PaneRow]) {
        for row in rows {
            let sensor = row.sensor_id.0;
            self.room_for(sensor);
            let held = &mut self.sensors[sensor as usize].older;
            debug_assert!(held.back().is_none_or(|pane| pane.start < row.start.0), "restored panes ascend");
            let mut pane = Pane::sealed(row);
            pane.dirty = true;
            held.push_back(pane);
            self.dirty.push((sensor, row.start.0));
        }
    }

    /// Emits what changed since the last call.
    fn emit(&mut self, out: &mut Vec<(PaneRow, Diff)>) {
        // What is sealed when the tick closes need not be packed before.
        let seals_until = self.config.sealed_until(self.low_water).max(self.sealed_until);
        let seals_last = seals_until - SpanMs(self.width);
        for (sensor, start) in self.dirty.drain(..) {
            let held = &mut self.sensors[sensor as usize];
            let id = SensorId(sensor);
            let Some(pane) = held.find(start) else { continue };
            let old = pane.shown.then(|| pane.shown_row(id));
            let new = pane.row(id);
            (pane.dirty, pane.shown) = (false, true);
            if old.as_ref() != Some(&new) {
                out.extend(old.map(|row| (row, -1)));
                out.push((new, 1));
            }
            if start + self.width <= self.sealed_until.0 {
                held.seal(start);
            } else {
                held.pack_behind(start, seals_last.0);
            }
        }
    }

    /// Ends a tick: emits what changed, and seals what the mark has passed.
    pub fn close(&mut self, out: &mut Vec<(PaneRow, Diff)>) {
        self.emit(out);
        // From here on the sealed panes of each sensor are its oldest ones, none left out.
        let sealed_until = self.config.sealed_until(self.low_water);
        if sealed_until > self.sealed_until {
            self.sealed_until = sealed_until;
            let last = sealed_until - SpanMs(self.width);
            self.sensors.iter_mut().for_each(|held| held.seal_until(last.0));
        }
    }

    /// Lets the panes leave whose end the mark has passed by the retention.
    fn expire(&mut self, mark: EventMs, out: &mut Vec<(PaneRow, Diff)>) {
        self.low_water = self.low_water.max(mark);
        let left_until = self.config.left_until(mark);
        if left_until <= self.left_until {
            return;
        }
        // What changed in this tick goes out first, so that what is retracted here is what is out there.
        self.emit(out);
        self.left_until = left_until;
        let last = left_until - SpanMs(self.width);
        for (sensor, held) in self.sensors.iter_mut().enumerate() {
            let id = SensorId(sensor as u32);
            while held.older.front().is_some_and(|pane| pane.start <= last.0) {
                out.extend(held.older.pop_front().map(|pane| (pane.shown_row(id), -1)));
            }
            if held.has_newest() && held.newest.start <= last.0 {
                out.push((held.newest.shown_row(id), -1));
                *held = SensorPanes::default();
            }
        }
    }
}

impl SensorPanes {
    fn has_newest(&self) -> bool {
        self.newest.start != NOWHERE
    }

    fn find(&mut self, start: i64) -> Option<&mut Pane> {
        if self.newest.start == start {
            return Some(&mut self.newest);
        }
        let index = self.position(start).ok()?;
        Some(&mut self.older[index])
    }

    /// The pane at `start`, made when there is none.
    fn pane(&mut self, start: i64) -> &mut Pane {
        if start == self.newest.start {
            return &mut self.newest;
        }
        let newest_of_all = if self.has_newest() {
            start > self.newest.start
        } else {
            self.older.back().is_none_or(|pane| start > pane.start)
        };
        if newest_of_all {
            let expected = self.newest.open_len();
            let before = std::mem::replace(&mut self.newest, Pane::new(start, expected));
            if before.start != NOWHERE {
                self.older.push_back(before);
            }
            return &mut self.newest;
        }
        let index = match self.position(start) {
            Ok(index) => index,
            Err(index) => {
                self.older.insert(index, Pane::new(start, 0));
                index
            }
        };
        &mut self.older[index]
    }

    /// Packs the pane at `start` when it is old, and the one that has become old because this one is there; but
    /// none that starts at or before `sealed`.
    fn pack_behind(&mut self, start: i64, sealed: i64) {
        let position = match start == self.newest.start {
            true => self.older.len(),
            false => self.position(start).unwrap_or_else(|place| place),
        };
        let itself = (position + UNPACKED_PANES <= self.older.len()).then_some(position);
        for old in itself.into_iter().chain(position.checked_sub(UNPACKED_PANES)) {
            if self.older[old].start > sealed {
                self.older[old].pack();
            }
        }
    }

    /// Where the older pane at `start` is, or belongs. Looked for among the last few first: that is where late
    /// readings go, and they are in the cache.
    fn position(&self, start: i64) -> Result<usize, usize> {
        for (back, pane) in self.older.iter().rev().take(NEAR_PANES).enumerate() {
            let position = self.older.len() - 1 - back;
            match pane.start.cmp(&start) {
                Ordering::Equal => return Ok(position),
                Ordering::Less => return Err(position + 1),
                Ordering::Greater => {}
            }
        }
        self.older.binary_search_by_key(&start, |pane| pane.start)
    }

    /// Seals the pane at `start`.
    fn seal(&mut self, start: i64) {
        if start == self.newest.start {
            self.retire_newest();
        }
        if let Some(pane) = self.find(start) {
            pane.seal();
        }
    }

    /// Seals all panes that start at or before `last`. Sealed ones are the oldest.
    fn seal_until(&mut self, last: i64) {
        if self.has_newest() && self.newest.start <= last {
            self.retire_newest();
        }
        let upto = self.older.partition_point(|pane| pane.start <= last);
        self.older.range_mut(..upto).rev().take_while(|pane| !pane.is_sealed()).for_each(Pane::seal);
    }

    /// Puts the newest pane among the older ones, so that the next reading looks where it belongs.
    fn retire_newest(&mut self) {
        let SensorPanes { newest, .. } = SensorPanes::default();
        let before = std::mem::replace(&mut self.newest, newest);
        self.older.push_back(before);
    }
}
