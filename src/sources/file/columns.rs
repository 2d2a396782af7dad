//! Which column is what.

use super::rows::FileError;
use arrow::datatypes::Schema;

/// The columns of a file by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub time: String,
    pub value: String,
    pub sensor: String,
    pub status: Option<String>,
}

impl Mapping {
    /// Reads `time=COLUMN,value=COLUMN,…`; what is not given keeps its usual name.
    pub fn parse(text: &str) -> Result<Mapping, String> {
        let mut map =
            Mapping { time: "timestamp".into(), value: "value".into(), sensor: "sensor_id".into(), status: None };
        for part in text.split(',') {
            let (what, column) = part.split_once('=').ok_or_else(|| format!("'{part}' is not WHAT=COLUMN"))?;
            let column = column.trim().to_owned();
            match what.trim() {
                "time" => map.time = column,
                "value" => map.value = column,
                "sensor" => map.sensor = column,
                "status" => map.status = Some(column),
                other => return Err(format!("'{other}' is none of time, value, sensor, status")),
            }
        }
        Ok(map)
    }
}

/// How a file is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub map: Mapping,
    /// Every column but the time is a sensor of that name.
    pub wide: bool,
    /// The sensor's name, for files with one sensor and no sensor column.
    pub sensor: Option<String>,
    /// Time zone of times without one (IANA name).
    pub time_zone: String,
}

/// Where the columns stand.
pub struct Columns {
    pub time: usize,
    /// Value columns, with the sensor's name when the column says it.
    pub values: Vec<(usize, Option<String>)>,
    pub sensor: Option<usize>,
    pub status: Option<usize>,
}

impl Columns {
    pub fn find(schema: &Schema, layout: &Layout) -> Result<Columns, FileError> {
        let find = |what, column: &str| {
            schema.index_of(column).map_err(|_| FileError::Column {
                what,
                column: column.into(),
                has: schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", "),
            })
        };
        let time = find("time", &layout.map.time)?;
        if layout.wide {
            let values = schema.fields().iter().enumerate().filter(|(index, _)| *index != time);
            let values = values.map(|(index, field)| (index, Some(field.name().clone()))).collect();
            return Ok(Columns { time, values, sensor: None, status: None });
        }
        let value = find("value", &layout.map.value)?;
        let sensor = match &layout.sensor {
            Some(_) => None,
            None => Some(find("sensor", &layout.map.sensor)?),
        };
        let status = layout.map.status.as_deref().map(|column| find("status", column)).transpose()?;
        Ok(Columns { time, values: vec![(value, layout.sensor.clone())], sensor, status })
    }
}
