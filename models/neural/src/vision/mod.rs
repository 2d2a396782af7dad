//! The inspector: a vision transformer that says of each patch of a picture what is wrong there, where the flaw's box
//! is, and which cells it covers.
//!
//! Dosovitskiy et al., "An image is worth 16x16 words", 2021; boxes from the patches that lie within them as Tian et
//! al., "FCOS", 2019, have it.

mod card;
mod export;
mod loss;
mod muon;
mod network;
mod part;
mod patches;
mod pool;
mod report;
mod start;
mod task;
mod thresholds;
mod train;
mod trunk;

pub use card::{Told, card};
pub use export::export;
pub use loss::{Targets, generalised_iou};
pub use network::{CONVOLUTIONS, Norm, VisionArchitecture, VisionReading, VisionTransformer};
pub use part::Part;
pub use patches::{CLASSES, pixels};
pub use report::{Said, VisionReport, report, tally};
pub use start::started_from;
pub use task::{Batch, VisionTask, parts};
pub use thresholds::{VisionThresholds, thresholds};
pub use train::{TrainedVision, VisionSettings, train};
pub use trunk::{Pictures, Trunk};
