//! Where readings go, and what holds a source up.

use async_trait::async_trait;
use lehr_domain::event::ErrorRow;
use lehr_domain::ids::stable_hash;
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, ReadingBatch};
use std::sync::Arc;

/// Characters of an offending input that are kept.
const SAMPLE_MOST: usize = 200;
/// Errors of one delivery that are kept; the rest is counted alone.
const ERRORS_MOST: usize = 100;

/// What a source hands on at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    pub readings: ReadingBatch,
    /// Inspected units, machine states, set-points.
    pub events: Vec<Event>,
    /// Inputs that could not be taken.
    pub errors: Vec<ErrorRow>,
}

impl Gathered {
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.events.is_empty() && self.errors.is_empty()
    }

    /// Notes an input that cannot be taken: which field, why, and its beginning.
    pub fn refuse(&mut self, source: &str, at: EventMs, reason: &str, input: &str) {
        if self.errors.len() >= ERRORS_MOST {
            return;
        }
        let hash = stable_hash(&input.bytes().map(u64::from).collect::<Vec<u64>>());
        let sample = input.chars().take(SAMPLE_MOST).collect();
        self.errors.push(ErrorRow { id: 0, at, source: source.to_owned(), reason: reason.to_owned(), hash, sample });
    }
}

/// Lehr has stopped taking input; a source ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input is no longer taken: {0}")]
pub struct Stopped(pub String);

/// Where readings go. Whoever is behind holds the source up.
#[async_trait]
pub trait Intake: Send + Sync + 'static {
    /// What is registered now.
    fn names(&self) -> Arc<Names>;

    /// Plant time, by which values without a time of their own go.
    fn now(&self) -> EventMs;

    /// Hands over, and waits while the bounded queue is full. When it returns, the input is on its way; whether it is
    /// durable is known after [`Intake::take_durably`] alone.
    async fn take(&self, gathered: Gathered) -> Result<(), Stopped>;

    /// As [`Intake::take`], and waits until it is durable: what a source may then acknowledge is never lost.
    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped>;
}
