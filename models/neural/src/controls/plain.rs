use std::ops::Range;

use lehr_datasets::sequences::{Scaler, Sequences, Split};
use lehr_datasets::study::{Boosting, Linear, Settings, statistics};
use lehr_metrics::Scored;

use super::Foretold;
use super::shuffled::{CALIBRATION, Pupil, Said, TRAINING, shuffled_labels};
use crate::error::NeuralError;
use crate::forecaster::{HORIZONS, Horizons, threshold};

/// Statistics of windows, beside what came: what plain methods learn from.
#[derive(Debug)]
pub struct Tables {
    pub(super) training: Table,
    pub(super) validation: Table,
    pub(super) calibration: Table,
    pub(super) test: Table,
    pub(super) lines: Vec<Range<usize>>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub rows: Vec<Vec<f32>>,
    pub events: Vec<Horizons<bool>>,
}

impl Tables {
    /// Of the parts of a set: what inspection said where it is learned from, what was true in the test.
    pub fn new(split: &Split) -> Self {
        let table = |part: &Sequences, events: &[Horizons<bool>]| Table {
            rows: rows(part, split.scaler()),
            events: events.to_vec(),
        };
        let learned_from = |part: &Sequences| table(part, &part.labels);
        Self {
            training: learned_from(&split.train),
            validation: learned_from(&split.validation),
            calibration: learned_from(&split.calibration),
            test: table(&split.test, &split.test.truths),
            lines: split.test.lines(),
        }
    }
}

/// Statistics of each window of a part.
fn rows(part: &Sequences, scaler: &Scaler) -> Vec<Vec<f32>> {
    let row = |index: usize| {
        let mut row = Vec::new();
        statistics(part.window(index), scaler, &mut row);
        row
    };
    (0..part.len()).map(row).collect()
}

pub(super) type Judge = Box<dyn Fn(&[f32]) -> f64>;

/// A plain method.
#[derive(Debug)]
pub struct PlainPupil<'a> {
    name: &'static str,
    learn: fn(&[Vec<f32>], &[bool]) -> Judge,
    pub(super) tables: &'a Tables,
}

impl<'a> PlainPupil<'a> {
    pub fn regression(tables: &'a Tables) -> Self {
        let learn = |rows: &[Vec<f32>], labels: &[bool]| -> Judge {
            let fit = Linear::fit(rows, labels);
            Box::new(move |row| fit.probability(row))
        };
        Self { name: "logistic regression", learn, tables }
    }

    pub fn boosting(tables: &'a Tables) -> Self {
        let learn = |rows: &[Vec<f32>], labels: &[bool]| -> Judge {
            let fit = Boosting::fit(rows, labels, &Settings::default());
            Box::new(move |row| fit.probability(row))
        };
        Self { name: "gradient boosting", learn, tables }
    }

    /// Learns from the right labels, to say something of any windows.
    ///
    /// # Errors
    /// Scores that are no numbers.
    pub fn taught(&self, scaler: &Scaler) -> Result<Taught, NeuralError> {
        let (judges, thresholds) = self.judges(None)?;
        let scaler = scaler.clone();
        let said = move |part: &Sequences| -> Vec<Horizons<f64>> {
            rows(part, &scaler).iter().map(|row| judges.each_ref().map(|judge| judge(row))).collect()
        };
        Ok(Taught { said: Box::new(said), thresholds })
    }

    /// A judge and a threshold for each horizon.
    pub(super) fn judges(&self, shuffle: Option<u64>) -> Result<(Horizons<Judge>, Horizons<f64>), NeuralError> {
        let Tables { training, calibration, .. } = self.tables;
        let learned_from = shuffled_labels(&training.events, shuffle, TRAINING);
        let chosen_by = shuffled_labels(&calibration.events, shuffle, CALIBRATION);
        let of = |labels: &[Horizons<bool>], horizon: usize| labels.iter().map(|label| label[horizon]).collect();
        let judges: Horizons<Judge> = std::array::from_fn(|horizon| {
            let labels: Vec<bool> = of(&learned_from, horizon);
            (self.learn)(&training.rows, &labels)
        });
        let mut thresholds = [0.5; HORIZONS];
        for (horizon, chosen) in thresholds.iter_mut().enumerate() {
            let labels: Vec<bool> = of(&chosen_by, horizon);
            let scores = calibration.rows.iter().map(|row| judges[horizon](row));
            *chosen = threshold(&Scored::new(scores, labels.into_iter())?);
        }
        Ok((judges, thresholds))
    }
}

/// Who has learned from the right labels.
pub struct Taught {
    pub said: Box<dyn Fn(&Sequences) -> Foretold>,
    pub thresholds: Horizons<f64>,
}

impl Pupil for PlainPupil<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn learn(&mut self, shuffle: Option<u64>) -> Result<Vec<Said>, NeuralError> {
        let (judges, thresholds) = self.judges(shuffle)?;
        let Table { rows, events } = &self.tables.test;
        let said: Vec<Horizons<f64>> = rows.iter().map(|row| judges.each_ref().map(|judge| judge(row))).collect();
        Ok(Said::of_horizons(&said, events, &thresholds, &self.tables.lines))
    }
}
