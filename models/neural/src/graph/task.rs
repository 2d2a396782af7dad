use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData, activation};
use lehr_metrics::Scored;

use super::network::GraphNetwork;
use super::scaler::FeatureScaler;
use crate::error::NeuralError;
use crate::fitting::{Step, Task, Validation, order};
use crate::writing::values;

/// One moment of a line's sensors, with what is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// `[nodes, features]`.
    pub nodes: Vec<f32>,
    /// `[nodes, nodes]`, correlations with 1 on the diagonal.
    pub edges: Vec<f32>,
    /// Which sensors have failed.
    pub failures: Vec<bool>,
    /// Which sensors see something strange.
    pub anomalies: Vec<bool>,
    /// `[nodes, nodes]`: the correlations of the line so far, which links are judged by. Two hours tell little of what
    /// belongs together, days tell more.
    pub memory: Vec<f32>,
    /// `[nodes, nodes]`, symmetric: which sensors belong together.
    pub linked: Vec<bool>,
}

/// Snapshots of one split.
pub trait Graphs: Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn nodes(&self) -> usize;

    fn features(&self) -> usize;

    fn snapshot(&self, index: usize) -> Snapshot;
}

/// One sensor in a hundred has failed: their cross-entropy is small, and without more weight the others' gradients drown
/// it. Each head has its own logit, so this shifts no probabilities.
const FAILURES: f32 = 5.0;

/// Training of a [`GraphNetwork`] on two splits.
///
/// The loss adds the mean cross-entropies of failures ([`FAILURES`] times), anomalies and links. Pairs of a node with
/// itself do not count.
#[derive(Debug)]
pub struct GraphTask<'a, G> {
    pub training: &'a G,
    pub validation: &'a G,
    pub scaler: &'a FeatureScaler,
    pub rows: usize,
    pub device: Device,
}

impl<G: Graphs> Task for GraphTask<'_, G> {
    type Network = GraphNetwork;

    fn batches(&self) -> usize {
        self.training.len().div_ceil(self.rows)
    }

    fn gradients(&mut self, network: &GraphNetwork, step: Step) -> (f64, GradientsParams) {
        let order = order(step.seed, step.epoch, self.training.len());
        let chosen = order.chunks(self.rows).nth(step.batch).unwrap_or_default();
        let batch = Batch::new(self.training, chosen, self.scaler, &self.device.clone().autodiff());
        let loss = batch.loss(network);
        let gradients = GradientsParams::from_grads(loss.backward(), network);
        (loss.into_scalar::<f64>(), gradients)
    }

    fn validate(&mut self, network: &GraphNetwork) -> Validation {
        let all: Vec<usize> = (0..self.validation.len()).collect();
        let mut loss = 0.0;
        for chosen in all.chunks(self.rows) {
            let batch = Batch::new(self.validation, chosen, self.scaler, &self.device);
            let of_batch = batch.loss(network);
            loss += of_batch.into_scalar::<f64>() * chosen.len() as f64 / all.len() as f64;
        }
        let scores = GraphScores::new(network, self.validation, self.scaler, &self.device);
        let named =
            [("auc_failure", &scores.failures), ("auc_anomaly", &scores.anomalies), ("auc_link", &scores.links)];
        let metrics = named
            .into_iter()
            .filter_map(|(name, scores)| Some((name.to_owned(), scored(scores).ok()?.auc()?)))
            .collect::<BTreeMap<String, f64>>();
        Validation { loss, metrics }
    }
}

/// Probabilities beside what is true, over all nodes and all pairs of a split.
#[derive(Debug, Clone, Default)]
pub struct GraphScores {
    pub failures: Vec<(f64, bool)>,
    pub anomalies: Vec<(f64, bool)>,
    /// Each pair once.
    pub links: Vec<(f64, bool)>,
}

impl GraphScores {
    pub fn new(network: &GraphNetwork, graphs: &impl Graphs, scaler: &FeatureScaler, device: &Device) -> Self {
        const ROWS: usize = 256;
        let count = graphs.nodes();
        let all: Vec<usize> = (0..graphs.len()).collect();
        let mut scores = Self::default();
        for chosen in all.chunks(ROWS) {
            let batch = Batch::new(graphs, chosen, scaler, device);
            let nodes = values(activation::sigmoid(network.states(batch.nodes, batch.edges)));
            let links = values(activation::sigmoid(network.links.forward(batch.memory)));
            for (row, &index) in chosen.iter().enumerate() {
                let truth = graphs.snapshot(index);
                for node in 0..count {
                    let at = 2 * (row * count + node);
                    scores.failures.push((f64::from(nodes[at]), truth.failures[node]));
                    scores.anomalies.push((f64::from(nodes[at + 1]), truth.anomalies[node]));
                    for other in 0..node {
                        let at = (row * count + node) * count + other;
                        scores.links.push((f64::from(links[at]), truth.linked[node * count + other]));
                    }
                }
            }
        }
        scores
    }
}

/// For the figures of `lehr-metrics`.
pub fn scored(pairs: &[(f64, bool)]) -> Result<Scored, NeuralError> {
    Ok(Scored::new(pairs.iter().map(|pair| pair.0), pairs.iter().map(|pair| pair.1))?)
}

struct Batch {
    nodes: Tensor<3>,
    edges: Tensor<3>,
    memory: Tensor<3>,
    node_truth: Tensor<3>,
    link_truth: Tensor<3>,
    /// `[1, nodes, nodes]`: 0 on the diagonal.
    pairs: Tensor<3>,
}

impl Batch {
    fn new(graphs: &impl Graphs, chosen: &[usize], scaler: &FeatureScaler, device: &Device) -> Self {
        let (rows, count, features) = (chosen.len(), graphs.nodes(), graphs.features());
        let (mut nodes, mut edges, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        let (mut node_truth, mut link_truth) = (Vec::new(), Vec::new());
        for &index in chosen {
            let snapshot = graphs.snapshot(index);
            nodes.extend(scaler.scale(&snapshot.nodes));
            edges.extend(&snapshot.edges);
            memory.extend(&snapshot.memory);
            let labels = snapshot.failures.iter().zip(&snapshot.anomalies);
            node_truth.extend(labels.flat_map(|(&failure, &anomaly)| [failure, anomaly].map(number)));
            link_truth.extend(snapshot.linked.iter().copied().map(number));
        }
        let tensor = |values: Vec<f32>, shape: [usize; 3]| Tensor::from_data(TensorData::new(values, shape), device);
        Self {
            nodes: tensor(nodes, [rows, count, features]),
            edges: tensor(edges, [rows, count, count]),
            memory: tensor(memory, [rows, count, count]),
            node_truth: tensor(node_truth, [rows, count, 2]),
            link_truth: tensor(link_truth, [rows, count, count]),
            pairs: Tensor::<2>::eye(count, device).neg().add_scalar(1.0).unsqueeze(),
        }
    }

    fn loss(&self, network: &GraphNetwork) -> Tensor<1> {
        let [_, count, _] = self.nodes.dims();
        let states = network.states(self.nodes.clone(), self.edges.clone());
        let weights = Tensor::<1>::from_floats([FAILURES, 1.0], &states.device()).reshape([1, 1, 2]);
        // Means over nodes of two entropies each.
        let of_nodes = (entropy(states, self.node_truth.clone()) * weights).mean().mul_scalar(2.0);
        let links = network.links.forward(self.memory.clone());
        let of_links = (entropy(links, self.link_truth.clone()) * self.pairs.clone()).mean();
        of_nodes + of_links.mul_scalar(count as f64 / (count - 1) as f64)
    }
}

/// ln(1 + e^z) − y z, without overflow.
fn entropy(logits: Tensor<3>, truth: Tensor<3>) -> Tensor<3> {
    logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p() - truth * logits
}

fn number(truth: bool) -> f32 {
    if truth { 1.0 } else { 0.0 }
}
