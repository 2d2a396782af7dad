//! Times, numbers and texts in columns, of whatever type these are.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lehr_domain::EventMs;

pub fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A time column: instants, or texts to be read.
pub enum Times {
    Instants(arrow::array::PrimitiveArray<arrow::datatypes::TimestampMillisecondType>),
    Texts(StringArray),
}

impl Times {
    pub fn of(column: &ArrayRef) -> Result<Times, ArrowError> {
        Ok(match column.data_type() {
            DataType::Timestamp(..) => {
                let instants = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
                Times::Instants(instants.as_primitive().clone())
            }
            _ => Times::Texts(texts(column)?),
        })
    }

    pub fn get(&self, row: usize, zone: &TimeZone) -> Result<EventMs, String> {
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
pub enum Values {
    Numbers(Float64Array),
    Texts(StringArray),
}

impl Values {
    pub fn of(column: &ArrayRef) -> Result<Values, ArrowError> {
        Ok(match column.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Values::Texts(texts(column)?),
            _ => Values::Numbers(cast(column, &DataType::Float64)?.as_primitive().clone()),
        })
    }

    /// `None` for an empty cell.
    pub fn get(&self, row: usize) -> Result<Option<f64>, String> {
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
