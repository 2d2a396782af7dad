use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    lehr::cli::run(lehr::cli::Cli::parse())
}
