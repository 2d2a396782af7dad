use super::{Failure, data};
use crate::bench::{edge, late, latency, pipeline, restart, soak, sql, what_if};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use lehr_domain::SpanMs;
use std::path::PathBuf;

/// Measure what Lehr does on this machine.
///
/// Every benchmark builds a system in a temporary folder, with all graphs, the journal and its server, and
/// removes it. Inputs go in through the runtime in the same process; what comes out is taken from WebSocket and
/// HTTP over loopback.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: Bench,
    /// Print one JSON object instead of a table.
    #[arg(long, global = true)]
    json: bool,
    /// Worker threads of the dataflow.
    #[arg(long, global = true, default_value_t = 2)]
    workers: usize,
    #[arg(long, global = true, default_value_t = 7)]
    seed: u64,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// From a reading that is due to the frame on a WebSocket client, open loop.
    Latency {
        /// Readings a second.
        #[arg(long, default_value_t = 10_000)]
        rate: u64,
        #[arg(long, default_value_t = 1000)]
        sensors: usize,
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Event time of panes that exist before.
        #[arg(long, default_value = "3h", value_parser = data::span)]
        history: SpanMs,
    },
    /// From a corrected unit, and a late reading, to the corrected rows on a WebSocket client.
    Late {
        /// Plant time that has passed before.
        #[arg(long, default_value = "7d", value_parser = data::span)]
        state: SpanMs,
        /// Corrections of each kind.
        #[arg(long, default_value_t = 200)]
        corrections: u64,
    },
    /// From an edge's new confidence to the new rankings on a WebSocket client.
    Edge {
        #[arg(long, default_value_t = 10_000)]
        incidents: usize,
        #[arg(long, default_value_t = 50)]
        edits: usize,
    },
    /// Queries on live tables and on history.
    Sql {
        /// Plant time that has passed before.
        #[arg(long, default_value = "24h", value_parser = data::span)]
        state: SpanMs,
        #[arg(long, default_value_t = 20)]
        repeats: usize,
    },
    /// Questions to the digital twin, and scenarios through the graphs.
    WhatIf {
        /// Plant time that the twin has followed before.
        #[arg(long, default_value = "24h", value_parser = data::span)]
        state: SpanMs,
        #[arg(long, default_value_t = 50)]
        repeats: usize,
        #[arg(long, default_value_t = 32)]
        scenarios: usize,
    },
    /// From the start of a killed system to serving, with a day of readings behind it.
    Restart {
        /// Readings a second of plant time.
        #[arg(long, default_value_t = 10_000)]
        rate: u64,
        #[arg(long, default_value_t = 1000)]
        sensors: usize,
        #[arg(long, default_value = "1h", value_parser = data::span)]
        duration: SpanMs,
        #[arg(long, default_value_t = 3)]
        repeats: usize,
        /// Where to make the data, to be started from again; a temporary folder otherwise.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Memory over many days of the plant, once what is kept is full.
    Soak {
        #[arg(long, default_value_t = 30)]
        days: i64,
        #[arg(long, default_value = "2d", value_parser = data::span)]
        retention: SpanMs,
        #[arg(long, default_value_t = 1.0)]
        faults_per_day: f64,
    },
    /// A recorded day through every graph, without and with the journal.
    Pipeline {
        #[arg(long, default_value_t = 1000)]
        sensors: usize,
        #[arg(long, default_value = "24h", value_parser = data::span)]
        duration: SpanMs,
        #[arg(long, default_value_t = 3)]
        repeats: usize,
    },
}

pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let (workers, seed) = (args.workers, args.seed);
    let bar = ProgressBar::new_spinner().with_message("making the state, seconds of plant time");
    let passed = |span: SpanMs| bar.set_position(span.0.unsigned_abs() / 1000);
    let report = match args.what {
        Bench::Latency { rate, sensors, seconds, history } => {
            let history_minutes = history.0 / SpanMs::minutes(1).0;
            if rate == 0 || sensors == 0 {
                return Err("--rate and --sensors must be at least 1".into());
            }
            latency::run(&latency::LatencyOptions { readings_per_s: rate, sensors, seconds, workers, history_minutes })?
        }
        Bench::Late { state, corrections } => {
            late::run(&late::LateOptions { state, corrections, workers, seed }, passed)?
        }
        Bench::Edge { incidents, edits } => edge::run(&edge::EdgeOptions { incidents, edits, workers })?,
        Bench::Sql { state, repeats } => sql::run(&sql::SqlOptions { state, repeats, workers, seed }, passed)?,
        Bench::WhatIf { state, repeats, scenarios } => {
            if !(1..=1000).contains(&scenarios) || repeats == 0 {
                return Err("--scenarios must be 1 to 1000, and --repeats at least 1".into());
            }
            what_if::run(&what_if::WhatIfOptions { state, repeats, scenarios, workers, seed }, passed)?
        }
        Bench::Restart { rate, sensors, duration, repeats, ref data } => {
            if rate == 0 || sensors == 0 {
                return Err("--rate and --sensors must be at least 1".into());
            }
            let data = data.clone();
            restart::run(&restart::RestartOptions { sensors, rate, duration, workers, repeats, data }, passed)?
        }
        Bench::Soak { days, retention, faults_per_day } => {
            soak::run(&soak::SoakOptions { days, retention, faults_per_day, workers, seed }, passed)?
        }
        Bench::Pipeline { sensors, duration, repeats } => {
            let options = pipeline::PipelineOptions { sensors, duration, workers, repeats, seed };
            pipeline::run(&options, |at| bar.set_position(at.0.unsigned_abs() / 1000))?
        }
    };
    bar.finish_and_clear();
    match args.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => print!("{report}"),
    }
    Ok(())
}
