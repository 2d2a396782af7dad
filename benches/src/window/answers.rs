//! The results of one worker: the pane rows that hold, and the Parquet file that they become.

use super::WindowError;
use lehr_dataflows::tables::PaneRow;
use lehr_dataflows::{Diff, Ts};
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// `std` is undefined for one reading; a float has no better word for it than NaN, and a column without nulls needs
/// no levels. The comparison of engines knows.
const SCHEMA: &str = "message answer {
    required int32 sensor; required int64 start; required int64 n;
    required double mean; required double std; required double min; required double max;
}";

/// The rows that hold, by sensor, ascending by start. Rows come in about this order, so that the place of a row is at
/// the end or near it.
#[derive(Default)]
pub(super) struct Answers {
    sensors: Vec<Vec<PaneRow>>,
}

impl Answers {
    /// Takes changes: a row that is retracted must be the one that holds.
    pub fn apply(&mut self, changes: &[(PaneRow, Ts, Diff)]) {
        for (row, _, diff) in changes {
            let sensor = row.sensor_id.index();
            if sensor >= self.sensors.len() {
                self.sensors.resize_with(sensor + 1, Vec::new);
            }
            let rows = &mut self.sensors[sensor];
            let place = match rows.last() {
                Some(last) if row.start <= last.start => rows.binary_search_by_key(&row.start, |held| held.start),
                _ => Err(rows.len()),
            };
            match (place, diff) {
                (Err(place), 1) => rows.insert(place, row.clone()),
                (Ok(place), -1) if rows[place] == *row => {
                    rows.remove(place);
                }
                _ => panic!("panes change a row from what holds: {row:?} by {diff}"),
            }
        }
    }

    /// Writes all rows and returns how many.
    pub fn write(&self, path: &Path) -> Result<usize, WindowError> {
        let file = File::create(path).map_err(|source| WindowError::Io { path: path.to_owned(), source })?;
        self.encode(file).map_err(|source| WindowError::Parquet { path: path.to_owned(), source })
    }

    fn encode(&self, file: File) -> Result<usize, ParquetError> {
        let rows: usize = self.sensors.iter().map(Vec::len).sum();
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::PLAIN)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        let mut group = writer.next_row_group()?;
        self.column::<Int32Type>(&mut group, rows, |row| row.sensor_id.0 as i32)?;
        self.column::<Int64Type>(&mut group, rows, |row| row.start.0)?;
        self.column::<Int64Type>(&mut group, rows, |row| row.moments.n)?;
        self.column::<DoubleType>(&mut group, rows, |row| row.moments.mean_f64().unwrap_or(f64::NAN))?;
        self.column::<DoubleType>(&mut group, rows, |row| row.moments.std_f64().unwrap_or(f64::NAN))?;
        self.column::<DoubleType>(&mut group, rows, |row| row.moments.min.to_f64())?;
        self.column::<DoubleType>(&mut group, rows, |row| row.moments.max.to_f64())?;
        group.close()?;
        writer.close()?;
        Ok(rows)
    }

    fn column<T: DataType>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, File>,
        rows: usize,
        value: impl Fn(&PaneRow) -> T::T,
    ) -> Result<(), ParquetError> {
        let mut values = Vec::with_capacity(rows);
        values.extend(self.sensors.iter().flatten().map(value));
        let mut column = group.next_column()?.expect("the schema has a column for each call");
        column.typed::<T>().write_batch(&values, None, None)?;
        column.close()
    }
}
