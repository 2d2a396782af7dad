use crate::graph::{extent, problem};
use crate::{Error, Graph, Linear, Shape, Value};

/// Additive attention over steps: which of them count for the result, and how much.
///
/// ```text
/// score_t = v · tanh(W h_t + b)     a = softmax(score)     context = Σ a_t h_t
/// ```
/// Bahdanau, Cho, Bengio: Neural machine translation by jointly learning to align and translate, 2015.
#[derive(Debug, Clone)]
pub struct AttentionPooling {
    /// W and b: `[H, A]`, `[A]`.
    pub hidden: Linear,
    /// v: `[A, 1]`, without a bias, since the softmax would take it away.
    pub score: Linear,
}

/// What comes of it.
#[derive(Debug, Clone, Copy)]
pub struct Pooled {
    /// `[batch, H]`.
    pub context: Value,
    /// `[batch, steps]`; each row sums to 1.
    pub weights: Value,
}

impl AttentionPooling {
    /// Of the steps of `x`, `[batch, steps, H]`.
    pub fn build(&self, graph: &mut Graph, node: &str, x: Value) -> Result<Pooled, Error> {
        const OP: &str = "AttentionPooling";
        let shape = graph.f32_shape(node, OP, x)?;
        if shape.rank() != 3 || shape.batch_axis() != Some(0) {
            return Err(problem(node, OP, format!("it reads [batch, steps, units], and this is {shape}")));
        }
        let (steps, units) = (extent(node, OP, &shape, 1)?, extent(node, OP, &shape, 2)?);
        let hidden = graph.linear(&format!("{node}.hidden"), x, &self.hidden)?;
        let bent = graph.tanh(&format!("{node}.tanh"), hidden)?;
        let scores = graph.linear(&format!("{node}.score"), bent, &self.score)?;
        let rows = graph.reshape(&format!("{node}.rows"), scores, Shape::batched([1, steps]))?;
        let shares = graph.softmax(&format!("{node}.shares"), rows, 2)?;
        let summed = graph.matmul(&format!("{node}.sum"), shares, x)?;
        Ok(Pooled {
            context: graph.reshape(&format!("{node}.context"), summed, Shape::batched([units]))?,
            weights: graph.reshape(&format!("{node}.weights"), shares, Shape::batched([steps]))?,
        })
    }
}
