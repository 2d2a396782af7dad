use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use lehr_datasets::graphs::{self, FEATURES, GraphRecipe};
use lehr_datasets::sequences::{Recipe, SENSORS, Sequences, Split};
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_neural::controls::{
    CAUSE_LASTS, Draws, Fallen, GraphPupil, NetworkPupil, PlainPupil, Pupil, StackedPupil, Tables, fallen, reversed,
    shuffled,
};
use lehr_neural::fitting::Quiet;
use lehr_neural::forecaster::{Architecture, Horizons, Settings};
use lehr_neural::graph::{FeatureScaler, GraphArchitecture, GraphSettings, LineGraphs};
use lehr_scoring::{Ensemble, Forecaster, Network, PREDICTIONS, predictions};
use serde_json::json;

use super::forecaster::make;
use super::models::{Models, ROWS, forecasts, verdicts};
use super::span;

type Error = Box<dyn std::error::Error>;

/// Shuffles of the labels of one pupil.
const LEAST: usize = 6;
const MOST: usize = 12;
/// Windows of each part that pupils learn from, choose by and are judged on. Intervals are by lines and by shuffles: more
/// windows of a line change nothing.
const TRAINING: usize = 12_000;
const CHOOSING: usize = 5_000;
const TEST: usize = 10_000;
/// Plants of the graph network's training part.
const GRAPH_PLANTS: u64 = 5;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    models: Models,
    /// The models' version, instead of the newest of each.
    #[arg(long = "model-version", value_name = "VERSION")]
    version: Option<String>,
    /// Where simulated plants are kept; what is missing is made. The set is that of the forecaster.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Time for learning from shuffled labels, such as 10m, over all who learn; each learns from six shuffles at least, and
    /// from twelve at most.
    #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "10m")]
    budget: Duration,
    /// The seed of shuffles and weights.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// As JSON, on standard output.
    #[arg(long)]
    json: bool,
}

/// Models that are ready, with what the forecaster was trained on.
struct Ready {
    forecaster: Forecaster,
    graph: Network,
    ensemble: Ensemble,
    recipe: Recipe,
    graph_recipe: GraphRecipe,
}

/// Shows what is left of skill when there is nothing to know. False when something is above chance.
pub fn run(arguments: Arguments) -> Result<bool, Error> {
    let ready = Ready::open(&arguments)?;
    let split = thinned(make(&ready.recipe, &arguments.data, &mut Quiet)?);
    let tell = |what: &str| {
        if !arguments.json {
            eprintln!("{what}");
        }
    };
    // Shuffles of its own for each seed.
    let seed = arguments.seed.wrapping_mul(MOST as u64);
    let draws = |share: f64| Draws { least: LEAST, most: MOST, budget: arguments.budget.mul_f64(share), seed };
    let tables = Tables::new(&split);
    let mut all = Vec::new();
    tell("plain methods, inputs reversed in time");
    all.extend(of_plain_reversed(&tables, &split)?);
    tell("shipped models, inputs reversed in time");
    all.extend(ready.reversed(&split.test)?);
    let mut taught = |pupil: &mut dyn Pupil, share: f64| -> Result<(), Error> {
        tell(&format!("{}, labels shuffled", pupil.name()));
        all.extend(shuffled(pupil, draws(share))?);
        Ok(())
    };
    taught(&mut PlainPupil::regression(&tables), 0.1)?;
    taught(&mut PlainPupil::boosting(&tables), 0.15)?;
    taught(&mut StackedPupil::new(&tables), 0.15)?;
    taught(&mut NetworkPupil { split: &split, settings: reduced(arguments.seed) }, 0.3)?;
    of_graph(&ready.graph_recipe, arguments.seed, |pupil| taught(pupil, 0.3))?;

    let fell = !all.iter().any(Fallen::above_chance);
    if arguments.json {
        println!("{:#}", as_json(&all, fell)?);
    } else {
        print!("{}", fallen(&all));
    }
    Ok(fell)
}

fn as_json(all: &[Fallen], fell: bool) -> Result<serde_json::Value, serde_json::Error> {
    let told = |fallen: &Fallen| {
        let mut told = serde_json::to_value(fallen)?;
        told["above_chance"] = json!(fallen.above_chance());
        Ok::<_, serde_json::Error>(told)
    };
    let figures = all.iter().map(told).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "fell_to_chance": fell, "figures": figures }))
}

/// Parts from which pupils learn in a few seconds: half of what is learned from has an event. The test is as it is.
fn thinned(mut split: Split) -> Split {
    // By the middle horizon: then the others are nearly balanced as well.
    split.train = split.train.balanced(1).thinned(TRAINING);
    split.validation = split.validation.balanced(1).thinned(CHOOSING);
    split.calibration = split.calibration.thinned(CHOOSING);
    split.test = split.test.thinned(TEST);
    split
}

/// A forecaster that learns in seconds what can be learned of levels, and shows what it would make of chance.
fn reduced(seed: u64) -> Settings {
    let mut settings = Settings::new(Architecture { width: 32, ..Architecture::full(SENSORS) }, seed);
    settings.rows = 128;
    settings.rate = 3e-3;
    settings.epochs_max = 2;
    settings
}

fn of_plain_reversed(tables: &Tables, split: &Split) -> Result<Vec<Fallen>, Error> {
    let mut all = Vec::new();
    for pupil in [PlainPupil::regression(tables), PlainPupil::boosting(tables)] {
        let taught = pupil.taught(split.scaler())?;
        let mut say = |part: &Sequences| Ok::<_, Error>((taught.said)(part));
        all.extend(reversed(pupil.name(), &mut say, &taught.thresholds, &split.test, CAUSE_LASTS)?);
    }
    Ok(all)
}

/// The graph network on a part of its own set.
fn of_graph(
    recipe: &GraphRecipe,
    seed: u64,
    taught: impl FnOnce(&mut dyn Pupil) -> Result<(), Error>,
) -> Result<(), Error> {
    let first = recipe.train.start;
    let train = first..recipe.train.end.min(first + GRAPH_PLANTS);
    let split = graphs::generate(&GraphRecipe { train, ..recipe.clone() }, |_| {})?;
    let [training, validation, test] = [&split.train, &split.validation, &split.test].map(LineGraphs::new);
    let mut settings = GraphSettings::new(GraphArchitecture::full(SENSORS, FEATURES), seed);
    // So many steps that links are told from evidence: it takes some hundreds.
    (settings.rows, settings.epochs_max) = (32, 6);
    taught(&mut GraphPupil {
        training: &training,
        validation: &validation,
        test: &test,
        lines: split.test.lines(),
        scaler: FeatureScaler::of_catalogue(&Catalogue::parse(DEFAULT)?)?,
        settings,
    })
}

impl Ready {
    fn open(arguments: &Arguments) -> Result<Self, Error> {
        let models = &arguments.models;
        let version = |name: &str| models.version(name, arguments.version.as_ref());
        let (of_forecaster, of_graph) = (version("forecaster")?, version("graph")?);
        let recipe = |name: &str, version: &str| Ok::<_, Error>(models.history(name, version)?["recipe"].clone());
        Ok(Self {
            forecaster: models.forecaster(&of_forecaster)?,
            graph: models.graph(&of_graph)?,
            ensemble: models.ensemble(&version("ensemble")?)?,
            recipe: serde_json::from_value(recipe("forecaster", &of_forecaster)?)?,
            graph_recipe: serde_json::from_value(recipe("graph", &of_graph)?)?,
        })
    }

    /// Forecaster and ensemble as they are shipped.
    fn reversed(&self, test: &Sequences) -> Result<Vec<Fallen>, Error> {
        let thresholds = |model: &lehr_scoring::Model| -> Result<Horizons<f64>, serde_json::Error> {
            serde_json::from_value(model.metadata().metrics["thresholds"].clone())
        };
        let mut all = reversed(
            "forecaster",
            &mut |part| {
                let said = forecasts(&self.forecaster, part, &places(part))?;
                Ok::<_, Error>(said.into_iter().map(|forecast| forecast.probability.map(f64::from)).collect())
            },
            &thresholds(self.forecaster.model())?,
            test,
            CAUSE_LASTS,
        )?;
        all.extend(reversed(
            "ensemble",
            &mut |part| {
                let mut combined = Vec::with_capacity(part.len());
                for rows in self.members(part)?.chunks(ROWS) {
                    combined.extend(self.ensemble.combine(rows.concat())?.into_iter().map(|row| row.map(f64::from)));
                }
                Ok::<_, Error>(combined)
            },
            &thresholds(self.ensemble.model())?,
            test,
            CAUSE_LASTS,
        )?);
        Ok(all)
    }

    /// What the ensemble's members say of each window of a part.
    fn members(&self, part: &Sequences) -> Result<Vec<[f32; PREDICTIONS.len()]>, lehr_scoring::Error> {
        let all = places(part);
        let said = forecasts(&self.forecaster, part, &all)?;
        let verdicts = verdicts(&self.graph, part, &all)?;
        Ok(said.iter().zip(&verdicts).map(|(forecast, verdict)| predictions(forecast, verdict)).collect())
    }
}

fn places(part: &Sequences) -> Vec<usize> {
    (0..part.len()).collect()
}
