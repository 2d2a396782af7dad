use super::{Failure, data};
use crate::history::History;
use crate::runtime::{AsOf, KeptReadings, rebuild};
use crate::twin;
use clap::{Args, ValueEnum};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::{EventMs, SpanMs, Tick};
use lehr_queries::{Limits, Queries, Resources, Source};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Ask a data directory or recording in SQL, whether or not a server runs on it.
///
/// Reads the journal, makes the tables as of its end (or of an earlier moment), and runs one read-only query
/// on them. `SELECT * FROM tables` and `SELECT * FROM columns` say what there is.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// The query; read from standard input when absent.
    query: Option<String>,
    #[arg(long, default_value = "data", env = "LEHR_DATA")]
    data: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// What was known when this tick closed.
    #[arg(long, conflicts_with = "as_of_time")]
    as_of_tick: Option<u64>,
    /// What was known at this plant time.
    #[arg(long, value_parser = |text: &str| EventMs::parse(text))]
    as_of_time: Option<EventMs>,
    /// Most rows of an answer.
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// Most time for the query itself.
    #[arg(long, default_value = "30s", value_parser = data::span)]
    timeout: SpanMs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    /// An Arrow IPC stream.
    Arrow,
}

pub fn run(args: &SqlArgs) -> Result<(), Failure> {
    if !args.data.join("journal").is_dir() {
        return Err(format!("{} has no journal; give --data DIR", args.data.display()).into());
    }
    let query = match &args.query {
        Some(query) => query.clone(),
        None => std::io::read_to_string(std::io::stdin())?,
    };
    let as_of = match (args.as_of_tick, args.as_of_time) {
        (Some(tick), _) => AsOf::Tick(Tick(tick)),
        (None, Some(time)) => AsOf::Time(time),
        (None, None) => AsOf::Time(EventMs::MAX),
    };
    let graph = GraphConfig { twin: Some(twin::MODEL), ..GraphConfig::FOREVER };
    let history = Arc::new(History::open(&args.data)?);
    let snapshot = Arc::new(rebuild(&args.data, history.clone(), graph, Tick(u64::MAX), as_of)?);
    let readings = KeptReadings::new(args.data.clone(), history, &snapshot);
    let source = Source { snapshot, history: Some(Arc::new(readings)) };
    let limits =
        Limits { rows: args.rows, time: Duration::from_millis(args.timeout.0.max(1) as u64), ..Limits::default() };
    let queries = Queries::new(Resources::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(queries.run(&query, &source, limits))?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Table => writeln!(out, "{}", arrow::util::pretty::pretty_format_batches(&result.batches)?)?,
        Format::Json => writeln!(out, "{}", result.to_json()?)?,
        Format::Csv => out.write_all(&result.to_csv()?)?,
        Format::Arrow => out.write_all(&result.to_arrow_stream()?)?,
    }
    Ok(())
}
