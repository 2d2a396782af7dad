use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    lehr_allocator::keep_freed_memory();
    lehr::cli::run(lehr::cli::Cli::parse())
}
