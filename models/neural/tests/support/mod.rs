//! A process whose truth is known: a latent state wanders, noisy sensors see it, and events follow from where it is at
//! the end of a window.
#![allow(dead_code)]

pub mod onnx;
pub mod tape;
pub mod toy_graphs;

use lehr_metrics::Scored;
use lehr_neural::forecaster::{Horizons, Windows};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub const SENSORS: usize = 5;

/// How strongly and how often events of each horizon follow from the state.
const SLOPE: Horizons<f64> = [3.0, 2.5, 2.0];
const SHIFT: Horizons<f64> = [-3.0, -2.0, -1.0];

pub struct Toy {
    steps: usize,
    values: Vec<f32>,
    events: Vec<Horizons<bool>>,
    /// The probabilities that the events were drawn with: no model can know more.
    pub truth: Vec<Horizons<f64>>,
}

impl Toy {
    pub fn new(count: usize, steps: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut toy = Self { steps, values: Vec::new(), events: Vec::new(), truth: Vec::new() };
        for _ in 0..count {
            let mut state = normal(&mut random);
            // Forgets itself within the window, so that its beginning says nothing of its end.
            let persistence: f64 = 0.8;
            for _ in 0..steps {
                state = persistence * state + (1.0 - persistence * persistence).sqrt() * normal(&mut random);
                for sensor in 0..SENSORS {
                    // Odd sensors see the state, the others nothing; each in a range of its own.
                    let seen = if sensor % 2 == 1 { state } else { 0.0 };
                    let value = 1000.0 * (sensor + 1) as f64 + 10.0 * (seen + 0.5 * normal(&mut random));
                    toy.values.push(value as f32);
                }
            }
            let truth: Horizons<f64> = std::array::from_fn(|h| 1.0 / (1.0 + (-(SLOPE[h] * state + SHIFT[h])).exp()));
            toy.events.push(truth.map(|p| random.random_bool(p)));
            toy.truth.push(truth);
        }
        toy
    }

    /// The same windows with the labels of others: nothing is left to learn but how frequent events are.
    pub fn with_shuffled_labels(mut self, seed: u64) -> Self {
        let order = lehr_neural::fitting::order(seed, 0, self.events.len());
        self.events = order.iter().map(|&index| self.events[index]).collect();
        self
    }

    /// The same windows, each from its end to its beginning.
    pub fn reversed_in_time(mut self) -> Self {
        for window in self.values.chunks_exact_mut(self.steps * SENSORS) {
            let turned: Vec<f32> = window.chunks_exact(SENSORS).rev().flatten().copied().collect();
            window.copy_from_slice(&turned);
        }
        self
    }
}

impl Windows for Toy {
    fn len(&self) -> usize {
        self.events.len()
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn sensors(&self) -> usize {
        SENSORS
    }

    fn read(&self, index: usize, to: &mut [f32]) {
        let size = self.steps * SENSORS;
        to.copy_from_slice(&self.values[index * size..][..size]);
    }

    fn events(&self, index: usize) -> Horizons<bool> {
        self.events[index]
    }
}

/// The area under the ROC curve.
pub fn area(scored: impl Iterator<Item = (f64, bool)>) -> f64 {
    let (scores, events): (Vec<f64>, Vec<bool>) = scored.unzip();
    Scored::new(scores.into_iter(), events.into_iter()).unwrap().auc().unwrap()
}

/// Box and Muller's.
pub fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random_range(f64::MIN_POSITIVE..1.0), random.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
