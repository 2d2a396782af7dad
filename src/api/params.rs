//! Path and query parameters: declared once, checked before a handler sees them, and described from the
//! same declaration.

use super::error::ApiError;
use super::schema;
use lehr_domain::{EventMs, SpanMs};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Up to so many characters.
    Text(usize),
    /// A text that matches one of the patterns of [`schema`].
    Pattern(&'static str),
    Time,
    Span,
    Int(i64, i64),
    Number(f64, f64),
    Bool,
    OneOf(&'static [&'static str]),
    /// Several of these, separated by commas.
    SomeOf(&'static [&'static str]),
    /// A JSON object of numbers.
    Numbers,
}

/// A declared parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub required: bool,
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
enum Checked {
    Text(String),
    Time(EventMs),
    Span(SpanMs),
    Int(i64),
    Number(f64),
    Bool(bool),
    Some(Vec<String>),
    Numbers(BTreeMap<String, f64>),
}

/// Magnitude of the greatest number in a [`Kind::Numbers`].
const NUMBER_MOST: f64 = lehr_domain::Micro::MAX_UNITS;

impl Kind {
    pub fn schema(self) -> Value {
        match self {
            Kind::Text(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
            Kind::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
            Kind::Time => schema::time(),
            Kind::Span => json!({ "type": "string", "pattern": schema::SPAN }),
            Kind::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Kind::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
            Kind::Bool => schema::boolean(),
            Kind::OneOf(choices) => json!({ "type": "string", "enum": choices }),
            Kind::SomeOf(choices) => {
                json!({ "type": "array", "items": { "type": "string", "enum": choices }, "minItems": 1 })
            }
            Kind::Numbers => {
                let number = json!({ "type": "number", "minimum": -NUMBER_MOST, "maximum": NUMBER_MOST });
                json!({ "type": "object", "additionalProperties": number })
            }
        }
    }

    fn check(self, text: &str) -> Result<Checked, String> {
        match self {
            Kind::Text(most) => match text.chars().count() {
                0 => Err("must not be empty".into()),
                n if n > most => Err(format!("must have at most {most} characters")),
                _ => Ok(Checked::Text(text.into())),
            },
            Kind::Pattern(pattern) => schema::matches(pattern, text).map(|()| Checked::Text(text.into())),
            Kind::Time => EventMs::parse(text).map(Checked::Time).map_err(|error| error.to_string()),
            Kind::Span => {
                schema::matches(schema::SPAN, text)?;
                SpanMs::parse(text).map(Checked::Span).map_err(|error| error.to_string())
            }
            Kind::Int(least, most) => match text.parse::<i64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(Checked::Int(number)),
                _ => Err(format!("must be a whole number from {least} to {most}")),
            },
            Kind::Number(least, most) => match text.parse::<f64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(Checked::Number(number)),
                _ => Err(format!("must be a number from {least} to {most}")),
            },
            Kind::Bool => match text {
                "true" => Ok(Checked::Bool(true)),
                "false" => Ok(Checked::Bool(false)),
                _ => Err("must be true or false".into()),
            },
            Kind::OneOf(choices) => match choices.contains(&text) {
                true => Ok(Checked::Text(text.into())),
                false => Err(format!("must be one of {}", choices.join(", "))),
            },
            Kind::SomeOf(choices) => {
                let parts: Vec<String> = text.split(',').map(str::to_owned).collect();
                match parts.iter().all(|part| choices.contains(&part.as_str())) {
                    true => Ok(Checked::Some(parts)),
                    false => Err(format!("must be some of {}, separated by commas", choices.join(", "))),
                }
            }
            Kind::Numbers => match serde_json::from_str::<BTreeMap<String, f64>>(text) {
                Ok(numbers) if numbers.values().all(|number| number.abs() <= NUMBER_MOST) => {
                    Ok(Checked::Numbers(numbers))
                }
                Ok(_) => Err(format!("must hold numbers of a magnitude up to {NUMBER_MOST}")),
                Err(error) => Err(format!("must be a JSON object of numbers: {error}")),
            },
        }
    }
}

/// The parameters of a request, checked.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<&'static str, Checked>);

impl Values {
    /// Checks what was given against what is declared: unknown, repeated, missing and malformed parameters
    /// are refused by name.
    pub fn check(declared: &[Param], given: &[(String, String)]) -> Result<Values, ApiError> {
        let mut values = Values::default();
        for (name, text) in given {
            let Some(param) = declared.iter().find(|param| param.name == name) else {
                let known: Vec<&str> = declared.iter().map(|param| param.name).collect();
                let known = if known.is_empty() { "there are none here".into() } else { known.join(", ") };
                return Err(ApiError::bad(name.as_str(), format!("parameter {name} is not known; known: {known}")));
            };
            let checked =
                param.kind.check(text).map_err(|why| ApiError::bad(param.name, format!("parameter {name} {why}")))?;
            if values.0.insert(param.name, checked).is_some() {
                return Err(ApiError::bad(param.name, format!("parameter {name} is given twice")));
            }
        }
        match declared.iter().find(|param| param.required && !values.0.contains_key(param.name)) {
            Some(param) => Err(ApiError::bad(param.name, format!("parameter {} is missing", param.name))),
            None => Ok(values),
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Checked::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn time(&self, name: &str) -> Option<EventMs> {
        match self.0.get(name)? {
            Checked::Time(time) => Some(*time),
            _ => None,
        }
    }

    pub fn span(&self, name: &str) -> Option<SpanMs> {
        match self.0.get(name)? {
            Checked::Span(span) => Some(*span),
            _ => None,
        }
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Checked::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            Checked::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Checked::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn numbers(&self, name: &str) -> Option<&BTreeMap<String, f64>> {
        match self.0.get(name)? {
            Checked::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    pub fn some(&self, name: &str) -> Option<&[String]> {
        match self.0.get(name)? {
            Checked::Some(parts) => Some(parts),
            _ => None,
        }
    }
}

/// The pairs of a query string, decoded.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name, true).map_err(|why| ApiError::bad("query", format!("a parameter's name {why}")))?;
            let value =
                decode(value, true).map_err(|why| ApiError::bad(name.as_str(), format!("parameter {name} {why}")))?;
            Ok((name, value))
        })
        .collect()
}

/// Undoes percent encoding. A stray `%` stands for itself, as in browsers; what is no UTF-8 is refused.
pub fn decode(text: &str, plus_is_blank: bool) -> Result<String, &'static str> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match (bytes[at], hex) {
            (b'%', Some(hex)) => {
                let digits = std::str::from_utf8(hex).map_err(|_| "is not UTF-8")?;
                decoded.push(u8::from_str_radix(digits, 16).map_err(|_| "is not percent-encoded")?);
                at += 2;
            }
            (b'+', _) if plus_is_blank => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &[Param] = &[
        Param { name: "line", kind: Kind::Text(8), about: "", required: false },
        Param { name: "points", kind: Kind::Int(1, 10), about: "", required: true },
        Param { name: "severity", kind: Kind::SomeOf(&["LOW", "HIGH"]), about: "", required: false },
    ];

    fn checked(query: &str) -> Result<Values, String> {
        let pairs = pairs(query).map_err(|error| error.field.unwrap())?;
        Values::check(DECLARED, &pairs).map_err(|error| error.field.unwrap())
    }

    #[test]
    fn good_parameters_are_read() {
        let values = checked("line=Line%20A&points=7&severity=LOW,HIGH").unwrap();
        assert_eq!(values.text("line"), Some("Line A"));
        assert_eq!(values.int("points"), Some(7));
        assert_eq!(values.some("severity").unwrap().len(), 2);
        assert_eq!(values.text("absent"), None);
    }

    #[test]
    fn bad_parameters_are_named() {
        for (query, field) in [
            ("", "points"),
            ("points=11", "points"),
            ("points=", "points"),
            ("points=1&points=2", "points"),
            ("points=1&colour=red", "colour"),
            ("points=1&line=", "line"),
            ("points=1&line=123456789", "line"),
            ("points=1&line=%ff", "line"),
            ("points=1&severity=low", "severity"),
            ("points=1&severity=", "severity"),
            ("points=1&%ff=2", "query"),
        ] {
            assert_eq!(checked(query).unwrap_err(), field, "{query}");
        }
    }

    #[test]
    fn percent_encoding_is_undone_once() {
        assert_eq!(decode("a%2Bb+c%25", true).unwrap(), "a+b c%");
        assert_eq!(decode("a+b%zz%", false).unwrap(), "a+b%zz%");
        assert!(decode("%e2%82", false).is_err());
    }
}
