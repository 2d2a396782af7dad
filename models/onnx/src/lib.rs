//! Models as ONNX files: a graph is built node by node, and written as bytes that ONNX Runtime loads.
//!
//! ```
//! use lehr_onnx::{Element, Graph, Linear, Opset, Shape, Tensor};
//!
//! # fn main() -> Result<(), lehr_onnx::Error> {
//! let mut graph = Graph::new("risk", Opset::V17);
//! // What is fed: any number of rows of 20 sensors, in engineering units.
//! let sensors = graph.input("input", Element::F32, Shape::batched([20]))?;
//!
//! // The scaler is part of the model.
//! let mean = graph.constant("scaler.mean", Tensor::f32([20], &[1500.0; 20])?)?;
//! let deviation = graph.constant("scaler.deviation", Tensor::f32([20], &[12.0; 20])?)?;
//! let centred = graph.sub("scaler.centred", sensors, mean)?;
//! let scaled = graph.div("scaler", centred, deviation)?;
//!
//! let layer = Linear {
//!     weight: Tensor::f32([20, 3], &[0.1; 60])?,
//!     bias: Some(Tensor::f32([3], &[-1.0; 3])?),
//! };
//! let logits = graph.linear("head", scaled, &layer)?;
//! let probability = graph.sigmoid("head.probability", logits)?;
//! graph.output("probability", probability)?;
//!
//! graph.metadata("lehr.model", "risk");
//! graph.metadata("lehr.version", "1.0.0");
//! let file: Vec<u8> = graph.encode()?;
//! # assert!(!file.is_empty());
//!
//! // A mistake is an error that names the node.
//! let error = graph.linear("again", probability, &layer).unwrap_err();
//! assert_eq!(error.to_string(), "node again (Linear): [batch, 3] does not end in the 20 inputs of its weight");
//! # Ok(())
//! # }
//! ```
//!
//! | what | where |
//! |---|---|
//! | a graph: inputs, constants, outputs, metadata | [`Graph`] |
//! | numbers that are known when the file is written | [`Tensor`] |
//! | extents of values, one of which may be the batch | [`Shape`], [`Axis`] |
//! | operators | methods of [`Graph`]: a node's name, what it reads, its settings |
//! | the numbers of a file that was written | [`constants`] |
//! | pieces of networks made of several operators | [`blocks`] |
//!
//! Axes are counted from 0, and weights of linear layers are `[inputs, outputs]`. The batch is an axis that operators
//! keep: nothing reduces, cuts or joins it, so that a row's result never depends on the rows beside it.
//!
//! Invariants: shapes and element types are known while a graph is built, and are written into the file, so that any
//! checker compares them with its own; names are the caller's, and unique; the same graph gives the same bytes; every
//! number in a file is finite.

pub mod blocks;
mod constants;
mod encode;
mod error;
mod graph;
mod halves;
mod nodes;
mod shape;
mod tensor;

pub use constants::{Constants, constants};
pub use encode::MAX_CONSTANT_BYTES;
pub use error::Error;
pub use graph::{Graph, Opset, Value};
pub use nodes::{Conv, Interpolation, Linear, LstmLayer};
pub use shape::{Axis, Shape};
pub use tensor::{Element, Tensor};
