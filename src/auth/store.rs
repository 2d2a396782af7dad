//! `tokens.json`: written beside itself, made durable, then renamed into place, so that a crash leaves either
//! the old list or the new one.

use super::AuthError;
use super::token::Entry;
use crate::replace::replace;
use std::fs;
use std::io;
use std::path::Path;

pub(super) fn read(path: &Path) -> Result<Vec<Entry>, AuthError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(AuthError::Io { action: "read", path: path.into(), source }),
    };
    serde_json::from_slice(&text).map_err(|error| AuthError::Damaged { path: path.into(), why: error.to_string() })
}

pub(super) fn write(path: &Path, entries: &[&Entry]) -> Result<(), AuthError> {
    let text = serde_json::to_vec_pretty(entries).map_err(|error| AuthError::Io {
        action: "write",
        path: path.into(),
        source: error.into(),
    })?;
    replace(path, &text).map_err(|source| AuthError::Io { action: "write", path: path.into(), source })
}
