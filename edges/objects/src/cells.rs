//! Cells as Arrow.

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Float64Builder, Int64Array, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use lehr_domain::Tick;
use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_targets::{Change, Table, TargetError};
use std::sync::Arc;

/// When the row came to be as it is.
pub(crate) const TICK: &str = "lehr_tick";
/// False: the row is gone.
pub(crate) const APPEARED: &str = "lehr_appeared";

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
    }
}

/// Of the objects of a table.
pub(crate) fn schema(table: &Table) -> SchemaRef {
    let mut fields: Vec<Field> =
        table.columns.iter().map(|column| Field::new(column.name, data_type(column.kind), true)).collect();
    fields.push(Field::new(TICK, DataType::Int64, false));
    fields.push(Field::new(APPEARED, DataType::Boolean, false));
    Arc::new(Schema::new(fields))
}

/// What a delta left of rows.
pub(crate) fn batch(table: &Table, changes: &[&Change], tick: Tick) -> Result<RecordBatch, TargetError> {
    let mut columns = Vec::with_capacity(table.columns.len() + 2);
    for place in 0..table.columns.len() {
        columns.push(column(table, place, changes)?);
    }
    columns.push(Arc::new(Int64Array::from_value(tick.0 as i64, changes.len())) as ArrayRef);
    columns.push(Arc::new(BooleanArray::from_iter(changes.iter().map(|change| Some(change.appeared)))));
    RecordBatch::try_new(schema(table), columns)
        .map_err(|error| TargetError::Refused(format!("{}: {error}: report this as a fault of Lehr", table.name)))
}

/// What the rows have in their column number `place`.
pub(crate) fn column(table: &Table, place: usize, changes: &[&Change]) -> Result<ArrayRef, TargetError> {
    let column = &table.columns[place];
    macro_rules! array {
        ($builder:expr, $kind:ident, |$value:ident| $convert:expr) => {{
            let mut builder = $builder;
            for change in changes {
                match change.row.get(place) {
                    Some(Cell::$kind($value)) => builder.append_value($convert),
                    Some(Cell::Null) => builder.append_null(),
                    other => return Err(misfit(table, column, other)),
                }
            }
            Ok(Arc::new(builder.finish()) as ArrayRef)
        }};
    }
    match column.kind {
        ColumnType::Bool => array!(BooleanBuilder::new(), Bool, |value| *value),
        ColumnType::Int => array!(Int64Builder::new(), Int, |value| *value),
        ColumnType::Float => array!(Float64Builder::new(), Float, |value| *value),
        ColumnType::Text => array!(StringBuilder::new(), Text, |value| value),
        ColumnType::Time => {
            let builder = TimestampMillisecondBuilder::new().with_data_type(data_type(ColumnType::Time));
            array!(builder, Time, |value| value.0)
        }
    }
}

fn misfit(table: &Table, column: &Column, cell: Option<&Cell>) -> TargetError {
    TargetError::Refused(format!(
        "{}.{} is {:?} and has {cell:?}: report this as a fault of Lehr",
        table.name, column.name, column.kind
    ))
}

/// The columns of `schema`, in that order: what was written before a column was there has nothing in it.
pub(crate) fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, TargetError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
        Some(column) => Err(TargetError::Refused(format!(
            "{} was written as {} and is {} now: give another prefix, so that the store is filled anew",
            field.name(),
            column.data_type(),
            field.data_type()
        ))),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|error| TargetError::Refused(format!("an object lacks what each has: {error}")))
}
