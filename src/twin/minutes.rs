//! What a snapshot tells of a line, as twins are told it.

use super::MODEL;
use lehr_dataflows::tables::PaneRow;
use lehr_dataflows::twin::{About, Begin, Chronicle, Inspected, LineMinute, Place, Value};
use lehr_domain::names::Names;
use lehr_domain::unit::Verdict;
use lehr_domain::{EventMs, LineId, Micro, SensorId};
use lehr_queries::Snapshot;
use lehr_twin::{MINUTE, Minute, PARAMETERS, PaneValue, Parameter};
use std::collections::{BTreeMap, BTreeSet};

/// What the catalogue says of the line's quantities; where several sensors measure one, the first counts.
pub fn sensors(names: &Names, line: LineId) -> [Option<SensorId>; PARAMETERS] {
    let mut sensors = [None; PARAMETERS];
    for (id, def) in names.sensors().filter(|(_, def)| def.line == line) {
        if let Some(parameter) = Parameter::parse(names.parameter(def.parameter)) {
            sensors[parameter.index()].get_or_insert(id);
        }
    }
    sensors
}

/// Where the twin of a line begins.
pub fn begin(snapshot: &Snapshot, line: LineId) -> Begin {
    if let Some(row) = snapshot.twin_states.get(|row| row.production_line.cmp(&line)) {
        return row.begin.clone();
    }
    let place = |sensor: SensorId| {
        let def = snapshot.names.sensor_def(sensor)?;
        Some(Place { sensor, about: About { target: def.target, sigma: def.sigma } })
    };
    let places = sensors(&snapshot.names, line).map(|sensor| place(sensor?)).to_vec();
    Begin { before: EventMs(0), places, ..Begin::default() }
}

/// Whether panes are as wide as the twin needs them.
pub fn panes_are_minutes(snapshot: &Snapshot) -> bool {
    snapshot.panes.first().is_none_or(|pane| pane.start.floor(MINUTE) == pane.start)
}

/// The minutes of the line that end at or before this are closed.
pub fn closed_until(snapshot: &Snapshot, line: LineId) -> Option<EventMs> {
    snapshot.clocks.get(|row| row.production_line.cmp(&line)).map(|row| row.at.floor(MINUTE) - MINUTE)
}

/// All that the snapshot tells of the line.
pub fn chronicle(snapshot: &Snapshot, line: LineId) -> Chronicle {
    let mut chronicle = Chronicle::default();
    for (place, sensor) in (0_u8..).zip(sensors(&snapshot.names, line)) {
        let Some(sensor) = sensor else { continue };
        for row in snapshot.panes.range(|row| row.sensor_id.cmp(&sensor)) {
            chronicle.value(row.start, place, value(row));
        }
        for row in snapshot.setpoints.range(|row| row.sensor_id.cmp(&sensor)) {
            chronicle.setpoint(row.start, place, Some(row.value));
        }
    }
    for row in snapshot.machine_states.range(|row| row.production_line.cmp(&line)) {
        chronicle.state(row.start, Some((row.state, row.product)));
    }
    for row in snapshot.products.iter() {
        chronicle.planned(row.product, Some(row.planned_run_time_s));
    }
    for (at, counts) in inspected(snapshot, line) {
        chronicle.inspected(at, Some(counts));
    }
    chronicle
}

fn value(row: &PaneRow) -> Option<Value> {
    let moments = &row.moments;
    let range = Micro(moments.max.0.saturating_sub(moments.min.0));
    moments.mean().map(|mean| Value { mean, range, n: moments.n })
}

fn inspected(snapshot: &Snapshot, line: LineId) -> BTreeMap<EventMs, Inspected> {
    let mut inspected: BTreeMap<EventMs, Inspected> = BTreeMap::new();
    for unit in snapshot.units.iter().filter(|unit| unit.production_line == line) {
        let minute = inspected.entry(unit.at.floor(MINUTE)).or_default();
        minute.units += 1;
        minute.good += i64::from(unit.verdict == Verdict::Good);
    }
    let found = snapshot.defects.iter().filter(|defect| defect.production_line == line);
    let once: BTreeSet<_> = found.map(|defect| (defect.unit_id, defect.defect_type, defect.at)).collect();
    for (_, defect, at) in once {
        inspected.entry(at.floor(MINUTE)).or_default().defects[defect as usize] += 1;
    }
    inspected
}

/// A minute as the twin takes it.
pub fn to_minute(told: &LineMinute) -> Minute {
    let mut minute = Minute::gap(told.at);
    for (place, value) in told.values.iter().enumerate() {
        minute.values[place] = value.map(|value| PaneValue {
            mean: value.mean.to_f64(),
            range: value.range.to_f64(),
            n: u32::try_from(value.n).unwrap_or(u32::MAX),
        });
        minute.setpoints[place] = told.setpoints[place].map(Micro::to_f64);
    }
    if let Some((machine, planned)) = told.state {
        minute.machine = machine;
        let seconds = planned.map(|span| span.0 as f64 / 1000.0).filter(|seconds| *seconds > 0.0);
        minute.planned_run_time_s = seconds.unwrap_or(minute.planned_run_time_s);
    }
    minute.units = told.inspected.units as f64;
    minute.good = told.inspected.good as f64;
    minute.defects = told.inspected.defects.map(|count| count as f64);
    minute
}

/// The minutes from `from` to before `to`, without gaps, each with what held in it.
pub fn in_full(chronicle: &Chronicle, from: EventMs, to: EventMs) -> Vec<Minute> {
    let minutes = from.pane(MINUTE)..to.pane(MINUTE);
    let told = minutes.map(|minute| chronicle.minute_in_full(EventMs(minute * MINUTE.0), MODEL.places()));
    told.map(|told| to_minute(&told)).collect()
}
