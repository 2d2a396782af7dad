//! Read-only SQL over one [`Source`], within limits.
//!
//! A query runs on threads of its own, so that it never delays what calls it: planned, executed and dropped
//! there. Every query sees exactly one snapshot; `now()` is that snapshot's plant time, so that the same query
//! of the same tick has the same answer at any time. Nothing outside the source can be reached: there is no
//! object store, no file format and no statement that writes.
//!
//! Bounds: queries at a time and memory of all together ([`Resources`]); time, rows and bytes of each
//! ([`Limits`]); text and nesting ([`crate::guard`]). A query past its time, or whose caller is gone, is
//! dropped at its next yield ([`crate::stop`]), and counts as running until then.

use crate::error::{QueryError, Result};
use crate::functions::scalar_functions;
use crate::guard::{self, Allowed};
use crate::history::{ReadingsProvider, ReadingsSource};
use crate::providers::{LiveProvider, columns_table, documented, tables_table};
use crate::result::QueryResult;
use crate::snapshot::{Snapshot, TableDoc};
use crate::stop::{Wanted, stoppable, yielding};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::common::{DataFusionError, SchemaError, TableReference};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::{DFParser, Statement};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

/// Catalog and schema under which tables are found without naming either.
const CATALOG: &str = "lehr";
const SCHEMA: &str = "public";
/// Threads that run queries; also the partitions of a plan. The dataflow keeps the other cores.
const THREADS: usize = 2;
/// Stack of such a thread. Planning recurses over expressions: [`guard::TOKENS`] tokens nest 2 048 deep, at
/// some 30 KB a level. Touched only by queries that need it.
const STACK_BYTES: usize = 128 << 20;
/// Threads on which history is read; each blocks on the disk most of the time.
const BLOCKING_THREADS: usize = 8;
/// Most table or column names that an error lists.
const LISTED: usize = 40;

/// What all queries together may use.
#[derive(Clone, Copy, Debug)]
pub struct Resources {
    /// Memory of running sorts, joins and aggregations.
    pub memory_bytes: usize,
    /// Queries at a time; others wait as long as their own time limit.
    pub concurrent: usize,
}

impl Default for Resources {
    fn default() -> Resources {
        Resources { memory_bytes: 256 << 20, concurrent: 4 }
    }
}

/// What one query may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From call to answer, waiting included.
    pub time: Duration,
    pub rows: usize,
    /// Size of the answer in memory.
    pub bytes: usize,
}

impl Limits {
    /// The most that a caller can ask for; anything above counts as this.
    pub const MOST: Limits = Limits { time: Duration::from_secs(60), rows: 1_000_000, bytes: 256 << 20 };

    fn capped(self) -> Limits {
        Limits {
            time: self.time.min(Limits::MOST.time),
            rows: self.rows.min(Limits::MOST.rows),
            bytes: self.bytes.min(Limits::MOST.bytes),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { time: Duration::from_secs(10), rows: 100_000, bytes: 64 << 20 }
    }
}

/// What a query reads: one tick.
#[derive(Clone, Debug)]
pub struct Source {
    pub snapshot: Arc<Snapshot>,
    /// The readings up to the snapshot's tick; without it there is no table `readings`.
    pub history: Option<Arc<dyn ReadingsSource>>,
}

/// Runs queries. One is enough for a process; dropping it abandons what still runs.
pub struct Queries {
    base: SessionState,
    /// `None` only while dropping.
    runtime: Option<Runtime>,
    running: Arc<Semaphore>,
    resources: Resources,
}

impl Drop for Queries {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends the query when the caller loses interest.
struct Running {
    task: JoinHandle<Result<QueryResult>>,
    wanted: Wanted,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.wanted.abandon();
        self.task.abort();
    }
}

impl Queries {
    pub fn new(resources: Resources) -> Result<Queries> {
        let internal = |error: String| QueryError::Internal(error);
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_limit(resources.memory_bytes, 1.0)
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|error| internal(error.to_string()))?;
        environment
            .deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())
            .map_err(|error| internal(error.to_string()))?;
        let config = SessionConfig::new()
            .with_target_partitions(THREADS)
            .with_information_schema(true)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_create_default_catalog_and_schema(false)
            .set_str("datafusion.execution.time_zone", "UTC");
        let base = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(environment)
            .with_default_features()
            .with_table_factories(HashMap::new())
            .with_file_formats(Vec::new())
            .with_scalar_functions(scalar_functions())
            .build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("lehr-query")
            .thread_stack_size(STACK_BYTES)
            .enable_time()
            .build()
            .map_err(|error| internal(format!("cannot start query threads: {error}")))?;
        let running = Arc::new(Semaphore::new(resources.concurrent));
        Ok(Queries { base, runtime: Some(runtime), running, resources })
    }

    /// Answers `sql`. Needs to be awaited within a tokio runtime that has timers.
    pub async fn run(&self, sql: &str, source: &Source, limits: Limits) -> Result<QueryResult> {
        let started = Instant::now();
        let limits = limits.capped();
        let deadline = tokio::time::Instant::now() + limits.time;
        let permit = timeout_at(deadline, self.running.clone().acquire_owned())
            .await
            .map_err(|_| QueryError::Busy { running: self.resources.concurrent })?
            .expect("the semaphore is never closed");
        let wanted = Wanted::new();
        let asked = Asked { sql: sql.to_owned(), source: source.clone(), limits, started, wanted: wanted.clone() };
        let (base, memory_bytes) = (self.base.clone(), self.resources.memory_bytes);
        let runtime = self.runtime.as_ref().expect("there until dropped");
        let task = runtime.spawn(async move {
            let answer = asked.answer(base, memory_bytes).await;
            drop(permit);
            answer
        });
        let mut running = Running { task, wanted };
        match timeout_at(deadline, &mut running.task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(failure)) => Err(QueryError::Internal(format!("the query's task failed: {failure}"))),
            Err(_) => Err(QueryError::TimeLimit { limit: limits.time, most: Limits::MOST.time }),
        }
    }
}

struct Asked {
    sql: String,
    source: Source,
    limits: Limits,
    started: Instant,
    wanted: Wanted,
}

impl Asked {
    async fn answer(self, base: SessionState, memory_bytes: usize) -> Result<QueryResult> {
        let docs = documented(self.source.history.is_some());
        let statement = match guard::check(&self.sql)? {
            Allowed::Statement(statement) => statement,
            Allowed::Describe(table) => describe(&table, &docs)?,
        };
        let failed = |error| from_datafusion(&error, memory_bytes);
        let state = self.state(base, &docs).map_err(failed)?;
        let references = state.resolve_table_references(&statement).map_err(failed)?;
        references.iter().try_for_each(|reference| known(reference, &docs))?;
        let plan = state.statement_to_plan(statement).await.map_err(failed)?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)
            .map_err(|error| QueryError::Forbidden(error.find_root().message().into_owned()))?;
        let plan = state.optimize(&plan).and_then(|plan| stoppable(plan, &self.wanted)).map_err(failed)?;
        let plan = state.query_planner().create_physical_plan(&plan, &state).await.map_err(failed)?;
        let mut stream = yielding(plan).and_then(|plan| execute_stream(plan, state.task_ctx())).map_err(failed)?;
        let schema = stream.schema();
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(failed)?;
            rows += batch.num_rows();
            bytes += batch.get_array_memory_size();
            if rows > self.limits.rows {
                return Err(QueryError::RowLimit { limit: self.limits.rows, most: Limits::MOST.rows });
            }
            if bytes > self.limits.bytes {
                let limit = self.limits.bytes >> 20;
                return Err(QueryError::MemoryLimit(format!("the answer is larger than {limit} MiB")));
            }
            batches.push(batch);
        }
        let Snapshot { tick, now, .. } = *self.source.snapshot;
        Ok(QueryResult { schema, batches, tick, now, elapsed: self.started.elapsed() })
    }

    /// The session of this query: its tables, and its idea of now.
    fn state(&self, mut state: SessionState, docs: &[TableDoc]) -> datafusion::common::Result<SessionState> {
        let schema = MemorySchemaProvider::new();
        let add = |name: &str, table: Arc<dyn TableProvider>| schema.register_table(name.to_owned(), table);
        for view in self.source.snapshot.tables() {
            add(view.name(), Arc::new(LiveProvider::new(view.clone())))?;
        }
        if let Some(source) = &self.source.history {
            add("readings", Arc::new(ReadingsProvider { source: source.clone() }))?;
        }
        add("tables", Arc::new(tables_table(docs, &self.source.snapshot)?))?;
        add("columns", Arc::new(columns_table(docs)?))?;
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::new(schema))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        state.register_catalog_list(Arc::new(catalogs));
        state.mark_start_execution();
        // Left at the clock's time only for plant times beyond the calendar, which no table can hold either.
        if let Some(now) = arrow::temporal_conversions::timestamp_ms_to_datetime(self.source.snapshot.now.0) {
            state.execution_props_mut().query_execution_start_time = Some(now.and_utc());
        }
        Ok(state)
    }
}

fn describe(table: &str, docs: &[TableDoc]) -> Result<Statement> {
    let name = table.to_ascii_lowercase();
    let doc = docs.iter().find(|doc| doc.table == name).ok_or_else(|| unknown_table(table, docs))?;
    let sql =
        format!("SELECT column_name, type, doc FROM columns WHERE table_name = '{}' ORDER BY position", doc.table);
    let mut statements = DFParser::parse_sql(&sql).map_err(|error| QueryError::Internal(error.to_string()))?;
    statements.pop_front().ok_or_else(|| QueryError::Internal("DESCRIBE became nothing".to_owned()))
}

fn known(reference: &TableReference, docs: &[TableDoc]) -> Result<()> {
    let table = reference.table();
    let there = match (reference.catalog().unwrap_or(CATALOG), reference.schema().unwrap_or(SCHEMA)) {
        (CATALOG, "information_schema") => true,
        (CATALOG, SCHEMA) => docs.iter().any(|doc| doc.table == table) || guard::TABLE_FUNCTIONS.contains(&table),
        _ => false,
    };
    if there { Ok(()) } else { Err(unknown_table(&reference.to_string(), docs)) }
}

fn unknown_table(table: &str, docs: &[TableDoc]) -> QueryError {
    let names: Vec<&str> = docs.iter().map(|doc| doc.table).collect();
    QueryError::UnknownTable { table: table.to_owned(), hint: hint(table, "tables", &names) }
}

/// The name that was probably meant, and those that there are.
fn hint(wrong: &str, what: &str, names: &[&str]) -> String {
    let wrong = wrong.rsplit('.').next().unwrap_or(wrong).to_ascii_lowercase();
    let nearest = names.iter().map(|name| (levenshtein(&wrong, name), *name)).min();
    let listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match nearest {
        Some((distance, name)) if distance * 2 <= name.len() => format!("did you mean '{name}'? {what}: {listed}"),
        _ => format!("{what}: {listed}"),
    }
}

fn from_datafusion(error: &DataFusionError, memory_bytes: usize) -> QueryError {
    let root = match error {
        DataFusionError::Collection(errors) => errors.first().unwrap_or(error).find_root(),
        _ => error.find_root(),
    };
    let message = || root.message().into_owned();
    match root {
        DataFusionError::SQL(..) => QueryError::Syntax(message()),
        DataFusionError::ResourcesExhausted(_) => {
            QueryError::MemoryLimit(format!("the query needs more memory than {} MiB", memory_bytes >> 20))
        }
        DataFusionError::SchemaError(error, _) => match error.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let names: Vec<&str> = valid_fields.iter().map(|column| column.name()).collect();
                QueryError::UnknownColumn { column: field.flat_name(), hint: hint(field.name(), "columns", &names) }
            }
            _ => QueryError::Invalid(message()),
        },
        DataFusionError::Plan(_)
        | DataFusionError::Execution(_)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::ArrowError(..) => QueryError::Invalid(message()),
        DataFusionError::External(inner) => match inner.downcast_ref() {
            Some(QueryError::Damaged(what)) => QueryError::Damaged(what.clone()),
            _ => QueryError::Internal(message()),
        },
        _ => QueryError::Internal(message()),
    }
}
