//! The columns of a file. Integers throughout, as they were journalled: texts and floats are made for who asks.

use super::Journalled;
use arrow::array::{ArrayRef, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType, UInt8Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use lehr_domain::{EventMs, Micro, Reading, SensorId, Status, Tick};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::sync::{Arc, LazyLock};

pub const SUFFIX: &str = ".parquet";

/// Rows of a row group: a sensor's day at one reading a second and a half.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Rows of a page, the least that is decoded: a sensor's hour at one reading a second.
pub const PAGE_ROWS: usize = 4096;
/// Written in place of the library's name and version.
const CREATED_BY: &str = "lehr";
/// Level 3 is the library's own; higher ones win little on numbers that are noise below a few bits.
const ZSTD: i32 = 3;

/// Positions of the columns by which rows are found.
pub const SENSOR: usize = 0;
pub const AT: usize = 1;
pub const TICK: usize = 5;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name, kind| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("sensor", DataType::UInt32),
        field("at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
        // Millionths of the sensor's unit.
        field("value", DataType::Int64),
        field("status", DataType::UInt8),
        field("revision", DataType::UInt64),
        field("tick", DataType::UInt64),
    ]))
});

pub fn schema() -> SchemaRef {
    SCHEMA.clone()
}

pub fn properties() -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS);
    // Neighbours of a sensor differ little in these, and dictionaries of them would only be given up again.
    for name in ["at", "value", "revision", "tick"] {
        let path = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}

pub fn to_batch(rows: &[Journalled]) -> Result<RecordBatch, ArrowError> {
    fn column<T: ArrowPrimitiveType>(rows: &[Journalled], value: impl Fn(&Journalled) -> T::Native) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::from_iter_values(rows.iter().map(value)))
    }
    let at = PrimitiveArray::<TimestampMillisecondType>::from_iter_values(rows.iter().map(|row| row.reading.at.0));
    let columns = vec![
        column::<UInt32Type>(rows, |row| row.reading.sensor.0),
        Arc::new(at.with_timezone("UTC")),
        column::<Int64Type>(rows, |row| row.reading.value.0),
        column::<UInt8Type>(rows, |row| row.reading.status as u8),
        column::<UInt64Type>(rows, |row| row.reading.revision),
        column::<UInt64Type>(rows, |row| row.tick.0),
    ];
    RecordBatch::try_new(schema(), columns)
}

/// The rows of a batch; `None` when its columns are not those of [`schema`] or a status is none.
pub fn from_batch(batch: &RecordBatch) -> Option<Vec<Journalled>> {
    if batch.num_columns() != SCHEMA.fields().len() {
        return None;
    }
    let sensor = batch.column(SENSOR).as_primitive_opt::<UInt32Type>()?.values();
    let at = batch.column(AT).as_primitive_opt::<TimestampMillisecondType>()?.values();
    let value = batch.column(2).as_primitive_opt::<Int64Type>()?.values();
    let status = batch.column(3).as_primitive_opt::<UInt8Type>()?.values();
    let revision = batch.column(4).as_primitive_opt::<UInt64Type>()?.values();
    let tick = batch.column(TICK).as_primitive_opt::<UInt64Type>()?.values();
    let row = |row: usize| {
        let reading = Reading {
            sensor: SensorId(sensor[row]),
            at: EventMs(at[row]),
            revision: revision[row],
            value: Micro(value[row]),
            status: Status::from_u8(status[row])?,
        };
        Some(Journalled { reading, tick: Tick(tick[row]) })
    };
    (0..batch.num_rows()).map(row).collect()
}
