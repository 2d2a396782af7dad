//! Loops over plain row-major `f32` slices, by which gradients are made by hand: several times faster on a CPU than a
//! tape of tensors. All of one thread; callers share out the rows.

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "without_amx.rs")]
mod amx;
mod exponential;
mod gelu;
mod matrix;
mod norm;
mod precision;
mod softmax;
mod sum;

pub use exponential::{exp, sigmoid, tanh};
pub use gelu::{gelu, gelu_back};
pub use matrix::{Matrix, MatrixMut, multiply};
pub use norm::{norm, norm_back, scaled};
pub use precision::Precision;
pub use softmax::{softmax, softmax_back};
pub use sum::add;
