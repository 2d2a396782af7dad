//! A mapping proposed by name.

use crate::browse::{Found, Kind};
use lehr_domain::event::SensorDef;
use lehr_domain::names::Names;
use lehr_tags::conversion;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Tags in TOML, for a `[[opcua]]`, of the variables whose path or node ends in the name of a sensor that no other
/// variable ends in as well; the rest as comments. Units are those the server says.
pub fn mapping(browsed: &Found, names: &Names) -> String {
    let mut out = String::new();
    for Proposal { path, variable, sensor } in proposed(browsed, names) {
        let Kind::Variable { unit, .. } = &variable.kind else { continue };
        match sensor {
            Ok(def) => tag(&mut out, variable, unit.as_deref(), def),
            Err(problem) => {
                let _ = writeln!(out, "# {} ({}): {problem}", variable.node, line(&path.join("/")));
            }
        }
    }
    out
}

/// What a variable may be mapped to.
#[derive(Debug)]
pub struct Proposal<'f, 'n> {
    /// The names on the way to it.
    pub path: Vec<&'f str>,
    pub variable: &'f Found,
    /// The sensor in whose name it ends, or why it is none.
    pub sensor: Result<&'n SensorDef, String>,
}

/// Every variable, with what its path or node says that it measures.
pub fn proposed<'f, 'n>(browsed: &'f Found, names: &'n Names) -> Vec<Proposal<'f, 'n>> {
    let sensors: Vec<(String, &SensorDef)> = names.sensors().map(|(_, def)| (plain(&def.name), def)).collect();
    let variables = browsed.variables();
    let chosen: Vec<Option<&SensorDef>> = variables.iter().map(|(path, found)| sensor(path, found, &sensors)).collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    chosen.iter().flatten().for_each(|def| *uses.entry(&def.name).or_default() += 1);
    let proposal = |((path, variable), sensor): ((Vec<&'f str>, &'f Found), Option<&'n SensorDef>)| {
        let Kind::Variable { data_type, array, .. } = &variable.kind else { return None };
        let sensor = match sensor {
            None => Err("no sensor is named so".to_owned()),
            Some(def) if uses[def.name.as_str()] > 1 => Err(format!("several variables look like {}", def.name)),
            Some(def) if array.is_some() => Err(format!("an array; give element to map it to {}", def.name)),
            Some(_) if !is_number(data_type.as_str()) => Err(format!("{data_type} is not a number")),
            Some(def) => Ok(def),
        };
        Some(Proposal { path: path.into_iter().filter(|name| !name.is_empty()).collect(), variable, sensor })
    };
    variables.into_iter().zip(chosen).filter_map(proposal).collect()
}

fn tag(out: &mut String, found: &Found, unit: Option<&str>, def: &SensorDef) {
    let unit = unit.filter(|unit| *unit != def.unit);
    let (unit, note) = match unit {
        None => (String::new(), String::new()),
        Some(unit) if conversion(unit, &def.unit).is_ok() => (format!(", unit = {}", quoted(unit)), String::new()),
        Some(unit) => (String::new(), format!("# The server says {}, the sensor {}.\n", line(unit), def.unit)),
    };
    let sensor = quoted(&def.name);
    let _ = writeln!(out, "{note}[[opcua.tag]]\nnode = {}\nto = {{ sensor = {sensor}{unit} }}", quoted(&found.node));
}

/// The sensor in whose name the path ends, or else the node: the longest, as `furnace_temperature` ends in `temperature`.
fn sensor<'n>(path: &[&str], found: &Found, sensors: &[(String, &'n SensorDef)]) -> Option<&'n SensorDef> {
    let identifier = found.node.split_once("s=").map_or("", |(_, identifier)| identifier);
    [plain(&path.concat()), plain(identifier)].iter().find_map(|text| {
        let ending = sensors.iter().filter(|(name, _)| !name.is_empty() && text.ends_with(name.as_str()));
        ending.max_by_key(|(name, _)| name.len()).map(|(_, def)| *def)
    })
}

/// Letters and digits, small: `Line_A.furnace-temperature` and `LineA/FurnaceTemperature` are the same.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_number(data_type: &str) -> bool {
    const NUMBERS: [&str; 14] = [
        "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double",
        "Number", "Integer", "UInteger",
    ];
    // Types of the server's own are left to the user's eye.
    NUMBERS.contains(&data_type) || data_type.contains('=') || data_type == "BaseDataType"
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Names come from the server: one that spans lines must not end the comment it stands in.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    fn variable(node: &str, name: &str, unit: Option<&str>) -> Found {
        let kind = Kind::Variable { data_type: "Double".into(), array: None, unit: unit.map(str::to_owned) };
        Found { node: node.into(), name: name.into(), kind, below: Vec::new() }
    }

    fn folder(name: &str, below: Vec<Found>) -> Found {
        Found { node: "i=1".into(), name: name.into(), kind: Kind::Folder, below }
    }

    #[test]
    fn variables_are_mapped_by_path_and_by_node_and_the_rest_is_said() {
        let browsed = folder(
            "",
            vec![
                folder("LineA", vec![variable("ns=2;i=1", "FurnaceTemperature", Some("°F"))]),
                variable("nsu=urn:a;s=Line_B.furnace_temperature", "x", Some("°C")),
                variable("ns=2;s=\"quoted\"", "evil\n[[opcua]]", None),
            ],
        );
        let text = mapping(&browsed, &names());
        let config = format!("name = \"a\"\nendpoint = \"opc.tcp://a\"\n{}", text.replace("[[opcua.tag]]", "[[tag]]"));
        let config: Config = toml::from_str(&config).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let found: Vec<(&str, &str, Option<&str>)> =
            config.tags.iter().map(|tag| (tag.node.as_str(), tag.to.sensor.as_str(), tag.to.unit.as_deref())).collect();
        assert_eq!(
            found,
            [
                ("ns=2;i=1", "Line_A.furnace_temperature", Some("°F")),
                ("nsu=urn:a;s=Line_B.furnace_temperature", "Line_B.furnace_temperature", None),
            ]
        );
        assert!(text.contains("# ns=2;s=\"quoted\" (evil [[opcua]]): no sensor is named so"), "{text}");
        assert_eq!(config.check(&names()).map_err(|error| error.to_string()), Ok(()));
    }

    #[test]
    fn what_is_not_plain_is_not_guessed() {
        let twice = folder(
            "",
            vec![
                folder("Line_A", vec![variable("ns=2;i=1", "furnace_temperature", None)]),
                folder("old Line_A", vec![variable("ns=2;i=2", "furnace_temperature", None)]),
            ],
        );
        assert_eq!(
            mapping(&twice, &names()).matches("several variables look like Line_A.furnace_temperature").count(),
            2
        );
    }
}
