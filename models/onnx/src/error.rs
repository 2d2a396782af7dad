/// Why a graph cannot be built or written. Whatever was being built should be dropped: a call that failed may have
/// left part of what it would have added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A node whose inputs or attributes do not fit.
    #[error("node {node} ({op}): {problem}")]
    Node { node: String, op: &'static str, problem: String },
    /// A name that cannot be given.
    #[error("name {name:?}: {problem}")]
    Name { name: String, problem: String },
    /// A tensor whose values do not fit its shape.
    #[error("tensor of shape {shape}: {problem}")]
    Tensor { shape: String, problem: String },
    /// A graph that is not whole.
    #[error("graph {graph}: {problem}")]
    Graph { graph: String, problem: String },
    /// A file that is no model.
    #[error("the file is no ONNX: {problem}")]
    Unreadable { problem: String },
}
