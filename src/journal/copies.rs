//! Every segment is kept in two files of the same bytes, so that damage to one loses nothing: `NAME` and `NAME.copy`.
//!
//! Whatever is done to a segment is done to both, the copy second when something is added and first when the segment
//! goes: so a copy without its file is the mark of damage, or of a crash, and never of work going on.

use super::storage::Storage;
use std::io;

/// Ends the name of a copy.
pub const COPY: &str = ".copy";

/// A file and its copy.
pub fn both(name: &str) -> [String; 2] {
    [name.to_owned(), format!("{name}{COPY}")]
}

/// Makes both empty files.
pub fn create<S: Storage>(storage: &mut S, name: &str) -> io::Result<()> {
    both(name).iter().try_for_each(|name| storage.create(name))
}

/// Writes at the end of both. After an error any part may have been written to either.
pub fn append<S: Storage>(storage: &mut S, name: &str, bytes: &[u8]) -> io::Result<()> {
    both(name).iter().try_for_each(|name| storage.append(name, bytes))
}

/// Both must have this length or more.
pub fn truncate<S: Storage>(storage: &mut S, name: &str, len: u64) -> io::Result<()> {
    both(name).iter().try_for_each(|name| storage.truncate(name, len))
}

/// When it returns both are durable.
pub fn sync<S: Storage>(storage: &mut S, name: &str) -> io::Result<()> {
    let [file, copy] = both(name);
    storage.sync_both(&file, &copy)
}

/// Renames those of the two that are there.
pub fn rename<S: Storage>(storage: &mut S, from: &str, to: &str) -> io::Result<()> {
    let there = storage.list()?;
    let pairs = both(from).into_iter().zip(both(to));
    pairs.filter(|(from, _)| there.contains(from)).try_for_each(|(from, to)| storage.rename(&from, &to))
}

/// Removes those of the two that are there.
pub fn remove<S: Storage>(storage: &mut S, name: &str) -> io::Result<()> {
    let there = storage.list()?;
    let [file, copy] = both(name);
    [copy, file].iter().filter(|name| there.contains(name)).try_for_each(|name| storage.remove(name))
}
