//! Gradient boosting of small trees on histograms (Friedman 2001; the second-order gain of Chen & Guestrin 2016).

/// How it learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub trees: usize,
    pub depth: usize,
    pub rate: f64,
    /// Least sum of second derivatives, p (1 − p), on either side of a cut.
    pub least_weight: f64,
    /// Ridge on the leaves.
    pub ridge: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { trees: 120, depth: 4, rate: 0.1, least_weight: 5.0, ridge: 2.0 }
    }
}

const BINS: usize = 64;

/// The sum of the trees' leaves is the logarithm of the odds.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosting {
    prior: f64,
    trees: Vec<Vec<Node>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    /// Above the value: the second child, else the first.
    Cut {
        feature: usize,
        value: f32,
        first: usize,
    },
    Leaf(f64),
}

/// Values by feature, as places among its bins.
struct Binned {
    /// Upper ends of all bins but the last, of each feature.
    ends: Vec<Vec<f32>>,
    bins: Vec<Vec<u8>>,
}

impl Binned {
    /// Bins of about equal count.
    fn new(rows: &[Vec<f32>]) -> Binned {
        let width = rows.first().map_or(0, Vec::len);
        let mut binned = Binned { ends: Vec::new(), bins: Vec::new() };
        for feature in 0..width {
            let mut sorted: Vec<f32> = rows.iter().map(|row| row[feature]).collect();
            sorted.sort_by(f32::total_cmp);
            let mut ends: Vec<f32> = (1..BINS).map(|bin| sorted[bin * (sorted.len() - 1) / BINS]).collect();
            ends.dedup();
            let place = |row: &Vec<f32>| ends.partition_point(|end| *end < row[feature]) as u8;
            binned.bins.push(rows.iter().map(place).collect());
            binned.ends.push(ends);
        }
        binned
    }
}

impl Boosting {
    /// `rows` are of equal length; at least one.
    pub fn fit(rows: &[Vec<f32>], labels: &[bool], settings: &Settings) -> Boosting {
        let binned = Binned::new(rows);
        let positives = labels.iter().filter(|label| **label).count() as f64;
        let share = (positives / labels.len() as f64).clamp(1e-4, 1.0 - 1e-4);
        let mut model = Boosting { prior: (share / (1.0 - share)).ln(), trees: Vec::new() };
        let mut scores = vec![model.prior; rows.len()];
        for _ in 0..settings.trees {
            let derivatives: Vec<(f32, f32)> = scores
                .iter()
                .zip(labels)
                .map(|(score, label)| {
                    let p = 1.0 / (1.0 + (-score).exp());
                    ((p - f64::from(u8::from(*label))) as f32, (p * (1.0 - p)) as f32)
                })
                .collect();
            let mut tree = vec![Node::Leaf(0.0)];
            let all: Vec<u32> = (0..rows.len() as u32).collect();
            grow(&mut tree, 0, all, settings.depth, &binned, &derivatives, &mut scores, settings);
            model.trees.push(tree);
        }
        model
    }

    pub fn probability(&self, row: &[f32]) -> f64 {
        let score: f64 = self.prior + self.trees.iter().map(|tree| leaf(tree, row)).sum::<f64>();
        1.0 / (1.0 + (-score).exp())
    }
}

fn leaf(tree: &[Node], row: &[f32]) -> f64 {
    let mut place = 0;
    loop {
        match tree[place] {
            Node::Leaf(value) => return value,
            Node::Cut { feature, value, first } => place = first + usize::from(row[feature] > value),
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one recursion, and no state outlives it")]
fn grow(
    tree: &mut Vec<Node>,
    place: usize,
    examples: Vec<u32>,
    depth: usize,
    binned: &Binned,
    derivatives: &[(f32, f32)],
    scores: &mut [f64],
    settings: &Settings,
) {
    let sum = examples.iter().fold((0.0f64, 0.0f64), |(g, h), example| {
        let (gradient, curvature) = derivatives[*example as usize];
        (g + f64::from(gradient), h + f64::from(curvature))
    });
    let cut = if depth == 0 { None } else { best_cut(&examples, sum, binned, derivatives, settings) };
    let Some((feature, bin)) = cut else {
        let value = -settings.rate * sum.0 / (sum.1 + settings.ridge);
        examples.iter().for_each(|example| scores[*example as usize] += value);
        tree[place] = Node::Leaf(value);
        return;
    };
    let (low, high): (Vec<u32>, Vec<u32>) =
        examples.into_iter().partition(|example| usize::from(binned.bins[feature][*example as usize]) <= bin);
    let first = tree.len();
    tree[place] = Node::Cut { feature, value: binned.ends[feature][bin], first };
    tree.extend([Node::Leaf(0.0); 2]);
    grow(tree, first, low, depth - 1, binned, derivatives, scores, settings);
    grow(tree, first + 1, high, depth - 1, binned, derivatives, scores, settings);
}

/// Feature and last bin of the lower side, of the greatest gain.
fn best_cut(
    examples: &[u32],
    sum: (f64, f64),
    binned: &Binned,
    derivatives: &[(f32, f32)],
    settings: &Settings,
) -> Option<(usize, usize)> {
    let worth = |(g, h): (f64, f64)| g * g / (h + settings.ridge);
    let mut best = (1e-6, None);
    for (feature, bins) in binned.bins.iter().enumerate() {
        let mut sums = [(0.0f32, 0.0f32); BINS];
        for example in examples {
            let (gradient, curvature) = derivatives[*example as usize];
            let (g, h) = &mut sums[usize::from(bins[*example as usize])];
            *g += gradient;
            *h += curvature;
        }
        let mut low = (0.0f64, 0.0f64);
        for (bin, (g, h)) in sums.iter().enumerate().take(binned.ends[feature].len()) {
            low = (low.0 + f64::from(*g), low.1 + f64::from(*h));
            let high = (sum.0 - low.0, sum.1 - low.1);
            if low.1.min(high.1) < settings.least_weight {
                continue;
            }
            let gain = worth(low) + worth(high) - worth(sum);
            if gain > best.0 {
                best = (gain, Some((feature, bin)));
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_metrics::Scored;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Exclusive or: no single variable tells anything, and no linear method can.
    #[test]
    fn what_only_two_variables_together_tell_is_learnt() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut draw = |n: usize| -> (Vec<Vec<f32>>, Vec<bool>) {
            let rows: Vec<Vec<f32>> = (0..n).map(|_| (0..4).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
            let labels = rows.iter().map(|row| (row[1] > 0.0) != (row[3] > 0.2)).collect();
            (rows, labels)
        };
        let (rows, labels) = draw(4000);
        let fit = Boosting::fit(&rows, &labels, &Settings { trees: 60, ..Settings::default() });
        let (rows, labels) = draw(2000);
        let scores: Vec<f64> = rows.iter().map(|row| fit.probability(row)).collect();
        let scored = Scored::new(scores.into_iter(), labels.into_iter()).unwrap();
        assert!(scored.auc().unwrap() > 0.99, "{:?}", scored.auc());
    }

    #[test]
    fn chance_is_not_learnt_and_labels_that_are_alike_are_said() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let rows: Vec<Vec<f32>> = (0..3000).map(|_| vec![rng.random(), rng.random()]).collect();
        let fit = Boosting::fit(&rows, &vec![false; 3000], &Settings::default());
        assert!(fit.probability(&rows[0]) < 1e-3);
        let labels: Vec<bool> = (0..3000).map(|_| rng.random::<f64>() < 0.2).collect();
        let fit = Boosting::fit(&rows[..2000], &labels[..2000], &Settings { trees: 30, ..Settings::default() });
        let scored = Scored::new(rows[2000..].iter().map(|row| fit.probability(row)), labels[2000..].iter().copied());
        let auc = scored.unwrap().auc().unwrap();
        assert!((auc - 0.5).abs() < 0.07, "{auc}");
    }
}
