//! Files that are whole, or as they were.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::NeuralError;

/// Writes a file beside the old one and renames it, so that a crash leaves the old or the new one, never half of one.
///
/// # Errors
/// A file that cannot be written, or replaced.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), NeuralError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = Path::new(&fresh);
    let failed = |path: &Path, action| {
        let path = path.to_owned();
        move |source| NeuralError::File { path, action, source }
    };
    let mut file = fs::File::create(fresh).map_err(failed(fresh, "written"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(fresh, "written"))?;
    fs::rename(fresh, path).map_err(failed(path, "replaced"))
}
