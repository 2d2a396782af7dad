use std::path::PathBuf;

use clap::Args;
use lehr_datasets::sequences::{Recipe, Sequences, Split};
use lehr_neural::ensemble::{Ensemble, EnsembleReport, Example, card};
use lehr_neural::fitting::Event;
use lehr_neural::forecaster::{Horizons, report};
use lehr_neural::writing::Identity;
use lehr_scoring::{Forecaster, Network, PREDICTIONS, predictions};
use serde_json::json;

use super::forecaster::make;
use super::models::{Models, PROBABILITY, forecasts, verdicts};
use super::{Common, keep, today};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    models: Models,
    /// Where the data are kept; what is missing is made. The set is that of the forecaster.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The version of the forecaster and of the graph network, if it is not that of the ensemble.
    #[arg(long, value_name = "VERSION")]
    of: Option<String>,
    /// The price of models that err together.
    #[arg(long, default_value_t = 0.001)]
    diversity: f64,
}

pub fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let common = &arguments.common;
    let mut watch = common.watch();
    let of = arguments.of.as_deref().unwrap_or(&common.version);
    let forecaster = arguments.models.forecaster(of)?;
    let graph = arguments.models.graph(of)?;
    let history = arguments.models.history("forecaster", of)?;
    let recipe: Recipe = serde_json::from_value(history["recipe"].clone())?;
    let thresholds: Horizons<f64> =
        serde_json::from_value(forecaster.model().metadata().metrics["thresholds"].clone())?;
    let split = make(&recipe, &arguments.data, &mut *watch)?;

    let mut said = |name: &str, part: &Sequences| {
        watch.see(&Event::Stage { name });
        examples(&forecaster, &graph, part)
    };
    let stacking = said("members on the validation part", &split.validation)?;
    let calibration = said("members on the calibration part", &split.calibration)?;
    let test = said("members on the test part", &split.test)?;
    let ensemble = Ensemble::fit(&PREDICTIONS, &stacking, &calibration, arguments.diversity)?;

    let probabilities: Vec<Horizons<f64>> =
        test.iter().map(|example| ensemble.probabilities(&example.members)).collect();
    let of_forecaster: Vec<Horizons<f64>> = test.iter().map(|e| std::array::from_fn(|h| e.members[h])).collect();
    let (truths, days) = (&split.test.truths, split.test.days());
    let own = ensemble.stacks.each_ref().map(|stack| stack.threshold);
    let report = EnsembleReport {
        ensemble: report(&probabilities, truths, &own, &days)?,
        forecaster: report(&of_forecaster, truths, &thresholds, &days)?,
    };
    let date = today();
    let identity = Identity {
        model: "ensemble",
        version: common.version.clone(),
        inputs: PREDICTIONS.map(|name| (name.to_owned(), PROBABILITY.to_owned())).to_vec(),
        data: recipe.hash(),
        scaler: None,
        metrics: json!({ "test": report.ensemble, "thresholds": own }),
        trained: date.clone(),
    };
    let models = format!(
        "forecaster {} and graph network {}",
        forecaster.model().metadata().version,
        graph.model().metadata().version
    );
    let text = card(&common.version, &date, &ensemble, &models, &data(&recipe, &split), &report);
    let history = json!({ "ensemble": ensemble, "test": report, "recipe": recipe });
    let path = keep(common, "ensemble", &ensemble.export(&identity)?, &text, &history)?;
    watch.see(&Event::Stage { name: &format!("written: {}", path.display()) });
    Ok(())
}

/// What the members say of each window of a part, beside what inspection said later.
fn examples(forecaster: &Forecaster, graph: &Network, part: &Sequences) -> Result<Vec<Example>, lehr_scoring::Error> {
    let all: Vec<usize> = (0..part.len()).collect();
    let said = forecasts(forecaster, part, &all)?.into_iter().zip(verdicts(graph, part, &all)?);
    let example = |((forecast, verdict), events): (_, &Horizons<bool>)| Example {
        members: predictions(&forecast, &verdict).map(f64::from).to_vec(),
        events: *events,
    };
    Ok(said.zip(&part.labels).map(example).collect())
}

fn data(recipe: &Recipe, split: &Split) -> String {
    format!(
        "The set of the forecaster, recipe `{}`: weights from the validation part ({} windows), calibration and thresholds \
         from the calibration part ({}), figures from the test part ({}).",
        recipe.hash(),
        split.validation.len(),
        split.calibration.len(),
        split.test.len()
    )
}
