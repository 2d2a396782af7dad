use std::sync::Mutex;

use clap::Args;
use lehr_datasets::graphs::{FEATURES, GraphRecipe, GraphSplit, Graphs as Set, generate};
use lehr_datasets::sequences::SENSORS;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_neural::fitting::{Event, Watch};
use lehr_neural::graph::{
    FeatureScaler, GraphArchitecture, GraphData, GraphSettings, LineGraphs, baselines, card, export, report, train,
};
use lehr_neural::writing::Identity;
use serde_json::json;

use super::{Common, Set as Size, keep, sensor_units, today};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The set of snapshots; it is made each time, in a minute.
    #[arg(long, value_enum, default_value_t = Size::Full)]
    set: Size,
    /// Plants of the set, instead of those of its name.
    #[arg(long, requires = "days")]
    plants: Option<u64>,
    /// Days that each plant is watched.
    #[arg(long, requires = "plants")]
    days: Option<u32>,
    #[arg(long, default_value_t = 30)]
    epochs: usize,
    /// The greatest learning rate.
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    /// Leaves out of the card what those make of the same snapshots who judge each sensor by itself.
    #[arg(long)]
    alone: bool,
}

pub fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let common = &arguments.common;
    let mut watch = common.watch();
    let recipe = match (arguments.plants, arguments.days, arguments.set) {
        (Some(plants), Some(days), _) => GraphRecipe::of_plants(plants, days, 120),
        (_, _, Size::Full) => GraphRecipe::full(),
        (_, _, Size::Small) => GraphRecipe::small(),
    };
    let split = make(&recipe, &mut *watch)?;
    let [training, validation, test] = [&split.train, &split.validation, &split.test].map(LineGraphs::new);

    let mut settings = GraphSettings::new(GraphArchitecture::full(SENSORS, FEATURES), common.seed);
    settings.epochs_max = arguments.epochs;
    settings.rate = arguments.rate;
    settings.budget = common.budget;
    settings.checkpoints = Some(common.out.join("graph"));
    settings.resume = common.resume;
    settings.data = recipe.hash();
    let scaler = FeatureScaler::of_catalogue(&Catalogue::parse(DEFAULT)?)?;
    let trained = train(&training, &validation, scaler, &settings, &mut *watch)?;

    watch.see(&Event::Stage { name: "test" });
    let report = report(&trained.scores(&test), &test, &trained.thresholds)?;
    let mut others = Vec::new();
    if !arguments.alone {
        watch.see(&Event::Stage { name: "baselines" });
        others = baselines(&training, &validation, &test, &trained.scaler)?;
    }
    let date = today();
    let identity = Identity {
        model: "graph",
        version: common.version.clone(),
        inputs: sensor_units()?,
        data: recipe.hash(),
        scaler: None,
        metrics: json!({ "test": report, "thresholds": trained.thresholds }),
        trained: date.clone(),
    };
    let text = card(&common.version, &date, &trained, &data_card(&split, &recipe), &others, &report);
    let history = json!({ "history": trained.history, "test": report, "baselines": others, "recipe": recipe });
    let path = keep(common, "graph", &export(&trained, &identity)?, &text, &history)?;
    watch.see(&Event::Stage { name: &format!("written: {}", path.display()) });
    Ok(())
}

fn make(recipe: &GraphRecipe, watch: &mut (dyn Watch + Send)) -> Result<GraphSplit, lehr_datasets::DatasetError> {
    watch.see(&Event::Stage { name: "data" });
    let watch = Mutex::new(watch);
    generate(recipe, |progress| {
        // A watcher that failed in another thread tells no more.
        if let Ok(mut watch) = watch.lock() {
            watch.see(&Event::Data { done: progress.plants_done, total: progress.plants });
        }
    })
}

fn data_card(split: &GraphSplit, recipe: &GraphRecipe) -> GraphData {
    let share = |labels: &[[bool; SENSORS]]| {
        let so = labels.iter().flatten().filter(|label| **label).count();
        so as f64 / (labels.len() * SENSORS).max(1) as f64
    };
    let part = |name, part: &Set| (name, part.len(), share(&part.failure), share(&part.anomaly));
    GraphData {
        recipe: serde_json::to_string(recipe).expect("numbers and names are always JSON"),
        hash: recipe.hash(),
        parts: vec![part("training", &split.train), part("validation", &split.validation), part("test", &split.test)],
        minutes_between: recipe.every_minutes,
    }
}
