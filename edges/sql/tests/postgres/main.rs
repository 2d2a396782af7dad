//! PostgreSQL, against servers of its own.

#[path = "../support/mod.rs"]
mod support;

mod exact;
mod fails;
mod schema;
