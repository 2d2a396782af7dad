//! An entry `[[modbus]]` of `sources.toml`.

use crate::plan::{BITS_MOST, Limits, REGISTERS_MOST};
use crate::register::Register;
use crate::value::{Kind, Order, Place};
use lehr_domain::EventMs;
use lehr_domain::names::Names;
use lehr_tags::{Tags, Target, TargetError, TimestampOf};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

/// One connection and what is read over it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// Host and port of the device or gateway.
    pub address: String,
    /// The unit that `tag`s are of.
    #[serde(default = "first_unit")]
    pub unit: u8,
    /// From one poll to the next, milliseconds.
    #[serde(default = "second")]
    pub every_ms: u64,
    /// For the connection and for each answer, milliseconds.
    #[serde(default = "second")]
    pub timeout_ms: u64,
    #[serde(default)]
    pub word_order: Order,
    #[serde(default)]
    pub byte_order: Order,
    /// Registers between tags that are read along to save a request.
    #[serde(default = "gap")]
    pub max_gap: u16,
    /// Registers of one read, where a device takes fewer than Modbus allows.
    #[serde(default = "registers_most")]
    pub max_registers: u16,
    /// Bits of one read.
    #[serde(default = "bits_most")]
    pub max_bits: u16,
    /// Where the unit that `tag`s are of has its time.
    pub clock: Option<ClockConfig>,
    #[serde(default, rename = "tag")]
    pub tags: Vec<TagConfig>,
    /// Further units at the same address.
    #[serde(default, rename = "device")]
    pub devices: Vec<DeviceConfig>,
}

/// A further unit behind the same address. What it leaves out is as in the entry that it belongs to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceConfig {
    pub unit: u8,
    pub every_ms: Option<u64>,
    pub word_order: Option<Order>,
    pub byte_order: Option<Order>,
    pub clock: Option<ClockConfig>,
    #[serde(rename = "tag")]
    pub tags: Vec<TagConfig>,
}

/// Registers that hold a unit's own time, which its readings then have.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockConfig {
    pub register: Register,
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it counts since 1970, UTC.
    pub counts: Counts,
    pub word_order: Option<Order>,
    pub byte_order: Option<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Counts {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Milliseconds,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagConfig {
    pub register: Register,
    /// `bool` of a coil or discrete input, which need not be said; of registers it must be.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    pub word_order: Option<Order>,
    pub byte_order: Option<Order>,
    pub to: Target,
}

fn first_unit() -> u8 {
    1
}

fn second() -> u64 {
    1000
}

fn gap() -> u16 {
    8
}

fn registers_most() -> u16 {
    REGISTERS_MOST
}

fn bits_most() -> u16 {
    BITS_MOST
}

/// Tags of one source: at 125 floats a second that a slow gateway answers, this many take minutes.
const TAGS_MOST: usize = 20_000;

/// Why an entry cannot be used. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    #[error("{field} {problem}")]
    Field { field: String, problem: String },
    #[error("tag {tag}: {source}")]
    Tag { tag: String, source: TargetError },
}

/// A unit as it is polled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Device {
    pub unit: u8,
    pub every: Duration,
    /// Of its tags, and behind them that of its clock.
    pub places: Vec<Place>,
    /// What places are called in messages.
    pub labels: Vec<String>,
    pub clock: Option<Counts>,
    /// Of all tags of the source, the position of this unit's first.
    pub first_tag: usize,
}

impl Device {
    /// How many of its places are of tags; that of the clock stands behind them.
    pub fn tags(&self) -> usize {
        self.places.len() - usize::from(self.clock.is_some())
    }

    /// A place in messages.
    pub fn named(&self, place: usize) -> String {
        let label = &self.labels[place];
        if place < self.tags() { format!("tag {label}") } else { label.clone() }
    }
}

impl Counts {
    /// None of what no clock says: nothing before 1970 or after 2500.
    pub fn time(self, count: f64) -> Option<EventMs> {
        const LAST: f64 = 16_725_225_600_000.0;
        let millis = match self {
            Counts::Seconds => count * 1000.0,
            Counts::Milliseconds => count,
        };
        (millis > 0.0 && millis < LAST).then_some(EventMs(millis as i64))
    }
}

impl Config {
    /// All that can be said before connecting.
    pub fn check(&self, names: &Names) -> Result<(), ConfigError> {
        self.devices()?;
        self.resolve(names)?;
        Ok(())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { registers: self.max_registers, bits: self.max_bits, gap: self.max_gap }
    }

    /// What tags are called in messages, in their order.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.units().into_iter().flat_map(|unit| unit.tags.iter().map(move |tag| self.label(unit.unit, tag))).collect()
    }

    fn label(&self, unit: u8, tag: &TagConfig) -> String {
        if self.devices.is_empty() { tag.register.to_string() } else { format!("unit {unit} {}", tag.register) }
    }

    pub(crate) fn resolve(&self, names: &Names) -> Result<Tags, ConfigError> {
        let targets = self.units().into_iter().flat_map(|unit| unit.tags.iter().map(|tag| &tag.to));
        Tags::new(&self.name, TimestampOf::Source, self.labels().into_iter().zip(targets), names)
            .map_err(|(tag, source)| ConfigError::Tag { tag, source })
    }

    /// The units in the order of their tags: first that of the entry itself, if it has tags.
    pub(crate) fn devices(&self) -> Result<Vec<Device>, ConfigError> {
        self.check_own()?;
        if self.clock.is_some() && self.tags.is_empty() {
            let problem = format!("is that of unit {}, which has no tags; a device has its own", self.unit);
            return Err(wrong("clock", problem));
        }
        let (mut devices, mut first_tag) = (Vec::new(), 0);
        let (mut units, mut sensors) = (BTreeSet::new(), BTreeSet::new());
        for unit in self.units() {
            if !units.insert(unit.unit) {
                return Err(wrong("device.unit", format!("{} stands twice; put its tags together", unit.unit)));
            }
            within("every_ms", unit.every_ms, 10..=86_400_000)?;
            if unit.tags.is_empty() {
                return Err(wrong("device.tag", format!("of unit {} is missing; give it a tag", unit.unit)));
            }
            for tag in unit.tags {
                if !sensors.insert(&tag.to.sensor) {
                    let field = format!("tag {}", self.label(unit.unit, tag));
                    let problem = format!("is a second one to {}; a sensor has one tag", tag.to.sensor);
                    return Err(wrong(&field, problem));
                }
            }
            let mut places = unit.tags.iter().map(|tag| self.place(&unit, tag)).collect::<Result<Vec<_>, _>>()?;
            let mut labels: Vec<String> = unit.tags.iter().map(|tag| self.label(unit.unit, tag)).collect();
            if let Some(clock) = unit.clock {
                places.push(clock.place(&unit)?);
                labels.push(format!("clock of unit {}", unit.unit));
            }
            let (every, clock) = (Duration::from_millis(unit.every_ms), unit.clock.map(|clock| clock.counts));
            devices.push(Device { unit: unit.unit, every, first_tag, places, labels, clock });
            first_tag += unit.tags.len();
        }
        match first_tag {
            0 => Err(wrong("tag", "is missing; give the source [[modbus.tag]]s".into())),
            count if count > TAGS_MOST => {
                Err(wrong("tag", format!("stands {count} times; a source has at most {TAGS_MOST}, use several")))
            }
            _ => Ok(devices),
        }
    }

    fn units(&self) -> Vec<Unit<'_>> {
        let own = (!self.tags.is_empty()).then(|| Unit {
            unit: self.unit,
            every_ms: self.every_ms,
            word_order: self.word_order,
            byte_order: self.byte_order,
            clock: self.clock.as_ref(),
            tags: &self.tags,
        });
        let further = self.devices.iter().map(|device| Unit {
            unit: device.unit,
            every_ms: device.every_ms.unwrap_or(self.every_ms),
            word_order: device.word_order.unwrap_or(self.word_order),
            byte_order: device.byte_order.unwrap_or(self.byte_order),
            clock: device.clock.as_ref(),
            tags: &device.tags,
        });
        own.into_iter().chain(further).collect()
    }

    fn check_own(&self) -> Result<(), ConfigError> {
        if self.name.trim().is_empty() {
            return Err(wrong("name", "is empty; give the source one".into()));
        }
        let port = self.address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
            return Err(wrong("address", format!("'{}' must be host:port, such as plc-1:502", self.address)));
        }
        within("timeout_ms", self.timeout_ms, 10..=60_000)?;
        within("max_gap", u64::from(self.max_gap), 0..=u64::from(REGISTERS_MOST))?;
        within("max_registers", u64::from(self.max_registers), 4..=u64::from(REGISTERS_MOST))?;
        within("max_bits", u64::from(self.max_bits), 1..=u64::from(BITS_MOST))
    }

    fn place(&self, unit: &Unit<'_>, tag: &TagConfig) -> Result<Place, ConfigError> {
        let (register, label) = (tag.register, self.label(unit.unit, tag));
        let kind = match tag.kind {
            Some(kind) => kind,
            None if register.table.is_bits() => Kind::Bool,
            None => {
                return Err(wrong(
                    &format!("tag {label}"),
                    "has no type; say type = \"u16\", \"f32\" or another".into(),
                ));
            }
        };
        unit.place(&format!("tag {label}"), register, kind, tag.word_order, tag.byte_order)
    }
}

impl ClockConfig {
    fn place(&self, unit: &Unit<'_>) -> Result<Place, ConfigError> {
        let field = format!("clock of unit {}", unit.unit);
        if !matches!(self.kind, Kind::U32 | Kind::I32 | Kind::U64 | Kind::I64 | Kind::F64) {
            let problem = format!("cannot be {}; it is u32, i32, u64, i64 or f64", self.kind.name());
            return Err(wrong(&field, problem));
        }
        unit.place(&field, self.register, self.kind, self.word_order, self.byte_order)
    }
}

fn within(field: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(wrong(field, format!("is {value}; it must lie in {} to {}", range.start(), range.end())))
}

fn wrong(field: &str, problem: String) -> ConfigError {
    ConfigError::Field { field: field.to_owned(), problem }
}

/// A unit with all that it takes over.
struct Unit<'c> {
    unit: u8,
    every_ms: u64,
    word_order: Order,
    byte_order: Order,
    clock: Option<&'c ClockConfig>,
    tags: &'c [TagConfig],
}

impl Unit<'_> {
    fn place(
        &self,
        field: &str,
        register: Register,
        kind: Kind,
        word_order: Option<Order>,
        byte_order: Option<Order>,
    ) -> Result<Place, ConfigError> {
        if !kind.fits(register.table) {
            let problem = format!("cannot be {}; coil and discrete are bool, registers are not", kind.name());
            return Err(wrong(field, problem));
        }
        let place = Place {
            register,
            kind,
            word_order: word_order.unwrap_or(self.word_order),
            byte_order: byte_order.unwrap_or(self.byte_order),
        };
        if place.span().1 > 1 << 16 {
            return Err(wrong(field, format!("ends beyond 65535 as {}", kind.name())));
        }
        Ok(place)
    }
}

/// Entries side by side: no address twice, since many devices take few connections, or one.
pub fn check_together(configs: &[Config]) -> Result<(), ConfigError> {
    let mut addresses = BTreeMap::new();
    for Config { name, address, .. } in configs {
        if let Some(other) = addresses.insert(address, name) {
            let problem = format!("{address} is that of {other} too; put the units there as [[modbus.device]]");
            return Err(wrong(&format!("address of {name}"), problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    const HEAD: &str = "name = \"plc\"\naddress = \"127.0.0.1:502\"\n";
    const TAG: &str =
        "[[tag]]\nregister = \"holding:100\"\ntype = \"f32\"\nto = { sensor = \"Line_A.furnace_temperature\" }\n";

    fn config(text: &str) -> Config {
        toml::from_str(&format!("{HEAD}{text}")).unwrap()
    }

    fn refusal(text: &str) -> String {
        config(text).check(&names()).unwrap_err().to_string()
    }

    #[test]
    fn little_need_be_said() {
        let config = config(TAG);
        config.check(&names()).unwrap();
        assert_eq!((config.unit, config.every_ms, config.timeout_ms, config.max_gap), (1, 1000, 1000, 8));
        assert_eq!(config.labels(), ["holding:100"]);
    }

    #[test]
    fn further_units_take_over_what_they_leave_out() {
        let config = config(&format!(
            "word_order = \"little\"\n{TAG}[[device]]\nunit = 2\nevery_ms = 5000\n[[device.tag]]\nregister = \"coil:7\"\nto = {{ sensor = \"Line_B.furnace_temperature\" }}\n[[device.tag]]\nregister = \"input:7\"\ntype = \"u32\"\nbyte_order = \"little\"\nto = {{ sensor = \"Line_C.furnace_temperature\" }}"
        ));
        config.check(&names()).unwrap();
        assert_eq!(config.labels(), ["unit 1 holding:100", "unit 2 coil:7", "unit 2 input:7"]);
        let devices = config.devices().unwrap();
        assert_eq!((devices[1].first_tag, devices[1].every), (1, Duration::from_secs(5)));
        let last = devices[1].places[1];
        assert_eq!((last.word_order, last.byte_order), (Order::Little, Order::Little));
    }

    #[test]
    fn a_clock_is_a_place_of_its_unit_and_no_tag() {
        const CLOCK: &str = "clock = { register = \"holding:0\", type = \"u64\", counts = \"ms\" }\n";
        let config = config(&format!("{CLOCK}{TAG}"));
        config.check(&names()).unwrap();
        let device = &config.devices().unwrap()[0];
        assert_eq!(
            (device.places.len(), device.labels.as_slice()),
            (2, &["holding:100", "clock of unit 1"].map(String::from)[..])
        );
        assert_eq!((device.clock, config.labels().len()), (Some(Counts::Milliseconds), 1));
        let narrow = CLOCK.replace("u64", "f32");
        assert_eq!(
            refusal(&format!("{narrow}{TAG}")),
            "clock of unit 1 cannot be f32; it is u32, i32, u64, i64 or f64"
        );
        let of_another = format!(
            "{CLOCK}[[device]]\nunit = 2\n[[device.tag]]\nregister = \"coil:7\"\nto = {{ sensor = \"Line_B.furnace_temperature\" }}"
        );
        assert_eq!(refusal(&of_another), "clock is that of unit 1, which has no tags; a device has its own");
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Sources {
            modbus: Vec<Config>,
        }
        let manual = include_str!("../../../docs/sources/modbus.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let sources: Sources = toml::from_str(example).unwrap();
        assert_eq!(sources.modbus[0].labels(), ["unit 1 input:100", "unit 1 holding:40", "unit 2 holding:0"]);
        sources.modbus[0].check(&names()).unwrap();
        check_together(&sources.modbus).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        let tag = |line: &str| TAG.replace("type = \"f32\"", line);
        for (text, expected) in [
            (String::new(), "tag is missing; give the source [[modbus.tag]]s"),
            (tag(""), "tag holding:100 has no type; say type = \"u16\", \"f32\" or another"),
            (tag("type = \"bool\""), "tag holding:100 cannot be bool; coil and discrete are bool, registers are not"),
            (TAG.replace(":100", ":65535"), "tag holding:65535 ends beyond 65535 as f32"),
            (format!("every_ms = 0\n{TAG}"), "every_ms is 0; it must lie in 10 to 86400000"),
            (format!("max_registers = 126\n{TAG}"), "max_registers is 126; it must lie in 4 to 125"),
            (
                format!("{TAG}{TAG}"),
                "tag holding:100 is a second one to Line_A.furnace_temperature; a sensor has one tag",
            ),
            (format!("{TAG}[[device]]\nunit = 1\ntag = []"), "device.unit 1 stands twice; put its tags together"),
        ] {
            assert_eq!(refusal(&text), expected);
        }
        let unknown = refusal(&TAG.replace("Line_A.f", "LineA.f"));
        assert!(unknown.contains("tag holding:100: sensor LineA.furnace_temperature is not in"), "{unknown}");
        for address in ["plc", "plc:", ":502", "plc:0"] {
            let config = Config { address: address.into(), ..config(TAG) };
            assert!(config.check(&names()).unwrap_err().to_string().contains("must be host:port"), "{address}");
        }
        assert!(toml::from_str::<Config>(&format!("{HEAD}speed = 1")).unwrap_err().to_string().contains("speed"));
    }

    #[test]
    fn an_address_has_one_connection() {
        let one = config(TAG);
        let other = Config { name: "other".into(), ..one.clone() };
        let error = check_together(&[one.clone(), other]).unwrap_err().to_string();
        let expected = "address of other 127.0.0.1:502 is that of plc too; put the units there as [[modbus.device]]";
        assert_eq!(error, expected);
        assert!(
            check_together(&[one.clone(), Config { name: "other".into(), address: "plc-2:502".into(), ..one }]).is_ok()
        );
    }
}
