//! What could not be taken. Nothing is dropped without a trace.

use lehr_domain::{EventMs, Micro, SensorId, table};

table! {
    /// Inputs that could not be taken.
    pub struct ErrorTableRow in "errors" {
        /// Number.
        pub id: u64,
        /// Plant time of arrival.
        pub at: EventMs,
        /// Where it came from.
        pub source: String,
        /// What was wrong, and how to mend it.
        pub reason: String,
        /// Its beginning.
        pub sample: String,
    }
}

table! {
    /// Readings that came after their pane had left by retention.
    pub struct LateTableRow in "late" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// When it was measured.
        pub at: EventMs,
        /// Plant time of arrival.
        pub arrived: EventMs,
        /// The value.
        pub value: Micro,
    }
}
