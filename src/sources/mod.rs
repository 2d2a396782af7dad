//! Where inputs come from. A source hands [`crate::runtime::Submission`]s to the runtime and is held up when
//! the runtime is behind.

pub mod file;
pub mod plant;
