use super::Failure;
use crate::verify::{State, verify};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check every file of a data directory: journal, history, checkpoints, models, pictures, tokens.
///
/// Says of each file what was found, what it means and what to do. Changes nothing, and may run beside a server. The
/// exit status is 1 when something is damaged.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[arg(long, default_value = "data", env = "LEHR_DATA")]
    data: PathBuf,
    /// An array of objects instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    if !args.data.join("journal").is_dir() {
        return Err(format!("{} has no journal; give --data DIR", args.data.display()).into());
    }
    let findings = verify(&args.data)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        for finding in &findings {
            let state = match finding.state {
                State::Good => "good   ",
                State::Note => "note   ",
                State::Damaged => "DAMAGED",
            };
            writeln!(out, "{state} {}: {}", finding.file, finding.found)?;
            if !finding.advice.is_empty() {
                writeln!(out, "        → {}", finding.advice)?;
            }
        }
        let damaged = findings.iter().filter(|finding| finding.state == State::Damaged).count();
        writeln!(out, "{} findings, {damaged} of damage", findings.len())?;
    }
    let damaged = findings.iter().any(|finding| finding.state == State::Damaged);
    Ok(if damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
