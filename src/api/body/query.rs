//! A question in SQL.

use super::NOT_BLANK;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Characters of the longest query.
const QUERY_MOST: usize = 20_000;
/// Rows of the longest answer.
pub const ROWS_MOST: usize = 1_000_000;
/// Seconds of the longest query.
pub const SECONDS_MOST: f64 = 60.0;

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    #[default]
    Json,
    Csv,
    /// An Arrow IPC stream.
    Arrow,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Moment {
    /// What was known when this tick closed.
    Tick { tick: u64 },
    /// What was known at this plant time.
    Time {
        #[schemars(extend("format" = "date-time"))]
        time: String,
    },
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[schemars(range(min = 1, max = ROWS_MOST))]
    pub rows: Option<usize>,
    #[schemars(range(min = 0.1, max = SECONDS_MOST))]
    pub seconds: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// One SELECT, WITH, VALUES, SHOW, DESCRIBE or EXPLAIN.
    #[schemars(length(min = 1, max = QUERY_MOST), regex(pattern = NOT_BLANK))]
    pub query: String,
    /// The newest tick when absent.
    pub as_of: Option<Moment>,
    pub format: Option<Format>,
    pub limits: Option<Asked>,
}

impl Asked {
    /// How long the query may take, when that is said.
    pub fn time(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs_f64)
    }
}
