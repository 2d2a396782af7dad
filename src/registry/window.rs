//! What a forecast was made from: the same window that the graphs hand to the scorer, made again from a snapshot.

use crate::twin::sensors;
use lehr_dataflows::forecasts::Window;
use lehr_dataflows::tables::PaneRow;
use lehr_dataflows::twin::MINUTE;
use lehr_domain::{EventMs, LineId, SensorId, SpanMs};
use lehr_queries::Snapshot;
use lehr_twin::Parameter;
use std::cmp::Ordering;

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub window: Window,
    /// The sensor of each column; `None` where the line has none.
    pub sensors: Vec<Option<SensorId>>,
}

/// The `minutes` minutes of a line that end with `end`, a column for each of these parameters: the mean of each minute's
/// good readings, `None` where there was none. Where several sensors measure a parameter, the first counts.
pub fn seen(snapshot: &Snapshot, line: LineId, columns: &[&str], minutes: usize, end: EventMs) -> Seen {
    let first = end - SpanMs(minutes as i64 * MINUTE.0);
    let of_line = sensors(&snapshot.names, line);
    let sensors: Vec<Option<SensorId>> = columns.iter().map(|name| of_line[Parameter::parse(name)?.index()]).collect();
    let mut values = vec![None; minutes * columns.len()];
    for (column, sensor) in sensors.iter().enumerate() {
        let Some(sensor) = sensor else { continue };
        let within = |row: &PaneRow| match row.start {
            start if start < first => Ordering::Less,
            start if start >= end => Ordering::Greater,
            _ => Ordering::Equal,
        };
        for pane in snapshot.panes.range(|row| row.sensor_id.cmp(sensor).then(within(row))) {
            let minute = ((pane.start - first).0 / MINUTE.0) as usize;
            values[minute * columns.len() + column] = pane.moments.mean();
        }
    }
    Seen { window: Window(values), sensors }
}
