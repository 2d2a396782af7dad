//! What sensors are, say, and ought to say.

use super::{line_of, parameter_of};
use lehr_domain::moments::Moments;
use lehr_domain::{EquipmentId, EventMs, LineId, Micro, ParameterId, SensorId, SpanMs, Status, table};

table! {
    /// The sensors that Lehr knows.
    pub struct SensorRow in "sensors" {
        /// Unique name.
        pub sensor_id: SensorId,
        /// Production line.
        pub production_line: LineId,
        /// Equipment that it belongs to.
        pub equipment_id: EquipmentId,
        /// What it measures.
        pub parameter_name: ParameterId,
        /// Unit of measurement.
        pub unit: String,
        /// Seconds between readings.
        pub period_s: SpanMs,
        /// Lower end of the calibrated span.
        pub span_low: Micro,
        /// Upper end of the calibrated span.
        pub span_high: Micro,
        /// Set-point when none was ever given.
        pub target: Option<Micro>,
        /// Standard deviation of pane means in normal operation.
        pub sigma: Option<Micro>,
    }
}

table! {
    /// The last reading of each sensor, by event time.
    pub struct LatestRow in "latest" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// When it was measured.
        pub at: EventMs,
        /// The value; null when the pane held bad readings only.
        pub value: Option<Micro>,
        /// What the device said of it.
        pub status: Status,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}

table! {
    /// Readings folded into panes of event time, one minute each: the finest live level.
    pub struct PaneRow in "panes" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// Start of the pane.
        pub start: EventMs,
        /// Readings with status ERROR: kept out of the statistics.
        pub bad: u32,
        /// Readings with status WARNING: counted, but uncertain.
        pub uncertain: u32,
        /// Event time of the last reading, bad or not.
        pub last_reading: EventMs,
        /// Status of the last reading.
        pub status: Status,
    }
    hidden {
        /// Sums over the good and uncertain readings.
        pub moments: Moments,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
        /// Readings counted.
        n: i64 = |row, _| Some(row.moments.n),
        /// Mean.
        mean: f64 = |row, _| row.moments.mean_f64(),
        /// Sample standard deviation.
        std: f64 = |row, _| row.moments.std_f64(),
        /// Least value.
        min: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.min.to_f64()),
        /// Greatest value.
        max: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.max.to_f64()),
        /// First value.
        first: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.first.to_f64()),
        /// Last value.
        last: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.last.to_f64()),
    }
}

table! {
    /// Windowed statistics of each sensor over 1 min, 15 min and 2 h of event time, aligned at the epoch.
    pub struct FeatureRow in "features" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// Length of the window, seconds.
        pub window_s: SpanMs,
        /// Start of the window.
        pub start: EventMs,
        /// Panes in the window that hold at least one good reading.
        pub panes: i64,
    }
    hidden {
        /// Sums over the readings of the window.
        pub moments: Moments,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
        /// Readings counted.
        n: i64 = |row, _| Some(row.moments.n),
        /// Mean.
        mean: f64 = |row, _| row.moments.mean_f64(),
        /// Sample standard deviation.
        std: f64 = |row, _| row.moments.std_f64(),
        /// Least value.
        min: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.min.to_f64()),
        /// Greatest value.
        max: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.max.to_f64()),
        /// Least-squares slope, units per minute.
        slope_per_min: f64 = |row, _| row.moments.slope_f64(),
        /// Correlation of each reading with the next.
        autocorrelation: f64 = |row, _| row.moments.autocorrelation_f64(),
    }
}

table! {
    /// Set-points: what each controlled quantity ought to be, from when on.
    pub struct SetpointRow in "setpoints" {
        /// Sensor that measures the quantity.
        pub sensor_id: SensorId,
        /// From when on.
        pub start: EventMs,
        /// The value.
        pub value: Micro,
    }
}

table! {
    /// How far event time has come on each line.
    pub struct ClockRow in "clocks" {
        /// Production line.
        pub production_line: LineId,
        /// End of the latest pane, or latest event.
        pub at: EventMs,
    }
}
