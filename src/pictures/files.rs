//! The folder of pictures, `DATA/pictures`.

use super::{PICTURE_MOST, PictureError};
use crate::causes::with_causes;
use crate::journal::storage::make_dir;
use crate::replace::{PARTIAL, partial, replace_with};
use crate::scoring;
use crate::verify::Finding;
use lehr_camera::pixels;
use lehr_domain::picture::Content;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Below a data directory or a recording.
pub const FOLDER: &str = "pictures";

const ENDING: &str = ".png";
/// Digits of a content that name its folder: of twenty thousand pictures some eighty share one.
const SPREAD: usize = 2;

/// The pictures of a data directory, to read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pictures {
    folder: Arc<Path>,
    /// Pictures that could not be read, or had other bytes than were written, since the start.
    unread: Arc<AtomicU64>,
}

impl Pictures {
    /// Those of a data directory, which need not have any.
    pub fn of(data: &Path) -> Pictures {
        Pictures { folder: data.join(FOLDER).into(), unread: Arc::default() }
    }

    /// The PNG file of a picture.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or is damaged.
    pub fn get(&self, content: Content) -> Result<Vec<u8>, PictureError> {
        let got = self.read(content);
        if matches!(got, Err(PictureError::Damaged(_) | PictureError::Io { .. })) {
            self.unread.fetch_add(1, Ordering::Relaxed);
        }
        got
    }

    /// The pixels of a picture: red, green, blue of each of 224 × 224, row by row.
    ///
    /// # Errors
    /// As [`Pictures::get`].
    pub fn rgb(&self, content: Content) -> Result<Vec<u8>, PictureError> {
        Ok(pixels(&self.get(content)?)?)
    }

    /// Failures of [`Pictures::get`] but for pictures that are gone, since the start.
    pub fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    fn read(&self, content: Content) -> Result<Vec<u8>, PictureError> {
        let path = self.path(content);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(PictureError::Gone(content)),
            opened => opened.map_err(|error| PictureError::io("open", &path, error))?,
        };
        let mut bytes = Vec::new();
        let read = file.take(PICTURE_MOST as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| PictureError::io("read", &path, error))?;
        if content_of(&bytes) == content { Ok(bytes) } else { Err(PictureError::Damaged(content)) }
    }

    fn path(&self, content: Content) -> PathBuf {
        let text = content.to_string();
        self.folder.join(&text[..SPREAD]).join(text + ENDING)
    }

    /// Makes a picture durable under its name, as one that came then.
    pub(super) fn write(&self, content: Content, bytes: &[u8], came: SystemTime) -> Result<(), PictureError> {
        let path = self.path(content);
        let folder = path.parent().unwrap_or(&self.folder);
        make_dir(folder).map_err(|error| PictureError::io("make", folder, error))?;
        replace_with(&path, bytes, |file| file.set_modified(came)).map_err(|error| {
            // What a full disk left unfinished would take more of it. It may not even have been begun.
            let _ = fs::remove_file(partial(&path));
            PictureError::io("write", &path, error)
        })
    }

    /// That it is gone already is no error.
    pub(super) fn remove(&self, content: Content) -> Result<(), PictureError> {
        let path = self.path(content);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(PictureError::io("remove", &path, error)),
            _ => Ok(()),
        }
    }

    /// Every file of the folder, by name, and what it is.
    fn files(&self) -> Result<Vec<(PathBuf, Named)>, PictureError> {
        let mut files = Vec::new();
        for folder in entries(&self.folder)? {
            match folder.is_dir() {
                false => files.push((folder, Named::Foreign)),
                true => {
                    for path in entries(&folder)? {
                        let named = self.named(&path);
                        files.push((path, named));
                    }
                }
            }
        }
        Ok(files)
    }

    fn named(&self, path: &Path) -> Named {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let content = |name: &str| {
            let content: Content = name.strip_suffix(ENDING)?.parse().ok()?;
            (path.parent() == self.path(content).parent()).then_some(content)
        };
        match name.strip_suffix(PARTIAL) {
            Some(name) => content(name).map_or(Named::Foreign, |_| Named::Unfinished),
            None => content(name).map_or(Named::Foreign, Named::Picture),
        }
    }

    /// Pictures with when they came and how many bytes they have. Removes what was left unfinished, which is to be done by
    /// the only one who writes.
    pub(super) fn take_stock(&self) -> Result<Vec<(Content, SystemTime, u64)>, PictureError> {
        let mut stock = Vec::new();
        for (path, named) in self.files()? {
            match named {
                Named::Picture(content) => {
                    let about = fs::metadata(&path).and_then(|about| Ok((about.modified()?, about.len())));
                    let (came, bytes) = about.map_err(|error| PictureError::io("look at", &path, error))?;
                    stock.push((content, came, bytes));
                }
                Named::Unfinished => {
                    fs::remove_file(&path).map_err(|error| PictureError::io("remove", &path, error))?;
                }
                Named::Foreign => {}
            }
        }
        Ok(stock)
    }
}

impl scoring::Pictures for Pictures {
    fn read(&self, content: Content) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(self.rgb(content)?)
    }
}

/// What a name says.
enum Named {
    Picture(Content),
    Unfinished,
    Foreign,
}

pub(super) fn content_of(bytes: &[u8]) -> Content {
    Content(Sha256::digest(bytes).into())
}

/// By name; none of a folder that is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, PictureError> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()),
    };
    let mut paths = listed.map_err(|error| PictureError::io("list", folder, error))?;
    paths.sort_unstable();
    Ok(paths)
}

/// What the files of a data directory's pictures are worth: one finding for all that are good, and one for each other.
pub fn check(data: &Path) -> Vec<Finding> {
    let pictures = Pictures::of(data);
    let files = match pictures.files() {
        Ok(files) => files,
        Err(error) => return vec![Finding::damaged(FOLDER, with_causes(&error), "make it readable")],
    };
    let (mut good, mut bytes, mut findings) = (0u64, 0u64, Vec::new());
    for (path, named) in files {
        let file = path.strip_prefix(data).unwrap_or(&path).display().to_string();
        match named {
            Named::Foreign => {
                findings.push(Finding::note(file, "this is none of Lehr's files", "move it elsewhere"));
            }
            Named::Unfinished => {
                let advice = "nothing: it is being written, or the next start removes it";
                findings.push(Finding::note(file, "a picture that was not written to its end", advice));
            }
            Named::Picture(content) => match pictures.read(content) {
                Ok(read) => {
                    good += 1;
                    bytes += read.len() as u64;
                }
                // A server has removed it since.
                Err(PictureError::Gone(_)) => {}
                Err(PictureError::Damaged(_)) => {
                    let advice = "restore it from a copy, or remove it: the unit then has no picture";
                    findings.push(Finding::damaged(file, "it has other bytes than its name says", advice));
                }
                Err(error) => {
                    findings.push(Finding::damaged(file, with_causes(&error), "make it readable"));
                }
            },
        }
    }
    if good > 0 {
        findings.push(Finding::good(FOLDER, format!("{good} pictures, {bytes} bytes")));
    }
    findings
}
