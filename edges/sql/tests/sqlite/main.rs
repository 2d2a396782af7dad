//! SQLite, read by another program with a SQLite of its own.

#[path = "../support/mod.rs"]
mod support;

mod beside;
mod disk;
mod exact;
mod fails;
mod schema;
