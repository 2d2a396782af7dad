//! Lehr, the application: sources, journal, runtime, and the doors through which people and machines look in.

pub mod api;
pub mod auth;
pub mod bench;
mod causes;
pub mod checkpoint;
pub mod cli;
mod histogram;
pub mod history;
pub mod journal;
pub mod live;
pub mod pictures;
pub mod recording;
pub mod registry;
mod replace;
pub mod replay;
pub mod runtime;
pub mod scoring;
#[cfg(test)]
mod simulation;
pub mod sinks;
pub mod sources;
mod toml_file;
pub mod twin;
pub mod verify;
