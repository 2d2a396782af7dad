//! The closed minutes of a line, as a snapshot has them.

use lehr_domain::machine::MachineState;
use lehr_domain::names::Names;
use lehr_domain::unit::{DefectType, Verdict};
use lehr_domain::{EventMs, LineId, SensorId, SpanMs};
use lehr_queries::Snapshot;
use lehr_twin::{Guess, MINUTE, Minute, PARAMETERS, PaneValue, Parameter};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A twin learns within a day what normal operation can teach; a week shows it the rarer mechanisms. The fold begins
/// at a midnight, so that it begins anew once a day and not with every minute that leaves.
const FOLDS_OVER: SpanMs = SpanMs::days(6);

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

/// The first guess, with targets and spreads from the catalogue where it has them.
pub fn guess(names: &Names, line: LineId) -> Guess {
    let mut guess = Guess::shipped();
    for (index, sensor) in sensors(names, line).into_iter().enumerate() {
        let Some(def) = sensor.and_then(|id| names.sensor_def(id)) else { continue };
        if let Some(target) = def.target {
            guess.targets[index] = target.to_f64();
        }
        if let Some(sigma) = def.sigma.filter(|sigma| sigma.0 > 0) {
            guess.sigma[index] = sigma.to_f64();
        }
    }
    guess
}

/// Which instants are folded: whole minutes, the end excluded. Minutes of the newest pane of the line are still open.
fn span(snapshot: &Snapshot, line: LineId) -> Option<(EventMs, EventMs)> {
    let clock = snapshot.clocks.get(|row| row.production_line.cmp(&line))?.at;
    let end = clock.floor(MINUTE) - MINUTE;
    let earliest = (end - FOLDS_OVER).floor(SpanMs::days(1));
    let within = |start: EventMs| if start < earliest { Ordering::Less } else { Ordering::Equal };
    let first = sensors(&snapshot.names, line).into_iter().flatten().filter_map(|sensor| {
        let position = |row: &lehr_dataflows::tables::PaneRow| row.sensor_id.cmp(&sensor).then(within(row.start));
        snapshot.panes.get(position).map(|row| row.start)
    });
    let first = first.min()?;
    (first < end).then_some((first, end))
}

/// All closed minutes of the line that are folded, without gaps, in order.
pub fn minutes(snapshot: &Snapshot, line: LineId) -> Vec<Minute> {
    let Some((first, end)) = span(snapshot, line) else { return Vec::new() };
    let count = ((end - first).0 / MINUTE.0) as usize;
    let mut minutes: Vec<Minute> = (0..count).map(|n| Minute::gap(first + SpanMs::minutes(n as i64))).collect();
    let place = |at: EventMs| (at >= first && at < end).then(|| ((at - first).0 / MINUTE.0) as usize);
    for (index, sensor) in sensors(&snapshot.names, line).into_iter().enumerate() {
        let Some(sensor) = sensor else { continue };
        let within = |start: EventMs| match start {
            start if start < first => Ordering::Less,
            start if start >= end => Ordering::Greater,
            _ => Ordering::Equal,
        };
        for row in snapshot.panes.range(|row| row.sensor_id.cmp(&sensor).then(within(row.start))) {
            let (Some(place), Some(mean)) = (place(row.start), row.moments.mean_f64()) else { continue };
            minutes[place].values[index] = Some(PaneValue {
                mean,
                std: row.moments.std_f64().unwrap_or(0.0),
                range: row.moments.max.to_f64() - row.moments.min.to_f64(),
                last: row.moments.last.to_f64(),
                n: u32::try_from(row.moments.n).unwrap_or(u32::MAX),
            });
        }
        let given: Vec<_> = snapshot.setpoints.range(|row| row.sensor_id.cmp(&sensor)).collect();
        from_then_on(&mut minutes, given.iter().map(|row| (row.start, row.value.to_f64())), |minute, value| {
            minute.setpoints[index] = Some(*value);
        });
    }
    let states = snapshot.machine_states.range(|row| row.production_line.cmp(&line));
    let names = &snapshot.names;
    let planned = |product| names.product_def(product).map(|def| def.planned_run_time.0 as f64 / 1000.0);
    let states = states.map(|row| (row.start, (row.state, planned(row.product))));
    from_then_on(&mut minutes, states, |minute, (state, planned): &(MachineState, Option<f64>)| {
        minute.machine = *state;
        minute.planned_run_time_s = planned.filter(|seconds| *seconds > 0.0).unwrap_or(minute.planned_run_time_s);
    });
    inspected(snapshot, line, &mut minutes, place);
    minutes
}

/// Sets what is in force at the end of each minute. `given` ascends.
fn from_then_on<T>(
    minutes: &mut [Minute],
    given: impl Iterator<Item = (EventMs, T)>,
    mut set: impl FnMut(&mut Minute, &T),
) {
    let mut given = given.peekable();
    let mut holds = None;
    for minute in minutes {
        while let Some((_, value)) = given.next_if(|(start, _)| *start < minute.at + MINUTE) {
            holds = Some(value);
        }
        if let Some(value) = &holds {
            set(minute, value);
        }
    }
}

fn inspected(snapshot: &Snapshot, line: LineId, minutes: &mut [Minute], place: impl Fn(EventMs) -> Option<usize>) {
    for unit in snapshot.units.iter().filter(|unit| unit.production_line == line) {
        let Some(place) = place(unit.at) else { continue };
        minutes[place].units += 1.0;
        minutes[place].good += f64::from(u8::from(unit.verdict == Verdict::Good));
    }
    // A unit with two cracks is one cracked unit.
    let mut found: BTreeMap<lehr_domain::UnitId, [bool; DefectType::COUNT]> = BTreeMap::new();
    for defect in snapshot.defects.iter().filter(|defect| defect.production_line == line) {
        let Some(place) = place(defect.at) else { continue };
        let seen = &mut found.entry(defect.unit_id).or_default()[defect.defect_type as usize];
        if !std::mem::replace(seen, true) {
            minutes[place].defects[defect.defect_type as usize] += 1.0;
        }
    }
}
