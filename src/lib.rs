//! Lehr, the application: sources, journal, runtime, and the doors through which people and machines look in.

pub mod api;
pub mod auth;
pub mod bench;
pub mod cli;
mod histogram;
pub mod journal;
pub mod live;
pub mod recording;
pub mod replay;
pub mod runtime;
pub mod sources;
