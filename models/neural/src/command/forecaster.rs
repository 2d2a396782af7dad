use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Args;
use lehr_datasets::sequences::{Recipe, Sequences, Split, generate, sensors};
use lehr_datasets::study::{baselines, figures, observation_ceiling, state_ceiling};
use lehr_neural::fitting::{Event, Watch};
use lehr_neural::forecaster::{Architecture, DataCard, Scaler, Settings, card, export, report, train};
use lehr_neural::writing::Identity;
use serde_json::json;

use super::{Common, Set, keep, sensor_units, today};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Where the data are kept; what is missing is made.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The set of sequences.
    #[arg(long, value_enum, default_value_t = Set::Full)]
    set: Set,
    /// Plants of the set, instead of those of its name.
    #[arg(long, requires = "days")]
    plants: Option<u64>,
    /// Days that each plant is watched.
    #[arg(long, requires = "plants")]
    days: Option<u32>,
    /// Minutes from one window of a line to the next, with --plants.
    #[arg(long, default_value_t = 86)]
    every: u32,
    #[arg(long, default_value_t = 50)]
    epochs: usize,
    /// Windows of an epoch, drawn anew each time, instead of all.
    #[arg(long, value_name = "WINDOWS")]
    epoch_windows: Option<usize>,
    /// Units of each recurrent layer.
    #[arg(long, default_value_t = 128)]
    width: usize,
    /// Leaves out of the card what others make of the same windows: baselines and the ceiling of what sensors can tell.
    #[arg(long)]
    alone: bool,
    /// States of the simulator whose futures are lived for the ceiling of whoever knows all.
    #[arg(long, default_value_t = 0)]
    states: usize,
}

pub fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let common = &arguments.common;
    let mut watch = common.watch();
    let recipe = match (arguments.plants, arguments.days, arguments.set) {
        (Some(plants), Some(days), _) => Recipe::of_plants(plants, days, arguments.every),
        (_, _, Set::Full) => Recipe::full(),
        (_, _, Set::Small) => Recipe::small(),
    };
    let split = make(&recipe, &arguments.data, &mut *watch)?;

    let mut architecture = Architecture::full(sensors().len());
    architecture.width = arguments.width;
    let mut settings = Settings::new(architecture, common.seed);
    settings.epochs_max = arguments.epochs;
    settings.epoch_windows = arguments.epoch_windows;
    settings.budget = common.budget;
    settings.checkpoints = Some(common.out.join("forecaster"));
    settings.resume = common.resume;
    settings.data = recipe.hash();
    let scaler = Scaler::from(split.scaler());
    let trained = train(&split.train, &split.validation, &split.calibration, scaler, &settings, &mut *watch)?;

    watch.see(&Event::Stage { name: "test" });
    let of_test = trained.probabilities(&split.test);
    let report = report(&of_test, &split.test.truths, &trained.thresholds, &split.test.days())?;
    let mut ladder = Vec::new();
    if !arguments.alone {
        watch.see(&Event::Stage { name: "baselines and ceilings" });
        ladder = baselines(&split)?;
        let of_calibration = trained.probabilities(&split.calibration);
        ladder.push(figures("this forecaster", &split.calibration, &of_calibration, &split.test, &of_test)?);
        ladder.push(observation_ceiling(&split)?);
    }
    if arguments.states > 0 {
        ladder.push(state_ceiling(&recipe, &split, arguments.states, |_, _| {})?);
    }
    let date = today();
    let identity = Identity {
        model: "forecaster",
        version: common.version.clone(),
        inputs: sensor_units()?,
        data: recipe.hash(),
        scaler: Some(json!({ "mean": trained.scaler.mean, "deviation": trained.scaler.deviation })),
        metrics: json!({ "test": report, "thresholds": trained.thresholds, "calibration": trained.calibration }),
        trained: date.clone(),
    };
    let text = card(&common.version, &date, &trained, &data_card(&split, &recipe), &ladder, &report);
    let history = json!({ "history": trained.history, "test": report, "ladder": ladder, "recipe": recipe });
    let path = keep(common, "forecaster", &export(&trained, &identity)?, &text, &history)?;
    watch.see(&Event::Stage { name: &format!("written: {}", path.display()) });
    Ok(())
}

pub fn make(
    recipe: &Recipe,
    data: &Path,
    watch: &mut (dyn Watch + Send),
) -> Result<Split, lehr_datasets::DatasetError> {
    watch.see(&Event::Stage { name: "data" });
    let watch = Mutex::new(watch);
    generate(recipe, data, |progress| {
        // A watcher that failed in another thread tells no more.
        if let Ok(mut watch) = watch.lock() {
            watch.see(&Event::Data { done: progress.plants_done, total: progress.plants });
        }
    })
}

fn data_card(split: &Split, recipe: &Recipe) -> DataCard {
    let part = |name, part: &Sequences| (name, part.len(), part.prevalence());
    DataCard {
        recipe: serde_json::to_string(recipe).expect("numbers and names are always JSON"),
        hash: recipe.hash(),
        parts: vec![
            part("training", &split.train),
            part("validation", &split.validation),
            part("calibration", &split.calibration),
            part("test", &split.test),
        ],
        event: format!(
            "An event is a minute with at least {:.0} % of the ware of {} minutes found defective. Parts have plants and \
             times of their own, days apart; the test part has a cause of events that no other part has.",
            recipe.rule.limit * 100.0,
            recipe.rule.minutes
        ),
    }
}
