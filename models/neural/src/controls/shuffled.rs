use std::ops::Range;
use std::time::{Duration, Instant};

use lehr_metrics::Scored;

use super::fallen::{Fallen, f1_of_always};
use crate::error::NeuralError;
use crate::fitting::order;
use crate::forecaster::Horizons;
use crate::judging::{Figure, with_intervals};

const CONTROL: &str = "labels shuffled";
/// Parts, whose labels are shuffled apart.
pub const TRAINING: usize = 0;
pub const VALIDATION: usize = 1;
pub const CALIBRATION: usize = 2;
/// What is told of each thing.
pub const FIGURES: [&str; 2] = ["area", "F1"];

/// What somebody says of the test's examples about one thing that is asked, such as an event within 4 h.
#[derive(Debug, Clone)]
pub struct Said {
    pub of: String,
    pub scores: Vec<f64>,
    pub truths: Vec<bool>,
    /// Chosen without the test.
    pub threshold: f64,
    /// Ranges of examples that depend on each other.
    pub blocks: Vec<Range<usize>>,
}

impl Said {
    /// Of each horizon.
    pub fn of_horizons(
        probabilities: &[Horizons<f64>],
        truths: &[Horizons<bool>],
        thresholds: &Horizons<f64>,
        blocks: &[Range<usize>],
    ) -> Vec<Said> {
        let of = |(horizon, name): (usize, &str)| Said {
            of: name.to_owned(),
            scores: probabilities.iter().map(|probability| probability[horizon]).collect(),
            truths: truths.iter().map(|truth| truth[horizon]).collect(),
            threshold: thresholds[horizon],
            blocks: blocks.to_vec(),
        };
        ["1 h", "4 h", "24 h"].into_iter().enumerate().map(of).collect()
    }

    /// What chance gives of area and F1: who knows nothing can do no better than to say always that it comes.
    pub fn chances(&self) -> [f64; 2] {
        let prevalence = self.truths.iter().filter(|truth| **truth).count() as f64 / self.truths.len().max(1) as f64;
        [0.5, f1_of_always(prevalence)]
    }
}

/// Who learns from labels and then says something of a test.
pub trait Pupil {
    fn name(&self) -> &str;

    /// Learns anew: from labels shuffled by a seed, or from the right ones where there is none. The test is as it is.
    ///
    /// # Errors
    /// Whatever learning says.
    fn learn(&mut self, shuffle: Option<u64>) -> Result<Vec<Said>, NeuralError>;
}

/// How often labels are shuffled.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    /// At least two: by how they differ is told how far chance goes.
    pub least: usize,
    pub most: usize,
    /// No more are begun after this time.
    pub budget: Duration,
    pub seed: u64,
}

/// Areas and F1s on the untouched test of a pupil that learned from shuffled labels: means over shuffles, with intervals by
/// what the shuffles differ and by the blocks of the test.
///
/// # Errors
/// As for [`Pupil::learn`]; scores that are no numbers.
pub fn shuffled(pupil: &mut dyn Pupil, draws: Draws) -> Result<Vec<Fallen>, NeuralError> {
    let begun = Instant::now();
    let right = pupil.learn(None)?;
    let mut drawn: Vec<Vec<Said>> = Vec::new();
    while drawn.len() < draws.least.max(2) || (drawn.len() < draws.most && begun.elapsed() < draws.budget) {
        drawn.push(pupil.learn(Some(draws.seed + drawn.len() as u64))?);
    }
    let mut all = Vec::new();
    for (at, unaltered) in right.iter().enumerate() {
        let unaltered_figures = figures(&unaltered.scores, &unaltered.truths, unaltered.threshold)?;
        let of_draws = drawn
            .iter()
            .map(|said| figures(&said[at].scores, &said[at].truths, said[at].threshold))
            .collect::<Result<Vec<_>, _>>()?;
        let within = with_blocks(&drawn[0][at])?;
        for (which, figure) in FIGURES.into_iter().enumerate() {
            let values: Vec<f64> = of_draws.iter().filter_map(|figures| figures[which]).collect();
            all.push(Fallen {
                control: CONTROL,
                who: format!("{}, {} times", pupil.name(), drawn.len()),
                figure: format!("{figure}, {}", unaltered.of),
                value: mean(&values, within[which]),
                chance: Some(unaltered.chances()[which]),
                unaltered: unaltered_figures[which],
            });
        }
    }
    Ok(all)
}

/// Labels in the order that a seed gives a part, or as they are.
pub fn shuffled_labels<L: Copy>(labels: &[L], shuffle: Option<u64>, part: usize) -> Vec<L> {
    match shuffle {
        // Orders of different epochs are independent.
        Some(seed) => order(seed, part, labels.len()).into_iter().map(|place| labels[place]).collect(),
        None => labels.to_vec(),
    }
}

/// Area and F1.
pub fn figures(scores: &[f64], truths: &[bool], threshold: f64) -> Result<[Option<f64>; 2], NeuralError> {
    let scored = Scored::new(scores.iter().copied(), truths.iter().copied())?;
    Ok([scored.auc(), scored.at(threshold).f1()])
}

/// The same with their intervals by blocks.
pub fn with_blocks(said: &Said) -> Result<[Option<Figure>; 2], NeuralError> {
    let of_all = figures(&said.scores, &said.truths, said.threshold)?;
    Ok(with_intervals(of_all, &said.blocks, |places| {
        let scores: Vec<f64> = places.iter().map(|&place| said.scores[place]).collect();
        let truths: Vec<bool> = places.iter().map(|&place| said.truths[place]).collect();
        figures(&scores, &truths, said.threshold).unwrap_or([None; 2])
    }))
}

/// The mean over draws. Its variance is that of the mean, and that of the test's own blocks added, to be on the safe side:
/// the same test is under all of them.
fn mean(values: &[f64], within: Option<Figure>) -> Option<Figure> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let between = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0) / count;
    let within = within.map_or(0.0, |figure| figure.standard_error());
    let half = 1.96 * (between + within * within).sqrt();
    Some(Figure { value: mean, low: mean - half, high: mean + half })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says of every example what its label was, if it may look.
    struct Cheat {
        looks: bool,
        truths: Vec<bool>,
    }

    impl Pupil for Cheat {
        fn name(&self) -> &str {
            "cheat"
        }

        fn learn(&mut self, shuffle: Option<u64>) -> Result<Vec<Said>, NeuralError> {
            let seed = shuffle.unwrap_or_default();
            let order = order(seed, 0, self.truths.len());
            let says = |place: usize| self.truths[if self.looks || shuffle.is_none() { place } else { order[place] }];
            // A little that nobody can know, so that shuffles differ.
            let noise = |place: usize| order[place] as f64 / 1000.0;
            Ok(vec![Said {
                of: "now".to_owned(),
                scores: (0..self.truths.len()).map(|place| f64::from(u8::from(says(place))) + noise(place)).collect(),
                truths: self.truths.clone(),
                threshold: 0.9,
                blocks: (0..self.truths.len() / 4).map(|block| block * 4..(block + 1) * 4).collect(),
            }])
        }
    }

    #[test]
    fn who_looks_at_the_test_is_above_chance_and_who_does_not_is_at_it() {
        let truths: Vec<bool> = (0..400).map(|place| place % 3 == 0).collect();
        let draws = Draws { least: 8, most: 8, budget: Duration::ZERO, seed: 5 };
        for looks in [true, false] {
            let found = shuffled(&mut Cheat { looks, truths: truths.clone() }, draws).unwrap();
            assert_eq!(found.iter().map(|f| f.figure.as_str()).collect::<Vec<_>>(), ["area, now", "F1, now"]);
            assert_eq!(found.iter().any(Fallen::above_chance), looks, "{found:?}");
            assert!(found[0].unaltered.unwrap() > 0.99 && found[0].who.contains("8 times"), "{found:?}");
        }
    }
}
