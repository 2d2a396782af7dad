//! Why a knowledge base or an edit of the causal graph is refused.

use lehr_domain::EdgeId;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CausalError {
    #[error("not a knowledge base: {0}")]
    Syntax(String),
    #[error("{entry}: {field} '{value}' {why}")]
    Field { entry: String, field: &'static str, value: String, why: String },
    #[error("edge {} is there already; replace it, or use another number", .0.0)]
    Exists(EdgeId),
    #[error("edge {} is not known; insert it first", .0.0)]
    Unknown(EdgeId),
    #[error("{entry} closes the cycle {path}; remove one of its edges first")]
    Cycle { entry: String, path: String },
    #[error("the graph holds {0} edges already, the most it takes; remove one first")]
    Full(usize),
}

impl CausalError {
    pub(crate) fn field(entry: &str, field: &'static str, value: impl ToString, why: impl ToString) -> CausalError {
        CausalError::Field { entry: entry.into(), field, value: value.to_string(), why: why.to_string() }
    }
}
