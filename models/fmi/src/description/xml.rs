//! The two forms of modelDescription.xml. What is not needed is not looked at, so that annotations of vendors and later
//! additions to the standard do no harm. Entities from outside are not resolved, and document types refused.

use super::{Causality, Description, Kind, Steps, Variability, Variable, Version};
use crate::error::OpenError;
use crate::message::Value;
use roxmltree::{Document, Node};
use std::borrow::Cow;

pub fn read(bytes: &[u8]) -> Result<Description, OpenError> {
    let text = decode(bytes);
    let document = Document::parse(&text).map_err(|error| OpenError::Description(error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "fmiModelDescription" {
        return Err(bad("the root is not fmiModelDescription"));
    }
    let version = root.attribute("fmiVersion").ok_or_else(|| bad("fmiVersion is missing"))?;
    let version = match version.split('.').next() {
        Some("2") => Version::Two,
        Some("3") => Version::Three,
        _ => return Err(OpenError::Version(version.to_owned())),
    };
    let unit = child(root, "CoSimulation").ok_or(OpenError::NotCoSimulation)?;
    let model_name = root.attribute("modelName").unwrap_or_default().to_owned();
    let (token, state) = match version {
        Version::Two => ("guid", "canGetAndSetFMUstate"),
        Version::Three => ("instantiationToken", "canGetAndSetFMUState"),
    };
    let variables = variables(root, version)?;
    // Clocks of an output harm nobody; those of an input would have to be driven.
    if variables.iter().any(|variable| variable.kind == Kind::Clock && variable.causality == Causality::Input) {
        return Err(OpenError::Clocks);
    }
    Ok(Description {
        version,
        model_name,
        model_identifier: identifier(unit)?,
        token: root.attribute(token).ok_or_else(|| bad(&format!("{token} is missing")))?.to_owned(),
        description: text_of(root, "description"),
        generation_tool: text_of(root, "generationTool"),
        steps: Steps {
            variable: flag(unit, "canHandleVariableCommunicationStepSize"),
            internal_s: number(unit, "fixedInternalStepSize")?.filter(|step| *step > 0.0),
            default_s: match child(root, "DefaultExperiment") {
                Some(experiment) => number(experiment, "stepSize")?.filter(|step| *step > 0.0),
                None => None,
            },
        },
        keeps_state: flag(unit, state),
        needs_tool: flag(unit, "needsExecutionTool"),
        variables,
    })
}

fn bad(what: &str) -> OpenError {
    OpenError::Description(what.to_owned())
}

/// Text in Latin-1 is valid UTF-8 only by accident, and a file that says it is UTF-8 is.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// The name of the library: a name, not a path.
fn identifier(unit: Node<'_, '_>) -> Result<String, OpenError> {
    let name = unit.attribute("modelIdentifier").ok_or_else(|| bad("modelIdentifier is missing"))?;
    let sane = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(sane) {
        return Err(bad(&format!("modelIdentifier '{name}' is no name of a library")));
    }
    Ok(name.to_owned())
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

fn flag(node: Node<'_, '_>, name: &str) -> bool {
    matches!(node.attribute(name).map(str::trim), Some("true" | "1"))
}

fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn number(node: Node<'_, '_>, name: &str) -> Result<Option<f64>, OpenError> {
    let Some(text) = node.attribute(name) else { return Ok(None) };
    match text.trim().parse::<f64>() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(bad(&format!("{name} '{text}' is no number"))),
    }
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "Real" | "Float64" => Kind::Float64,
        "Float32" => Kind::Float32,
        "Int8" => Kind::Int8,
        "UInt8" => Kind::UInt8,
        "Int16" => Kind::Int16,
        "UInt16" => Kind::UInt16,
        "Integer" | "Int32" => Kind::Int32,
        "UInt32" => Kind::UInt32,
        "Int64" => Kind::Int64,
        "UInt64" => Kind::UInt64,
        "Boolean" => Kind::Boolean,
        "Enumeration" => Kind::Enumeration,
        "String" => Kind::String,
        "Binary" => Kind::Binary,
        "Clock" => Kind::Clock,
        _ => return None,
    })
}

fn variables(root: Node<'_, '_>, version: Version) -> Result<Vec<Variable>, OpenError> {
    let types = child(root, "TypeDefinitions");
    let Some(list) = child(root, "ModelVariables") else { return Ok(Vec::new()) };
    let mut variables = Vec::new();
    for node in list.children().filter(Node::is_element) {
        // 2.0 has the type in a child, 3.0 in the element's own name.
        let typed = match version {
            Version::Two => node.children().find(|child| kind(child.tag_name().name()).is_some()),
            Version::Three => Some(node),
        };
        let Some(typed) = typed else { continue };
        let Some(kind) = kind(typed.tag_name().name()) else { continue };
        let variable = variable(node, typed, kind, types)?;
        // 3.0: the same quantity by other names.
        let aliases = node.children().filter(|child| child.is_element() && child.tag_name().name() == "Alias");
        let aliases: Vec<Variable> = aliases
            .filter_map(|alias| {
                let (name, description) = (alias.attribute("name")?.to_owned(), text_of(alias, "description"));
                Some(Variable { name, description, ..variable.clone() })
            })
            .collect();
        variables.push(variable);
        variables.extend(aliases);
    }
    Ok(variables)
}

fn variable(
    node: Node<'_, '_>,
    typed: Node<'_, '_>,
    kind: Kind,
    types: Option<Node<'_, '_>>,
) -> Result<Variable, OpenError> {
    let name = node.attribute("name").ok_or_else(|| bad("a variable without a name"))?;
    let of = |what: &str| bad(&format!("variable '{name}': {what}"));
    let reference = node.attribute("valueReference").and_then(|text| text.trim().parse().ok());
    let defaults = typed.attribute("declaredType").and_then(|name| declared(types?, name));
    // A variable's own word counts before its type's.
    let bound = |attribute: &str| -> Result<Option<f64>, OpenError> {
        if !kind.is_number() || kind == Kind::Boolean {
            return Ok(None);
        }
        match (number(typed, attribute)?, defaults) {
            (None, Some(defaults)) => number(defaults, attribute),
            (own, _) => Ok(own),
        }
    };
    let array = child(node, "Dimension").is_some();
    Ok(Variable {
        name: name.to_owned(),
        reference: reference.ok_or_else(|| of("valueReference is missing or no number"))?,
        kind,
        causality: causality(node.attribute("causality")).ok_or_else(|| of("causality is not known"))?,
        variability: variability(node.attribute("variability"), kind).ok_or_else(|| of("variability is not known"))?,
        unit: text_of(typed, "unit").or_else(|| text_of(defaults?, "unit")),
        start: if array { None } else { start(typed, kind) },
        min: bound("min")?,
        max: bound("max")?,
        description: text_of(node, "description"),
        array,
    })
}

/// The element of a declared type that has its unit and bounds.
fn declared<'a, 'input>(types: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    let found = types.children().find(|node| node.is_element() && node.attribute("name") == Some(name))?;
    match found.tag_name().name() {
        "SimpleType" => found.children().find(Node::is_element),
        _ => Some(found),
    }
}

fn causality(text: Option<&str>) -> Option<Causality> {
    Some(match text {
        None | Some("local") => Causality::Local,
        Some("parameter") => Causality::Parameter,
        Some("calculatedParameter") => Causality::CalculatedParameter,
        Some("structuralParameter") => Causality::StructuralParameter,
        Some("input") => Causality::Input,
        Some("output") => Causality::Output,
        Some("independent") => Causality::Independent,
        Some(_) => return None,
    })
}

fn variability(text: Option<&str>, kind: Kind) -> Option<Variability> {
    Some(match text {
        None if kind.is_real() => Variability::Continuous,
        None | Some("discrete") => Variability::Discrete,
        Some("constant") => Variability::Constant,
        Some("fixed") => Variability::Fixed,
        Some("tunable") => Variability::Tunable,
        Some("continuous") => Variability::Continuous,
        Some(_) => return None,
    })
}

fn start(typed: Node<'_, '_>, kind: Kind) -> Option<Value> {
    let text = typed.attribute("start")?.trim();
    match kind {
        Kind::Boolean => Some(Value::Bool(matches!(text, "true" | "1"))),
        kind if kind.is_real() => text.parse().ok().map(Value::Real),
        kind if kind.is_number() => text.parse().ok().map(Value::Int),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<fmiModelDescription fmiVersion="2.0" modelName="Furnace" guid="{1}" generationTool="Some">
  <ModelExchange modelIdentifier="FurnaceME"/>
  <CoSimulation modelIdentifier="Furnace" canGetAndSetFMUstate="true"><SourceFiles/></CoSimulation>
  <TypeDefinitions><SimpleType name="T"><Real unit="K" min="0"/></SimpleType></TypeDefinitions>
  <DefaultExperiment stepSize="0.5"/>
  <VendorAnnotations><Tool name="x"><anything/></Tool></VendorAnnotations>
  <ModelVariables>
    <ScalarVariable name="T" valueReference="1" causality="output" canHandleMultipleSetPerTimeInstant="false">
      <Annotations><Tool name="x"/></Annotations><Real declaredType="T" max="2000"/></ScalarVariable>
    <ScalarVariable name="n" valueReference="2" causality="input" variability="discrete"><Integer start="3"/></ScalarVariable>
    <ScalarVariable name="s" valueReference="2" causality="parameter" variability="fixed"><String start="x"/></ScalarVariable>
  </ModelVariables><ModelStructure/>
</fmiModelDescription>"#;

    #[test]
    fn a_description_of_2_0_is_read_with_what_its_types_say() {
        let unit = read(TWO.as_bytes()).expect("good");
        assert_eq!(
            (unit.version, unit.model_identifier.as_str(), unit.token.as_str()),
            (Version::Two, "Furnace", "{1}")
        );
        assert_eq!(unit.steps, Steps { variable: false, internal_s: None, default_s: Some(0.5) });
        assert!(unit.keeps_state);
        let [t, n, s] = unit.variables.as_slice() else { panic!("three variables") };
        assert_eq!((t.unit.as_deref(), t.min, t.max, t.start), (Some("K"), Some(0.0), Some(2000.0), None));
        assert_eq!((n.kind, n.start, n.causality), (Kind::Int32, Some(Value::Int(3)), Causality::Input));
        assert_eq!((s.kind, s.variability), (Kind::String, Variability::Fixed));
        assert_eq!(unit.variable("n").map(|(at, _)| at), Some(1));
    }

    #[test]
    fn latin_1_is_read() {
        let text = TWO.replace("unit=\"K\"", "unit=\"\u{b0}C\"");
        let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let unit = read(&bytes).expect("good");
        assert_eq!(unit.variables[0].unit.as_deref(), Some("\u{b0}C"));
    }

    #[test]
    fn what_cannot_run_is_told_apart() {
        let told =
            |from: &str, to: &str| read(TWO.replace(from, to).as_bytes()).expect_err("must be refused").to_string();
        assert!(told("fmiVersion=\"2.0\"", "fmiVersion=\"1.0\"").contains("FMI 1.0"));
        assert!(told("</fmiModelDescription>", "").contains("modelDescription.xml cannot be read"));
        let exchange = TWO.replace("CoSimulation", "ScheduledExecution");
        assert!(matches!(read(exchange.as_bytes()), Err(OpenError::NotCoSimulation)));
        assert!(told("modelIdentifier=\"Furnace\"", "modelIdentifier=\"../x\"").contains("'../x'"));
        assert!(told("valueReference=\"1\"", "valueReference=\"x\"").contains("variable 'T'"));
        assert!(told("max=\"2000\"", "max=\"hot\"").contains("'hot'"));
        let bomb = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", &TWO[TWO.find("<fmi").expect("there")..]);
        assert!(matches!(read(bomb.as_bytes()), Err(OpenError::Description(_))));
    }

    #[test]
    fn arrays_and_clocks_of_3_0_are_known_for_what_they_are() {
        let text = r#"<fmiModelDescription fmiVersion="3.0" modelName="m" instantiationToken="t">
            <CoSimulation modelIdentifier="m" fixedInternalStepSize="0.1" canHandleVariableCommunicationStepSize="true"/>
            <TypeDefinitions><Float64Type name="T" unit="K" max="9"/></TypeDefinitions>
            <ModelVariables><Float64 name="a" valueReference="1" causality="input" start="1 2"><Dimension start="2"/></Float64>
            <Float64 name="b" valueReference="2" declaredType="T"/><Clock name="c" valueReference="3" causality="local"/>
            </ModelVariables></fmiModelDescription>"#;
        let unit = read(text.as_bytes()).expect("good");
        assert!(unit.variables[0].array && !unit.variables[1].array);
        assert_eq!((unit.variables[1].unit.as_deref(), unit.variables[1].max), (Some("K"), Some(9.0)));
        assert_eq!(unit.steps.internal_s, Some(0.1));
        let clocked = text.replace("causality=\"local\"", "causality=\"input\"");
        assert!(matches!(read(clocked.as_bytes()), Err(OpenError::Clocks)));
    }
}
