//! Rows that somebody sends: taken one by one, so that a bad one never drops the rest.

use super::body;
use super::dispatch::utf_8;
use super::error::ApiError;
use super::route::{Call, ContentType};
use super::schema::Wrong;
use lehr_domain::event::ErrorRow;
use lehr_domain::ids::stable_hash;
use lehr_domain::{Event, EventMs};
use serde_json::{Value, json};

/// Mistakes that an answer lists.
const LISTED_MOST: usize = 20;
/// Mistakes of one request that become rows in `errors`; the rest is counted in one more row.
const ERROR_ROWS_MOST: usize = 1_000;
/// Characters of a bad row that are kept.
const SAMPLE_MOST: usize = 200;

/// The rows of a body, each with its mistake or as it was sent.
pub fn rows(call: &Call) -> Result<Vec<Result<Value, String>>, ApiError> {
    let text = utf_8(&call.rows)?;
    match call.content_type {
        ContentType::Json => {
            let rows = body::array(text).map_err(|why| ApiError::bad("body", why))?;
            Ok(rows.into_iter().map(Ok).collect())
        }
        ContentType::JsonLines | ContentType::Text | ContentType::File | ContentType::Png => Ok(body::lines(text)),
    }
}

/// The mistakes of one request.
pub struct Mistakes {
    source: &'static str,
    at: EventMs,
    count: usize,
    listed: Vec<Value>,
    events: Vec<Event>,
}

impl Mistakes {
    /// `at` is plant time.
    pub fn new(source: &'static str, at: EventMs) -> Mistakes {
        Mistakes { source, at, count: 0, listed: Vec::new(), events: Vec::new() }
    }

    pub fn add(&mut self, index: usize, row: &Value, wrong: &Wrong) {
        self.count += 1;
        if self.listed.len() < LISTED_MOST {
            self.listed.push(json!({ "index": index, "field": wrong.field, "message": wrong.message }));
        }
        if self.events.len() < ERROR_ROWS_MOST {
            let text = row.to_string();
            let reason = format!("row {index}: {} {}", wrong.field, wrong.message);
            self.push(reason, &text);
        }
    }

    fn push(&mut self, reason: String, text: &str) {
        let words: Vec<u64> = text.bytes().map(u64::from).collect();
        let sample = text.chars().take(SAMPLE_MOST).collect();
        let row =
            ErrorRow { id: 0, at: self.at, source: self.source.into(), reason, hash: stable_hash(&words), sample };
        self.events.push(Event::Error(row));
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn listed(&self) -> Vec<Value> {
        self.listed.clone()
    }

    /// As rows of `errors`.
    pub fn into_events(mut self) -> Vec<Event> {
        let more = self.count.saturating_sub(ERROR_ROWS_MOST);
        if more > 0 {
            self.push(format!("{more} more rows of the same request could not be taken"), "");
        }
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_listed_and_kept_within_bounds() {
        let mut mistakes = Mistakes::new("http", EventMs(0));
        let wrong = Wrong { field: "value".into(), message: "is missing".into() };
        for index in 0..ERROR_ROWS_MOST + 7 {
            mistakes.add(index, &json!({ "text": "x".repeat(1000) }), &wrong);
        }
        assert_eq!((mistakes.count(), mistakes.listed().len()), (ERROR_ROWS_MOST + 7, LISTED_MOST));
        let events = mistakes.into_events();
        assert_eq!(events.len(), ERROR_ROWS_MOST + 1);
        let Some(Event::Error(last)) = events.last() else { panic!("an error row") };
        assert!(last.reason.starts_with("7 more"), "{}", last.reason);
        let Event::Error(first) = &events[0] else { panic!("an error row") };
        assert_eq!(first.sample.chars().count(), SAMPLE_MOST);
    }
}
