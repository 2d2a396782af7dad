//! What the twins of the lines believe, expect and find.

use super::{line_of, parameter_of};
use lehr_domain::finding::FindingKind;
use lehr_domain::{EventMs, LineId, Micro, PerMille, SensorId, SpanMs, table};

table! {
    /// What the twin of each line believes and expects of every modelled sensor, after the line's last closed minute.
    pub struct TwinRow in "twin" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// End of the last minute that was folded.
        pub at: EventMs,
        /// What is believed now, in the sensor's unit.
        pub believed: Micro,
        /// Standard deviation of what the sensor will say around it.
        pub believed_sd: Micro,
        /// What is expected a minute later.
        pub in_1_min: Micro,
        /// Standard deviation of what the sensor will say around it; the 90 % band is 1.645 of these wide on each side.
        pub in_1_min_sd: Micro,
        /// What is expected 15 minutes later.
        pub in_15_min: Micro,
        /// Standard deviation of what the sensor will say around it.
        pub in_15_min_sd: Micro,
        /// What is expected an hour later.
        pub in_60_min: Micro,
        /// Standard deviation of what the sensor will say around it.
        pub in_60_min_sd: Micro,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}

table! {
    /// How the forecasts of the twins held, against what came. They forget with a time constant of a day.
    pub struct TwinScoreRow in "twin_scores" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// How far ahead, seconds.
        pub horizon_s: SpanMs,
        /// Forecasts that were held against what came.
        pub n: i64,
        /// Root mean square error.
        pub rmse: Micro,
        /// The same of the last value as the forecast.
        pub rmse_persistence: Micro,
        /// Mean error, positive where the sensor says more than expected.
        pub bias: Micro,
        /// Share of values within the 90 % band.
        pub coverage: PerMille,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}

table! {
    /// Stretches of time in which a line departed from what its set-points ask, and the likelier cause.
    pub struct TwinFindingRow in "twin_findings" {
        /// Production line.
        pub production_line: LineId,
        /// When it was found.
        pub start: EventMs,
        /// When it was over; null while it lasts.
        pub end: Option<EventMs>,
        /// equipment, model_drift or sensor.
        pub kind: FindingKind,
        /// Equipment concerned.
        pub equipment: String,
        /// Where it showed most when it was found.
        pub sensor_id: Option<SensorId>,
        /// Greatest departure, in standard deviations.
        pub strength: Micro,
        /// How sure that is, 0 to 1.
        pub confidence: PerMille,
    }
    derived {
        /// What the sensor measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id?, names),
    }
}
