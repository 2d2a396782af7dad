use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    lehr_allocator::ask_for_memory_sparingly();
    lehr::cli::run(lehr::cli::Cli::parse())
}
