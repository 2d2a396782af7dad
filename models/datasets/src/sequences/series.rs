//! A plant's lines minute by minute: what Lehr reads, and what the ware was.

use super::recipe::RUN_IN_DAYS;
use super::{SENSORS, sensors};
use crate::DatasetError;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, LineId, Micro, ReadingBatch, SpanMs, Status};
use lehr_plant::{Cause, Output, PlantConfig, PlantSim, Truth, UnitTruth};
use std::sync::LazyLock;

/// Causes by the code under which they are kept; 0 is none.
pub const CAUSES: [Cause; 8] = [
    Cause::FurnaceHot,
    Cause::FurnaceCold,
    Cause::BeltFast,
    Cause::MoldCold,
    Cause::PressureUnsteady,
    Cause::CoolingFast,
    Cause::Cullet,
    Cause::Refractory,
];

/// One line over a stretch of time. All columns have a row a minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineSeries {
    pub line: LineId,
    /// Minutes since the epoch.
    pub first_minute: i64,
    /// [`SENSORS`] values a minute: the mean of the good readings, NaN where there is none.
    pub means: Vec<f32>,
    /// Units inspected.
    pub units: Vec<u8>,
    /// Units that are defective.
    pub defective: Vec<u8>,
    /// Units that inspection calls defective.
    pub reported: Vec<u8>,
    /// The most frequent cause of true defects but for the background: its place in [`CAUSES`] and one, or 0.
    pub cause: Vec<u8>,
}

/// A stretch in which a plant's output is asked for: long enough to cost nothing, short enough to hold.
pub type Day = SpanMs;
const STRETCH: Day = SpanMs::hours(6);

pub(super) fn names() -> &'static Names {
    static NAMES: LazyLock<Names> = LazyLock::new(|| {
        Catalogue::parse(DEFAULT).and_then(|catalogue| catalogue.names()).expect("the shipped catalogue is good")
    });
    &NAMES
}

/// Simulates the shipped plant from `start` for the run-in and `days`; the run-in is left out of the answer.
pub fn simulate(seed: u64, start: EventMs, days: u32, rare_cause: bool) -> Result<Vec<LineSeries>, DatasetError> {
    let _ = rare_cause;
    let mut sim = PlantSim::new(names(), PlantConfig { seed, start, ..PlantConfig::default() })?;
    let first = start + SpanMs::days(i64::from(RUN_IN_DAYS));
    while sim.now() < first {
        sim.advance((sim.now() + STRETCH).min(first));
    }
    let end = first + SpanMs::days(i64::from(days));
    let mut folder = Fold::new(first, i64::from(days) * 1440);
    while sim.now() < end {
        let from = sim.now();
        let output = sim.advance((from + STRETCH).min(end));
        folder.take(from, &output);
    }
    Ok(folder.lines)
}

/// Folds what a plant tells into minutes.
struct Fold {
    lines: Vec<LineSeries>,
    /// Line and column of each sensor that is read.
    places: Vec<Option<(usize, usize)>>,
    first: EventMs,
}

impl Fold {
    fn new(first: EventMs, minutes: i64) -> Fold {
        let names = names();
        let rows = minutes as usize;
        let line = |(line, _): (LineId, &str)| LineSeries {
            line,
            first_minute: first.pane(SpanMs::minutes(1)),
            means: vec![f32::NAN; rows * SENSORS],
            units: vec![0; rows],
            defective: vec![0; rows],
            reported: vec![0; rows],
            cause: vec![0; rows],
        };
        let lines: Vec<LineSeries> = names.lines().map(line).collect();
        let place = |def: &lehr_domain::event::SensorDef| {
            let column = sensors().iter().position(|name| *name == names.parameter(def.parameter))?;
            Some((lines.iter().position(|series| series.line == def.line)?, column))
        };
        let places = names.sensors().map(|(_, def)| place(def)).collect();
        Fold { lines, places, first }
    }

    fn row(&self, at: EventMs) -> usize {
        ((at - self.first).0 / 60_000) as usize
    }

    /// Takes a stretch of whole minutes.
    fn take(&mut self, from: EventMs, output: &Output) {
        self.readings(from, &output.readings);
        let mut counts: Vec<[u8; CAUSES.len()]> = Vec::new();
        let mut begin = None;
        for truth in &output.truth {
            let Truth::Unit(unit) = truth else { continue };
            let row = self.row(unit.at);
            let first = *begin.get_or_insert(self.row(from));
            let slot = (row - first) * self.lines.len() + unit.line.index();
            if counts.len() <= slot {
                counts.resize(slot + 1, [0; CAUSES.len()]);
            }
            self.unit(row, unit, &mut counts[slot]);
        }
        let Some(first) = begin else { return };
        for (slot, counts) in counts.iter().enumerate() {
            let most = counts.iter().copied().max().unwrap_or(0);
            let place = counts.iter().position(|count| *count == most && most > 0);
            let (row, line) = (first + slot / self.lines.len(), slot % self.lines.len());
            self.lines[line].cause[row] = place.map_or(0, |place| place as u8 + 1);
        }
    }

    /// A sensor's minute mean as Lehr's panes have it: the sum of the readings that count, in millionths, over their number.
    fn readings(&mut self, from: EventMs, readings: &ReadingBatch) {
        let first = self.row(from);
        let mut sums: Vec<(i64, i64)> = Vec::new();
        let width = self.lines.len() * SENSORS;
        for (row, sensor) in readings.sensor.iter().enumerate() {
            let Some((line, column)) = self.places[*sensor as usize] else { continue };
            if !Status::from_u8(readings.status[row]).is_some_and(Status::counts) {
                continue;
            }
            let slot = (self.row(EventMs(readings.at[row])) - first) * width + line * SENSORS + column;
            if sums.len() <= slot {
                sums.resize(slot + width, (0, 0));
            }
            let (sum, n) = &mut sums[slot];
            *sum += readings.value[row];
            *n += 1;
        }
        for (slot, (sum, n)) in sums.into_iter().enumerate().filter(|(_, (_, n))| *n > 0) {
            let (minute, line, column) = (first + slot / width, slot % width / SENSORS, slot % SENSORS);
            let mean = sum as f64 / n as f64 / Micro::SCALE as f64;
            if let Some(value) = self.lines[line].means.get_mut(minute * SENSORS + column) {
                *value = mean as f32;
            }
        }
    }

    fn unit(&mut self, row: usize, unit: &UnitTruth, counts: &mut [u8; CAUSES.len()]) {
        let series = &mut self.lines[unit.line.index()];
        let missed_all = unit.defects.len() == unit.missed.len();
        let reported = !missed_all || !unit.spurious.is_empty();
        let count = |column: &mut u8, one: bool| *column = column.saturating_add(u8::from(one));
        count(&mut series.units[row], true);
        count(&mut series.defective[row], !unit.defects.is_empty());
        count(&mut series.reported[row], reported);
        for defect in &unit.defects {
            if let Some(place) = CAUSES.iter().position(|cause| *cause == defect.cause) {
                counts[place] = counts[place].saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::moments::Moments;
    use lehr_domain::unit::Verdict;
    use lehr_domain::{Event, SensorId};
    use std::collections::BTreeMap;

    /// Folding as Lehr's panes do, reading by reading, with every sum in fixed point.
    #[test]
    fn minutes_are_what_panes_and_inspection_say() {
        let start = EventMs(1_769_839_200_000);
        let hours = SpanMs::hours(9);
        let config = PlantConfig { seed: 7, start, faults_per_day: 60.0, ..PlantConfig::default() };
        let mut sim = PlantSim::new(names(), config).unwrap();
        let mut fold = Fold::new(start, 540);
        let mut panes: BTreeMap<(SensorId, i64), Moments> = BTreeMap::new();
        let mut ware: BTreeMap<(LineId, i64), (u8, u8)> = BTreeMap::new();
        while sim.now() < start + hours {
            let from = sim.now();
            let output = sim.advance(from + SpanMs::hours(3));
            fold.take(from, &output);
            for reading in output.readings.iter().filter(|reading| reading.status.counts()) {
                let minute = reading.at.pane(SpanMs::minutes(1));
                let pane = panes
                    .entry((reading.sensor, minute))
                    .or_insert_with(|| Moments::starting(reading.at.floor(SpanMs::minutes(1))));
                pane.append(reading.at, reading.value);
            }
            for event in &output.events {
                let Event::Unit(unit) = event else { continue };
                let (all, bad) = ware.entry((unit.line, unit.at.pane(SpanMs::minutes(1)))).or_default();
                *all += 1;
                *bad += u8::from(unit.verdict != Verdict::Good);
            }
        }
        let mut gaps = 0;
        for series in &fold.lines {
            for (row, means) in series.means.chunks(SENSORS).enumerate() {
                let minute = series.first_minute + row as i64;
                for (column, mean) in means.iter().enumerate() {
                    let name = format!("{}.{}", names().line(series.line), sensors()[column]);
                    let pane = panes.get(&(names().sensor_id(&name).unwrap(), minute));
                    let expected = pane.and_then(Moments::mean_f64).map(|mean| mean as f32);
                    gaps += usize::from(expected.is_none());
                    assert_eq!((!mean.is_nan()).then_some(*mean), expected, "{name} at {minute}");
                }
                let counts = (series.units[row], series.reported[row]);
                assert_eq!(counts, ware.get(&(series.line, minute)).copied().unwrap_or((0, 0)));
            }
        }
        assert!(gaps > 0, "faults of instruments leave gaps");
    }
}
