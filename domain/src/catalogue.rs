//! The plant catalogue: lines, equipment, sensors, products, shifts and rules as a text that a user edits
//! or replaces, so that Lehr runs on other plants.

use crate::calendar::{BadCalendar, Calendar};
use crate::event::{EquipmentDef, Event, SensorDef};
use crate::machine::Product;
use crate::names::Names;
use crate::rule::{Check, Rule, Severity, Subject};
use crate::{EquipmentId, LineId, Micro, ParameterId, ProductId, RuleId, SensorId, SpanMs};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The catalogue of the plant that Lehr simulates when it is given no other.
pub const DEFAULT: &str = include_str!("../plant.toml");

/// A catalogue as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    pub plant: Plant,
    #[serde(default, rename = "equipment")]
    pub equipment: Vec<EquipmentEntry>,
    #[serde(default, rename = "product")]
    pub products: Vec<ProductEntry>,
    #[serde(default, rename = "sensor")]
    pub sensors: Vec<SensorEntry>,
    #[serde(default, rename = "rule")]
    pub rules: Vec<RuleEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    pub name: String,
    pub time_zone: String,
    /// `HH:MM`, plant time.
    pub shift_starts: Vec<String>,
    pub lines: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquipmentEntry {
    pub name: String,
    pub stage: String,
    /// Span texts, for instance `25m`.
    pub lag_min: String,
    pub lag_max: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductEntry {
    pub name: String,
    /// Planned run time per unit, for instance `4s`.
    pub planned_run_time: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorEntry {
    pub parameter: String,
    pub equipment: String,
    pub unit: String,
    pub period: String,
    pub span: [f64; 2],
    pub target: Option<f64>,
    pub sigma: Option<f64>,
    /// Lines that have it; all when absent.
    pub lines: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RuleEntry {
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// A parameter's name, `every sensor` or `every line`.
    pub watch: String,
    pub severity: Severity,
    #[serde(default = "one")]
    pub on_delay: u16,
    #[serde(default = "one")]
    pub off_delay: u16,
    #[serde(default)]
    pub suppress_when_stopped: bool,
    pub message: String,
    pub advice: String,
    #[serde(flatten)]
    pub check: CheckEntry,
}

/// [`Check`] in physical units.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "check", rename_all = "snake_case")]
pub enum CheckEntry {
    High { limit: f64, deadband: f64 },
    Low { limit: f64, deadband: f64 },
    RateOfChange { per_minute: f64 },
    Variation { limit: f64 },
    Nelson { rule: u8 },
    WesternElectric { rule: u8 },
    Ewma { lambda: f64, width: f64 },
    Cusum { slack: f64, threshold: f64 },
    Drift { band: f64 },
    Stale { after: String },
    Stuck { panes: u16 },
    BadQuality { share: f64 },
    DefectRate { limit: f64, minutes: u16, min_units: u16 },
    DefectCount { defect: crate::unit::DefectType, per_minute: f64, minutes: u16 },
    QualityScore { limit: f64, minutes: u16, min_units: u16 },
    LineState { state: crate::machine::MachineState },
    Twin { kind: crate::finding::FindingKind },
}

fn yes() -> bool {
    true
}

fn one() -> u16 {
    1
}

/// Why a catalogue cannot be used. Names the entry and the field.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadCatalogue {
    #[error("not a catalogue: {0}")]
    Syntax(String),
    #[error("{entry}: {field} '{value}' {why}")]
    Field { entry: String, field: &'static str, value: String, why: String },
    #[error("{0} is listed twice")]
    Twice(String),
    #[error(transparent)]
    Calendar(#[from] BadCalendar),
}

fn field(entry: &str, field: &'static str, value: impl ToString, why: impl ToString) -> BadCatalogue {
    BadCatalogue::Field { entry: entry.into(), field, value: value.to_string(), why: why.to_string() }
}

fn span(entry: &str, name: &'static str, text: &str) -> Result<SpanMs, BadCatalogue> {
    SpanMs::parse(text).map_err(|error| field(entry, name, text, format!("is no span: {error}")))
}

fn micro(entry: &str, name: &'static str, value: f64) -> Result<Micro, BadCatalogue> {
    Micro::from_f64(value).map_err(|error| field(entry, name, value, error))
}

fn no_repeats<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<(), BadCatalogue> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(BadCatalogue::Twice(format!("{kind} {name}")));
        }
    }
    Ok(())
}

impl Catalogue {
    /// Reads and checks a catalogue.
    pub fn parse(text: &str) -> Result<Catalogue, BadCatalogue> {
        let catalogue: Catalogue = toml::from_str(text).map_err(|error| BadCatalogue::Syntax(error.to_string()))?;
        no_repeats("line", catalogue.plant.lines.iter().map(String::as_str))?;
        no_repeats("equipment", catalogue.equipment.iter().map(|entry| entry.name.as_str()))?;
        no_repeats("product", catalogue.products.iter().map(|entry| entry.name.as_str()))?;
        no_repeats("rule", catalogue.rules.iter().map(|entry| entry.name.as_str()))?;
        catalogue.events(&Names::default())?;
        Ok(catalogue)
    }

    pub fn calendar(&self) -> Result<Calendar, BadCatalogue> {
        let mut shift_starts = Vec::new();
        for text in &self.plant.shift_starts {
            let minutes = text.split_once(':').and_then(|(hour, minute)| {
                let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
                (hour < 24 && minute < 60).then_some(hour * 60 + minute)
            });
            shift_starts.push(minutes.ok_or_else(|| field("plant", "shift_starts", text, "is not HH:MM"))?);
        }
        let calendar = Calendar { time_zone: self.plant.time_zone.clone(), shift_starts };
        calendar.periods()?;
        Ok(calendar)
    }

    /// What is registered in a plant that has this catalogue and nothing else.
    pub fn names(&self) -> Result<Names, BadCatalogue> {
        let mut names = Names::default();
        self.events(&names)?.iter().for_each(|event| names.apply(event));
        Ok(names)
    }

    /// The registrations and rules that `known` does not have yet, in an order in which each refers only to
    /// earlier ones. Ids go on where those of `known` end. Rules are numbered by their place in the text and
    /// given only when `known` is empty: later they are edited as rows.
    pub fn events(&self, known: &Names) -> Result<Vec<Event>, BadCatalogue> {
        let mut names = known.clone();
        let mut events = Vec::new();
        let first_time = known.lines().next().is_none();
        let mut register = |names: &mut Names, event: Event| {
            names.apply(&event);
            events.push(event);
        };
        if first_time {
            register(&mut names, Event::Calendar(self.calendar()?));
        }
        for line in &self.plant.lines {
            if names.line_id(line).is_none() {
                let id = LineId(names.lines().count() as u16);
                register(&mut names, Event::Line(id, line.clone()));
            }
        }
        for entry in &self.equipment {
            if names.equipment_id(&entry.name).is_none() {
                let id = EquipmentId(names.equipments().count() as u16);
                let def = EquipmentDef {
                    name: entry.name.clone(),
                    stage: entry.stage.clone(),
                    lag_min: span(&entry.name, "lag_min", &entry.lag_min)?,
                    lag_max: span(&entry.name, "lag_max", &entry.lag_max)?,
                };
                register(&mut names, Event::Equipment(id, def));
            }
        }
        for entry in &self.products {
            if names.product_id(&entry.name).is_none() {
                let id = ProductId(names.products().count() as u16);
                let planned_run_time = span(&entry.name, "planned_run_time", &entry.planned_run_time)?;
                register(&mut names, Event::Product(id, Product { name: entry.name.clone(), planned_run_time }));
            }
        }
        for entry in &self.sensors {
            if names.parameter_id(&entry.parameter).is_none() {
                let id = ParameterId(names.parameters().count() as u16);
                register(&mut names, Event::Parameter(id, entry.parameter.clone()));
            }
            for line in entry.lines.as_ref().unwrap_or(&self.plant.lines) {
                let def = self.sensor(entry, line, &names)?;
                if names.sensor_id(&def.name).is_none() {
                    let id = SensorId(names.sensors().count() as u32);
                    register(&mut names, Event::Sensor(id, def));
                }
            }
        }
        if first_time {
            for (index, entry) in self.rules.iter().enumerate() {
                let rule = entry.rule(&names)?;
                register(&mut names, Event::Rule(RuleId(index as u32), Some(rule)));
            }
        }
        Ok(events)
    }

    fn sensor(&self, entry: &SensorEntry, line: &str, names: &Names) -> Result<SensorDef, BadCatalogue> {
        let name = format!("{line}.{}", entry.parameter);
        let line_id = names.line_id(line).ok_or_else(|| field(&name, "lines", line, "is not among plant.lines"))?;
        let equipment = names
            .equipment_id(&entry.equipment)
            .ok_or_else(|| field(&name, "equipment", &entry.equipment, "is not listed under [[equipment]]"))?;
        let parameter = names.parameter_id(&entry.parameter).expect("registered before its sensors");
        let [low, high] = entry.span;
        if low >= high {
            return Err(field(&name, "span", format!("[{low}, {high}]"), "must ascend"));
        }
        let period = span(&name, "period", &entry.period)?;
        if period.0 == 0 {
            return Err(field(&name, "period", &entry.period, "must be longer than nothing"));
        }
        Ok(SensorDef {
            line: line_id,
            equipment,
            parameter,
            unit: entry.unit.clone(),
            period,
            span: (micro(&name, "span", low)?, micro(&name, "span", high)?),
            target: entry.target.map(|value| micro(&name, "target", value)).transpose()?,
            sigma: entry.sigma.map(|value| micro(&name, "sigma", value)).transpose()?,
            name,
        })
    }

    /// The same plant with every sensor measured several times over, to at least `sensors` in all: for load
    /// tests. The first of each keeps its name; copies are called `furnace_temperature_2` and so on.
    pub fn scaled(mut self, sensors: usize) -> Catalogue {
        let each: usize = self.sensors.iter().map(|s| s.lines.as_ref().map_or(self.plant.lines.len(), Vec::len)).sum();
        let copies = sensors.div_ceil(each.max(1)).max(1);
        let originals = self.sensors.clone();
        for copy in 2..=copies {
            for entry in &originals {
                let mut entry = entry.clone();
                entry.parameter = format!("{}_{copy}", entry.parameter);
                self.sensors.push(entry);
            }
        }
        self
    }
}

impl RuleEntry {
    fn rule(&self, names: &Names) -> Result<Rule, BadCatalogue> {
        let subject = match self.watch.as_str() {
            "every sensor" => Subject::EverySensor,
            "every line" => Subject::EveryLine,
            parameter => Subject::Parameter(names.parameter_id(parameter).ok_or_else(|| {
                field(&self.name, "watch", parameter, "is no parameter of a sensor, 'every sensor' or 'every line'")
            })?),
        };
        if self.on_delay == 0 || self.off_delay == 0 {
            return Err(field(&self.name, "on_delay/off_delay", 0, "must be at least 1 pane"));
        }
        Ok(Rule {
            name: self.name.clone(),
            enabled: self.enabled,
            subject,
            check: self.check(subject == Subject::EveryLine)?,
            severity: self.severity,
            on_delay: self.on_delay,
            off_delay: self.off_delay,
            suppress_when_stopped: self.suppress_when_stopped,
            message: self.message.clone(),
            advice: self.advice.clone(),
        })
    }

    fn check(&self, of_line: bool) -> Result<Check, BadCatalogue> {
        let name = &self.name;
        let fixed = |field_name, value| micro(name, field_name, value);
        let mille = |field_name, value: f64| {
            if (0.0..=1000.0).contains(&value) {
                Ok(crate::PerMille((value * 1000.0).round() as i32))
            } else {
                Err(field(name, field_name, value, "must lie in 0 to 1000"))
            }
        };
        let numbered = |rule: u8, most: u8| {
            if (1..=most).contains(&rule) {
                Ok(rule)
            } else {
                Err(field(name, "rule", rule, format!("must be 1 to {most}")))
            }
        };
        let check = match &self.check {
            CheckEntry::High { limit, deadband } => {
                Check::High { limit: fixed("limit", *limit)?, deadband: fixed("deadband", *deadband)? }
            }
            CheckEntry::Low { limit, deadband } => {
                Check::Low { limit: fixed("limit", *limit)?, deadband: fixed("deadband", *deadband)? }
            }
            CheckEntry::RateOfChange { per_minute } => {
                Check::RateOfChange { per_minute: fixed("per_minute", *per_minute)? }
            }
            CheckEntry::Variation { limit } => Check::Variation { limit: fixed("limit", *limit)? },
            CheckEntry::Nelson { rule } => Check::Nelson { rule: numbered(*rule, 8)? },
            CheckEntry::WesternElectric { rule } => Check::WesternElectric { rule: numbered(*rule, 4)? },
            CheckEntry::Ewma { lambda, width } => {
                if !(0.05..=1.0).contains(lambda) {
                    return Err(field(name, "lambda", lambda, "must lie in 0.05 to 1"));
                }
                Check::Ewma { lambda: mille("lambda", *lambda)?, width: mille("width", *width)? }
            }
            CheckEntry::Cusum { slack, threshold } => {
                Check::Cusum { slack: mille("slack", *slack)?, threshold: mille("threshold", *threshold)? }
            }
            CheckEntry::Drift { band } => Check::Drift { band: fixed("band", *band)? },
            CheckEntry::Stale { after } => Check::Stale { after: span(name, "after", after)? },
            CheckEntry::Stuck { panes } => Check::Stuck { panes: *panes },
            CheckEntry::BadQuality { share } => Check::BadQuality { share: mille("share", *share)? },
            CheckEntry::DefectRate { limit, minutes, min_units } => {
                Check::DefectRate { limit: mille("limit", *limit)?, minutes: *minutes, min_units: *min_units }
            }
            CheckEntry::DefectCount { defect, per_minute, minutes } => {
                Check::DefectCount { defect: *defect, per_minute: fixed("per_minute", *per_minute)?, minutes: *minutes }
            }
            CheckEntry::QualityScore { limit, minutes, min_units } => {
                Check::QualityScore { limit: mille("limit", *limit)?, minutes: *minutes, min_units: *min_units }
            }
            CheckEntry::LineState { state } => Check::LineState { state: *state },
            CheckEntry::Twin { kind } => Check::Twin { kind: *kind },
        };
        let line_check = check.of_line();
        if line_check != of_line {
            let why = if line_check { "needs watch = 'every line'" } else { "watches sensors, not lines" };
            return Err(field(name, "check", format!("{:?}", self.check), why));
        }
        Ok(check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_plant_has_three_lines_of_at_least_twenty_sensors() {
        let catalogue = Catalogue::parse(DEFAULT).expect("the shipped catalogue is good");
        let mut names = Names::default();
        for event in catalogue.events(&names.clone()).unwrap() {
            names.apply(&event);
        }
        assert_eq!(names.lines().map(|(_, name)| name).collect::<Vec<_>>(), ["Line_A", "Line_B", "Line_C"]);
        for (line, name) in names.lines() {
            assert!(names.sensors().filter(|(_, def)| def.line == line).count() >= 20, "{name}");
        }
        assert_eq!(catalogue.events(&names).unwrap(), [], "what is known is not registered twice");
    }

    #[test]
    fn mistakes_are_named_with_entry_and_field() {
        let broken = DEFAULT.replacen("equipment = \"furnace\"", "equipment = \"oven\"", 1);
        let error = Catalogue::parse(&broken).unwrap_err().to_string();
        assert!(error.contains("equipment 'oven' is not listed"), "{error}");
        let broken = DEFAULT.replacen("period = \"60s\"", "period = \"often\"", 1);
        let error = Catalogue::parse(&broken).unwrap_err().to_string();
        assert!(error.contains("period 'often' is no span"), "{error}");
    }

    #[test]
    fn scaling_multiplies_sensors() {
        let catalogue = Catalogue::parse(DEFAULT).unwrap().scaled(1000);
        let sensors = catalogue.events(&Names::default()).unwrap();
        let count = sensors.iter().filter(|event| matches!(event, Event::Sensor(..))).count();
        assert!((1000..1100).contains(&count), "{count}");
    }
}
