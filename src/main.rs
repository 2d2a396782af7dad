use clap::Parser;
use std::process::ExitCode;

/// Every tick makes and drops thousands of small immutable chunks, on one thread what another made: the system's
/// allocator takes a fifth of the publisher's time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lehr::cli::run(lehr::cli::Cli::parse())
}
