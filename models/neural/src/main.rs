//! `lehr-train`: trains Lehr's networks and writes them as ONNX files with their cards.

mod command;

use std::process::ExitCode;

use clap::Parser;
use lehr_allocator as _;

/// Trains Lehr's networks on data made by the simulated plant.
#[derive(Debug, Parser)]
#[command(name = "lehr-train", version)]
enum Arguments {
    /// Foretells defect events from the last two hours of a line's sensors.
    Forecaster(command::forecaster::Arguments),
    /// Says of a line's sensors which have failed, which see something strange, and which belong together.
    Graph(command::graph::Arguments),
    /// Combines what forecaster and graph network say into one probability for each horizon.
    Ensemble(command::ensemble::Arguments),
    /// Judges written models on examples that none of them has seen.
    Evaluate(command::evaluate::Arguments),
    /// Shows that nothing is foretold where there is nothing to know: labels shuffled, inputs reversed in time.
    Controls(command::controls::Arguments),
    /// Finds defects in pictures of ware.
    Vision(command::vision::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse() {
        Arguments::Forecaster(arguments) => command::forecaster::run(arguments),
        Arguments::Graph(arguments) => command::graph::run(arguments),
        Arguments::Ensemble(arguments) => command::ensemble::run(arguments),
        Arguments::Vision(arguments) => command::vision::run(arguments),
        Arguments::Evaluate(arguments) => match command::evaluate::run(arguments) {
            Ok(true) => Ok(()),
            Ok(false) => Err("a figure is better than it can be: leak suspected".into()),
            Err(error) => Err(error),
        },
        Arguments::Controls(arguments) => match command::controls::run(arguments) {
            Ok(true) => Ok(()),
            Ok(false) => Err("a figure is above chance where nothing can be known: leak suspected".into()),
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lehr-train: {error}");
            ExitCode::FAILURE
        }
    }
}
