//! Row groups of a Parquet file of readings, decoded column by column into buffers that are used again.
//!
//! The low-level column readers are used, not Arrow's: the columns are required and of one physical type, so that
//! decoding is a copy, without validity, builders or an array per batch.

use super::WindowError;
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The columns of one row group, of equal length.
#[derive(Default)]
pub(super) struct Columns {
    pub sensor: Vec<i32>,
    pub at: Vec<i64>,
    pub value: Vec<f64>,
}

impl Columns {
    pub fn len(&self) -> usize {
        self.sensor.len()
    }
}

/// An open file of readings. Every worker opens its own, because readers of one file share its position.
pub(super) struct RowGroups {
    path: PathBuf,
    reader: SerializedFileReader<File>,
}

impl RowGroups {
    pub fn open(path: &Path) -> Result<RowGroups, WindowError> {
        let file = File::open(path).map_err(|source| WindowError::Io { path: path.to_owned(), source })?;
        let reader =
            SerializedFileReader::new(file).map_err(|source| WindowError::Parquet { path: path.to_owned(), source })?;
        let found: Vec<_> = reader
            .metadata()
            .file_metadata()
            .schema_descr()
            .columns()
            .iter()
            .map(|column| (column.name().to_owned(), column.physical_type(), column.max_def_level()))
            .collect();
        let wanted = [
            ("sensor".to_owned(), Int32Type::get_physical_type(), 0),
            ("at".to_owned(), Int64Type::get_physical_type(), 0),
            ("value".to_owned(), DoubleType::get_physical_type(), 0),
        ];
        if found != wanted {
            return Err(WindowError::Columns { path: path.to_owned() });
        }
        Ok(RowGroups { path: path.to_owned(), reader })
    }

    pub fn len(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// Replaces what is in `columns` by a row group.
    pub fn read(&self, group: usize, columns: &mut Columns) -> Result<(), WindowError> {
        self.decode(group, columns).map_err(|source| WindowError::Parquet { path: self.path.clone(), source })
    }

    fn decode(&self, group: usize, columns: &mut Columns) -> Result<(), ParquetError> {
        let group = self.reader.get_row_group(group)?;
        let rows = group.metadata().num_rows() as usize;
        fill::<Int32Type>(group.get_column_reader(0)?, rows, &mut columns.sensor)?;
        fill::<Int64Type>(group.get_column_reader(1)?, rows, &mut columns.at)?;
        fill::<DoubleType>(group.get_column_reader(2)?, rows, &mut columns.value)?;
        Ok(())
    }
}

fn fill<T: DataType>(column: ColumnReader, rows: usize, values: &mut Vec<T::T>) -> Result<(), ParquetError> {
    values.clear();
    values.reserve(rows);
    let mut reader = get_typed_column_reader::<T>(column);
    while values.len() < rows {
        let (_, read, _) = reader.read_records(rows - values.len(), None, None, values)?;
        if read == 0 {
            return Err(ParquetError::EOF(format!("a column ends after {} of {rows} rows", values.len())));
        }
    }
    Ok(())
}
