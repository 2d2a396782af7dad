//! What entries of `stores.toml` share.

use crate::names::{POSITION, TABLES};
use lehr_targets::Table;
use std::sync::Arc;

/// Why an entry cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct ConfigError {
    pub field: String,
    pub problem: String,
}

pub(crate) fn wrong(field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError { field: field.to_owned(), problem: problem.into() }
}

pub(crate) fn check_name(name: &str) -> Result<(), ConfigError> {
    if name.trim().is_empty() { Err(wrong("name", "is empty; give the store one")) } else { Ok(()) }
}

/// `tables` are those that Lehr has.
pub(crate) fn check_tables(chosen: Option<&[String]>, tables: &[Arc<Table>]) -> Result<(), ConfigError> {
    let known = || tables.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
    for name in chosen.into_iter().flatten() {
        if !tables.iter().any(|table| table.name == name) {
            return Err(wrong("tables", format!("has {name}, which Lehr has not; it has {}", known())));
        }
    }
    if chosen.is_some_and(<[String]>::is_empty) {
        return Err(wrong("tables", "is empty; leave it out to keep all tables"));
    }
    match tables.iter().find(|table| table.name == POSITION || table.name == TABLES) {
        Some(table) => Err(wrong("tables", format!("has {}, which is a name of the store's own", table.name))),
        None => Ok(()),
    }
}
