//! Panes, and what is read off them alone.

use super::WIDTH;
use lehr_dataflows::tables::{FeatureRow, LatestRow, PaneRow};
use lehr_domain::moments::Moments;
use lehr_domain::{EventMs, Inputs, Reading, SensorId, SpanMs, Status};
use std::collections::{BTreeMap, BTreeSet};

pub struct Panes {
    retention: SpanMs,
    /// Panes that end at or before this have left.
    low_water: EventMs,
    /// The reading that holds, of all that came in time.
    holds: BTreeMap<(SensorId, EventMs), Reading>,
}

fn floor(at: EventMs, length: SpanMs) -> EventMs {
    EventMs(at.0.saturating_sub(at.0.rem_euclid(length.0)))
}

impl Panes {
    pub fn new(retention: SpanMs) -> Panes {
        Panes { retention, low_water: EventMs::MIN, holds: BTreeMap::new() }
    }

    fn is_there(&self, at: EventMs) -> bool {
        floor(at, WIDTH) + WIDTH > self.low_water
    }

    pub fn take(&mut self, inputs: &Inputs) {
        for new in inputs.readings.iter().filter(|new| self.is_there(new.at)).collect::<Vec<_>>() {
            let held = self.holds.entry((new.sensor, new.at)).or_insert(new);
            if (new.revision, new.value, new.status) > (held.revision, held.value, held.status) {
                *held = new;
            }
        }
        self.low_water = self.low_water.max(floor(inputs.low_water - self.retention, WIDTH));
        let low_water = self.low_water;
        self.holds.retain(|(_, at), _| floor(*at, WIDTH) + WIDTH > low_water);
    }

    pub fn rows(&self) -> BTreeSet<PaneRow> {
        let mut rows: BTreeMap<(SensorId, EventMs), PaneRow> = BTreeMap::new();
        for reading in self.holds.values() {
            let start = floor(reading.at, WIDTH);
            let row = rows.entry((reading.sensor, start)).or_insert(PaneRow {
                sensor_id: reading.sensor,
                start,
                bad: 0,
                uncertain: 0,
                last_reading: start,
                status: Status::Ok,
                moments: Moments::starting(start),
            });
            (row.last_reading, row.status) = (reading.at, reading.status);
            match reading.status {
                Status::Error => row.bad += 1,
                Status::Warning => row.uncertain += 1,
                Status::Ok | Status::Critical => {}
            }
            if reading.status != Status::Error {
                row.moments.append(reading.at, reading.value);
            }
        }
        rows.into_values().collect()
    }
}

pub fn latest(panes: &BTreeSet<PaneRow>) -> BTreeSet<LatestRow> {
    let is_newest = |pane: &&PaneRow| {
        panes.iter().filter(|other| other.sensor_id == pane.sensor_id).all(|other| other.start <= pane.start)
    };
    let sensors: BTreeSet<SensorId> = panes.iter().map(|pane| pane.sensor_id).collect();
    let newest = sensors.iter().filter_map(|sensor| panes.iter().rfind(|pane| pane.sensor_id == *sensor));
    newest
        .inspect(|pane| assert!(is_newest(pane), "panes are sorted by sensor and time"))
        .map(|pane| LatestRow {
            sensor_id: pane.sensor_id,
            at: pane.last_reading,
            value: if pane.moments.n > 0 { Some(pane.moments.last) } else { None },
            status: pane.status,
        })
        .collect()
}

pub fn features(panes: &BTreeSet<PaneRow>) -> BTreeSet<FeatureRow> {
    let mut rows: BTreeMap<(SensorId, SpanMs, EventMs), FeatureRow> = BTreeMap::new();
    for length in [SpanMs::minutes(1), SpanMs::minutes(15), SpanMs::hours(2)] {
        for pane in panes.iter().filter(|pane| pane.moments.n > 0) {
            let start = floor(pane.start, length);
            let row = rows.entry((pane.sensor_id, length, start)).or_insert(FeatureRow {
                sensor_id: pane.sensor_id,
                window_s: length,
                start,
                panes: 0,
                moments: Moments::starting(start),
            });
            row.panes += 1;
            row.moments.merge(&pane.moments);
        }
    }
    rows.into_values().collect()
}
