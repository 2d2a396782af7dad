use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::links::LinkHead;
use crate::fitting::Initial;

/// Two sensors are neighbours where their correlation is at least weak, |r| > 0.2, and each is its own.
pub const WEAK: f64 = 0.2;

/// Slope of the scores' leaky unit, as Veličković et al. have it.
const LEAK: f64 = 0.2;

/// What stands for minus infinity where there is no edge.
const NO_EDGE: f64 = -1e9;

/// The sizes of a graph network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphArchitecture {
    pub nodes: usize,
    /// Values of a node.
    pub features: usize,
    pub layers: usize,
    pub heads: usize,
    /// Units of a head; the hidden width is `heads × width`.
    pub width: usize,
}

impl GraphArchitecture {
    /// Three layers of 64 units in four heads.
    pub fn full(nodes: usize, features: usize) -> Self {
        Self { nodes, features, layers: 3, heads: 4, width: 16 }
    }

    pub fn hidden(&self) -> usize {
        self.heads * self.width
    }
}

/// One layer of attention:
///
/// ```text
/// h = x W     score_ij = leaky(s · h_i + d · h_j + w r_ij)     a_i = softmax over the neighbours j
/// y_i = elu(Σ_j a_ij h_j, of all heads one behind the other, + x_i U + b)
/// ```
/// Veličković et al., "Graph attention networks", 2018; w makes the correlation r a part of the score.
#[derive(Module, Debug)]
pub struct AttentionLayer {
    /// W, `[inputs, heads × width]`.
    pub projection: Linear,
    /// s, `[heads, width]`.
    pub source: Param<Tensor<2>>,
    /// d, `[heads, width]`.
    pub target: Param<Tensor<2>>,
    /// w, `[heads]`.
    pub edge: Param<Tensor<1>>,
    /// U and b, `[inputs, heads × width]`.
    pub own: Linear,
}

/// The network behind the scaler.
#[derive(Module, Debug)]
pub struct GraphNetwork {
    pub layers: Vec<AttentionLayer>,
    /// `[hidden, 2]`: failure and anomaly of each node.
    pub nodes: Linear,
    pub links: LinkHead,
}

impl GraphNetwork {
    pub fn new(architecture: GraphArchitecture, seed: u64, device: &Device) -> Self {
        let GraphArchitecture { features, layers, heads, width, .. } = architecture;
        let hidden = architecture.hidden();
        let mut initial = Initial::new(seed, device);
        let bound = (6.0 / (width + 1) as f64).sqrt();
        let layers = (0..layers)
            .map(|index| {
                let inputs = if index == 0 { features } else { hidden };
                AttentionLayer {
                    projection: initial.projection(inputs, hidden),
                    source: initial.uniform([heads, width], bound),
                    target: initial.uniform([heads, width], bound),
                    edge: initial.uniform([heads], 1.0),
                    own: initial.linear(inputs, hidden),
                }
            })
            .collect();
        Self { layers, nodes: initial.linear(hidden, 2), links: LinkHead::new(&mut initial) }
    }

    /// Logits of failure and anomaly, `[rows, n, 2]`. `nodes` `[rows, n, features]`, scaled; `edges` `[rows, n, n]`, the
    /// correlations of the same time.
    pub fn states(&self, nodes: Tensor<3>, edges: Tensor<3>) -> Tensor<3> {
        let [_, count, _] = nodes.dims();
        let own = Tensor::<2>::eye(count, &edges.device()).unsqueeze::<3>();
        let neighbours = (edges.clone().abs() + own).greater_scalar(WEAK).float().unsqueeze_dim::<4>(1);
        let mut x = nodes;
        for layer in &self.layers {
            x = layer.forward(x, &edges, &neighbours);
        }
        self.nodes.forward(x)
    }
}

impl AttentionLayer {
    fn forward(&self, x: Tensor<3>, edges: &Tensor<3>, neighbours: &Tensor<4>) -> Tensor<3> {
        let [rows, count, _] = x.dims();
        let [heads, width] = self.source.val().dims();
        let own = self.own.forward(x.clone());
        let hidden = self.projection.forward(x).reshape([rows, count, heads, width]).swap_dims(1, 2);
        let vector = |param: &Param<Tensor<2>>| param.val().reshape([1, heads, 1, width]);
        let looks = (hidden.clone() * vector(&self.source)).sum_dim(3);
        let seen = (hidden.clone() * vector(&self.target)).sum_dim(3).swap_dims(2, 3);
        let carried = edges.clone().unsqueeze_dim::<4>(1) * self.edge.val().reshape([1, heads, 1, 1]);
        let scores = activation::leaky_relu(looks + seen + carried, LEAK);
        let masked = scores * neighbours.clone() + (neighbours.clone() - 1.0).mul_scalar(-NO_EDGE);
        let mixed = activation::softmax(masked, 3).matmul(hidden);
        let mixed = mixed.swap_dims(1, 2).reshape([rows, count, heads * width]);
        elu(mixed + own)
    }
}

/// x where it is positive, e^x − 1 where it is not.
fn elu(x: Tensor<3>) -> Tensor<3> {
    x.clone().clamp_min(0.0) + x.clamp_max(0.0).exp().sub_scalar(1.0)
}
