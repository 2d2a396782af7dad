//! Which sensor a tag is, and how its values become the sensor's.

use crate::units::{UnitError, conversion};
use lehr_domain::names::Names;
use lehr_domain::{Micro, SensorId};
use serde::Deserialize;

/// As a user writes it: `to = { sensor = "Line_A.furnace_temperature", unit = "°F", deadband = 0.1 }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name in the catalogue.
    pub sensor: String,
    /// The device's unit, when it is not the sensor's.
    pub unit: Option<String>,
    /// Applied before the unit: value × scale + offset.
    #[serde(default = "one")]
    pub scale: f64,
    #[serde(default)]
    pub offset: f64,
    /// Changes smaller than this, in the sensor's unit, are not passed on …
    pub deadband: Option<f64>,
    /// … but a value is passed on at least so often, seconds: a sensor that is silent for long counts as stale.
    #[serde(default = "minute")]
    pub at_least_every_s: f64,
}

fn one() -> f64 {
    1.0
}

fn minute() -> f64 {
    60.0
}

/// Why a tag cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TargetError {
    #[error("sensor {sensor} is not in the catalogue{hint}")]
    Sensor { sensor: String, hint: String },
    #[error("unit of {sensor}: {source}")]
    Unit { sensor: String, source: UnitError },
    #[error("{field} of {sensor} is {value}; {must}")]
    Number { sensor: String, field: &'static str, value: f64, must: &'static str },
}

/// A target that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resolved {
    pub sensor: SensorId,
    factor: f64,
    offset: f64,
    pub deadband: f64,
    pub at_least_every_ms: i64,
}

impl Target {
    /// A sensor as it is, for sources that know it by its name in the catalogue.
    pub fn of(sensor: &str) -> Target {
        Target {
            sensor: sensor.to_owned(),
            unit: None,
            scale: one(),
            offset: 0.0,
            deadband: None,
            at_least_every_s: minute(),
        }
    }

    pub(crate) fn resolve(&self, names: &Names) -> Result<Resolved, TargetError> {
        let number = |field, value: f64, good: bool, must| match good && value.is_finite() {
            true => Ok(value),
            false => Err(TargetError::Number { sensor: self.sensor.clone(), field, value, must }),
        };
        let found = names.sensor_id(&self.sensor).and_then(|id| Some((id, names.sensor_def(id)?)));
        let (sensor, def) =
            found.ok_or_else(|| TargetError::Sensor { sensor: self.sensor.clone(), hint: self.hint(names) })?;
        let unit = self.unit.as_deref().unwrap_or(&def.unit);
        let (factor, shift) =
            conversion(unit, &def.unit).map_err(|source| TargetError::Unit { sensor: self.sensor.clone(), source })?;
        let scale = number("scale", self.scale, self.scale != 0.0, "it must be a number other than 0")?;
        let offset = number("offset", self.offset, true, "it must be a number")?;
        let deadband = self.deadband.unwrap_or(0.0);
        let every = self.at_least_every_s;
        Ok(Resolved {
            sensor,
            factor: scale * factor,
            offset: offset * factor + shift,
            deadband: number("deadband", deadband, deadband >= 0.0, "it must not be negative")?,
            at_least_every_ms: (1000.0
                * number("at_least_every_s", every, (0.0..=86_400.0).contains(&every), "it must lie in 0 to 86400")?)
                as i64,
        })
    }

    /// The sensor whose name ends alike, if there is one.
    fn hint(&self, names: &Names) -> String {
        let tail = self.sensor.rsplit('.').next().unwrap_or_default();
        let like =
            names.sensors().map(|(_, def)| def.name.as_str()).find(|name| !tail.is_empty() && name.ends_with(tail));
        like.map_or(String::new(), |name| format!("; did you mean {name}?"))
    }
}

impl Resolved {
    /// The value in the sensor's unit. The error says what is wrong with it.
    pub fn convert(&self, value: f64) -> Result<Micro, String> {
        Micro::from_f64(value * self.factor + self.offset).map_err(|error| error.to_string())
    }
}
