//! Pictures of ware: files that are named by what they hold.
//!
//! ```text
//! DATA/pictures/ab/ab3f….png          SHA-256 of the file; its time of modification says when it came
//! DATA/pictures/ab/ab3f….png.partial  being written, or left over from a crash
//! ```
//!
//! - `files`: the folder, in which a file is whole or not there
//! - `order`: which pictures are there, and which leaves first
//! - `store`: who writes; [`Pictures`] is for who reads
//! - `viewer`: who is told of each picture as soon as it is there
//!
//! **Invariants.** A picture is durable before an event names it. What is handed out has the hash that it is named by, so
//! that damage is told and never shown. There are never more pictures, nor more bytes of them, than the [`Bound`] says: the
//! oldest leave first. Who names a picture must bear that it is gone.

mod error;
mod files;
mod order;
mod store;
#[cfg(test)]
mod tests;
mod viewer;

pub use error::PictureError;
pub use files::{FOLDER, Pictures, check};
pub use order::Bound;
pub use store::{Figures, PictureStore};
pub use viewer::{Looked, Viewer};

/// Bytes of the largest file of a picture. One of the simulated camera has some 90 kB; all its pixels have 150 kB.
pub const PICTURE_MOST: usize = 1 << 20;
