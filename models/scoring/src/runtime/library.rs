use std::ffi::{CStr, c_char};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The version of its interface that is used, which is also the least minor version that has it.
pub(crate) const LEAST_MINOR: u32 = ort::MINOR_VERSION;

/// How file names of the library begin.
const NAME: &str = "libonnxruntime.so";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LibraryVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl LibraryVersion {
    /// `1.31.1`, and whatever may follow a patch's number.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse().ok()
        };
        Some(LibraryVersion { major: number()?, minor: number()?, patch: number()? })
    }
}

impl fmt::Display for LibraryVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The library to load.
pub(super) fn find(explicit: Option<&Path>) -> Result<(PathBuf, LibraryVersion), Error> {
    let mut looked = Vec::new();
    if let Some(path) = explicit {
        match preflight(path) {
            Ok(version) => return Ok((path.to_owned(), version)),
            Err(problem) => looked.push(format!("{}: {problem}", path.display())),
        }
    } else {
        for folder in folders() {
            let candidates = candidates(&folder);
            if candidates.is_empty() {
                looked.push(format!("{}: no {NAME} there", folder.display()));
            }
            for path in candidates {
                match preflight(&path) {
                    Ok(version) => return Ok((path, version)),
                    Err(problem) => looked.push(format!("{}: {problem}", path.display())),
                }
            }
        }
    }
    Err(Error::NoRuntime { looked: looked.join("; ") })
}

/// Where it may be.
fn folders() -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|binary| Some(binary.parent()?.to_owned()));
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("LEHR_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("lehr")))
        .or_else(|| Some(variable("HOME")?.join(".cache/lehr")));
    beside.into_iter().chain(cache.map(|cache| cache.join("onnxruntime"))).collect()
}

/// Files that bear its name, the newest by name first; one without a number, which points to another, before all.
fn candidates(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(Option<LibraryVersion>, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(NAME)?.to_owned();
            let numbered = rest.strip_prefix('.').and_then(LibraryVersion::parse);
            (rest.is_empty() || numbered.is_some()).then(|| (numbered, entry.path()))
        })
        .collect();
    found.sort_by(|one, other| {
        let key = |entry: &(Option<LibraryVersion>, PathBuf)| (entry.0.is_none(), entry.0);
        key(other).cmp(&key(one))
    });
    found.into_iter().map(|(_, path)| path).collect()
}

/// Whether a file is a library that can be used, and its version. What follows, in `ort`, would panic or wait for ever
/// over some of the files that are refused here.
fn preflight(path: &Path) -> Result<LibraryVersion, String> {
    if !path.is_file() {
        return Err("there is no such file".to_owned());
    }
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    // SAFETY: loading runs the library's initialisers. It is a file that the operator named or installed.
    let library =
        unsafe { libloading::Library::new(&path) }.map_err(|error| format!("it cannot be loaded: {error}"))?;
    // SAFETY: every version of ONNX Runtime exports this function with this type.
    let base = unsafe {
        let base = library.get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase\0");
        base.map_err(|_| "it is not ONNX Runtime: it has no OrtGetApiBase".to_owned())?()
    };
    if base.is_null() {
        return Err("its OrtGetApiBase gives nothing".to_owned());
    }
    // SAFETY: not null, and the two functions in it have been the same since the first version.
    let (text, interface): (*const c_char, _) =
        unsafe { (((*base).GetVersionString)(), ((*base).GetApi)(LEAST_MINOR)) };
    if text.is_null() {
        return Err("it does not say its version".to_owned());
    }
    // SAFETY: a text that ends in zero, which belongs to the library, which is still loaded.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    let version = LibraryVersion::parse(&text).ok_or_else(|| format!("its version {text:?} cannot be read"))?;
    if version.major != 1 || version.minor < LEAST_MINOR || interface.is_null() {
        return Err(format!("it is version {version}, needed is 1.{LEAST_MINOR} or later"));
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(LibraryVersion::parse("1.31.1").unwrap().to_string(), "1.31.1");
        assert_eq!(LibraryVersion::parse("1.24.0-rc1").unwrap().to_string(), "1.24.0");
        assert!(LibraryVersion::parse("1.9.0") < LibraryVersion::parse("1.24.0"));
        for bad in ["", "1", "1.31", "one.two.three"] {
            assert_eq!(LibraryVersion::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_newest_by_name_is_tried_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.31.1", "libonnxruntime_providers_shared.so", "LICENSE"]
        {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = || -> Vec<String> {
            let paths = candidates(folder.path()).into_iter();
            paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(), ["libonnxruntime.so.1.31.1", "libonnxruntime.so.1.9.0"]);
        std::fs::write(folder.path().join("libonnxruntime.so"), "").unwrap();
        assert_eq!(names()[0], "libonnxruntime.so");
    }
}
