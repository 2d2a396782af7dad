//! Readings that are pushed, a row each.

use super::check::Wrong;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Micro, Reading, Status};
use schemars::JsonSchema;
use serde::Deserialize;

const VALUE_MOST: f64 = Micro::MAX_UNITS;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Said {
    Ok,
    Warning,
    Critical,
    Error,
}

/// A reading as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// When it was measured.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// Name of the sensor.
    #[schemars(length(min = 1, max = 200))]
    sensor_id: String,
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    value: f64,
    /// What the device says of it; OK when absent.
    status: Option<Said>,
    /// Of several readings of a sensor and time the highest revision holds; the tick's when absent or 0.
    revision: Option<u64>,
    /// Must be the sensor's, when given.
    unit: Option<String>,
    /// Must be the sensor's, when given.
    parameter_name: Option<String>,
    /// Must be the sensor's, when given.
    production_line: Option<String>,
}

impl Row {
    /// `refusal` says why a reading is not taken now.
    pub fn reading(&self, names: &Names, refusal: impl FnOnce(&Reading) -> Option<String>) -> Result<Reading, Wrong> {
        let wrong = |field: &str, message: String| Wrong { field: field.into(), message };
        let unknown = || wrong("sensor_id", format!("'{}' is no known sensor", self.sensor_id));
        let sensor = names.sensor_id(&self.sensor_id).ok_or_else(unknown)?;
        let def = names.sensor_def(sensor).ok_or_else(unknown)?;
        for (field, given, known) in [
            ("unit", &self.unit, def.unit.as_str()),
            ("parameter_name", &self.parameter_name, names.parameter(def.parameter)),
            ("production_line", &self.production_line, names.line(def.line)),
        ] {
            if given.as_ref().is_some_and(|given| given != known) {
                return Err(wrong(field, format!("must be '{known}' for this sensor")));
            }
        }
        let at = EventMs::parse(&self.timestamp).map_err(|error| wrong("timestamp", error.to_string()))?;
        let reading = Reading {
            sensor,
            at,
            revision: self.revision.unwrap_or(0),
            value: Micro::from_f64(self.value).map_err(|error| wrong("value", error.to_string()))?,
            status: match self.status.unwrap_or(Said::Ok) {
                Said::Ok => Status::Ok,
                Said::Warning => Status::Warning,
                Said::Critical => Status::Critical,
                Said::Error => Status::Error,
            },
        };
        match refusal(&reading) {
            Some(why) => Err(wrong("timestamp", why)),
            None => Ok(reading),
        }
    }
}
