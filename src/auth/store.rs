//! `tokens.json`: written beside itself, made durable, then renamed into place, so that a crash leaves either
//! the old list or the new one.

use super::AuthError;
use super::token::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
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

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let partial = path.with_extension("json.partial");
    // What an earlier crash left may have other permissions.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    // The name is durable only when the folder is.
    File::open(folder)?.sync_all()
}
