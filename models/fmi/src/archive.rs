//! A `.fmu` file, unpacked into a folder that goes with the [`Unit`].

use crate::description::{Description, Version};
use crate::error::OpenError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use tempfile::TempDir;
use zip::ZipArchive;
use zip::result::ZipError;

/// Entries of an archive: tools export some hundred.
const ENTRIES_MOST: u64 = 20_000;
/// Bytes of all files unpacked. Units with tables and runtimes have some 100 MB; a bomb has no end.
const UNPACKED_MOST: u64 = 1 << 30;
/// Bytes of the description: 20,000 variables are some 10 MB.
const DESCRIPTION_MOST: u64 = 64 << 20;
/// What the names of folders begin with into which units are unpacked.
const FOLDER: &str = "lehr-fmu-";
const DESCRIPTION: &str = "modelDescription.xml";

/// A unit that can run here. Its files are removed when it is dropped.
#[derive(Debug)]
pub struct Unit {
    dir: TempDir,
    description: Description,
}

impl Unit {
    /// Reads and unpacks a `.fmu` file. Runs nothing of it.
    ///
    /// Error: whatever keeps the unit from running here.
    pub fn open(path: &Path) -> Result<Unit, OpenError> {
        let mut archive = archive(path)?;
        if archive.len() as u64 > ENTRIES_MOST {
            return Err(OpenError::TooLarge { what: "entries", most: ENTRIES_MOST });
        }
        // Before anything is written: most files that are refused are refused for what the description says.
        let description = description(&mut archive, path)?;
        let dir = tempfile::Builder::new().prefix(FOLDER).tempdir();
        let dir = dir.map_err(|source| OpenError::Unpack { path: std::env::temp_dir(), source })?;
        unpack(&mut archive, dir.path(), UNPACKED_MOST)?;
        let unit = Unit { dir, description };
        unit.check_runs_here()?;
        Ok(unit)
    }

    /// Reads the description alone, also of a unit for another platform.
    ///
    /// Error: as [`Unit::open`], as far as it does not hang on the library.
    pub fn describe(path: &Path) -> Result<Description, OpenError> {
        description(&mut archive(path)?, path)
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Where it was unpacked.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn check_runs_here(&self) -> Result<(), OpenError> {
        if library(self.dir.path(), &self.description).is_file() {
            return Ok(());
        }
        let wanted = library(Path::new(""), &self.description).display().to_string();
        let mut found: Vec<String> = fs::read_dir(self.dir.path().join("binaries"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        found.sort();
        let found = if found.is_empty() { "no platform (sources alone)".to_owned() } else { found.join(", ") };
        Err(OpenError::Platform { wanted, found })
    }
}

/// Where the library of this platform lies in an unpacked unit.
pub fn library(dir: &Path, description: &Description) -> PathBuf {
    let arch = std::env::consts::ARCH;
    let platform = match (description.version, arch) {
        (Version::Two, "x86_64") => "linux64".to_owned(),
        (Version::Two, "x86") => "linux32".to_owned(),
        // 2.0 names no other; tools write what 3.0 says.
        _ => format!("{arch}-linux"),
    };
    dir.join("binaries").join(platform).join(format!("{}.so", description.model_identifier))
}

/// Removes the folder of a unit whose Lehr is gone, and no other folder.
pub fn remove_orphan(dir: &Path) {
    let ours = dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDER));
    if ours {
        let _ = fs::remove_dir_all(dir);
    }
}

/// The description of an unpacked unit.
pub fn described(dir: &Path) -> Result<Description, OpenError> {
    let path = dir.join(DESCRIPTION);
    let bytes = fs::read(&path).map_err(|source| OpenError::Read { path, source })?;
    Description::read(&bytes)
}

fn archive(path: &Path) -> Result<ZipArchive<File>, OpenError> {
    let file = File::open(path).map_err(|source| OpenError::Read { path: path.to_owned(), source })?;
    ZipArchive::new(file).map_err(|source| OpenError::NotAnArchive { path: path.to_owned(), source })
}

fn description(archive: &mut ZipArchive<File>, path: &Path) -> Result<Description, OpenError> {
    let entry = match archive.by_name(DESCRIPTION) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Err(OpenError::NoDescription),
        Err(source) => return Err(OpenError::NotAnArchive { path: path.to_owned(), source }),
    };
    let mut bytes = Vec::new();
    let read = entry.take(DESCRIPTION_MOST + 1).read_to_end(&mut bytes);
    read.map_err(|source| OpenError::Damaged { name: DESCRIPTION.to_owned(), source })?;
    if bytes.len() as u64 > DESCRIPTION_MOST {
        return Err(OpenError::TooLarge { what: "bytes of modelDescription.xml", most: DESCRIPTION_MOST });
    }
    Description::read(&bytes)
}

/// Counts what really comes out of the archive; what its headers say may be wrong.
fn unpack(archive: &mut ZipArchive<File>, dir: &Path, most: u64) -> Result<(), OpenError> {
    let mut left = most;
    for index in 0..archive.len() {
        let damaged =
            |name: &str, source: ZipError| OpenError::Damaged { name: name.to_owned(), source: source.into() };
        let mut entry = archive.by_index(index).map_err(|source| damaged("?", source))?;
        let name = entry.name().map_err(|source| damaged("?", source))?.into_owned();
        if entry.is_symlink() {
            return Err(OpenError::Link(name));
        }
        let to = dir.join(within(&name).ok_or(OpenError::Escapes(name.clone()))?);
        let unpack = |source| OpenError::Unpack { path: to.clone(), source };
        if entry.is_dir() {
            fs::create_dir_all(&to).map_err(unpack)?;
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(unpack)?;
        }
        let mut file = File::create(&to).map_err(unpack)?;
        let mut limited = (&mut entry).take(left + 1);
        let copied =
            io::copy(&mut limited, &mut file).map_err(|source| OpenError::Damaged { name: name.clone(), source })?;
        left = left.checked_sub(copied).ok_or(OpenError::TooLarge { what: "unpacked bytes", most })?;
    }
    Ok(())
}

/// The path that an entry's name means, if it stays where the archive is unpacked. Backslashes separate too: some
/// tools of Windows write them.
fn within(name: &str) -> Option<PathBuf> {
    let name = name.replace('\\', "/");
    let mut path = PathBuf::new();
    for part in Path::new(&name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let sane = !name.contains('\0') && !path.as_os_str().is_empty();
    sane.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn zipped(entries: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = ZipWriter::new(file.reopen().expect("the file"));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).expect("an entry");
            writer.write_all(bytes).expect("its bytes");
        }
        writer.finish().expect("an archive");
        file
    }

    fn refused(entries: &[(&str, &[u8])]) -> String {
        Unit::open(zipped(entries).path()).expect_err("must be refused").to_string()
    }

    const GOOD: &[u8] = br#"<fmiModelDescription fmiVersion="3.0" modelName="m" instantiationToken="t">
        <CoSimulation modelIdentifier="m"/></fmiModelDescription>"#;

    #[test]
    fn names_that_lead_out_of_the_archive_are_none() {
        for name in ["../a", "a/../../b", "/etc/passwd", "..\\a", "a/..", "", ".", "a\0b"] {
            assert_eq!(within(name), None, "{name:?}");
        }
        assert_eq!(within("binaries\\linux64/./m.so"), Some(PathBuf::from("binaries/linux64/m.so")));
    }

    #[test]
    fn what_cannot_run_is_refused_with_what_to_do() {
        assert!(refused(&[("a", b"")]).contains("no modelDescription.xml"));
        let bad = refused(&[(DESCRIPTION, GOOD), ("../../evil", b"x")]);
        assert!(bad.contains("'../../evil' leads out of the archive"), "{bad}");
        let platform = refused(&[(DESCRIPTION, GOOD), ("binaries/x86_64-windows/m.dll", b"x")]);
        assert!(platform.contains("made for x86_64-windows"), "{platform}");
        let sources = refused(&[(DESCRIPTION, GOOD), ("sources/m.c", b"x")]);
        assert!(sources.contains("sources alone"), "{sources}");
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), b"no zip").expect("written");
        assert!(Unit::open(file.path()).expect_err("no zip").to_string().contains("no zip archive"));
        assert!(Unit::open(Path::new("/nowhere.fmu")).expect_err("no file").to_string().contains("/nowhere.fmu"));
    }

    #[test]
    fn links_are_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = ZipWriter::new(file.reopen().expect("the file"));
        writer.start_file(DESCRIPTION, SimpleFileOptions::default()).expect("an entry");
        writer.write_all(GOOD).expect("its bytes");
        writer.add_symlink("resources/link", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
        writer.finish().expect("an archive");
        assert!(matches!(Unit::open(file.path()), Err(OpenError::Link(name)) if name == "resources/link"));
    }

    #[test]
    fn what_is_unpacked_is_counted_and_bounded() {
        let file = zipped(&[("zeros", &vec![0; 1 << 20])]);
        let mut archive = ZipArchive::new(File::open(file.path()).expect("a file")).expect("an archive");
        let dir = tempfile::tempdir().expect("a folder");
        assert!(matches!(unpack(&mut archive, dir.path(), (1 << 20) - 1), Err(OpenError::TooLarge { .. })));
        unpack(&mut archive, dir.path(), 1 << 20).expect("fits");
        assert_eq!(fs::metadata(dir.path().join("zeros")).expect("unpacked").len(), 1 << 20);
    }
}
