//! What a restart goes on from: base collections, and what graphs remember of rows that left.

use crate::detectors::Carried;
use crate::twin::Begin;
use lehr_domain::{Event, EventMs, LineId, SensorId, table};

table! {
    /// Rows of the base collections that hold, with the revision by which they do: what a restart goes on from.
    pub struct FactRow in "facts" {
        /// Given by the source, else the tick in which the row came.
        pub revision: u64,
    }
    hidden {
        /// The row.
        pub event: Event,
    }
    derived {
        /// Which base collection.
        kind: text = |row, _| Some(row.event.kind().to_owned()),
        /// The row, for people.
        detail: text = |row, _| Some(format!("{:?}", row.event)),
    }
}

table! {
    /// Time of the latest event that was ever heard of each line; line clocks stand on it.
    pub struct HeardRow in "heard" {
        /// Production line.
        pub production_line: LineId,
        /// When the event happened.
        pub at: EventMs,
    }
}

table! {
    /// Start of the newest pane that each sensor ever had; line clocks stand on it.
    pub struct NewestRow in "newest" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// Start of the pane.
        pub start: EventMs,
    }
}

table! {
    /// What checks remember of panes that left by retention.
    pub struct CarriedRow in "carried" {
        /// Sensor.
        pub sensor_id: SensorId,
    }
    hidden {
        /// What is remembered.
        pub carried: Carried,
    }
    derived {
        /// What kind of thing is remembered.
        kind: text = |row, _| Some(row.carried.kind().to_owned()),
        /// Event time that it is about.
        at: time = |row, _| Some(row.carried.at()),
        /// What is remembered, for people.
        detail: text = |row, _| Some(format!("{:?}", row.carried)),
    }
}

table! {
    /// What twins remember of minutes that they no longer look at.
    pub struct TwinStateRow in "twin_states" {
        /// Production line.
        pub production_line: LineId,
    }
    hidden {
        /// What is remembered.
        pub begin: Begin,
    }
    derived {
        /// Minutes before this are not looked at again.
        before: time = |row, _| Some(row.begin.before),
        /// Bytes of the model's state.
        bytes: i64 = |row, _| row.begin.folded.as_ref().map(|(_, state)| state.len() as i64),
    }
}
