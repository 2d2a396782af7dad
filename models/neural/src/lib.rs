//! Lehr's networks, their training in Burn and their way into ONNX.
//!
//! Nothing else links this crate: the application starts the binary `lehr-train` as a child of low priority and
//! scores with the files that it writes.

pub mod controls;
pub mod ensemble;
mod error;
pub mod fitting;
pub mod forecaster;
pub mod graph;
pub mod judging;
mod kernels;
pub mod properties;
pub mod recurrent;
pub mod replacing;
pub mod verdict;
pub mod vision;
pub mod writing;

pub use error::NeuralError;
pub use kernels::Precision;
