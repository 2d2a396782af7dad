//! What can go wrong with history.

use crate::journal::JournalError;
use lehr_domain::Tick;
use parquet::errors::ParquetError;
use std::io;

/// Why history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot {action} {file} of history")]
    Io {
        action: &'static str,
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("history/{file} is damaged: restore it from a copy; `lehr verify` says what else is")]
    Parquet {
        file: String,
        #[source]
        source: ParquetError,
    },
    #[error("history/{file} is damaged: {why}; restore it from a copy; `lehr verify` says what else is")]
    Damaged { file: String, why: String },
    #[error("history/manifest has format version {0}, this lehr reads 1: use the lehr that wrote it")]
    Version(u32),
    #[error(
        "history has {found} of the {expected} readings of tick {}: restore its files; `lehr verify` says which",
        .tick.0
    )]
    Incomplete { tick: Tick, found: usize, expected: u32 },
    #[error("history has other readings of tick {} than were journalled; `lehr verify` says where", .tick.0)]
    Differs { tick: Tick },
    #[error("{file} was merged or moved while it was read: ask again")]
    Moved { file: String },
    #[error("segment {0} cannot be converted: it is not closed, or not there")]
    NotClosed(String),
}

impl HistoryError {
    /// Whether files are not as they were written, which another attempt does not mend.
    pub fn is_damage(&self) -> bool {
        match self {
            HistoryError::Journal(error) => error.is_damage(),
            HistoryError::Parquet { .. }
            | HistoryError::Damaged { .. }
            | HistoryError::Incomplete { .. }
            | HistoryError::Differs { .. } => true,
            HistoryError::Io { .. }
            | HistoryError::Version(_)
            | HistoryError::Moved { .. }
            | HistoryError::NotClosed(_) => false,
        }
    }
}

/// For `map_err`. A file that is not there was there when the manifest was read.
pub fn io<'a>(action: &'static str, file: &'a str) -> impl Fn(io::Error) -> HistoryError + 'a {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => HistoryError::Moved { file: file.to_owned() },
        _ => HistoryError::Io { action, file: file.to_owned(), source },
    }
}

/// For `map_err`.
pub fn parquet<E: Into<ParquetError>>(file: &str) -> impl Fn(E) -> HistoryError + '_ {
    move |source| HistoryError::Parquet { file: file.to_owned(), source: source.into() }
}
