//! `src/registry`: what model files say of themselves.

#[allow(dead_code)]
#[path = "../../src/registry/described.rs"]
pub mod described;

/// What a message of `described` names of the folder of model files.
mod files {
    pub const FILE_MOST: usize = 64 << 20;
}
