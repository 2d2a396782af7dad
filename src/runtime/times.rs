//! Where the time of a tick goes, stage by stage.

use crate::histogram::Histogram;
use std::time::Instant;

/// How long each stage took, of all ticks since the start.
#[derive(Debug, Default)]
pub struct StageTimes {
    /// From the submission that waited longest until the journal has the tick.
    pub durable: Histogram,
    /// From there until every worker is through with it.
    pub closed: Histogram,
    /// From there until its snapshot and its frame are out.
    pub published: Histogram,
}

/// When a tick passed its first stages; `None` where nobody looked at a clock, as in a replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamps {
    /// Its oldest submission was handed over.
    pub submitted: Option<Instant>,
    pub durable: Option<Instant>,
}

impl StageTimes {
    /// Notes a tick that closed and was published at these times.
    pub fn note(&self, stamps: Stamps, closed: Instant, published: Instant) {
        let Stamps { submitted: Some(submitted), durable: Some(durable) } = stamps else { return };
        self.durable.note(durable.saturating_duration_since(submitted));
        self.closed.note(closed.saturating_duration_since(durable));
        self.published.note(published.saturating_duration_since(closed));
    }
}
