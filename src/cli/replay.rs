use super::{Failure, data};
use crate::replay::{self, ReplayOptions, Shuffle};
use clap::Args;
use lehr_domain::SpanMs;
use std::path::PathBuf;

/// Run a recording through the dataflow again and write every output table.
///
/// The files depend on what was recorded alone: not on workers, batches or order of arrival. The last line
/// on standard output is a JSON object with what was done.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording: made by `lehr generate`, or the data directory of a server that is not running.
    recording: PathBuf,
    /// Folder for the tables, one Parquet file each.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Readings a tick.
    #[arg(long, default_value_t = 100_000)]
    batch: usize,
    /// Let readings and events arrive late and out of order, at random from this seed.
    #[arg(long)]
    shuffle: Option<u64>,
    /// The most by which they are late.
    #[arg(long, default_value = "10m", value_parser = data::span, requires = "shuffle")]
    max_delay: SpanMs,
}

pub fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let options = ReplayOptions {
        recording: args.recording.clone(),
        out: args.out.clone(),
        workers: args.workers,
        batch: args.batch,
        shuffle: args.shuffle.map(|seed| Shuffle { seed, max_delay: args.max_delay }),
        fold_late: false,
    };
    let bar = indicatif::ProgressBar::new_spinner().with_message("readings");
    let summary = replay::replay(&options, |readings| bar.set_position(readings))?;
    bar.finish_and_clear();
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}
