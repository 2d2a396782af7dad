//! Transient conduction of heat through a slab.
//!
//! [`Slab`] solves the general case; [`series`] holds the exact solutions of the cases that have one.

mod face;
pub mod series;
mod slab;
mod tridiagonal;

pub use face::{Exchange, Face, Faces};
pub use slab::{Released, Slab};
