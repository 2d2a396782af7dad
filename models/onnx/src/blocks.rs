//! Pieces of networks made of several operators, as the models of a plant have them.

mod attention_pooling;
mod graph_attention;
mod transformer;

pub use attention_pooling::{AttentionPooling, Pooled};
pub use graph_attention::GraphAttention;
pub use transformer::{Norm, TransformerBlock};
