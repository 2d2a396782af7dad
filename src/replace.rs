//! Small files that are replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The ending of what a crash may leave beside a file.
pub const PARTIAL: &str = ".partial";

/// Writes a file beside `path`, makes it durable and renames it into place, so that a crash leaves either the old bytes
/// or the new ones. Its folder is made if missing; nobody but its owner may read it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, |_| Ok(()))
}

/// As [`replace`]; `finish` is given the file when it holds the bytes, before it is made durable.
pub fn replace_with(path: &Path, bytes: &[u8], finish: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let partial = &partial(path);
    // What an earlier crash left may have other permissions.
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(partial)?;
    file.write_all(bytes)?;
    finish(&file)?;
    file.sync_all()?;
    fs::rename(partial, path)?;
    // The name is durable only when the folder is.
    File::open(folder)?.sync_all()
}

/// Where [`replace`] writes before it renames.
pub fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(PARTIAL);
    PathBuf::from(partial)
}
