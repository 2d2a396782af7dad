//! MIK-1's picture of a piece of ware in back light, from a seed, a product and what is wrong with it.
//!
//! Pure functions: the same arguments give the same picture, with the exact box and mask of each flaw, made from the same
//! geometry as the picture and not from its pixels. What is drawn for one part (pose, light, glass, look-alikes, noise,
//! each flaw) does not depend on any other, so that nothing but a flaw's own pixels tells of it.

mod alikes;
mod backdrop;
mod canvas;
mod chance;
mod flaws;
mod glass;
mod label;
mod mask;
mod picture;
mod png_file;
pub mod set;
mod style;
mod ware;

pub use alikes::AlikeCounts;
pub use flaws::{Flaw, Kind};
pub use label::{Label, annotate};
pub use mask::{Bounds, Mask};
pub use picture::{Mark, Picture, View, picture, picture_in};
pub use png_file::{pixels, png, sheet};
pub use style::{Exposure, Range, Split, Style};
pub use ware::Shape;

use lehr_domain::unit::DefectType;

/// Side of a picture, pixels.
pub const SIDE: usize = 224;

#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    #[error("the camera does not see {}: leave it out of the flaws of a picture", .0.text())]
    NotSeen(DefectType),
    #[error("{bytes} bytes are no picture of {width} × {height} pixels of three bytes")]
    Pixels { bytes: usize, width: usize, height: usize },
    #[error("an input of {side} pixels a side: it is 224 or 112")]
    Side { side: usize },
    #[error("the picture could not be written as PNG")]
    Png(#[source] png::EncodingError),
    #[error("it is no PNG file, or is cut off: {0}")]
    NoPng(String),
    #[error("it has {width} × {height} pixels; take 224 × 224")]
    Size { width: usize, height: usize },
    #[error("its pixels are {0}; take red, green and blue of 8 bits each, without alpha")]
    Colours(String),
}
