//! A file, row by row.

use super::cells::{Times, Values, texts};
use super::columns::{Columns, Layout};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use jiff::tz::TimeZone;
use lehr_domain::{EventMs, Micro, Status};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a file cannot be read. Names the column or option, and the fix.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{0}: unknown kind of file; it must end in .csv or .parquet")]
    Kind(PathBuf),
    #[error("column '{column}' ({what}) is not there; the file has {has}. Name it with --map {what}=COLUMN")]
    Column { what: &'static str, column: String, has: String },
    #[error("time zone '{0}' is not known; use an IANA name such as Europe/Berlin")]
    TimeZone(String),
    #[error("cannot read the file")]
    Arrow(#[from] ArrowError),
    #[error("cannot read the file")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("cannot read the file")]
    Io(#[from] std::io::Error),
}

/// Rows read at a time (times the columns of a wide file).
const ROWS: usize = 8192;

/// An open file.
pub struct Rows {
    batches: Box<dyn RecordBatchReader + Send>,
    columns: Columns,
    zone: TimeZone,
    /// Rows before the next batch.
    read: u64,
}

/// A cell with its time: what is one reading, if it is good.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'b> {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// As the file names it.
    pub sensor: &'b str,
    /// `None` for an empty cell of a wide file, which is no reading, and no mistake. The error says what is wrong.
    pub reading: Result<Option<(EventMs, Micro, Status)>, String>,
}

impl Rows {
    pub fn open(path: &Path, layout: &Layout) -> Result<Rows, FileError> {
        let zone = TimeZone::get(&layout.time_zone).map_err(|_| FileError::TimeZone(layout.time_zone.clone()))?;
        let batches = open(path)?;
        let columns = Columns::find(&batches.schema(), layout)?;
        Ok(Rows { batches, columns, zone, read: 0 })
    }

    /// Hands the rows of the next batch to `take`. Gives how many there were; `None` at the end of the file.
    pub fn next<E: From<FileError>>(&mut self, take: impl FnMut(Row<'_>) -> Result<(), E>) -> Result<Option<u64>, E> {
        let Some(batch) = self.batches.next() else { return Ok(None) };
        let batch = batch.map_err(FileError::from)?;
        self.hand_over(&batch, take)?;
        let rows = batch.num_rows() as u64;
        self.read += rows;
        Ok(Some(rows))
    }

    fn hand_over<E: From<FileError>>(
        &self,
        batch: &RecordBatch,
        mut take: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let column = |index: usize| texts(batch.column(index)).map_err(FileError::from);
        let times = Times::of(batch.column(self.columns.time)).map_err(FileError::from)?;
        let sensors = self.columns.sensor.map(column).transpose()?;
        let statuses = self.columns.status.map(column).transpose()?;
        for (index, fixed) in &self.columns.values {
            let values = Values::of(batch.column(*index)).map_err(FileError::from)?;
            for row in 0..batch.num_rows() {
                let sensor = match (fixed, &sensors) {
                    (Some(name), _) => name.as_str(),
                    (None, Some(sensors)) => sensors.value(row).trim(),
                    (None, None) => unreachable!("a long file has a sensor column or one sensor"),
                };
                let status = statuses.as_ref().map(|statuses| statuses.value(row));
                let reading = reading(sensor, times.get(row, &self.zone), values.get(row), status);
                take(Row { line: self.read + row as u64 + 2, sensor, reading })?;
            }
        }
        Ok(())
    }
}

fn reading(
    sensor: &str,
    at: Result<EventMs, String>,
    value: Result<Option<f64>, String>,
    status: Option<&str>,
) -> Result<Option<(EventMs, Micro, Status)>, String> {
    if sensor.is_empty() {
        return Err("sensor is empty".to_owned());
    }
    let at = at.map_err(|why| format!("time {why}"))?;
    let Some(value) = value.map_err(|why| format!("value {why}"))? else { return Ok(None) };
    let value = Micro::from_f64(value).map_err(|why| format!("value {value} {why}"))?;
    let status = match status {
        Some(text) => Status::parse(text.trim())
            .ok_or_else(|| format!("status '{text}' is none of OK, WARNING, CRITICAL, ERROR"))?,
        None => Status::Ok,
    };
    Ok(Some((at, value, status)))
}

fn open(path: &Path) -> Result<Box<dyn RecordBatchReader + Send>, FileError> {
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
        _ => Err(FileError::Kind(path.to_owned())),
    }
}
