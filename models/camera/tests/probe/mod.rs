//! A linear probe: ridge regression on each class's indicator, the greatest wins.

use lehr_camera::SIDE;

const CORNER: usize = 16;
const RIDGE: f64 = 1e-3;

/// Mean and deviation of each colour of each corner, and a constant.
pub fn corners(pixels: &[u8]) -> Vec<f64> {
    let mut features = vec![1.0];
    for (left, top) in [(0, 0), (SIDE - CORNER, 0), (0, SIDE - CORNER), (SIDE - CORNER, SIDE - CORNER)] {
        for colour in 0..3 {
            let value = |index: usize| {
                let (x, y) = (left + index % CORNER, top + index / CORNER);
                f64::from(pixels[3 * (y * SIDE + x) + colour]) / 255.0
            };
            let count = (CORNER * CORNER) as f64;
            let mean = (0..CORNER * CORNER).map(value).sum::<f64>() / count;
            let square = (0..CORNER * CORNER).map(|index| (value(index) - mean).powi(2)).sum::<f64>() / count;
            features.extend([mean, 10.0 * square.sqrt()]);
        }
    }
    features
}

pub struct Probe {
    classes: usize,
    examples: Vec<(Vec<f64>, usize)>,
}

pub struct Fitted {
    weights: Vec<Vec<f64>>,
}

impl Probe {
    pub fn new(classes: usize) -> Probe {
        Probe { classes, examples: vec![] }
    }

    pub fn learn(&mut self, features: Vec<f64>, class: usize) {
        self.examples.push((features, class));
    }

    pub fn fit(&self) -> Fitted {
        let width = self.examples[0].0.len();
        let mut normal = vec![vec![0.0; width + self.classes]; width];
        for (features, class) in &self.examples {
            for (row, own) in normal.iter_mut().zip(features) {
                row.iter_mut().zip(features).for_each(|(sum, other)| *sum += own * other);
                row[width + class] += own;
            }
        }
        for (index, row) in normal.iter_mut().enumerate() {
            row[index] += RIDGE;
        }
        // Gauss and Jordan; the ridge keeps the pivots above zero.
        for pivot in 0..width {
            let scale = 1.0 / normal[pivot][pivot];
            normal[pivot].iter_mut().for_each(|value| *value *= scale);
            let lead = normal[pivot].clone();
            for (row, values) in normal.iter_mut().enumerate() {
                if row != pivot {
                    let factor = values[pivot];
                    values.iter_mut().zip(&lead).for_each(|(value, lead)| *value -= factor * lead);
                }
            }
        }
        Fitted {
            weights: (0..self.classes).map(|class| normal.iter().map(|row| row[width + class]).collect()).collect(),
        }
    }
}

impl Fitted {
    pub fn class(&self, features: &[f64]) -> usize {
        let score = |weights: &[f64]| weights.iter().zip(features).map(|(a, b)| a * b).sum::<f64>();
        let scores: Vec<f64> = self.weights.iter().map(|weights| score(weights)).collect();
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("there are classes")
    }
}
