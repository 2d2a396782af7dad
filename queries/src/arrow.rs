//! Rows as Arrow batches, as JSON objects, and as Parquet files that are the same byte for byte whenever the
//! rows are the same.

use crate::error::{QueryError, Result};
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use lehr_domain::names::Names;
use lehr_domain::table::{Cell, Column, ColumnType, Row};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a Parquet row group. Fixed, because the bytes of a file depend on it; 65 536 rows of 30 columns
/// are some 16 MB while they are gathered.
const ROW_GROUP_ROWS: usize = 65_536;
/// Rows that are converted at a time while a file is written.
const BATCH_ROWS: usize = 8_192;
/// Written into each file in place of the library's own name and version, which would change its bytes.
const CREATED_BY: &str = "lehr";
const ZSTD_LEVEL: i32 = 3;

/// The Arrow type of a column: `Utf8`, `Int64`, `Float64`, `Boolean` or `Timestamp(ms, "UTC")`.
pub fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Time => time_type(),
    }
}

/// The one type of instants in Lehr's tables.
pub fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub(crate) fn schema_of(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|c| Field::new(c.name, data_type(c.kind), true)).collect();
    Arc::new(Schema::new(fields))
}

/// The schema of a table. Every column may be null.
pub fn schema<R: Row>() -> SchemaRef {
    schema_of(&R::columns())
}

enum Builder {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Time(TimestampMillisecondBuilder),
}

impl Builder {
    fn new(kind: ColumnType, rows: usize) -> Builder {
        match kind {
            ColumnType::Bool => Builder::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int => Builder::Int(Int64Builder::with_capacity(rows)),
            ColumnType::Float => Builder::Float(Float64Builder::with_capacity(rows)),
            ColumnType::Text => Builder::Text(StringBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Time => {
                Builder::Time(TimestampMillisecondBuilder::with_capacity(rows).with_data_type(time_type()))
            }
        }
    }

    /// Whether the cell was of this column's type.
    fn push(&mut self, cell: Cell) -> bool {
        match (self, cell) {
            (Builder::Bool(builder), Cell::Bool(value)) => builder.append_value(value),
            (Builder::Int(builder), Cell::Int(value)) => builder.append_value(value),
            (Builder::Float(builder), Cell::Float(value)) => builder.append_value(value),
            (Builder::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Builder::Time(builder), Cell::Time(value)) => builder.append_value(value.0),
            (Builder::Bool(builder), Cell::Null) => builder.append_null(),
            (Builder::Int(builder), Cell::Null) => builder.append_null(),
            (Builder::Float(builder), Cell::Null) => builder.append_null(),
            (Builder::Text(builder), Cell::Null) => builder.append_null(),
            (Builder::Time(builder), Cell::Null) => builder.append_null(),
            _ => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Bool(builder) => Arc::new(builder.finish()),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Float(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Time(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The rows as one batch, in the order given.
pub fn rows_to_batch<'a, R: Row>(rows: impl IntoIterator<Item = &'a R>, names: &Names) -> Result<RecordBatch> {
    let columns = R::columns();
    let rows = rows.into_iter();
    let capacity = rows.size_hint().0;
    let mut builders: Vec<Builder> = columns.iter().map(|c| Builder::new(c.kind, capacity)).collect();
    for row in rows {
        let cells = row.cells(names);
        if cells.len() != columns.len() {
            return Err(QueryError::Cells { table: R::TABLE, column: "the number of cells" });
        }
        for ((builder, column), cell) in builders.iter_mut().zip(&columns).zip(cells) {
            if !builder.push(cell) {
                return Err(QueryError::Cells { table: R::TABLE, column: column.name });
            }
        }
    }
    let arrays = builders.iter_mut().map(Builder::finish).collect();
    Ok(RecordBatch::try_new(schema_of(&columns), arrays)?)
}

/// JSON knows neither NaN nor infinity; both read as null. Times are ISO 8601, UTC.
pub fn cell_to_json(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Int(value) => Value::from(*value),
        Cell::Float(value) => Value::from(*value),
        Cell::Text(value) => Value::from(value.as_str()),
        Cell::Time(value) => Value::from(value.to_string()),
    }
}

/// The row as an object: one member a column, null where undefined.
pub fn row_to_json<R: Row>(row: &R, names: &Names) -> Value {
    let columns = R::columns();
    let cells = row.cells(names);
    debug_assert_eq!(columns.len(), cells.len(), "one cell a column in {}", R::TABLE);
    columns.iter().zip(&cells).map(|(column, cell)| (column.name.to_owned(), cell_to_json(cell))).collect()
}

fn properties() -> Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build())
}

/// Writes `rows`, in the order given, to a new Parquet file. The same rows and names give the same bytes. The
/// file appears under its name only once it is whole; one that was there before is replaced. Returns the
/// number of rows.
pub fn write_parquet<'a, R: Row>(path: &Path, rows: impl IntoIterator<Item = &'a R>, names: &Names) -> Result<usize> {
    let partial = partial_path(path);
    let failed = |source| QueryError::File { path: partial.clone(), source };
    let file = File::create(&partial).map_err(failed)?;
    let mut writer = ArrowWriter::try_new(file, schema::<R>(), Some(properties()?))?;
    let mut rows = rows.into_iter();
    let mut written = 0;
    loop {
        let batch = rows_to_batch(rows.by_ref().take(BATCH_ROWS), names)?;
        if batch.num_rows() == 0 {
            break;
        }
        written += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.into_inner()?.sync_all().map_err(failed)?;
    fs::rename(&partial, path).map_err(|source| QueryError::File { path: path.to_owned(), source })?;
    Ok(written)
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}
