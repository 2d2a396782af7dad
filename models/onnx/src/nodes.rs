//! The operators, by kind. Each method checks what it is given, infers the shape that comes out, and adds its nodes.

mod convolution;
mod elementwise;
mod layout;
mod normalise;
mod product;
mod recurrent;
mod reduce;

pub use convolution::{Conv, Interpolation};
pub use product::Linear;
pub use recurrent::LstmLayer;
