//! Which registers a plant's sensors and set-points have, the same for the device and for whoever polls it.

use crate::plan::REGISTERS_MOST;
use crate::register::{Register, Table};
use crate::value::{Kind, Order, Place};
use std::collections::BTreeSet;
use std::fmt::Write;

/// A value that a device shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// As the catalogue has it.
    pub name: String,
    pub unit: String,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// An input register pair: read only.
    Sensor,
    /// A holding register pair: written within these limits, which belong to it.
    SetPoint { low: f64, high: f64 },
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MapError {
    #[error("{count} {what} do not fit in 65536 registers; serve at most {most} with one unit")]
    TooMany { what: &'static str, count: usize, most: usize },
    #[error("name {0:?} stands twice, is empty, or holds a control character")]
    Name(String),
    #[error("limits of {name} are {low} to {high}; they must be numbers in ascending order")]
    Limits { name: String, low: f64, high: f64 },
}

/// A value takes two registers.
const POINTS_MOST: usize = (1 << 16) / 2;
/// Behind the sensors stands the clock, which takes four.
const SENSORS_MOST: usize = POINTS_MOST - 2;

/// Sensors are input registers and set-points holding registers, in the order they were given from address 0, each a
/// big-endian float of 32 bits. Behind the sensors the input registers hold the device's time: milliseconds since 1970 in
/// a big-endian integer of 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub(crate) sensors: Vec<Point>,
    pub(crate) set_points: Vec<Point>,
}

impl Map {
    pub fn new(points: impl IntoIterator<Item = Point>) -> Result<Map, MapError> {
        let (mut names, mut map) = (BTreeSet::new(), Map { sensors: Vec::new(), set_points: Vec::new() });
        for point in points {
            let control = point.name.chars().chain(point.unit.chars()).any(char::is_control);
            if point.name.is_empty() || control || !names.insert(point.name.clone()) {
                return Err(MapError::Name(point.name));
            }
            match point.role {
                Role::Sensor => map.sensors.push(point),
                Role::SetPoint { low, high } if low.is_finite() && high.is_finite() && low <= high => {
                    map.set_points.push(point);
                }
                Role::SetPoint { low, high } => return Err(MapError::Limits { name: point.name, low, high }),
            }
        }
        let counts = [("sensors", map.sensors.len(), SENSORS_MOST), ("set-points", map.set_points.len(), POINTS_MOST)];
        for (what, count, most) in counts {
            if count > most {
                return Err(MapError::TooMany { what, count, most });
            }
        }
        Ok(map)
    }

    /// Where the value of a name stands.
    pub fn place(&self, name: &str) -> Option<Place> {
        let find = |points: &[Point]| points.iter().position(|point| point.name == name);
        let (table, position) = match find(&self.sensors) {
            Some(position) => (Table::Input, position),
            None => (Table::Holding, find(&self.set_points)?),
        };
        Some(place(table, position))
    }

    /// The entry `[[modbus]]` of `sources.toml` by which Lehr polls the sensors of a device that serves this map.
    /// Set-points are named in remarks.
    pub fn mapping(&self, name: &str, address: &str, unit: u8) -> String {
        let mut text = format!(
            "[[modbus]]\nname = {}\naddress = {}\nunit = {unit}\nmax_registers = {REGISTERS_MOST}\n\
             clock = {{ register = \"{}\", type = \"u64\", counts = \"ms\" }}\n",
            quoted(name),
            quoted(address),
            place(Table::Input, self.sensors.len()).register
        );
        for (position, point) in self.sensors.iter().enumerate() {
            let register = place(Table::Input, position).register;
            let (sensor, unit) = (quoted(&point.name), quoted(&point.unit));
            let to = format!("{{ sensor = {sensor}, unit = {unit} }}");
            put(&mut text, format_args!("\n[[modbus.tag]]\nregister = \"{register}\"\ntype = \"f32\"\nto = {to}\n"));
        }
        for (position, point) in self.set_points.iter().enumerate() {
            let Role::SetPoint { low, high } = point.role else { continue };
            let register = place(Table::Holding, position).register;
            let (name, unit) = (&point.name, &point.unit);
            put(&mut text, format_args!("\n# Set-point {name}: {register} as f32, {low} to {high} {unit}\n"));
        }
        text
    }
}

fn place(table: Table, position: usize) -> Place {
    let address = u16::try_from(2 * position).expect("a map holds no more than fits");
    Place { register: Register { table, address }, kind: Kind::F32, word_order: Order::Big, byte_order: Order::Big }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a string takes all");
}

/// As TOML writes texts; names hold no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use serde::Deserialize;

    fn point(name: &str, role: Role) -> Point {
        Point { name: name.into(), unit: "°C".into(), role }
    }

    #[derive(Deserialize)]
    struct Sources {
        modbus: Vec<Config>,
    }

    #[test]
    fn the_mapping_is_a_configuration_that_reads_where_the_device_serves() {
        let names = ["Line_A.furnace_temperature", "Line_\"B\"\\.bath"];
        let sensors = names.map(|name| point(name, Role::Sensor));
        let set_point = point("Line_A.set", Role::SetPoint { low: 1400.0, high: 1600.0 });
        let map = Map::new(sensors.into_iter().chain([set_point])).unwrap();
        let text = map.mapping("plant", "127.0.0.1:5020", 1);
        let sources: Sources = toml::from_str(&text).unwrap();
        let config = &sources.modbus[0];
        let devices = config.devices().unwrap();
        for (tag, (name, place)) in config.tags.iter().zip(names.iter().zip(&devices[0].places)) {
            assert_eq!((tag.to.sensor.as_str(), Some(*place)), (*name, map.place(name)));
        }
        assert_eq!(map.place("Line_A.set").unwrap().register.to_string(), "holding:0");
        assert!(text.contains("# Set-point Line_A.set: holding:0 as f32, 1400 to 1600 °C"), "{text}");
    }

    #[test]
    fn what_cannot_be_served_is_named() {
        let sensors = |count: usize| (0..count).map(|n| point(&format!("sensor {n}"), Role::Sensor));
        assert!(Map::new(sensors(SENSORS_MOST)).is_ok());
        assert_eq!(
            Map::new(sensors(SENSORS_MOST + 1)),
            Err(MapError::TooMany { what: "sensors", count: SENSORS_MOST + 1, most: SENSORS_MOST })
        );
        assert_eq!(Map::new(sensors(1).chain(sensors(1))), Err(MapError::Name("sensor 0".into())));
        let upside_down = Role::SetPoint { low: 2.0, high: 1.0 };
        assert!(matches!(Map::new([point("set", upside_down)]), Err(MapError::Limits { .. })));
    }
}
