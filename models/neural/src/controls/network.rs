use lehr_datasets::sequences::{Sequences, Split};

use super::shuffled::{CALIBRATION, Pupil, Said, TRAINING, VALIDATION, shuffled_labels};
use crate::error::NeuralError;
use crate::fitting::Quiet;
use crate::forecaster::{Horizons, Scaler, Settings, Windows, train};

/// The forecaster, trained anew each time.
#[derive(Debug)]
pub struct NetworkPupil<'a> {
    pub split: &'a Split,
    /// A smaller network and fewer epochs than one that is to be used: it has to learn several times.
    pub settings: Settings,
}

/// A part with labels that may be those of other windows.
struct Relabelled<'a> {
    part: &'a Sequences,
    labels: Vec<Horizons<bool>>,
}

impl Windows for Relabelled<'_> {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn steps(&self) -> usize {
        self.part.steps()
    }

    fn sensors(&self) -> usize {
        self.part.sensors()
    }

    fn read(&self, index: usize, to: &mut [f32]) {
        self.part.read(index, to);
    }

    fn events(&self, index: usize) -> Horizons<bool> {
        self.labels[index]
    }
}

impl Pupil for NetworkPupil<'_> {
    fn name(&self) -> &str {
        "reduced forecaster"
    }

    fn learn(&mut self, shuffle: Option<u64>) -> Result<Vec<Said>, NeuralError> {
        let Split { train: training, validation, calibration, test, .. } = self.split;
        let relabelled = |number: usize, part| relabelled(part, shuffle, number);
        let mut settings = self.settings.clone();
        // Weights of their own for each shuffle: what one beginning leans to is not taken for what was learned.
        settings.seed += shuffle.map_or(0, |seed| seed + 1);
        let trained = train(
            &relabelled(TRAINING, training),
            &relabelled(VALIDATION, validation),
            &relabelled(CALIBRATION, calibration),
            Scaler::from(self.split.scaler()),
            &settings,
            &mut Quiet,
        )?;
        Ok(Said::of_horizons(&trained.probabilities(test), &test.truths, &trained.thresholds, &test.lines()))
    }
}

fn relabelled(part: &Sequences, shuffle: Option<u64>, number: usize) -> Relabelled<'_> {
    Relabelled { part, labels: shuffled_labels(&part.labels, shuffle, number) }
}
