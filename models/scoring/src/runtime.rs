//! ONNX Runtime's library: found, checked, and loaded once.

mod library;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::Error;
pub(crate) use library::LEAST_MINOR;
use library::LibraryVersion;

/// Only one library is loaded in a process, and never unloaded.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The library, loaded: what sessions are made in. Cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Loaded>);

struct Loaded {
    environment: Environment,
    path: PathBuf,
    version: LibraryVersion,
}

impl Runtime {
    /// Loads the library at this path, or else the newest one beside the running binary (`libonnxruntime.so*`), or else
    /// the newest in `$LEHR_CACHE/onnxruntime`. Later calls give what is loaded.
    ///
    /// # Errors
    /// When there is none, or none that is new enough. The error says what was looked at, and what was wrong with it.
    pub fn load(explicit: Option<&Path>) -> Result<Self, Error> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            return match explicit {
                Some(asked) if !same_file(asked, &runtime.0.path) => {
                    Err(Error::OtherRuntime { loaded: runtime.0.path.clone(), asked: asked.to_owned() })
                }
                _ => Ok(runtime.clone()),
            };
        }
        let (path, version) = library::find(explicit)?;
        let environment = environment(&path)?;
        Ok(loaded.insert(Runtime(Arc::new(Loaded { environment, path, version }))).clone())
    }

    /// Where the library is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Its version, such as `1.31.1`.
    pub fn version(&self) -> String {
        self.0.version.to_string()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ONNX Runtime {} from {}", self.0.version, self.0.path.display())
    }
}

fn environment(path: &Path) -> Result<Environment, Error> {
    // A relative path would be looked up beside the binary first.
    let path = std::path::absolute(path).map_err(|source| Error::Read { file: path.to_owned(), source })?;
    let failed = |problem: String| Error::Runtime { doing: "start", problem };
    let builder = ort::init_from(path).map_err(|error| failed(error.to_string()))?;
    let environment =
        builder.with_name("lehr").with_telemetry(false).build().map_err(|error| failed(error.to_string()))?;
    // What goes wrong comes back as an error: it need not be printed as well.
    environment.set_log_level(LogLevel::Fatal);
    Ok(environment)
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
