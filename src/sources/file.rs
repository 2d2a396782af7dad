//! Measurements from files: any CSV or Parquet with time and values, long or wide.

use crate::journal::{Journal, JournalError, Options};
use crate::runtime::{RuntimeError, registrations};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lehr_domain::catalogue::{Catalogue, EquipmentEntry, SensorEntry};
use lehr_domain::event::{ErrorRow, Event, Inputs, Revised};
use lehr_domain::ids::stable_hash;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Micro, Reading, SensorId, Status};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which column is what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub time: String,
    pub value: String,
    pub sensor: String,
    pub status: Option<String>,
}

impl Mapping {
    /// Reads `time=COLUMN,value=COLUMN,…`; what is not given keeps its usual name.
    pub fn parse(text: &str) -> Result<Mapping, String> {
        let mut map =
            Mapping { time: "timestamp".into(), value: "value".into(), sensor: "sensor_id".into(), status: None };
        for part in text.split(',') {
            let (what, column) = part.split_once('=').ok_or_else(|| format!("'{part}' is not WHAT=COLUMN"))?;
            let column = column.trim().to_owned();
            match what.trim() {
                "time" => map.time = column,
                "value" => map.value = column,
                "sensor" => map.sensor = column,
                "status" => map.status = Some(column),
                other => return Err(format!("'{other}' is none of time, value, sensor, status")),
            }
        }
        Ok(map)
    }
}

/// What to import, and how to read it.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    pub file: PathBuf,
    pub out: PathBuf,
    pub map: Mapping,
    pub wide: bool,
    pub sensor: Option<String>,
    pub line: String,
    pub unit: String,
    pub time_zone: String,
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
    #[error("{0}: unknown kind of file; it must end in .csv or .parquet")]
    Kind(PathBuf),
    #[error("column '{column}' ({what}) is not there; the file has {has}. Name it with --map {what}=COLUMN")]
    Column { what: &'static str, column: String, has: String },
    #[error("time zone '{0}' is not known; use an IANA name such as Europe/Berlin")]
    TimeZone(String),
    #[error("too many sensors: {0}; is this a wide file? then give --wide")]
    TooManySensors(usize),
    #[error("cannot read the file")]
    Arrow(#[from] ArrowError),
    #[error("cannot read the file")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("cannot read the file")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// Rows read at a time, and so readings a tick (times the columns of a wide file).
const ROWS: usize = 8192;
/// More sensors than any plant has: a value column taken for a sensor column.
const SENSORS_MOST: usize = 100_000;
/// Errors that are kept with their row; further ones are counted.
const ERRORS_KEPT: u64 = 10_000;

/// Reads a file and journals it as a recording of its own.
pub fn import(options: &ImportOptions) -> Result<Imported, ImportError> {
    if options.out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ImportError::Exists(options.out.clone()));
    }
    let zone = TimeZone::get(&options.time_zone).map_err(|_| ImportError::TimeZone(options.time_zone.clone()))?;
    let batches = open(&options.file)?;
    let columns = Columns::find(&batches.schema(), options)?;
    std::fs::create_dir_all(&options.out)?;
    let (journal, _) = Journal::open(&options.out, Options::default())?;
    let mut import = Import {
        options,
        zone,
        columns,
        journal,
        names: Names::default(),
        ids: BTreeMap::new(),
        inputs: Inputs::default(),
        done: Imported::default(),
    };
    import.register(registrations(&options.catalogue, &options.knowledge, &Names::default())?);
    import.write()?;
    for batch in batches {
        import.take(&batch?)?;
    }
    Ok(import.done)
}

fn open(path: &Path) -> Result<Box<dyn RecordBatchReader>, ImportError> {
    let mut file = File::open(path)?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => {
            let format = arrow::csv::reader::Format::default().with_header(true);
            let (inferred, _) = format.infer_schema(&mut file, Some(1))?;
            file.seek(SeekFrom::Start(0))?;
            // Everything as text: a bad value must not spoil its neighbours.
            let fields = inferred.fields().iter().map(|field| field.as_ref().clone().with_data_type(DataType::Utf8));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let builder = arrow::csv::ReaderBuilder::new(schema).with_header(true).with_batch_size(ROWS);
            Ok(Box::new(builder.with_truncated_rows(true).build(file)?))
        }
        Some("parquet") => {
            let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)?;
            Ok(Box::new(builder.with_batch_size(ROWS).build()?))
        }
        _ => Err(ImportError::Kind(path.to_owned())),
    }
}

/// Where the columns stand.
struct Columns {
    time: usize,
    /// Value columns, with the sensor's name when the column says it.
    values: Vec<(usize, Option<String>)>,
    sensor: Option<usize>,
    status: Option<usize>,
}

impl Columns {
    fn find(schema: &Schema, options: &ImportOptions) -> Result<Columns, ImportError> {
        let find = |what, column: &str| {
            schema.index_of(column).map_err(|_| ImportError::Column {
                what,
                column: column.into(),
                has: schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", "),
            })
        };
        let time = find("time", &options.map.time)?;
        if options.wide {
            let values = schema.fields().iter().enumerate().filter(|(index, _)| *index != time);
            let values = values.map(|(index, field)| (index, Some(field.name().clone()))).collect();
            return Ok(Columns { time, values, sensor: None, status: None });
        }
        let value = find("value", &options.map.value)?;
        let sensor = match &options.sensor {
            Some(_) => None,
            None => Some(find("sensor", &options.map.sensor)?),
        };
        let status = options.map.status.as_deref().map(|column| find("status", column)).transpose()?;
        Ok(Columns { time, values: vec![(value, options.sensor.clone())], sensor, status })
    }
}

struct Import<'a> {
    options: &'a ImportOptions,
    zone: TimeZone,
    columns: Columns,
    journal: Journal,
    names: Names,
    /// Ids by the names that the file uses.
    ids: BTreeMap<String, SensorId>,
    inputs: Inputs,
    done: Imported,
}

impl Import<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), ImportError> {
        let times = Times::of(batch.column(self.columns.time))?;
        let sensors = self.columns.sensor.map(|index| texts(batch.column(index))).transpose()?;
        let statuses = self.columns.status.map(|index| texts(batch.column(index))).transpose()?;
        for (index, fixed) in self.columns.values.clone() {
            let values = Values::of(batch.column(index))?;
            for row in 0..batch.num_rows() {
                let name = match (&fixed, &sensors) {
                    (Some(name), _) => name.as_str(),
                    (None, Some(sensors)) => sensors.value(row).trim(),
                    (None, None) => unreachable!("a long file has a sensor column or one sensor"),
                };
                let status = statuses.as_ref().map(|statuses| statuses.value(row));
                self.row(row, name, times.get(row, &self.zone), values.get(row), status)?;
            }
        }
        self.done.rows += batch.num_rows() as u64;
        self.write()
    }

    fn row(
        &mut self,
        row: usize,
        sensor: &str,
        at: Result<EventMs, String>,
        value: Result<Option<f64>, String>,
        status: Option<&str>,
    ) -> Result<(), ImportError> {
        let reading = (|| {
            if sensor.is_empty() {
                return Err("sensor is empty".to_owned());
            }
            let at = at.map_err(|why| format!("time {why}"))?;
            // An empty cell of a wide file is no reading, and no mistake.
            let Some(value) = value.map_err(|why| format!("value {why}"))? else { return Ok(None) };
            let value = Micro::from_f64(value).map_err(|why| format!("value {value} {why}"))?;
            let status = match status {
                Some(text) => Status::parse(text.trim())
                    .ok_or_else(|| format!("status '{text}' is none of OK, WARNING, CRITICAL, ERROR"))?,
                None => Status::Ok,
            };
            Ok(Some((at, value, status)))
        })();
        match reading {
            Ok(Some((at, value, status))) => {
                let sensor = self.sensor(sensor)?;
                self.inputs.now = self.inputs.now.max(at);
                self.inputs.readings.push(Reading { sensor, at, value, status, revision: 0 });
                self.done.readings += 1;
            }
            Ok(None) => {}
            Err(reason) => self.refuse(row, sensor, &reason),
        }
        Ok(())
    }

    fn refuse(&mut self, row: usize, sensor: &str, reason: &str) {
        self.done.errors += 1;
        if self.done.errors > ERRORS_KEPT {
            return;
        }
        let line = self.done.rows + row as u64 + 2;
        let event = Event::Error(ErrorRow {
            id: self.done.errors,
            at: self.inputs.now,
            source: format!("import {}", self.options.file.display()),
            reason: format!("line {line}: {reason}"),
            hash: stable_hash(&[line]),
            sample: sensor.chars().take(200).collect(),
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

fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A time column: instants, or texts to be read.
enum Times {
    Instants(arrow::array::PrimitiveArray<arrow::datatypes::TimestampMillisecondType>),
    Texts(StringArray),
}

impl Times {
    fn of(column: &ArrayRef) -> Result<Times, ArrowError> {
        Ok(match column.data_type() {
            DataType::Timestamp(..) => {
                let instants = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
                Times::Instants(instants.as_primitive().clone())
            }
            _ => Times::Texts(texts(column)?),
        })
    }

    fn get(&self, row: usize, zone: &TimeZone) -> Result<EventMs, String> {
        match self {
            Times::Instants(instants) if instants.is_null(row) => Err("is empty".into()),
            Times::Instants(instants) => Ok(EventMs(instants.value(row))),
            Times::Texts(texts) => read_time(texts.value(row), zone),
        }
    }
}

/// Reads ISO 8601 with or without an offset, with `T` or a blank, or a number of seconds (ten digits) or
/// milliseconds (thirteen) since 1970.
fn read_time(text: &str, zone: &TimeZone) -> Result<EventMs, String> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return Ok(EventMs(if number.abs() < 100_000_000_000 { number * 1000 } else { number }));
    }
    if let Ok(at) = EventMs::parse(text) {
        return Ok(at);
    }
    let civil: DateTime = text.parse().map_err(|_| format!("'{text}' is not a time such as 2026-01-31T06:00:00Z"))?;
    let zoned = civil.to_zoned(zone.clone()).map_err(|error| format!("'{text}' {error}"))?;
    Ok(EventMs(zoned.timestamp().as_millisecond()))
}

/// A value column: numbers, or texts to be read.
enum Values {
    Numbers(Float64Array),
    Texts(StringArray),
}

impl Values {
    fn of(column: &ArrayRef) -> Result<Values, ArrowError> {
        Ok(match column.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Values::Texts(texts(column)?),
            _ => Values::Numbers(cast(column, &DataType::Float64)?.as_primitive().clone()),
        })
    }

    /// `None` for an empty cell.
    fn get(&self, row: usize) -> Result<Option<f64>, String> {
        match self {
            Values::Numbers(numbers) => Ok((!numbers.is_null(row)).then(|| numbers.value(row))),
            Values::Texts(texts) if texts.is_null(row) || texts.value(row).trim().is_empty() => Ok(None),
            Values::Texts(texts) => {
                let text = texts.value(row).trim();
                text.parse().map(Some).map_err(|_| format!("'{text}' is not a number"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Reader;
    use lehr_domain::ReadingBatch;

    fn options(file: &Path, out: &Path) -> ImportOptions {
        ImportOptions {
            file: file.into(),
            out: out.into(),
            map: Mapping::parse("time=timestamp").expect("a good mapping"),
            wide: false,
            sensor: None,
            line: "imported".into(),
            unit: "1".into(),
            time_zone: "Europe/Berlin".into(),
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
        let done = import(&ImportOptions { wide: true, ..options(&file, &out) }).expect("imports");
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
