use super::plain::{Judge, PlainPupil, Table, Tables};
use super::shuffled::{CALIBRATION, Pupil, Said, VALIDATION, shuffled_labels};
use crate::ensemble::{Ensemble, Example};
use crate::error::NeuralError;
use crate::forecaster::Horizons;

const NAMES: [&str; 6] =
    ["regression_1h", "regression_4h", "regression_24h", "boosting_1h", "boosting_4h", "boosting_24h"];
/// As small as that of the ensemble that is shipped.
const DIVERSITY: f64 = 0.001;

/// The ensemble of plain methods, all of which learn anew from the same labels. With members that know, it would know
/// whatever the labels: it counts nobody below nothing, and any weights of theirs rank rightly.
#[derive(Debug)]
pub struct StackedPupil<'a>([PlainPupil<'a>; 2]);

impl<'a> StackedPupil<'a> {
    pub fn new(tables: &'a Tables) -> Self {
        Self([PlainPupil::regression(tables), PlainPupil::boosting(tables)])
    }
}

impl Pupil for StackedPupil<'_> {
    fn name(&self) -> &str {
        "ensemble of both"
    }

    fn learn(&mut self, shuffle: Option<u64>) -> Result<Vec<Said>, NeuralError> {
        let [regression, boosting] = &self.0;
        let Tables { validation, calibration, test, lines, .. } = regression.tables;
        let members: Vec<Judge> =
            regression.judges(shuffle)?.0.into_iter().chain(boosting.judges(shuffle)?.0).collect();
        let said = |table: &Table| -> Vec<Vec<f64>> {
            table.rows.iter().map(|row| members.iter().map(|judge| judge(row)).collect()).collect()
        };
        let examples = |table: &Table, part: usize| -> Vec<Example> {
            let events = shuffled_labels(&table.events, shuffle, part);
            said(table).into_iter().zip(events).map(|(members, events)| Example { members, events }).collect()
        };
        let (stacking, choosing) = (examples(validation, VALIDATION), examples(calibration, CALIBRATION));
        let ensemble = Ensemble::fit(&NAMES, &stacking, &choosing, DIVERSITY)?;
        let thresholds = ensemble.stacks.each_ref().map(|stack| stack.threshold);
        let said: Vec<Horizons<f64>> = said(test).iter().map(|members| ensemble.probabilities(members)).collect();
        Ok(Said::of_horizons(&said, &test.events, &thresholds, lines))
    }
}
