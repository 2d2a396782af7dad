use super::Failure;
use crate::replay::{RebuildOptions, rebuild};
use clap::Args;
use std::path::PathBuf;

/// Fold in the readings that came later than retention.
///
/// Writes every table as it would be if they had come in time, and shows them in `readings` from then on. Running it
/// again changes nothing. The server must be stopped. The last line on standard output is a JSON object with what was
/// done.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    #[arg(long, default_value = "data", env = "LEHR_DATA")]
    data: PathBuf,
    /// Folder for the tables, one Parquet file each.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

pub fn run(args: &RebuildArgs) -> Result<(), Failure> {
    let options = RebuildOptions { data: args.data.clone(), out: args.out.clone(), workers: args.workers };
    let bar = indicatif::ProgressBar::new_spinner().with_message("readings");
    let summary = rebuild(&options, |readings| bar.set_position(readings))?;
    bar.finish_and_clear();
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}
