//! The tables of a query: live tables as they are in the snapshot, and tables about tables.

use crate::arrow::schema_of;
use crate::error::QueryError;
use crate::history::{READINGS_DOC, readings_columns};
use crate::snapshot::{Snapshot, TableDoc, TableView, table_docs};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::MemTable;
use datafusion::datasource::TableType;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures_util::stream;
use lehr_domain::table::{Column, ColumnType};
use std::sync::Arc;

/// A live table. Scanned page by page, in the order of its rows, so that a query with LIMIT converts no
/// more than it shows; without a copy once a page has its Arrow form.
#[derive(Debug)]
pub struct LiveProvider {
    view: Arc<dyn TableView>,
    schema: SchemaRef,
}

impl LiveProvider {
    pub fn new(view: Arc<dyn TableView>) -> LiveProvider {
        let schema = view.schema();
        LiveProvider { view, schema }
    }
}

#[async_trait]
impl TableProvider for LiveProvider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let counted = projection.is_some_and(Vec::is_empty);
        let schema = if counted { Arc::new(Schema::empty()) } else { self.schema.clone() };
        let projection = if counted { None } else { projection };
        let pages = Arc::new(Pages { view: self.view.clone(), schema: schema.clone(), counted });
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![pages], projection, [], false, limit)?))
    }
}

#[derive(Debug)]
struct Pages {
    view: Arc<dyn TableView>,
    schema: SchemaRef,
    /// Only the number of rows is asked for: nothing is converted.
    counted: bool,
}

impl PartitionStream for Pages {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (view, counted, schema) = (self.view.clone(), self.counted, self.schema.clone());
        let batches = view.page_rows().into_iter().enumerate().map(move |(page, rows)| {
            if counted {
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                return Ok(RecordBatch::try_new_with_options(schema.clone(), vec![], &options)?);
            }
            view.batch(page).map_err(external)
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::iter(batches)))
    }
}

pub fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The documented tables of a query, in the order in which they are listed.
pub fn documented(with_history: bool) -> Vec<TableDoc> {
    let mut docs = table_docs();
    if with_history {
        docs.push(TableDoc { table: "readings", doc: READINGS_DOC, columns: readings_columns() });
    }
    docs.push(TableDoc { table: "tables", doc: "The tables that can be read.", columns: tables_columns() });
    docs.push(TableDoc { table: "columns", doc: "The columns of all tables.", columns: columns_columns() });
    docs
}

fn text(name: &'static str, doc: &'static str) -> Column {
    Column { name, kind: ColumnType::Text, doc }
}

fn tables_columns() -> Vec<Column> {
    vec![
        text("table_name", "Table."),
        text("doc", "What one row is."),
        Column { name: "row_count", kind: ColumnType::Int, doc: "Rows now; null for tables that are not live." },
    ]
}

fn columns_columns() -> Vec<Column> {
    vec![
        text("table_name", "Table."),
        Column { name: "position", kind: ColumnType::Int, doc: "From 1, in order of the columns." },
        text("column_name", "Column."),
        text("type", "text, int, float, bool or time."),
        text("doc", "What it means, with its unit."),
    ]
}

/// The word for a column's type.
pub fn type_word(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool => "bool",
        ColumnType::Int => "int",
        ColumnType::Float => "float",
        ColumnType::Text => "text",
        ColumnType::Time => "time",
    }
}

/// `tables`: what can be read.
pub fn tables_table(docs: &[TableDoc], snapshot: &Snapshot) -> Result<MemTable> {
    let live = snapshot.tables();
    let count = |doc: &TableDoc| live.iter().find(|view| view.name() == doc.table).map(|view| view.rows() as i64);
    one_batch(
        &tables_columns(),
        vec![
            Arc::new(StringArray::from_iter_values(docs.iter().map(|doc| doc.table))),
            Arc::new(StringArray::from_iter_values(docs.iter().map(|doc| doc.doc))),
            Arc::new(docs.iter().map(count).collect::<Int64Array>()),
        ],
    )
}

/// `columns`: what it means.
pub fn columns_table(docs: &[TableDoc]) -> Result<MemTable> {
    let rows: Vec<(&str, i64, &Column)> = docs
        .iter()
        .flat_map(|doc| doc.columns.iter().zip(1..).map(|(column, position)| (doc.table, position, column)))
        .collect();
    one_batch(
        &columns_columns(),
        vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.2.name))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| type_word(row.2.kind)))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.2.doc.trim()))),
        ],
    )
}

fn one_batch(columns: &[Column], arrays: Vec<ArrayRef>) -> Result<MemTable> {
    let schema = schema_of(columns);
    let batch = RecordBatch::try_new(schema.clone(), arrays)?;
    MemTable::try_new(schema, vec![vec![batch]])
}
