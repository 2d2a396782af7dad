//! A file as a recording of its own.

use super::columns::Layout;
use super::rows::{FileError, Row, Rows};
use crate::journal::{Journal, JournalError, Options};
use crate::runtime::{RuntimeError, registrations};
use lehr_domain::catalogue::{Catalogue, EquipmentEntry, SensorEntry};
use lehr_domain::event::{ErrorRow, Event, Inputs, Revised};
use lehr_domain::ids::stable_hash;
use lehr_domain::names::Names;
use lehr_domain::{Micro, Reading, SensorId};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to import, and how to read it.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    pub file: PathBuf,
    pub out: PathBuf,
    pub layout: Layout,
    /// Line and unit of sensors that the plant does not know.
    pub line: String,
    pub unit: String,
    pub catalogue: Catalogue,
    pub knowledge: String,
}

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Imported {
    pub rows: u64,
    pub readings: u64,
    pub errors: u64,
    pub sensors_registered: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0} exists already and is not empty; choose another --out")]
    Exists(PathBuf),
    #[error("too many sensors: {0}; is this a wide file? then give --wide")]
    TooManySensors(usize),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot write the recording")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// More sensors than any plant has: a value column taken for a sensor column.
const SENSORS_MOST: usize = 100_000;
/// Errors that are kept with their row; further ones are counted.
const ERRORS_KEPT: u64 = 10_000;

/// Reads a file and journals it as a recording of its own.
pub fn import(options: &ImportOptions) -> Result<Imported, ImportError> {
    if options.out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ImportError::Exists(options.out.clone()));
    }
    let mut rows = Rows::open(&options.file, &options.layout)?;
    std::fs::create_dir_all(&options.out)?;
    let (journal, _) = Journal::open(&options.out, Options::default())?;
    let mut import = Import {
        options,
        journal,
        names: Names::default(),
        ids: BTreeMap::new(),
        inputs: Inputs::default(),
        done: Imported::default(),
    };
    import.register(registrations(&options.catalogue, &options.knowledge, &Names::default())?);
    import.write()?;
    while let Some(read) = rows.next(|row| import.take(&row))? {
        import.done.rows += read;
        import.write()?;
    }
    Ok(import.done)
}

struct Import<'a> {
    options: &'a ImportOptions,
    journal: Journal,
    names: Names,
    /// Ids by the names that the file uses.
    ids: BTreeMap<String, SensorId>,
    inputs: Inputs,
    done: Imported,
}

impl Import<'_> {
    fn take(&mut self, row: &Row<'_>) -> Result<(), ImportError> {
        match &row.reading {
            Ok(Some((at, value, status))) => {
                let (at, value, status) = (*at, *value, *status);
                let sensor = self.sensor(row.sensor)?;
                self.inputs.now = self.inputs.now.max(at);
                self.inputs.readings.push(Reading { sensor, at, value, status, revision: 0 });
                self.done.readings += 1;
            }
            Ok(None) => {}
            Err(reason) => self.refuse(row, reason),
        }
        Ok(())
    }

    fn refuse(&mut self, row: &Row<'_>, reason: &str) {
        self.done.errors += 1;
        if self.done.errors > ERRORS_KEPT {
            return;
        }
        let event = Event::Error(ErrorRow {
            id: self.done.errors,
            at: self.inputs.now,
            source: format!("import {}", self.options.file.display()),
            reason: format!("line {}: {reason}", row.line),
            hash: stable_hash(&[row.line]),
            sample: row.sensor.chars().take(200).collect(),
        });
        self.inputs.events.push(Revised { revision: 0, event });
    }

    /// The sensor of that name, registered if it must be.
    fn sensor(&mut self, name: &str) -> Result<SensorId, ImportError> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let imported = format!("{}.{name}", self.options.line);
        let known = self.names.sensor_id(name).or_else(|| self.names.sensor_id(&imported));
        let id = match known {
            Some(id) => id,
            None => {
                if self.ids.len() >= SENSORS_MOST {
                    return Err(ImportError::TooManySensors(self.ids.len()));
                }
                self.register_sensor(name)?;
                self.done.sensors_registered += 1;
                self.names.sensor_id(&imported).expect("just registered")
            }
        };
        self.ids.insert(name.to_owned(), id);
        Ok(id)
    }

    fn register_sensor(&mut self, name: &str) -> Result<(), ImportError> {
        let mut catalogue = self.options.catalogue.clone();
        let equipment = EquipmentEntry {
            name: "imported".into(),
            stage: "unknown".into(),
            lag_min: "0s".into(),
            lag_max: "0s".into(),
        };
        catalogue.plant.lines = vec![self.options.line.clone()];
        catalogue.equipment = vec![equipment];
        catalogue.products.clear();
        catalogue.sensors = vec![SensorEntry {
            parameter: name.to_owned(),
            equipment: "imported".into(),
            unit: self.options.unit.clone(),
            period: "60s".into(),
            span: [-Micro::MAX_UNITS, Micro::MAX_UNITS],
            target: None,
            sigma: None,
            lines: None,
        }];
        let events = catalogue.events(&self.names).map_err(RuntimeError::from)?;
        self.register(events);
        Ok(())
    }

    fn register(&mut self, events: Vec<Event>) {
        for event in events {
            self.names.apply(&event);
            self.inputs.events.push(Revised { revision: 0, event });
        }
    }

    fn write(&mut self) -> Result<(), ImportError> {
        let mut inputs = std::mem::take(&mut self.inputs);
        self.inputs.now = inputs.now;
        inputs.tick = self.journal.next();
        inputs.wall = inputs.now;
        inputs.readings.revision.fill(inputs.tick.0);
        inputs.events.iter_mut().for_each(|row| row.revision = inputs.tick.0);
        self.journal.append(&inputs)?;
        self.journal.sync()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Reader;
    use crate::sources::file::Mapping;
    use lehr_domain::ReadingBatch;
    use std::path::Path;

    fn options(file: &Path, out: &Path) -> ImportOptions {
        ImportOptions {
            file: file.into(),
            out: out.into(),
            layout: Layout {
                map: Mapping::parse("time=timestamp").expect("a good mapping"),
                wide: false,
                sensor: None,
                time_zone: "Europe/Berlin".into(),
            },
            line: "imported".into(),
            unit: "1".into(),
            catalogue: Catalogue::parse(lehr_domain::catalogue::DEFAULT).expect("the shipped catalogue"),
            knowledge: lehr_causal::DEFAULT.into(),
        }
    }

    fn readings(out: &Path) -> Vec<(i64, f64)> {
        let read = Reader::open(out).expect("a journal").map(|inputs| inputs.expect("a good record"));
        let rows: Vec<ReadingBatch> = read.map(|inputs| inputs.readings).collect();
        rows.iter().flat_map(ReadingBatch::iter).map(|row| (row.at.0, row.value.to_f64())).collect()
    }

    #[test]
    fn a_long_file_keeps_its_good_rows_and_counts_its_bad_ones() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("long.csv");
        let text = "timestamp,sensor_id,value\n1970-01-01T00:00:01Z,a,1.5\n1970-01-01T00:00:02Z,a,NaN\n\
                    yesterday,a,1\n1970-01-01 01:00:03,Line_A.belt_speed,150\n4,a,x\n";
        std::fs::write(&file, text).expect("room for a small file");
        let out = dir.path().join("rec");
        let done = import(&options(&file, &out)).expect("imports");
        assert_eq!(done, Imported { rows: 5, readings: 2, errors: 3, sensors_registered: 1 });
        assert_eq!(readings(&out), [(1000, 1.5), (3000, 150.0)]);
        assert!(matches!(import(&options(&file, &out)), Err(ImportError::Exists(_))));
    }

    #[test]
    fn a_wide_file_has_a_sensor_a_column_and_gaps() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("wide.csv");
        std::fs::write(&file, "timestamp,a,b\n1000,1,\n1001,,2\n").expect("room for a small file");
        let out = dir.path().join("rec");
        let mut wide = options(&file, &out);
        wide.layout.wide = true;
        let done = import(&wide).expect("imports");
        assert_eq!(done, Imported { rows: 2, readings: 2, errors: 0, sensors_registered: 2 });
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_are_there() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("x.csv");
        std::fs::write(&file, "when,what\n1,2\n").expect("room for a small file");
        let error = import(&options(&file, &dir.path().join("rec"))).expect_err("there is no time").to_string();
        assert!(error.contains("'timestamp' (time) is not there; the file has when, what"), "{error}");
    }
}
