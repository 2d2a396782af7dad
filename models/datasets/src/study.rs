//! How hard a set is: what plain methods make of it ([`baselines`]), and the best that any method could.
//!
//! Two ceilings. [`state_ceiling`]: the chance of an event given the simulator's full state, by living many futures of it. No forecast
//! can beat it but by luck. [`observation_ceiling`]: what a flexible learner makes of the true levels of all slow causes
//! at the beginning and the end of the window, without any noise: more than the window's readings tell, so that a model that reads
//! them and is better by more than chance has seen what it must not.

mod boosting;
mod features;
mod figures;
mod logistic;
mod state;

pub use boosting::{Boosting, Settings};
pub use features::{FEATURES, last_values, latent, statistics};
pub use figures::{Figures, Horizon, figures};
pub use logistic::Linear;
pub use state::state_ceiling;

use crate::DatasetError;
use crate::sequences::{HORIZONS, Recipe, Sequences, Split};
use serde::{Deserialize, Serialize};

/// What was found of a set: kept beside its recipe, so that a model's figures stand beside the best that any could have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// [`Recipe::hash`].
    pub set: String,
    pub recipe: Recipe,
    /// Plain methods and ceilings.
    pub ladder: Vec<Figures>,
}

/// The ladder of plain methods, each trained on the training labels, its threshold chosen on the calibration part, and judged on the
/// test part.
pub fn baselines(split: &Split) -> Result<Vec<Figures>, DatasetError> {
    let prevalence = |_: &Sequences, horizon: usize| {
        let share = split.train.prevalence()[horizon];
        Box::new(move |_: &[f32]| share) as Judge
    };
    let nothing = |_: &[f32], row: &mut Vec<f32>| row.push(0.0);
    let scaler = split.scaler();
    let last = |window: &[f32], row: &mut Vec<f32>| last_values(window, scaler, row);
    let stats = |window: &[f32], row: &mut Vec<f32>| statistics(window, scaler, row);
    Ok(vec![
        ladder("prevalence", split, &nothing, &prevalence)?,
        ladder("logistic regression on the last values", split, &last, &|train, horizon| {
            let (rows, labels) = table(train, &last, horizon);
            let fit = Linear::fit(&rows, &labels);
            Box::new(move |row| fit.probability(row))
        })?,
        ladder("logistic regression on statistics of the window", split, &stats, &|train, horizon| {
            let (rows, labels) = table(train, &stats, horizon);
            let fit = Linear::fit(&rows, &labels);
            Box::new(move |row| fit.probability(row))
        })?,
        ladder("gradient boosting on statistics of the window", split, &stats, &|train, horizon| {
            let (rows, labels) = table(train, &stats, horizon);
            let fit = Boosting::fit(&rows, &labels, &Settings::default());
            Box::new(move |row| fit.probability(row))
        })?,
    ])
}

/// See the module.
pub fn observation_ceiling(split: &Split) -> Result<Figures, DatasetError> {
    let learn = |horizon: usize| {
        let rows: Vec<Vec<f32>> = (0..split.train.len()).map(|index| latent(&split.train, index)).collect();
        let labels: Vec<bool> = split.train.truths.iter().map(|label| label[horizon]).collect();
        Boosting::fit(&rows, &labels, &Settings::default())
    };
    let fits: Vec<Boosting> = (0..HORIZONS.len()).map(learn).collect();
    let score = |part: &Sequences| -> Vec<[f64; HORIZONS.len()]> {
        (0..part.len())
            .map(|index| {
                let row = latent(part, index);
                std::array::from_fn(|horizon| fits[horizon].probability(&row))
            })
            .collect()
    };
    figures(
        "observation ceiling: true causes over the window",
        &split.calibration,
        &score(&split.calibration),
        &split.test,
        &score(&split.test),
    )
}

type Judge = Box<dyn Fn(&[f32]) -> f64>;
type Describe<'a> = &'a dyn Fn(&[f32], &mut Vec<f32>);

fn table(part: &Sequences, describe: Describe<'_>, horizon: usize) -> (Vec<Vec<f32>>, Vec<bool>) {
    let row = |index: usize| {
        let mut row = Vec::new();
        describe(part.window(index), &mut row);
        row
    };
    ((0..part.len()).map(row).collect(), part.labels.iter().map(|label| label[horizon]).collect())
}

fn ladder(
    name: &str,
    split: &Split,
    describe: Describe<'_>,
    learn: &dyn Fn(&Sequences, usize) -> Judge,
) -> Result<Figures, DatasetError> {
    let judges: Vec<Judge> = (0..HORIZONS.len()).map(|horizon| learn(&split.train, horizon)).collect();
    let score = |part: &Sequences| -> Vec<[f64; HORIZONS.len()]> {
        let mut row = Vec::new();
        (0..part.len())
            .map(|index| {
                row.clear();
                describe(part.window(index), &mut row);
                std::array::from_fn(|horizon| judges[horizon](&row))
            })
            .collect()
    };
    figures(name, &split.calibration, &score(&split.calibration), &split.test, &score(&split.test))
}
