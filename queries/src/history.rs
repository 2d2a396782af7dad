//! The table `readings`: every reading that is kept, streamed from where the application keeps it.
//!
//! The application decides what a query of a given tick may see and hands in a [`ReadingsSource`] that shows
//! exactly that. Bounds: two batches wait between the source and the query, whatever the history's length.

use crate::arrow::{schema_of, time_type};
use crate::error::Result;
use crate::providers::external;
use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatchOptions, StringArray, StringBuilder, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result as PlanResult, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::expr::{Between, BinaryExpr};
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use lehr_domain::event::SensorDef;
use lehr_domain::names::Names;
use lehr_domain::table::{Column, ColumnType};
use lehr_domain::{EventMs, Micro, ReadingBatch, SensorId, SpanMs};
use std::fmt::Debug;
use std::sync::Arc;

/// Batches that wait for the query: one being read, one being made.
const WAITING_BATCHES: usize = 2;

pub const READINGS_DOC: &str = "Every reading that is kept, corrected values in place of those they replaced.";

/// What of the history a query needs. A source may give more rows, never fewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadingsScan {
    /// Event time at or after this.
    pub from: Option<EventMs>,
    /// Event time before this.
    pub to: Option<EventMs>,
    /// This sensor alone, by name.
    pub sensor_id: Option<String>,
    /// So many rows are enough.
    pub limit: Option<usize>,
    /// The columns that batches must have, by position in [`readings_schema`]; all when absent. Texts cost more to make
    /// than anything else here.
    pub columns: Option<Vec<usize>>,
}

impl ReadingsScan {
    fn schema(&self) -> SchemaRef {
        let all = readings_schema();
        match &self.columns {
            Some(columns) => Arc::new(all.project(columns).expect("columns are positions in the schema")),
            None => all,
        }
    }
}

/// Batches of readings with the columns that were asked for, made one at a time.
pub type ReadingBatches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// Where readings are kept. Called on a thread that may block; the iterator is dropped early when the query
/// has enough or runs out of time.
pub trait ReadingsSource: Debug + Send + Sync {
    fn scan(&self, scan: &ReadingsScan) -> ReadingBatches;
}

/// The columns of `readings`, documented.
pub fn readings_columns() -> Vec<Column> {
    let column = |name, kind, doc| Column { name, kind, doc };
    vec![
        column("sensor_id", ColumnType::Text, "Sensor."),
        column("at", ColumnType::Time, "When it was measured."),
        column("value", ColumnType::Float, "The value, in the sensor's unit."),
        column("status", ColumnType::Text, "What the device said of it: OK, WARNING, CRITICAL or ERROR."),
        column("revision", ColumnType::Int, "Of several readings of a sensor and time the highest revision holds."),
        column("production_line", ColumnType::Text, "Production line."),
        column("parameter_name", ColumnType::Text, "What is measured."),
        column("unit", ColumnType::Text, "Unit of measurement."),
    ]
}

/// The schema of `readings`.
pub fn readings_schema() -> SchemaRef {
    schema_of(&readings_columns())
}

/// Readings as rows of `readings`, in the order given, with the columns that the scan asks for. Readings of a sensor
/// without a definition have no line, parameter or unit.
pub fn reading_batch_to_arrow(batch: &ReadingBatch, names: &Names, scan: &ReadingsScan) -> Result<RecordBatch> {
    let all: Vec<usize> = (0..readings_schema().fields().len()).collect();
    let columns = scan.columns.as_ref().unwrap_or(&all);
    let arrays = columns.iter().map(|position| column(*position, batch, names)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.len()));
    Ok(RecordBatch::try_new_with_options(scan.schema(), arrays, &options)?)
}

/// One column of [`readings_columns`].
fn column(position: usize, batch: &ReadingBatch, names: &Names) -> ArrayRef {
    let sensors = || batch.sensor.iter().map(|sensor| SensorId(*sensor));
    let of_def = |text: fn(&Names, &SensorDef) -> String| -> ArrayRef {
        // Neighbours are mostly of one sensor: its text is made once.
        let mut last: Option<(SensorId, Option<String>)> = None;
        let mut texts = StringBuilder::with_capacity(batch.len(), batch.len() * 16);
        for sensor in sensors() {
            if last.as_ref().is_none_or(|(known, _)| *known != sensor) {
                last = Some((sensor, names.sensor_def(sensor).map(|def| text(names, def))));
            }
            texts.append_option(last.as_ref().and_then(|(_, text)| text.as_deref()));
        }
        Arc::new(texts.finish())
    };
    match position {
        0 => Arc::new(StringArray::from_iter_values(sensors().map(|sensor| names.sensor(sensor)))),
        1 => Arc::new(TimestampMillisecondArray::from(batch.at.clone()).with_data_type(time_type())),
        2 => Arc::new(Float64Array::from_iter_values(batch.value.iter().map(|value| Micro(*value).to_f64()))),
        3 => Arc::new(StringArray::from_iter_values(batch.iter().map(|reading| reading.status.text()))),
        4 => Arc::new(Int64Array::from_iter_values(batch.revision.iter().map(|revision| *revision as i64))),
        5 => of_def(|names, def| names.line(def.line).to_owned()),
        6 => of_def(|names, def| names.parameter(def.parameter).to_owned()),
        _ => of_def(|_, def| def.unit.clone()),
    }
}

/// `readings` in SQL.
#[derive(Debug)]
pub(crate) struct ReadingsProvider {
    pub source: Arc<dyn ReadingsSource>,
}

#[async_trait]
impl TableProvider for ReadingsProvider {
    fn schema(&self) -> SchemaRef {
        readings_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        let helps = |filter: &&Expr| {
            let mut scan = ReadingsScan::default();
            narrow(&mut scan, filter);
            let used = scan != ReadingsScan::default();
            if used { TableProviderFilterPushDown::Inexact } else { TableProviderFilterPushDown::Unsupported }
        };
        Ok(filters.iter().map(helps).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let mut scan = ReadingsScan { limit, columns: projection.cloned(), ..ReadingsScan::default() };
        for filter in filters {
            narrow(&mut scan, filter);
        }
        let schema = scan.schema();
        let part = Arc::new(ReadingsPart { source: self.source.clone(), scan, schema: schema.clone() });
        let plan = StreamingTableExec::try_new(schema, vec![part], None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct ReadingsPart {
    source: Arc<dyn ReadingsSource>,
    scan: ReadingsScan,
    schema: SchemaRef,
}

impl PartitionStream for ReadingsPart {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (source, scan) = (self.source.clone(), self.scan.clone());
        let mut builder = RecordBatchReceiverStreamBuilder::new(self.schema.clone(), WAITING_BATCHES);
        let sender = builder.tx();
        builder.spawn_blocking(move || {
            for batch in source.scan(&scan) {
                let failed = batch.is_err();
                if sender.blocking_send(batch.map_err(external)).is_err() || failed {
                    break;
                }
            }
            Ok(())
        });
        builder.build()
    }
}

/// Takes from a filter what bounds `at` or names the sensor; what it does not understand narrows nothing.
fn narrow(scan: &mut ReadingsScan, filter: &Expr) {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            narrow(scan, left);
            narrow(scan, right);
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            if let Expr::Literal(value, _) = right.as_ref() {
                compare(scan, left, *op, value);
            } else if let (Expr::Literal(value, _), Some(op)) = (left.as_ref(), op.swap()) {
                compare(scan, right, op, value);
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) => {
            if let (Expr::Literal(low, _), Expr::Literal(high, _)) = (low.as_ref(), high.as_ref()) {
                compare(scan, expr, Operator::GtEq, low);
                compare(scan, expr, Operator::LtEq, high);
            }
        }
        _ => {}
    }
}

fn compare(scan: &mut ReadingsScan, expr: &Expr, op: Operator, value: &ScalarValue) {
    match column_of(expr) {
        Some("at") => {
            let Some(nanos) = nanos_of(value) else { return };
            // Readings lie at whole milliseconds: `at < 1.5 ms` is `at < 2 ms`, `at <= 1.5 ms` is `at < 2 ms`.
            let floor = EventMs(nanos.div_euclid(1_000_000) as i64);
            let whole = nanos.rem_euclid(1_000_000) == 0;
            let next = floor + SpanMs(1);
            let ceiling = if whole { floor } else { next };
            match op {
                Operator::Gt => raise(&mut scan.from, next),
                Operator::GtEq => raise(&mut scan.from, ceiling),
                Operator::Lt => lower(&mut scan.to, ceiling),
                Operator::LtEq => lower(&mut scan.to, next),
                Operator::Eq => {
                    raise(&mut scan.from, ceiling);
                    lower(&mut scan.to, next);
                }
                _ => {}
            }
        }
        Some("sensor_id") if op == Operator::Eq => {
            if let Some(Some(name)) = value.try_as_str() {
                scan.sensor_id = Some(name.to_owned());
            }
        }
        _ => {}
    }
}

fn raise(bound: &mut Option<EventMs>, to: EventMs) {
    *bound = Some(bound.map_or(to, |old| old.max(to)));
}

fn lower(bound: &mut Option<EventMs>, to: EventMs) {
    *bound = Some(bound.map_or(to, |old| old.min(to)));
}

/// The column below casts that lose nothing of a millisecond.
fn column_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(column) => Some(column.name()),
        Expr::Cast(cast) if keeps_milliseconds(cast.field.data_type()) => column_of(&cast.expr),
        _ => None,
    }
}

fn keeps_milliseconds(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
            | DataType::Utf8
            | DataType::Utf8View
            | DataType::LargeUtf8
    )
}

/// Nanoseconds since the epoch, wide enough for every timestamp.
fn nanos_of(value: &ScalarValue) -> Option<i128> {
    let (value, scale) = match value {
        ScalarValue::TimestampSecond(Some(value), _) => (*value, 1_000_000_000),
        ScalarValue::TimestampMillisecond(Some(value), _) => (*value, 1_000_000),
        ScalarValue::TimestampMicrosecond(Some(value), _) => (*value, 1_000),
        ScalarValue::TimestampNanosecond(Some(value), _) => (*value, 1),
        _ => return None,
    };
    Some(i128::from(value) * scale)
}
