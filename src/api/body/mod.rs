//! What a request's body says, without a server: bytes in; rows, or what is wrong with each, out.
//!
//! Pure, and of the vocabulary and JSON alone: `fuzz/` takes these files in as they are.
//!
//! - `check`: a value held against its schema
//! - `reading`, `unit`: rows that are pushed, each taken or refused by itself
//! - `query`: a question in SQL, with its limits and as of when

pub mod check;
pub mod query;
pub mod reading;
pub mod unit;

use check::Wrong;
use flate2::read::MultiGzDecoder;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::io::Read;

/// Characters of the longest text in a body: reasons, messages, notes.
pub const TEXT_MOST: usize = 1000;

/// Not only spaces.
pub const NOT_BLANK: &str = r"\S";
/// What [`lehr_domain::SpanMs::parse`] reads, without blanks.
pub const SPAN: &str = r"^[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h|d)$";
/// An alert, root cause or token.
pub const HEX_ID: &str = r"^[0-9a-f]{16}$";
/// SHA-256 of a picture's file.
pub const HASH: &str = r"^[0-9a-f]{64}$";
/// The number of a unit.
pub const UNIT: &str = r"^[0-9]{1,20}$";
/// The name of somebody who has a token.
pub const PERSON: &str = r"^[A-Za-z0-9._@-][A-Za-z0-9 ._@-]*$";
/// A file name without anything that means something to a file system.
pub const PLAIN_NAME: &str = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$";

/// Why a body that is compressed cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inflation {
    TooLarge,
    Broken(String),
}

/// A body that was compressed with gzip, as it was before. It may have `most` bytes then.
pub fn inflated(body: &[u8], most: usize) -> Result<Vec<u8>, Inflation> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(body).take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Inflation::Broken(error.to_string()))?;
    if bytes.len() > most { Err(Inflation::TooLarge) } else { Ok(bytes) }
}

/// The rows of a JSON array.
pub fn array(text: &str) -> Result<Vec<Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("the body is no JSON array of rows: {error}"))
}

/// The rows of a text that has one a line, each with its mistake or as it was sent. Blank lines are none.
pub fn lines(text: &str) -> Vec<Result<Value, String>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|error| format!("is not JSON: {error}"))).collect()
}

/// A row checked against its schema and read.
pub fn row<T: DeserializeOwned>(declared: &Value, row: &Value) -> Result<T, Wrong> {
    check::check(declared, row, &Map::new())?;
    serde_json::from_value(check::with_whole_numbers(row.clone()))
        .map_err(|error| Wrong { field: String::new(), message: error.to_string() })
}

/// The schema of a request type.
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(members) = schema.as_object_mut() {
        members.remove("title");
    }
    schema
}
