//! Lehr's side of the comparison with other engines: runs the window job and prints one line of JSON.

use clap::Parser;
use lehr_benches::window::{self, WindowJob};
use lehr_domain::SpanMs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Windows of ten seconds per sensor, from a Parquet file of readings to Parquet files.
#[derive(Parser)]
struct Args {
    /// Parquet file with the columns sensor, at and value.
    #[arg(long)]
    input: PathBuf,
    /// Folder for the results, one file a worker.
    #[arg(long)]
    output: PathBuf,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Row groups of the input that make a tick.
    #[arg(long, default_value_t = 1)]
    groups_per_tick: usize,
    /// How late a reading may be, in milliseconds of event time; a later one is an error.
    #[arg(long, default_value_t = 30_000)]
    lateness_ms: i64,
}

fn main() -> ExitCode {
    lehr_allocator::ask_for_memory_sparingly();
    let args = Args::parse();
    let job = WindowJob {
        input: args.input,
        output: args.output,
        workers: args.workers.max(1),
        groups_per_tick: args.groups_per_tick.max(1),
        lateness: SpanMs(args.lateness_ms),
    };
    let started = Instant::now();
    match window::run(&job) {
        Ok(report) => {
            let stages = report.stages;
            let line = serde_json::json!({
                "engine": "Lehr",
                "version": env!("CARGO_PKG_VERSION"),
                "seconds": started.elapsed().as_secs_f64(),
                "readings": report.readings,
                "refused": report.refused,
                "answers": report.answers,
                "ticks": report.ticks,
                "stages_s": {
                    "decode": stages.decode.as_secs_f64(),
                    "scatter": stages.scatter.as_secs_f64(),
                    "dataflow": stages.dataflow.as_secs_f64(),
                    "write": stages.write.as_secs_f64(),
                },
            });
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("window: {error}");
            ExitCode::FAILURE
        }
    }
}
