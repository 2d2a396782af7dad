//! What can go wrong, said so that the reader can mend it.

use std::path::PathBuf;
use std::time::Duration;

pub type Result<T, E = QueryError> = std::result::Result<T, E>;

/// The one error of this crate. [`QueryError::kind`] tells whose fault it is.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("table '{table}': a row would be there {weight} times, not once; a graph gave a wrong weight for {row}")]
    Multiplicity { table: &'static str, weight: isize, row: String },
    #[error("a snapshot of tick {at} cannot become one of the earlier tick {to}")]
    Backwards { at: u64, to: u64 },
    #[error("table '{table}': cells do not fit the declared columns at '{column}'")]
    Cells { table: &'static str, column: &'static str },
    #[error("cannot build or convert Arrow data: {0}")]
    Arrow(#[from] ::arrow::error::ArrowError),
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("cannot write {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("not a query: {0}")]
    Syntax(String),
    #[error("not allowed: {0}")]
    Forbidden(String),
    #[error("unknown table '{table}'; {hint}")]
    UnknownTable { table: String, hint: String },
    #[error("unknown column '{column}'; {hint}")]
    UnknownColumn { column: String, hint: String },
    #[error("cannot answer: {0}")]
    Invalid(String),
    #[error("took longer than {} s; ask for a shorter time range, or raise limits.seconds (at most {})", .limit.as_secs_f64(), .most.as_secs_f64())]
    TimeLimit { limit: Duration, most: Duration },
    #[error("more than {limit} rows; add LIMIT, aggregate, or raise limits.rows (at most {most})")]
    RowLimit { limit: usize, most: usize },
    #[error("{0}; select fewer columns, a shorter time range, or aggregate first")]
    MemoryLimit(String),
    #[error("{running} queries are running already; try again shortly")]
    Busy { running: usize },
    /// Files of the data directory are not as they were written. Says which, and what to do.
    #[error("{0}")]
    Damaged(String),
    #[error("internal error in the query engine: {0}")]
    Internal(String),
}

/// Whose fault an error is: what an API answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no SQL.
    Syntax,
    /// SQL, but not for this door.
    Forbidden,
    UnknownTable,
    UnknownColumn,
    /// SQL that cannot be answered, for instance because types do not fit or a division by zero.
    Invalid,
    TimeLimit,
    RowLimit,
    MemoryLimit,
    Busy,
    /// Whoever keeps the disk's.
    Damaged,
    /// Ours.
    Internal,
}

impl QueryError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            QueryError::Syntax(_) => ErrorKind::Syntax,
            QueryError::Forbidden(_) => ErrorKind::Forbidden,
            QueryError::UnknownTable { .. } => ErrorKind::UnknownTable,
            QueryError::UnknownColumn { .. } => ErrorKind::UnknownColumn,
            QueryError::Invalid(_) => ErrorKind::Invalid,
            QueryError::TimeLimit { .. } => ErrorKind::TimeLimit,
            QueryError::RowLimit { .. } => ErrorKind::RowLimit,
            QueryError::MemoryLimit(_) => ErrorKind::MemoryLimit,
            QueryError::Busy { .. } => ErrorKind::Busy,
            QueryError::Damaged(_) => ErrorKind::Damaged,
            QueryError::Multiplicity { .. }
            | QueryError::Backwards { .. }
            | QueryError::Cells { .. }
            | QueryError::Arrow(_)
            | QueryError::Parquet(_)
            | QueryError::File { .. }
            | QueryError::Internal(_) => ErrorKind::Internal,
        }
    }
}
