//! Long short-term memory with its gradients by hand (Hochreiter and Schmidhuber, 1997; forget gate of Gers et al.,
//! 2000), several times faster on a CPU than through a tape of small tensors.
//!
//! Everything is row-major `f32` and time-major: `[steps, rows, width]`, a row being a sequence of the batch. The
//! gates lie side by side in ONNX's order: input, output, forget, cell.

mod gates;
mod layer;
mod stack;

pub use layer::{LayerGradients, LayerTape, LayerWeights};
pub use stack::{Shape, Stack, StackGradients};
