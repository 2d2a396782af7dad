//! Panes: raw readings folded into fixed stretches of event time. The one hot operator: everything
//! downstream works on a few pane rows a tick, so this one alone must keep up with the sensors.

mod fold;
mod packed;
mod pane;
#[cfg(test)]
mod tests;

pub use fold::Panes;

use crate::tables::PaneRow;
use crate::{Diff, Rows, Ts};
use differential_dataflow::AsCollection;
use lehr_domain::{EventMs, ReadingBatch, SpanMs};
use std::collections::BTreeMap;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

/// How panes are cut and kept. The same for whoever folds them and whoever feeds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaneConfig {
    pub width: SpanMs,
    /// Panes leave once the low-water mark has passed their end by this much.
    pub retention: SpanMs,
    /// Panes keep their readings until the low-water mark has passed their end by this much; then they are
    /// sealed and keep only sums. [`SpanMs::FOREVER`]: never.
    pub seal_after: SpanMs,
}

impl PaneConfig {
    /// Panes that end at or before this are sealed once a tick with this low-water mark is through.
    pub fn sealed_until(&self, low_water: EventMs) -> EventMs {
        (low_water - self.seal_after).floor(self.width)
    }

    /// Panes that end at or before this have left once a tick with this low-water mark is through.
    pub fn left_until(&self, low_water: EventMs) -> EventMs {
        (low_water - self.retention).floor(self.width)
    }
}

/// What panes are fed with. Readings arrive at the worker that owns their sensor (see
/// [`crate::graph::owner_of_sensor`]), so that raw readings are never exchanged; marks go to every worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum PaneFeed {
    Readings(ReadingBatch),
    /// Earlier readings of sealed panes: all that were journalled in earlier ticks. Must come before this
    /// tick's readings of these panes, in the same tick.
    Reopened(ReadingBatch),
    /// Panes as they were at a checkpoint, sealed, in order of time for each sensor. Before anything else.
    Restored(Vec<PaneRow>),
    LowWater(EventMs),
}

/// Folds readings into panes and emits, once a tick, the panes that changed: the old row retracted, the new
/// one added.
///
/// Of several readings with the same sensor and time the greatest `(revision, value, status)` holds, so
/// that neither order of arrival nor repetition matters. A reading later than all before it in its pane is
/// appended without a search; any other is put into its place and the pane is summed up anew.
///
/// State: a row's sums for every pane until it leaves; the readings that hold, 24 bytes each in the newest
/// panes of a sensor and packed to a few bytes in older ones, until the pane is sealed.
///
/// **Contract.** A reading of a pane that is sealed (see [`PaneConfig::sealed_until`], with the mark of the
/// tick before) comes together with the pane's earlier readings as [`PaneFeed::Reopened`]; else the worker
/// panics. Panes that have left take no readings.
pub fn panes<'s>(feed: Stream<'s, Ts, Vec<PaneFeed>>, config: PaneConfig) -> Rows<'s, PaneRow> {
    feed.unary_frontier::<CapacityContainerBuilder<Vec<(PaneRow, Ts, Diff)>>, _, _, _>(
        Pipeline,
        "panes",
        move |_, _| {
            let mut pending = BTreeMap::new();
            let mut panes = Panes::new(config);
            let mut out = Vec::new();
            move |(input, frontier), output| {
                input.for_each_stamp(|stamp, batches| {
                    let tick = *stamp.least().expect("inputs carry their tick");
                    let (_, feed) = pending.entry(tick).or_insert_with(|| (stamp.delayed(&tick, 0), Vec::new()));
                    for batch in batches {
                        feed.append(batch);
                    }
                });
                while let Some(entry) = pending.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (tick, (capability, feed)) = entry.remove_entry();
                    for item in feed {
                        panes.take(item, &mut out);
                    }
                    panes.close(&mut out);
                    let mut session = output.session(&capability);
                    for (row, diff) in out.drain(..) {
                        session.give((row, tick, diff));
                    }
                }
            }
        },
    )
    .as_collection()
}
