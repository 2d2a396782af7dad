use crate::graph::{extent, problem};
use crate::{Error, Graph, Linear, Shape, Tensor, Value};

/// What stands for minus infinity where there is no edge: its exponential is 0 in f32.
const NO_EDGE: f32 = -1e9;

/// A layer of graph attention over nodes that are all known, with a dense mask of edges, and with what an edge carries
/// as part of the score:
///
/// ```text
/// h = x W     score_ij = leaky_relu(s · h_i + d · h_j + w e_ij, 0.2)     a_i = softmax over the neighbours j
/// y_i = Σ_j a_ij h_j, of all heads one behind the other
/// ```
/// Veličković et al.: Graph attention networks, 2018.
#[derive(Debug, Clone)]
pub struct GraphAttention {
    pub heads: usize,
    /// W: `[inputs, heads × width]`, without a bias.
    pub projection: Linear,
    /// s: `[heads, width]`, for the node that looks.
    pub source: Tensor,
    /// d: `[heads, width]`, for the node that is looked at.
    pub target: Tensor,
    /// w: `[heads]`, for what the edge between them carries.
    pub edge: Tensor,
}

impl GraphAttention {
    /// `nodes` `[batch, n, inputs]`, `edges` f32 `[batch, n, n]`, `mask` bool `[batch, n, n]`; each node should have an
    /// edge to itself. Makes `[batch, n, heads × width]`.
    pub fn build(
        &self,
        graph: &mut Graph,
        node: &str,
        nodes: Value,
        edges: Value,
        mask: Value,
    ) -> Result<Value, Error> {
        const OP: &str = "GraphAttention";
        let shape = graph.f32_shape(node, OP, nodes)?;
        if shape.rank() != 3 || shape.batch_axis() != Some(0) {
            return Err(problem(node, OP, format!("it reads [batch, nodes, inputs], and this is {shape}")));
        }
        let count = extent(node, OP, &shape, 1)?;
        let &[heads, width] = self.source.extents() else {
            let text = format!("source is {}, and must be [heads, width]", self.source.shape());
            return Err(problem(node, OP, text));
        };
        if heads != self.heads || self.target.extents() != [heads, width] || self.edge.extents() != [heads] {
            let (source, target, edge) = (self.source.shape(), self.target.shape(), self.edge.shape());
            let text =
                format!("source {source}, target {target} and edge {edge} are not those of {} heads", self.heads);
            return Err(problem(node, OP, text));
        }

        let projected = graph.linear(&format!("{node}.projection"), nodes, &self.projection)?;
        let shared = graph.reshape(&format!("{node}.heads"), projected, Shape::batched([count, heads, width]))?;
        // [batch, heads, n, width]
        let hidden = graph.transpose(&format!("{node}.hidden"), shared, &[0, 2, 1, 3])?;

        // A score for each node and head: [batch, heads, n, 1], and [batch, heads, 1, n].
        let source = self.source.clone().reshaped([heads, width, 1]);
        let source = graph.constant(&format!("{node}.source.vector"), source)?;
        let looks = graph.matmul(&format!("{node}.source"), hidden, source)?;
        let target = self.target.clone().reshaped([heads, width, 1]);
        let target = graph.constant(&format!("{node}.target.vector"), target)?;
        let seen = graph.matmul(&format!("{node}.target.column"), hidden, target)?;
        let seen = graph.transpose(&format!("{node}.target"), seen, &[0, 1, 3, 2])?;
        let pairs = graph.add(&format!("{node}.pairs"), looks, seen)?;

        let weight = graph.constant(&format!("{node}.edge.weight"), self.edge.clone().reshaped([heads, 1, 1]))?;
        let edges = graph.unsqueeze(&format!("{node}.edge.heads"), edges, 1)?;
        let edges = graph.mul(&format!("{node}.edge"), edges, weight)?;
        let sum = graph.add(&format!("{node}.sum"), pairs, edges)?;
        let scores = graph.leaky_relu(&format!("{node}.scores"), sum, 0.2)?;

        let none = graph.constant(&format!("{node}.no_edge"), Tensor::scalar(NO_EDGE)?)?;
        let mask = graph.unsqueeze(&format!("{node}.mask"), mask, 1)?;
        let masked = graph.where_(&format!("{node}.masked"), mask, scores, none)?;
        let shares = graph.softmax(&format!("{node}.shares"), masked, 3)?;
        let mixed = graph.matmul(&format!("{node}.mixed"), shares, hidden)?;
        let turned = graph.transpose(&format!("{node}.turned"), mixed, &[0, 2, 1, 3])?;
        graph.reshape(node, turned, Shape::batched([count, heads * width]))
    }
}
