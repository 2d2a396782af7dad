//! Where inputs come from. A source hands [`crate::runtime::Submission`]s to the runtime and is held up when
//! the runtime is behind.
//!
//! ```text
//! file of sources → [config] → peers, one a protocol's crate in edges/ → [running] → RuntimeIntake → runtime
//! ```

pub mod camera;
pub mod clock;
mod config;
pub mod file;
mod folder;
pub mod held_back;
mod intake;
mod peers;
pub mod plant;
mod running;

pub use config::{SourcesConfig, SourcesError};
pub use peers::Peer;
pub use running::Sources;
