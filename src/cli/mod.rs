//! The command line.

mod bench;
mod data;
mod doctor;
mod evaluate;
mod fmu;
mod generate;
mod import;
mod models;
mod plant;
mod rebuild;
mod replay;
mod serve;
mod sql;
mod verify;
mod what_if;

use crate::causes::with_causes;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Real-time predictive analytics and digital twin for glass production.
///
/// Sensors of the lines stream through incremental dataflows that keep windowed features, key figures,
/// alerts and root causes up to date, exactly: a reading that comes late corrects what it belongs to, and
/// the same inputs always give the same answers.
///
/// Start with `lehr serve`: it runs a simulated plant of three lines, keeps everything below ./data, and
/// prints a link to the dashboard.
#[derive(Debug, Parser)]
#[command(name = "lehr", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Generate(generate::GenerateArgs),
    Replay(replay::ReplayArgs),
    Sql(sql::SqlArgs),
    WhatIf(what_if::WhatIfArgs),
    Import(import::ImportArgs),
    Plant(plant::PlantArgs),
    Verify(verify::VerifyArgs),
    Rebuild(rebuild::RebuildArgs),
    Doctor(doctor::DoctorArgs),
    Models(models::ModelsArgs),
    Fmu(fmu::FmuArgs),
    Bench(bench::BenchArgs),
}

/// What a command fails with: printed with its causes, and exit status 1.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs a command to its end.
pub fn run(cli: Cli) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LEHR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,lehr=info,warp=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let result = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Generate(args) => generate::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Sql(args) => sql::run(&args),
        Command::WhatIf(args) => what_if::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Plant(args) => plant::run(&args),
        Command::Verify(args) => match verify::run(&args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Rebuild(args) => rebuild::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Doctor(args) => return doctor::run(&args),
        Command::Fmu(args) => match fmu::run(&args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
