//! Graphs whose truth is known: sensors in groups that follow a common cause, some of which fail or see something
//! strange.

use lehr_neural::graph::{Graphs, Snapshot};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::normal;

pub const NODES: usize = 8;
const GROUPS: usize = 3;
/// Samples of a snapshot.
const SAMPLES: usize = 40;

pub struct ToyGraphs(Vec<Snapshot>);

impl ToyGraphs {
    pub fn new(count: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        Self((0..count).map(|_| snapshot(&mut random)).collect())
    }

    /// The same graphs with the truth of others.
    pub fn with_shuffled_truth(mut self, seed: u64) -> Self {
        let order = lehr_neural::fitting::order(seed, 0, self.0.len());
        let truths: Vec<Snapshot> = order.iter().map(|&index| self.0[index].clone()).collect();
        for (graph, truth) in self.0.iter_mut().zip(truths) {
            (graph.failures, graph.anomalies, graph.linked) = (truth.failures, truth.anomalies, truth.linked);
        }
        self
    }
}

/// Groups are drawn anew each time, so that links cannot be learned by heart. A sensor that has failed holds still at a
/// noise of its own; one that is strange is shifted.
fn snapshot(random: &mut ChaCha8Rng) -> Snapshot {
    let groups: Vec<usize> = (0..NODES).map(|_| random.random_range(0..GROUPS)).collect();
    let failures: Vec<bool> = (0..NODES).map(|_| random.random_bool(0.15)).collect();
    let anomalies: Vec<bool> = failures.iter().map(|failed| !failed && random.random_bool(0.15)).collect();
    let causes: Vec<[f64; GROUPS]> = (0..SAMPLES).map(|_| std::array::from_fn(|_| normal(random))).collect();
    let mut seen = |node: usize, causes: &[f64; GROUPS]| {
        let shift = if anomalies[node] { 1.2 } else { 0.0 };
        shift + if failures[node] { 0.1 * normal(random) } else { causes[groups[node]] + 0.8 * normal(random) }
    };
    let series: Vec<Vec<f64>> =
        (0..NODES).map(|node| causes.iter().map(|causes| seen(node, causes)).collect()).collect();
    let mean: Vec<f64> = series.iter().map(|s| s.iter().sum::<f64>() / SAMPLES as f64).collect();
    let shared = |a: usize, b: usize| -> f64 {
        series[a].iter().zip(&series[b]).map(|(x, y)| (x - mean[a]) * (y - mean[b])).sum::<f64>() / SAMPLES as f64
    };
    let spread: Vec<f64> = (0..NODES).map(|node| shared(node, node).sqrt()).collect();
    let pair = |at: usize| (at / NODES, at % NODES);
    let edges: Vec<f32> =
        (0..NODES * NODES).map(pair).map(|(a, b)| (shared(a, b) / (spread[a] * spread[b])) as f32).collect();
    Snapshot {
        nodes: (0..NODES).flat_map(|node| [mean[node] as f32, spread[node] as f32]).collect(),
        memory: edges.clone(),
        edges,
        linked: (0..NODES * NODES)
            .map(pair)
            .map(|(a, b)| groups[a] == groups[b] && !failures[a] && !failures[b])
            .collect(),
        failures,
        anomalies,
    }
}

impl Graphs for ToyGraphs {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn nodes(&self) -> usize {
        NODES
    }

    fn features(&self) -> usize {
        2
    }

    fn snapshot(&self, index: usize) -> Snapshot {
        self.0[index].clone()
    }
}
