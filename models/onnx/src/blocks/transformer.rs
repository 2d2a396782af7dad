use crate::graph::{extent, problem};
use crate::{Error, Graph, Linear, Shape, Tensor, Value};

/// Layer normalisation: gain and bias `[width]`.
#[derive(Debug, Clone)]
pub struct Norm {
    pub gain: Tensor,
    pub bias: Tensor,
    pub epsilon: f32,
}

impl Norm {
    pub fn build(&self, graph: &mut Graph, node: &str, x: Value) -> Result<Value, Error> {
        graph.layer_normalization(node, x, &self.gain, &self.bias, self.epsilon)
    }
}

/// A block of a transformer's encoder, with normalisation before each part:
///
/// ```text
/// x ← x + attention(norm(x))     x ← x + contract(gelu(expand(norm(x))))
/// ```
/// Vaswani et al.: Attention is all you need, 2017; norm first as in Dosovitskiy et al.: An image is worth 16x16 words,
/// 2021. Needs [`Opset::V20`](crate::Opset::V20).
#[derive(Debug, Clone)]
pub struct TransformerBlock {
    pub heads: usize,
    pub attention_norm: Norm,
    /// Each `[width, width]`.
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub output: Linear,
    pub feed_forward_norm: Norm,
    /// `[width, inner]`.
    pub expand: Linear,
    /// `[inner, width]`.
    pub contract: Linear,
}

impl TransformerBlock {
    /// `[batch, tokens, width]` to the same.
    pub fn build(&self, graph: &mut Graph, node: &str, x: Value) -> Result<Value, Error> {
        let normed = self.attention_norm.build(graph, &format!("{node}.attention_norm"), x)?;
        let attended = self.attention(graph, &format!("{node}.attention"), normed)?;
        let x = graph.add(&format!("{node}.attended"), x, attended)?;
        let normed = self.feed_forward_norm.build(graph, &format!("{node}.feed_forward_norm"), x)?;
        let expanded = graph.linear(&format!("{node}.expand"), normed, &self.expand)?;
        let bent = graph.gelu(&format!("{node}.gelu"), expanded)?;
        let contracted = graph.linear(&format!("{node}.contract"), bent, &self.contract)?;
        graph.add(node, x, contracted)
    }

    fn attention(&self, graph: &mut Graph, node: &str, x: Value) -> Result<Value, Error> {
        const OP: &str = "MultiHeadAttention";
        let shape = graph.f32_shape(node, OP, x)?;
        if shape.rank() != 3 || shape.batch_axis() != Some(0) {
            return Err(problem(node, OP, format!("it reads [batch, tokens, width], and this is {shape}")));
        }
        let (tokens, width) = (extent(node, OP, &shape, 1)?, extent(node, OP, &shape, 2)?);
        if self.heads == 0 || !width.is_multiple_of(self.heads) {
            return Err(problem(node, OP, format!("a width of {width} cannot be shared by {} heads", self.heads)));
        }
        let per_head = width / self.heads;
        // [batch, tokens, width] to [batch, heads, ..]; keys with their width before the tokens.
        let mut part = |name: &str, layer: &Linear, order: &[usize]| {
            let projected = graph.linear(&format!("{node}.{name}"), x, layer)?;
            let shared = Shape::batched([tokens, self.heads, per_head]);
            let heads = graph.reshape(&format!("{node}.{name}.heads"), projected, shared)?;
            graph.transpose(&format!("{node}.{name}.turned"), heads, order)
        };
        let query = part("query", &self.query, &[0, 2, 1, 3])?;
        let key = part("key", &self.key, &[0, 2, 3, 1])?;
        let value = part("value", &self.value, &[0, 2, 1, 3])?;
        let products = graph.matmul(&format!("{node}.products"), query, key)?;
        let scale = graph.constant(&format!("{node}.scale"), Tensor::scalar(1.0 / (per_head as f32).sqrt())?)?;
        let scores = graph.mul(&format!("{node}.scores"), products, scale)?;
        let shares = graph.softmax(&format!("{node}.shares"), scores, 3)?;
        let mixed = graph.matmul(&format!("{node}.mixed"), shares, value)?;
        let turned = graph.transpose(&format!("{node}.mixed.turned"), mixed, &[0, 2, 1, 3])?;
        let joined = graph.reshape(&format!("{node}.joined"), turned, Shape::batched([tokens, width]))?;
        graph.linear(&format!("{node}.output"), joined, &self.output)
    }
}
