//! A plant's lines minute by minute: what Lehr reads, and what the ware was.

use super::recipe::RUN_IN_DAYS;
use super::{Origin, Recipe, SENSORS, Sequences, sensors};
use crate::DatasetError;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::event::SensorDef;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, LineId, SpanMs};
use lehr_plant::{Branch, Campaign, Cause, PlantConfig, PlantMinute, PlantSim, Truth, UnitTruth};
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
    /// Levels of the slow causes at the end of the minute.
    pub levels: Vec<[f32; Branch::SLOW]>,
    /// The most frequent cause of true defects but for the background: its place in [`CAUSES`] and one, or 0.
    pub cause: Vec<u8>,
}

const MINUTE: SpanMs = SpanMs::minutes(1);

pub(crate) fn names() -> &'static Names {
    static NAMES: LazyLock<Names> = LazyLock::new(|| {
        Catalogue::parse(DEFAULT).and_then(|catalogue| catalogue.names()).expect("the shipped catalogue is good")
    });
    &NAMES
}

/// Simulates the shipped plant in a campaign from `start` for the run-in and `days`; the run-in is left out of the answer.
pub fn simulate(seed: u64, start: EventMs, days: u32, rare_cause: bool) -> Result<Vec<LineSeries>, DatasetError> {
    let config = PlantConfig { seed, start, ..PlantConfig::default() };
    let mut plant = PlantSim::in_campaign(names(), config, Campaign { rare_cause })?.in_minutes();
    let first = start + SpanMs::days(i64::from(RUN_IN_DAYS));
    while plant.now() < first {
        plant.minute();
    }
    let mut fold = Fold::new(first, i64::from(days) * 1440);
    for row in 0..days as usize * 1440 {
        let minute = plant.minute();
        fold.take(row, &minute);
        for series in &mut fold.lines {
            series.levels.push(plant.levels(series.line)?);
        }
    }
    Ok(fold.lines)
}

/// Lines of the plants of `part` set apart at the origins at `taken`, ascending, with the ware of the minutes before: handed to
/// `take` by index. Lives every plant once more, without instruments.
pub(crate) fn branches(
    recipe: &Recipe,
    part: &Sequences,
    taken: &[usize],
    mut take: impl FnMut(usize, &Branch, &[(u8, u8)]),
) -> Result<(), DatasetError> {
    let mut now: Option<(u64, LineId, Branch)> = None;
    let mut recent: Vec<(u8, u8)> = Vec::new();
    for index in taken {
        let Origin { seed, line, minute, .. } = part.origins[*index];
        if now.as_ref().is_none_or(|(other, of, _)| (*other, *of) != (seed, line)) {
            let (start, plants) = recipe.plants_of(seed).expect("origins are of the recipe's plants");
            let config = PlantConfig { seed, start, ..PlantConfig::default() };
            let sim = PlantSim::in_campaign(names(), config, Campaign { rare_cause: plants.rare_cause })?;
            now = Some((seed, line, sim.branch(line)?));
            recent.clear();
        }
        let Some((_, _, branch)) = &mut now else { continue };
        while branch.now().pane(MINUTE) < minute {
            let ware = branch.minute();
            recent.push((ware.units.min(255) as u8, ware.defective.min(255) as u8));
        }
        let before = recent.len().saturating_sub(recipe.rule.minutes as usize);
        recent.drain(..before);
        take(*index, branch, &recent);
    }
    Ok(())
}

/// Puts what a plant tells of its minutes into columns.
struct Fold {
    lines: Vec<LineSeries>,
    /// Line and column of each sensor that is read.
    places: Vec<Option<(usize, usize)>>,
}

impl Fold {
    fn new(first: EventMs, minutes: i64) -> Fold {
        let names = names();
        let rows = minutes as usize;
        let line = |(line, _): (LineId, &str)| LineSeries {
            line,
            first_minute: first.pane(MINUTE),
            means: vec![f32::NAN; rows * SENSORS],
            units: vec![0; rows],
            defective: vec![0; rows],
            reported: vec![0; rows],
            levels: Vec::with_capacity(rows),
            cause: vec![0; rows],
        };
        let lines: Vec<LineSeries> = names.lines().map(line).collect();
        let place = |def: &SensorDef| {
            let column = sensors().iter().position(|name| *name == names.parameter(def.parameter))?;
            Some((lines.iter().position(|series| series.line == def.line)?, column))
        };
        let places = names.sensors().map(|(_, def)| place(def)).collect();
        Fold { lines, places }
    }

    fn take(&mut self, row: usize, minute: &PlantMinute) {
        for (sensor, mean) in &minute.means {
            if let Some((line, column)) = self.places[sensor.index()] {
                self.lines[line].means[row * SENSORS + column] = *mean as f32;
            }
        }
        let mut counts = vec![[0u8; CAUSES.len()]; self.lines.len()];
        for truth in &minute.truth {
            if let Truth::Unit(unit) = truth {
                self.unit(row, unit, &mut counts[unit.line.index()]);
            }
        }
        for (series, counts) in self.lines.iter_mut().zip(counts) {
            let most = counts.iter().copied().max().unwrap_or(0);
            let place = counts.iter().position(|count| *count == most && most > 0);
            series.cause[row] = place.map_or(0, |place| place as u8 + 1);
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

    /// The same plant reading by reading, folded as Lehr's panes do: ware is the same to the unit; means differ by the chance of
    /// instruments alone, and on average by nothing.
    #[test]
    fn minutes_are_what_panes_and_inspection_say() {
        let start = EventMs(1_769_839_200_000);
        let config = || PlantConfig { seed: 7, start, faults_per_day: 60.0, ..PlantConfig::default() };
        let minutes = 1440;
        let mut fold = Fold::new(start, minutes);
        let mut plant = PlantSim::in_campaign(names(), config(), Campaign::default()).unwrap().in_minutes();
        (0..minutes as usize).for_each(|row| fold.take(row, &plant.minute()));

        let mut sim = PlantSim::in_campaign(names(), config(), Campaign::default()).unwrap();
        let mut panes: BTreeMap<(SensorId, i64), Moments> = BTreeMap::new();
        let mut ware: BTreeMap<(LineId, i64), (u8, u8)> = BTreeMap::new();
        let output = sim.advance(start + SpanMs::minutes(minutes));
        for reading in output.readings.iter().filter(|reading| reading.status.counts()) {
            let pane = panes.entry((reading.sensor, reading.at.pane(MINUTE)));
            pane.or_insert_with(|| Moments::starting(reading.at.floor(MINUTE))).append(reading.at, reading.value);
        }
        for event in &output.events {
            let Event::Unit(unit) = event else { continue };
            let (all, bad) = ware.entry((unit.line, unit.at.pane(MINUTE))).or_default();
            *all += 1;
            *bad += u8::from(unit.verdict != Verdict::Good);
        }
        for series in &fold.lines {
            for row in 0..minutes as usize {
                let minute = series.first_minute + row as i64;
                let counts = (series.units[row], series.reported[row]);
                assert_eq!(counts, ware.get(&(series.line, minute)).copied().unwrap_or((0, 0)));
            }
            for (column, sensor) in sensors().iter().enumerate() {
                let name = format!("{}.{sensor}", names().line(series.line));
                let id = names().sensor_id(&name).unwrap();
                let sigma = names().sensor_def(id).unwrap().sigma.unwrap().to_f64();
                let (mut off, mut both, mut one) = (0.0, 0.0, 0.0);
                for row in 0..minutes as usize {
                    let mean = f64::from(series.means[row * SENSORS + column]);
                    let pane = panes.get(&(id, series.first_minute + row as i64)).and_then(Moments::mean_f64);
                    match (mean.is_nan(), pane) {
                        (false, Some(pane)) => {
                            both += 1.0;
                            off += (mean - pane) / sigma;
                        }
                        (true, None) => {}
                        _ => one += 1.0,
                    }
                }
                // A stuck instrument repeats another value for hours: the bound leaves room for it.
                assert!((off / both).abs() < 0.25, "{name}: {}", off / both);
                // A drop-out may begin a reading earlier in one of them, and then loses others.
                assert!(one <= 150.0, "{name}: {one} minutes in one of them only");
            }
        }
    }
}
