//! What is known about causes: the knowledge base as a text, the causal graph over its edges, and the
//! interventions it advises.
//!
//! The graph owns the *structure*: edges may be added, replaced and removed, and it never holds a cycle. The
//! *effect* of edges on root-cause answers is not computed here but by the dataflow, which holds the same
//! edges as rows; whoever edits them checks the edit here first and then sends the row.

mod error;
mod graph;
mod intervention;
mod knowledge;

pub use error::CausalError;
pub use graph::{CausalGraph, Subgraph, label};
pub use intervention::{Change, Intervention, Limit, Proposal};
pub use knowledge::{DEFAULT, KnowledgeBase};
