//! Readings as rows.

use lehr_domain::names::Names;
use lehr_domain::table::{Cell, Column};
use lehr_domain::{EventMs, Inputs, Reading, ReadingBatch, Tick};
use lehr_queries::history::{READINGS_DOC, readings_columns};
use lehr_targets::{Change, Delta, Table, TableDelta};
use std::sync::Arc;

/// Columns of SQL's `readings` that a store is given, in this order: what was said, without what the catalogue says of
/// the sensor, which changes (table `sensors`).
const COLUMNS: [&str; 5] = ["sensor_id", "at", "revision", "value", "status"];

/// As stores know it. A corrected reading is a row more, with a higher revision.
pub fn readings_table() -> Table {
    let all = readings_columns();
    let column = |name: &&str| all.iter().copied().find(|column| column.name == *name);
    let columns: Vec<Column> = COLUMNS.iter().filter_map(column).collect();
    assert_eq!(columns.len(), COLUMNS.len(), "SQL has the columns that stores are given");
    Table { name: "readings", doc: READINGS_DOC, columns, key: 3, log: true }
}

/// Readings on their way to a store that holds all up to `after`.
pub struct Part {
    pub after: Tick,
    pub tick: Tick,
    pub now: EventMs,
    readings: ReadingBatch,
}

impl Part {
    /// Of nothing, yet.
    pub fn from(after: Tick) -> Part {
        Part { after, tick: after, now: EventMs(0), readings: ReadingBatch::default() }
    }

    /// Of ticks without gaps behind `after`.
    pub fn of(after: Tick, ticks: &[Arc<Inputs>]) -> Part {
        let mut part = Part::from(after);
        ticks.iter().for_each(|inputs| part.add(inputs));
        part
    }

    pub fn add(&mut self, inputs: &Inputs) {
        (self.tick, self.now) = (inputs.tick, inputs.now);
        inputs.readings.iter().for_each(|reading| self.readings.push(reading));
    }

    pub fn rows(&self) -> usize {
        self.readings.len()
    }

    pub fn delta(&self, table: &Arc<Table>, names: &Names) -> Delta {
        let mut rows: Vec<Reading> = self.readings.iter().collect();
        // Of the same sensor, time and revision the greatest value holds, as everywhere.
        rows.sort_unstable_by_key(|reading| (reading.sensor, reading.at, reading.revision, reading.value));
        let same = |one: &Reading, other: &Reading| {
            (one.sensor, one.at, one.revision) == (other.sensor, other.at, other.revision)
        };
        let last_of_each = rows
            .iter()
            .enumerate()
            .filter(|(place, reading)| rows.get(place + 1).is_none_or(|next| !same(reading, next)));
        let changes: Vec<Change> =
            last_of_each.map(|(_, reading)| Change { appeared: true, row: cells(reading, names) }).collect();
        let tables = match changes.is_empty() {
            true => Vec::new(),
            false => vec![TableDelta { table: table.clone(), changes }],
        };
        Delta { after: self.after, tick: self.tick, now: self.now, tables }
    }
}

fn cells(reading: &Reading, names: &Names) -> Vec<Cell> {
    vec![
        Cell::Text(names.sensor(reading.sensor).to_owned()),
        Cell::Time(reading.at),
        Cell::Int(i64::try_from(reading.revision).unwrap_or(i64::MAX)),
        Cell::Float(reading.value.to_f64()),
        Cell::Text(reading.status.text().to_owned()),
    ]
}
