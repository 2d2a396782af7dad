//! From pictures to what is known of each patch and cell, with the gradients by hand: convolutions that halve the
//! picture until a place of theirs is a patch, then the layers of the encoder.
//!
//! Everything is row-major `f32`; pictures have their colours, and places their channels, side by side. Pictures are
//! taken in groups of a fixed size, so that the sums are the same for any number of threads.

mod attention;
mod block;
mod convolution;
mod fine;
mod group;
mod stem;
mod whole;

pub use block::{BlockGradients, BlockWeights, LinearWeights};
pub use convolution::ConvolutionWeights;
pub use fine::CELL_HALVINGS;
pub use whole::{Known, Pictures, Trunk, TrunkGradients, TrunkWeights};
