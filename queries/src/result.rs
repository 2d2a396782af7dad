//! The answer to a query, and the forms in which it leaves.

use crate::error::{QueryError, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::ipc::writer::StreamWriter;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lehr_domain::{EventMs, Tick};
use serde_json::{Value, json};
use std::time::Duration;

/// How CSV writes instants: as JSON does.
const CSV_TIME: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// An answer, and the tick whose truth it is.
#[derive(Clone, Debug)]
pub struct QueryResult {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub tick: Tick,
    pub now: EventMs,
    pub elapsed: Duration,
}

impl QueryResult {
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// `{"columns":[{"name","type"}],"rows":[[…]],"tick","now"}`. Instants are ISO 8601; NaN and infinity,
    /// which JSON lacks, are null; integers beyond ±2⁵³ stay exact and so may be rounded by JavaScript.
    pub fn to_json(&self) -> Result<Value> {
        let columns: Vec<Value> = self
            .schema
            .fields()
            .iter()
            .map(|field| json!({ "name": field.name(), "type": type_name(field.data_type()) }))
            .collect();
        let mut rows = Vec::with_capacity(self.rows());
        for batch in &self.batches {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().map(|column| cell(column.as_ref(), row));
                rows.push(Value::Array(cells.collect::<Result<_>>()?));
            }
        }
        Ok(json!({ "columns": columns, "rows": rows, "tick": self.tick.0, "now": self.now.to_string() }))
    }

    /// CSV with a header line. Null is empty. Nested columns have no place in CSV.
    pub fn to_csv(&self) -> Result<Vec<u8>> {
        if let Some(field) = self.schema.fields().iter().find(|field| field.data_type().is_nested()) {
            return Err(QueryError::Invalid(format!(
                "column '{}' is nested and so has no form in CSV; ask for JSON or Arrow",
                field.name()
            )));
        }
        let mut text = Vec::new();
        let mut writer = arrow::csv::WriterBuilder::new()
            .with_header(true)
            .with_timestamp_format(CSV_TIME.to_owned())
            .with_timestamp_tz_format(CSV_TIME.to_owned())
            .build(&mut text);
        writer.write(&RecordBatch::new_empty(self.schema.clone()))?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        drop(writer);
        Ok(text)
    }

    /// An Arrow IPC stream.
    pub fn to_arrow_stream(&self) -> Result<Vec<u8>> {
        let mut writer = StreamWriter::try_new(Vec::new(), &self.schema)?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        Ok(writer.into_inner()?)
    }
}

/// The words of Lehr's own tables where they fit, else Arrow's.
fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Boolean => "bool".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Timestamp(..) => "time".to_owned(),
        kind if kind.is_integer() => "int".to_owned(),
        kind if kind.is_floating() || kind.is_decimal() => "float".to_owned(),
        kind => kind.to_string(),
    }
}

fn cell(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! primitive {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    let value = match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::from(array.as_boolean().value(row)),
        DataType::Int8 => Value::from(primitive!(Int8Type)),
        DataType::Int16 => Value::from(primitive!(Int16Type)),
        DataType::Int32 => Value::from(primitive!(Int32Type)),
        DataType::Int64 => Value::from(primitive!(Int64Type)),
        DataType::UInt8 => Value::from(primitive!(UInt8Type)),
        DataType::UInt16 => Value::from(primitive!(UInt16Type)),
        DataType::UInt32 => Value::from(primitive!(UInt32Type)),
        DataType::UInt64 => Value::from(primitive!(UInt64Type)),
        DataType::Float32 => Value::from(f64::from(primitive!(Float32Type))),
        DataType::Float64 => Value::from(primitive!(Float64Type)),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::from(array.as_string_view().value(row)),
        DataType::Timestamp(unit, _) => {
            // Cut to milliseconds, the resolution of event time.
            let ms = match unit {
                TimeUnit::Second => primitive!(TimestampSecondType).saturating_mul(1000),
                TimeUnit::Millisecond => primitive!(TimestampMillisecondType),
                TimeUnit::Microsecond => primitive!(TimestampMicrosecondType).div_euclid(1_000),
                TimeUnit::Nanosecond => primitive!(TimestampNanosecondType).div_euclid(1_000_000),
            };
            Value::from(EventMs(ms).to_string())
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row).as_ref())?,
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row).as_ref())?,
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row).as_ref())?,
        DataType::Struct(fields) => {
            let parts = fields.iter().zip(array.as_struct().columns());
            Value::Object(
                parts
                    .map(|(field, column)| Ok((field.name().clone(), cell(column.as_ref(), row)?)))
                    .collect::<Result<_>>()?,
            )
        }
        kind => {
            let text = ArrayFormatter::try_new(array, &FormatOptions::default())?.value(row).try_to_string()?;
            if kind.is_decimal() { text.parse::<f64>().map_or(Value::Null, Value::from) } else { Value::from(text) }
        }
    };
    Ok(value)
}

fn list(array: &dyn Array) -> Result<Value> {
    Ok(Value::Array((0..array.len()).map(|row| cell(array, row)).collect::<Result<_>>()?))
}
