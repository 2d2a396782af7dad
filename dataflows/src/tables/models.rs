//! Which models are there, what they foretell, and how that held.

use super::{line_of, parameter_of};
use crate::forecasts::{Forecast, Hits, Said};
use lehr_domain::defect_event::HORIZONS;
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::{EventMs, LineId, Micro, Ratio, SensorId, SpanMs, table};

table! {
    /// Trained models that are registered.
    pub struct ModelRow in "models" {
        /// forecaster, graph, ensemble or inspector.
        pub model: ModelKind,
        /// Semantic version.
        pub version: ModelVersion,
        /// When it was trained, as its file says.
        pub trained: String,
        /// Names the data that it was trained on.
        pub data: String,
        /// Names what it reads.
        pub schema: String,
        /// SHA-256 of its file.
        pub digest: String,
        /// Size of its file.
        pub bytes: u64,
        /// When it was registered, plant time.
        pub registered_at: EventMs,
        /// Who registered it.
        pub by: String,
        /// Why.
        pub note: String,
        /// What its training found, as JSON.
        pub metrics: String,
    }
}

table! {
    /// From when on which version was meant by an alias. Of those whose time has come the latest holds.
    pub struct DeploymentRow in "deployments" {
        /// forecaster, graph, ensemble or inspector.
        pub model: ModelKind,
        /// production: the version that scores; challenger: one that is to be compared with it.
        pub alias: Alias,
        /// From when on, event time.
        pub at: EventMs,
        /// Null: none from then on.
        pub version: Option<ModelVersion>,
        /// Who decided it.
        pub by: String,
        /// Why.
        pub reason: String,
    }
}

impl ModelRow {
    pub fn new(model: ModelKind, version: ModelVersion, row: Registration) -> ModelRow {
        ModelRow {
            model,
            version,
            trained: row.trained,
            data: row.data,
            schema: row.schema,
            digest: row.digest,
            bytes: row.bytes,
            registered_at: row.at,
            by: row.by,
            note: row.note,
            metrics: row.metrics,
        }
    }
}

impl DeploymentRow {
    pub fn new(row: Deployment) -> DeploymentRow {
        DeploymentRow {
            model: row.model,
            alias: row.alias,
            at: row.at,
            version: row.version,
            by: row.by,
            reason: row.reason,
        }
    }
}

table! {
    /// What was foretold of a line, minute by minute, and what came: defect events within 1, 4 and 24 hours.
    pub struct ForecastRow in "forecasts" {
        /// Production line.
        pub production_line: LineId,
        /// End of the two hours that were looked at; what is foretold comes after it.
        pub at: EventMs,
        /// Of the forecaster.
        pub version: ModelVersion,
        /// Of the model of sensors as a graph; null where none scored.
        pub graph_version: Option<ModelVersion>,
        /// Of the ensemble; null where none scored.
        pub ensemble_version: Option<ModelVersion>,
    }
    hidden {
        /// Of what was looked at and by whom: the same again is not scored again.
        pub input: u64,
        /// What was foretold.
        pub said: Said,
        /// What came, by horizon; `None` while it is not known.
        pub came: [Option<bool>; HORIZONS],
    }
    derived {
        /// Probability of a defect event within an hour, as the forecaster says.
        probability_1h: f64 = |row, _| Some(row.said.forecaster.probability[0].to_f64()),
        /// Probability of a defect event within 4 hours, as the forecaster says.
        probability_4h: f64 = |row, _| Some(row.said.forecaster.probability[1].to_f64()),
        /// Probability of a defect event within 24 hours, as the forecaster says.
        probability_24h: f64 = |row, _| Some(row.said.forecaster.probability[2].to_f64()),
        /// Whether the forecaster expects an event within an hour: its probability reaches its threshold.
        expected_1h: bool = |row, _| Some(row.said.forecaster.expected[0]),
        /// Whether the forecaster expects an event within 4 hours.
        expected_4h: bool = |row, _| Some(row.said.forecaster.expected[1]),
        /// Whether the forecaster expects an event within 24 hours.
        expected_24h: bool = |row, _| Some(row.said.forecaster.expected[2]),
        /// Probability within an hour, as the ensemble says; null where none scored.
        combined_1h: f64 = |row, _| Some(row.said.ensemble.as_ref()?.probability[0].to_f64()),
        /// Probability within 4 hours, as the ensemble says.
        combined_4h: f64 = |row, _| Some(row.said.ensemble.as_ref()?.probability[1].to_f64()),
        /// Probability within 24 hours, as the ensemble says.
        combined_24h: f64 = |row, _| Some(row.said.ensemble.as_ref()?.probability[2].to_f64()),
        /// Whether the ensemble expects an event within an hour; null where none scored.
        combined_expected_1h: bool = |row, _| Some(row.said.ensemble.as_ref()?.expected[0]),
        /// Whether the ensemble expects an event within 4 hours.
        combined_expected_4h: bool = |row, _| Some(row.said.ensemble.as_ref()?.expected[1]),
        /// Whether the ensemble expects an event within 24 hours.
        combined_expected_24h: bool = |row, _| Some(row.said.ensemble.as_ref()?.expected[2]),
        /// Whether an event came within an hour, as inspection says; null while it is not known.
        came_1h: bool = |row, _| row.came[0],
        /// Whether an event came within 4 hours.
        came_4h: bool = |row, _| row.came[1],
        /// Whether an event came within 24 hours.
        came_24h: bool = |row, _| row.came[2],
    }
}

impl ForecastRow {
    /// What a model foretold; `None` where it did not score, or foretells nothing.
    pub fn of(&self, model: ModelKind) -> Option<(ModelVersion, &Forecast)> {
        match model {
            ModelKind::Forecaster => Some((self.version, &self.said.forecaster)),
            ModelKind::Ensemble => self.ensemble_version.zip(self.said.ensemble.as_ref()),
            ModelKind::Graph | ModelKind::Inspector => None,
        }
    }
}

table! {
    /// How forecasts held against what came, by day of the forecast.
    pub struct ForecastQualityRow in "forecast_quality" {
        /// Production line.
        pub production_line: LineId,
        /// forecaster or ensemble.
        pub model: ModelKind,
        /// Its version.
        pub version: ModelVersion,
        /// How far ahead, seconds.
        pub horizon_s: SpanMs,
        /// Begin of the day, UTC.
        pub day: EventMs,
    }
    hidden {
        /// Sums.
        pub hits: Hits,
    }
    derived {
        /// Forecasts of which it is known what came.
        n: i64 = |row, _| Some(row.hits.n()),
        /// Expected, and came.
        true_positive: i64 = |row, _| Some(row.hits.true_positive),
        /// Expected, and did not come.
        false_positive: i64 = |row, _| Some(row.hits.false_positive),
        /// Not expected, and came.
        false_negative: i64 = |row, _| Some(row.hits.false_negative),
        /// Not expected, and did not come.
        true_negative: i64 = |row, _| Some(row.hits.true_negative),
        /// Share of forecasts that were right.
        accuracy: f64 = |row, _| row.hits.accuracy().to_f64(),
        /// Share of what was expected that came.
        precision: f64 = |row, _| row.hits.precision().to_f64(),
        /// Share of what came that was expected.
        recall: f64 = |row, _| row.hits.recall().to_f64(),
        /// Harmonic mean of precision and recall.
        f1: f64 = |row, _| row.hits.f1().to_f64(),
        /// Mean square of probability less what came (Brier).
        brier: f64 = |row, _| row.hits.brier(),
        /// Expected calibration error: mean distance of probability and share, over 15 bins of probability.
        calibration_error: f64 = |row, _| row.hits.calibration_error(),
        /// Share of forecasts after which an event came.
        prevalence: f64 = |row, _| Ratio::new(row.hits.came(), row.hits.n()).to_f64(),
    }
}

table! {
    /// What the model of sensors as a graph says of each, after its line's last closed minute.
    pub struct SensorVerdictRow in "sensor_verdicts" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// End of the two hours that were looked at.
        pub at: EventMs,
        /// Of the model.
        pub version: ModelVersion,
        /// Probability that the instrument has failed.
        pub failure: Micro,
        /// Probability that what it measures is off.
        pub anomaly: Micro,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}
