//! The door as clients see it: over a socket, against a running system in a temporary folder.

mod access;
mod answers;
mod changes;
mod components;
pub mod fixture;
mod inspections;
mod intake;
mod models;
mod pictures;
mod predictions;
mod recommendations;
mod refusals;
mod twin;
