//! Readings of given sensors and times, as they stood before a given tick.

use super::reader::{self, Span};
use super::{Files, History, HistoryError, Journalled, lock, tail};
use crate::journal::storage::Storage;
use lehr_domain::{EventMs, SensorId, Tick};

/// Readings of a sensor from `from` up to, without, `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub sensor: SensorId,
    pub from: EventMs,
    pub to: EventMs,
}

/// Ranges by sensor.
struct Ranges(Vec<Range>);

impl Ranges {
    fn of(wanted: &[Range]) -> Ranges {
        let mut ranges: Vec<Range> = wanted.iter().filter(|range| range.from < range.to).copied().collect();
        ranges.sort_unstable();
        ranges.dedup();
        Ranges(ranges)
    }

    fn of_sensors(&self, least: u32, greatest: u32) -> &[Range] {
        let from = self.0.partition_point(|range| range.sensor.0 < least);
        let to = self.0.partition_point(|range| range.sensor.0 <= greatest);
        &self.0[from..to]
    }

    fn have(&self, sensor: SensorId, at: EventMs) -> bool {
        self.of_sensors(sensor.0, sensor.0).iter().any(|range| range.from <= at && at < range.to)
    }

    fn meet(&self, span: Span) -> bool {
        let (from, to) = span.at;
        self.of_sensors(span.sensors.0, span.sensors.1).iter().any(|range| range.from.0 <= to && from < range.to.0)
    }
}

impl<J: Storage, H: Files> History<J, H> {
    /// Every reading in these ranges that was journalled in a tick before `before`, each once, sorted. All ticks before
    /// `before` must be durable. Right also while a conversion or a merge goes on.
    ///
    /// Costs a page of each file whose days, sensors and times meet a range, and, of segments that are not converted, the
    /// records whose times do.
    pub fn readings(&self, wanted: &[Range], before: Tick) -> Result<Vec<Journalled>, HistoryError> {
        let ranges = Ranges::of(wanted);
        let mut found = Vec::new();
        let (Some(from), Some(to)) =
            (ranges.0.iter().map(|range| range.from).min(), ranges.0.iter().map(|range| range.to).max())
        else {
            return Ok(found);
        };
        // One view for both halves: what it covers is in files, and the segments of the rest stay while it is held. It is
        // taken while the tail is locked, because the tail forgets what any view taken before covers.
        let (view, records) = {
            let mut tail = lock(&self.tail);
            let view = self.view();
            tail.catch_up(&self.journal, &view, before)?;
            (view, tail.overlapping(from, to, before))
        };
        let take = |tick, reading| found.push(Journalled { reading, tick });
        tail::read(&self.journal, &records, |sensor, at| ranges.have(sensor, at), take)?;
        let wanted = |span: Span| span.ticks.0 < before.0 && ranges.meet(span);
        for file in view.files.iter().filter(|file| !file.folded && wanted(Span::from(*file))) {
            for row in reader::open(&self.files, &self.footers, file, wanted)? {
                let row = row?;
                if row.tick < before && ranges.have(row.reading.sensor, row.reading.at) {
                    found.push(row);
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}
