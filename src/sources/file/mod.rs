//! Measurements from files: any CSV or Parquet with time and values, long or wide.
//!
//! - `columns`: which column is what; `cells`: times, numbers and texts in them
//! - `rows`: a file, row by row
//! - `import`: a file as a recording of its own

mod cells;
mod columns;
mod import;
mod rows;

pub use columns::{Layout, Mapping};
pub use import::{ImportError, ImportOptions, Imported, import};
pub use rows::{FileError, Row, Rows};
