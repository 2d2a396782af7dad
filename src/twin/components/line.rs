//! What a line's components are run over.

use crate::twin::minutes::{chronicle, closed_until, in_full, panes_are_minutes};
use lehr_domain::{LineId, SpanMs};
use lehr_queries::Snapshot;
use lehr_twin::Minute;

/// A week at most. It begins at a midnight, so that units begin anew once a day and not with every minute that leaves.
const RUNS_OVER: SpanMs = SpanMs::days(6);

/// The closed minutes of the line, without gaps, in order; none where panes have another width.
pub fn closed_minutes(snapshot: &Snapshot, line: LineId) -> Vec<Minute> {
    if !panes_are_minutes(snapshot) {
        return Vec::new();
    }
    let chronicle = chronicle(snapshot, line);
    let (Some(first), Some(end)) = (chronicle.first_value(), closed_until(snapshot, line)) else { return Vec::new() };
    let earliest = (end - RUNS_OVER).floor(SpanMs::days(1));
    in_full(&chronicle, first.max(earliest), end)
}
