//! `src/api/body`: what requests say.

#[allow(dead_code)]
#[path = "../../src/api/body/mod.rs"]
pub mod body;
