//! What history promises, tested on simulated disks.

mod crashes;
mod lookups;
mod round_trip;
mod verify;

use super::{History, HistoryError, Inputs, Journalled, Range, Wanted};
use crate::journal::simulated::SimDisk;
use crate::journal::storage::Storage;
use crate::journal::{Journal, Options, Reader};
use lehr_domain::event::{LateRow, Revised, SensorDef};
use lehr_domain::names::Names;
use lehr_domain::{
    EquipmentId, Event, EventMs, Inputs as TickInputs, LineId, Micro, ParameterId, Reading, SensorId, SpanMs, Status,
    Tick,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const START: EventMs = EventMs(1_773_000_000_000);
const SENSORS: u32 = 9;

type SimHistory = History<SimDisk, SimDisk>;

/// A journal and history on two disks, and what was journalled.
struct World {
    journal: SimDisk,
    files: SimDisk,
    written: Vec<TickInputs>,
    names: Names,
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Sensors on two lines, one with a name that no folder may have, and one sensor on no line.
fn names() -> Names {
    let mut names = Names::default();
    names.apply(&Event::Line(LineId(0), "Line_A".into()));
    names.apply(&Event::Line(LineId(1), "../Ö".into()));
    for sensor in 0..SENSORS - 1 {
        let def = SensorDef {
            name: format!("s{sensor}"),
            line: LineId((sensor % 2) as u16),
            equipment: EquipmentId(0),
            parameter: ParameterId(0),
            unit: "°C".into(),
            period: SpanMs::seconds(1),
            span: (Micro(0), Micro(1)),
            target: None,
            sigma: None,
        };
        names.apply(&Event::Sensor(SensorId(sensor), def));
    }
    names
}

/// A tick some minutes of plant time after the last: readings in time, late ones, corrections, repetitions; now and then
/// none, and events.
fn tick(number: u64, before: &[TickInputs], rng: &mut ChaCha8Rng) -> TickInputs {
    let now = START + SpanMs::minutes(number as i64 * 7);
    let mut inputs = TickInputs { tick: Tick(number), now, wall: now, low_water: now, ..TickInputs::default() };
    let rows = if rng.random_bool(0.2) { 0 } else { rng.random_range(0..60) };
    for _ in 0..rows {
        let late = if rng.random_bool(0.1) { SpanMs::hours(rng.random_range(0..60)) } else { SpanMs(0) };
        let at = now - late - SpanMs::seconds(rng.random_range(0..420));
        let sensor = SensorId(rng.random_range(0..SENSORS));
        let (value, status) = (Micro(rng.random_range(0..1_000_000)), Status::ALL[rng.random_range(0..4)]);
        inputs.readings.push(Reading { sensor, at, revision: number, value, status });
    }
    for _ in 0..rng.random_range(0..8) {
        let Some(earlier) = before.get(rng.random_range(0..before.len().max(1))) else { continue };
        if earlier.readings.is_empty() {
            continue;
        }
        let mut repeated = earlier.readings.get(rng.random_range(0..earlier.readings.len()));
        if rng.random_bool(0.5) {
            repeated.revision = rng.random_range(0..number + 3);
            repeated.value = Micro(rng.random_range(0..1_000_000));
        }
        inputs.readings.push(repeated);
    }
    if rng.random_bool(0.3) {
        let row = LateRow {
            sensor: SensorId(rng.random_range(0..SENSORS)),
            at: START - SpanMs::days(20),
            value: Micro(rng.random_range(0..100)),
            arrived: now,
            status: Status::Critical,
            revision: number,
        };
        inputs.events.push(Revised { revision: number, event: Event::Late(row) });
    }
    inputs
}

impl World {
    fn new(seed: u64, ticks: u64, segment_bytes: u64) -> World {
        let mut world =
            World { journal: SimDisk::default(), files: SimDisk::default(), written: Vec::new(), names: names() };
        world.write(&mut rng(seed), ticks, segment_bytes);
        world
    }

    /// Journals some more ticks.
    fn write(&mut self, rng: &mut ChaCha8Rng, ticks: u64, segment_bytes: u64) {
        let options = Options { segment_bytes, salvage: false, ..Options::default() };
        let (mut journal, _) = Journal::recover(self.journal.clone(), options).unwrap();
        for _ in 0..ticks {
            let inputs = tick(journal.next().0, &self.written, rng);
            journal.append(&inputs).unwrap();
            journal.sync().unwrap();
            self.written.push(inputs);
        }
    }

    fn open(&self) -> Result<SimHistory, HistoryError> {
        let disks = || (self.journal.clone(), self.files.clone());
        History::over(disks(), disks())
    }

    #[expect(clippy::arc_with_non_send_sync, reason = "what reads history takes it in an Arc; here on one thread")]
    fn history(&self) -> Arc<SimHistory> {
        Arc::new(self.open().unwrap())
    }

    fn convert_all(&self, history: &SimHistory) -> usize {
        let segments = history.convertible().unwrap();
        for segment in &segments {
            history.convert(*segment, &self.names).unwrap();
        }
        segments.len()
    }

    /// Every tick, read through `history`, its readings sorted.
    fn read(&self, history: &Arc<SimHistory>) -> Result<Vec<TickInputs>, HistoryError> {
        let inputs = Inputs::over(Reader::over(self.journal.clone()), history.clone());
        inputs.map(|inputs| inputs.map(sorted)).collect()
    }

    fn expected(&self) -> Vec<TickInputs> {
        self.written.iter().cloned().map(sorted).collect()
    }

    /// Everything that was journalled before a tick, from scratch.
    fn journalled(&self, before: Tick) -> Vec<Journalled> {
        let ticks = self.written.iter().filter(|inputs| inputs.tick < before);
        ticks
            .flat_map(|inputs| inputs.readings.iter().map(|reading| Journalled { reading, tick: inputs.tick }))
            .collect()
    }

    /// Random lookups against a filter of all that was journalled. Gives the number of rows found.
    fn check_lookups(&self, history: &SimHistory, rng: &mut ChaCha8Rng, context: &str) -> usize {
        let last = self.written.len() as u64;
        let mut rows = 0;
        for _ in 0..6 {
            let range = |rng: &mut ChaCha8Rng| {
                let from = START + SpanMs::minutes(rng.random_range(-3000..7 * last as i64));
                let sensor = SensorId(rng.random_range(0..SENSORS + 1));
                Range { sensor, from, to: from + SpanMs::minutes(rng.random_range(0..600)) }
            };
            let wanted: Vec<Range> = (0..rng.random_range(0..4)).map(|_| range(rng)).collect();
            let before = Tick(rng.random_range(0..=last + 1));
            let mut expected = self.journalled(before);
            expected.retain(|row| {
                wanted.iter().any(|range| {
                    range.sensor == row.reading.sensor && range.from <= row.reading.at && row.reading.at < range.to
                })
            });
            expected.sort_unstable();
            let found = history.readings(&wanted, before).unwrap_or_else(|error| panic!("{context}: {error:?}"));
            assert!(found == expected, "{context}: {wanted:?} before {before:?}");
            rows += found.len();
        }
        rows
    }
}

fn sorted(mut inputs: TickInputs) -> TickInputs {
    let mut readings: Vec<Reading> = inputs.readings.iter().collect();
    readings.sort_unstable();
    inputs.readings = readings.into_iter().collect();
    inputs
}
