//! Checks a value against a schema, and says where it departs.

use super::{HASH, HEX_ID, NOT_BLANK, PERSON, PLAIN_NAME, SPAN, UNIT};
use lehr_domain::{EventMs, SpanMs};
use serde_json::{Map, Value};

/// Where a value departs from its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Path of the member, for instance `defects[0].score`; empty for the value itself.
    pub field: String,
    pub message: String,
}

fn wrong<T>(field: &str, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { field: field.into(), message: message.into() })
}

/// Checks a value. References are looked up in `components`.
pub fn check(schema: &Value, value: &Value, components: &Map<String, Value>) -> Result<(), Wrong> {
    check_at(schema, value, components, "")
}

/// Writes whole floats as integers: to a schema `16.0` is an integer, to serde it is none.
pub fn with_whole_numbers(value: Value) -> Value {
    /// Up to here floats hold every integer.
    const EXACT_MOST: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT_MOST => Value::from(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(with_whole_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name, with_whole_numbers(member))).collect()
        }
        other => other,
    }
}

fn check_at(schema: &Value, value: &Value, components: &Map<String, Value>, at: &str) -> Result<(), Wrong> {
    let Some(keywords) = schema.as_object() else {
        return if schema == &Value::Bool(false) { wrong(at, "is not allowed") } else { Ok(()) };
    };
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let found = components.get(name).ok_or_else(|| Wrong { field: at.into(), message: format!("{name}?") })?;
        return check_at(found, value, components, at);
    }
    for part in keywords.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        check_at(part, value, components, at)?;
    }
    for alternatives in ["anyOf", "oneOf"].iter().filter_map(|key| keywords.get(*key)?.as_array()) {
        check_alternatives(alternatives, value, components, at)?;
    }
    if let Some(kind) = keywords.get("type") {
        check_type(kind, value, at)?;
    }
    let choices = keywords.get("enum").and_then(Value::as_array);
    if choices.is_some_and(|choices| !choices.contains(value)) {
        let texts: Vec<String> = choices.into_iter().flatten().map(Value::to_string).collect();
        return wrong(at, format!("must be one of {}", texts.join(", ")));
    }
    if keywords.get("const").is_some_and(|only| only != value) {
        return wrong(at, format!("must be {}", keywords["const"]));
    }
    match value {
        Value::Number(_) => check_number(keywords, value, at),
        Value::String(text) => check_text(keywords, text, at),
        Value::Array(items) => check_list(keywords, items, components, at),
        Value::Object(members) => check_members(keywords, members, components, at),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn check_alternatives(
    alternatives: &[Value],
    value: &Value,
    components: &Map<String, Value>,
    at: &str,
) -> Result<(), Wrong> {
    let mut mistakes = Vec::new();
    for schema in alternatives {
        match check_at(schema, value, components, at) {
            Ok(()) => return Ok(()),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if let Some(choices) =
        alternatives.iter().map(|schema| Some(schema.get("const")?.to_string())).collect::<Option<Vec<_>>>()
    {
        return wrong(at, format!("must be one of {}", choices.join(", ")));
    }
    // The alternative that fits best is the one in which the mistake lies deepest.
    match mistakes.into_iter().max_by_key(|mistake| mistake.field.len()) {
        Some(mistake) if mistake.field.len() > at.len() => Err(mistake),
        _ => wrong(at, "fits none of the forms that are allowed"),
    }
}

fn check_type(kind: &Value, value: &Value, at: &str) -> Result<(), Wrong> {
    let fits = |kind: &str| match (kind, value) {
        ("null", Value::Null) | ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => true,
        ("array", Value::Array(_)) | ("object", Value::Object(_)) | ("number", Value::Number(_)) => true,
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
        }
        _ => false,
    };
    let kinds: Vec<&str> = match kind {
        Value::String(kind) => vec![kind],
        other => other.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    if kinds.iter().any(|kind| fits(kind)) {
        Ok(())
    } else {
        wrong(at, format!("must be of type {}", kinds.join(" or ")))
    }
}

fn check_number(keywords: &Map<String, Value>, value: &Value, at: &str) -> Result<(), Wrong> {
    let number = value.as_f64().unwrap_or(f64::NAN);
    let bound = |name: &str| keywords.get(name).and_then(Value::as_f64);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), _) if number < least => wrong(at, format!("must be at least {least}")),
        (_, Some(most)) if number > most => wrong(at, format!("must be at most {most}")),
        _ => Ok(()),
    }
}

fn check_text(keywords: &Map<String, Value>, text: &str, at: &str) -> Result<(), Wrong> {
    let bound = |name: &str| keywords.get(name).and_then(Value::as_u64);
    let characters = text.chars().count() as u64;
    if let Some(least) = bound("minLength").filter(|least| characters < *least) {
        return wrong(at, format!("must have at least {least} characters"));
    }
    if let Some(most) = bound("maxLength").filter(|most| characters > *most) {
        return wrong(at, format!("must have at most {most} characters"));
    }
    if let Some(pattern) = keywords.get("pattern").and_then(Value::as_str) {
        matches(pattern, text).map_err(|message| Wrong { field: at.into(), message })?;
    }
    if keywords.get("format").and_then(Value::as_str) == Some("date-time") {
        EventMs::parse(text).map_err(|error| Wrong { field: at.into(), message: error.to_string() })?;
    }
    Ok(())
}

fn check_list(
    keywords: &Map<String, Value>,
    items: &[Value],
    components: &Map<String, Value>,
    at: &str,
) -> Result<(), Wrong> {
    let bound = |name: &str| keywords.get(name).and_then(Value::as_u64);
    if let Some(most) = bound("maxItems").filter(|most| items.len() as u64 > *most) {
        return wrong(at, format!("must have at most {most} entries"));
    }
    if let Some(least) = bound("minItems").filter(|least| (items.len() as u64) < *least) {
        return wrong(at, format!("must have at least {least} entries"));
    }
    if keywords.get("uniqueItems") == Some(&Value::Bool(true))
        && (1..items.len()).any(|i| items[..i].contains(&items[i]))
    {
        return wrong(at, "must not list anything twice");
    }
    let Some(schema) = keywords.get("items") else { return Ok(()) };
    items.iter().enumerate().try_for_each(|(place, item)| {
        let path = format!("{at}[{place}]");
        check_at(schema, item, components, &path)
    })
}

fn check_members(
    keywords: &Map<String, Value>,
    members: &Map<String, Value>,
    components: &Map<String, Value>,
    at: &str,
) -> Result<(), Wrong> {
    let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    let none = Map::new();
    let properties = keywords.get("properties").and_then(Value::as_object).unwrap_or(&none);
    for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            return wrong(&path(name), "is missing");
        }
    }
    for (name, member) in members {
        match (properties.get(name), keywords.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                check_at(schema, member, components, &path(name))?;
            }
            (None, Some(Value::Bool(false))) => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                return wrong(&path(name), format!("is not known; known are {}", known.join(", ")));
            }
            (None, _) => {}
        }
    }
    Ok(())
}

/// The patterns that are used, without an engine for all that could be.
pub fn matches(pattern: &str, text: &str) -> Result<(), String> {
    match pattern {
        NOT_BLANK if text.chars().all(char::is_whitespace) => Err("must not be blank".into()),
        SPAN if !is_span(text) => Err("must be a span such as 500ms, 30s, 10m, 24h or 7d".into()),
        HEX_ID if !is_hex(text, 16) => Err("must be 16 hexadecimal digits".into()),
        HASH if !is_hex(text, 64) => Err("must be 64 hexadecimal digits".into()),
        UNIT if !(1..=20).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) => {
            Err("must be the number of a unit".into())
        }
        PERSON if !is_person(text) => Err("must be letters, digits, blanks and any of . _ @ -".into()),
        PLAIN_NAME if !is_plain_name(text) => Err("must be a plain name of letters, digits and any of _ . -".into()),
        _ => Ok(()),
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_span(text: &str) -> bool {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (amount, unit) = text.split_at(split);
    let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let known = ["ms", "s", "m", "h", "d"].contains(&unit);
    known && digits(whole, 6) && digits(part, 3) && SpanMs::parse(text).is_ok()
}

fn is_person(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
    text.chars().next().is_some_and(plain) && text.chars().all(|c| plain(c) || c == ' ')
}

fn is_plain_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = text.as_bytes();
    bytes.len() <= 100
        && bytes.first().is_some_and(|b| plain(*b))
        && bytes.iter().all(|b| plain(*b) || *b == b'.' || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;
    use crate::api::schema::components;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Example {
        #[schemars(length(min = 1, max = 5), regex(pattern = NOT_BLANK))]
        reason: String,
        #[schemars(range(min = 0.0, max = 1.0))]
        confidence: Option<f64>,
        count: Option<u16>,
        parts: Option<Vec<Part>>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Part {
        kind: crate::auth::Role,
    }

    fn mistake(value: Value) -> (String, String) {
        let wrong = check(&of::<Example>(), &value, &components()).unwrap_err();
        (wrong.field, wrong.message)
    }

    #[test]
    fn a_fitting_body_passes() {
        for value in [
            json!({ "reason": "a" }),
            json!({ "reason": "a", "confidence": 1, "count": 65535, "parts": [{ "kind": "admin" }] }),
            json!({ "reason": "a", "confidence": null, "parts": [] }),
        ] {
            check(&of::<Example>(), &value, &components()).unwrap_or_else(|wrong| panic!("{value}: {wrong:?}"));
        }
    }

    #[test]
    fn whole_floats_are_integers() {
        let value = json!({ "reason": "a", "count": 7.0, "confidence": 1.0 });
        check(&of::<Example>(), &value, &components()).unwrap();
        let read: Example = serde_json::from_value(with_whole_numbers(value)).unwrap();
        assert_eq!((read.count, read.confidence), (Some(7), Some(1.0)));
        assert_eq!(with_whole_numbers(json!([1e300, 0.5, -2.0])), json!([1e300, 0.5, -2]));
    }

    #[test]
    fn mistakes_name_the_member() {
        assert_eq!(mistake(json!([])).0, "");
        assert_eq!(mistake(json!({})), ("reason".into(), "is missing".into()));
        assert_eq!(mistake(json!({ "reason": " " })), ("reason".into(), "must not be blank".into()));
        assert_eq!(mistake(json!({ "reason": "too long" })).0, "reason");
        assert_eq!(mistake(json!({ "reason": "a", "confidence": 1.5 })).0, "confidence");
        assert_eq!(mistake(json!({ "reason": "a", "count": 65536 })).0, "count");
        assert_eq!(mistake(json!({ "reason": "a", "count": 1.5 })).0, "count");
        assert_eq!(mistake(json!({ "reason": "a", "colour": 1 })).0, "colour");
        let (field, message) = mistake(json!({ "reason": "a", "parts": [{ "kind": "admin" }, { "kind": "king" }] }));
        assert_eq!(field, "parts[1].kind");
        assert!(message.contains("viewer"), "{message}");
    }

    #[test]
    fn patterns_mean_what_they_say() {
        for good in ["1s", "30m", "1.5h", "500ms", "7d"] {
            assert_eq!(matches(SPAN, good), Ok(()), "{good}");
        }
        for bad in ["", "10", "s", "1 s", "-1s", "1e3s", "1.s", "1234567s", "1min", "1h30m"] {
            assert!(matches(SPAN, bad).is_err(), "{bad}");
        }
        assert!(matches(HEX_ID, "0123456789abcdef").is_ok() && matches(HEX_ID, "0123456789ABCDEF").is_err());
        let hash = "0123456789abcdef".repeat(4);
        assert!(matches(HASH, &hash).is_ok() && matches(HASH, &hash[1..]).is_err() && matches(HASH, "").is_err());
        assert!(matches(UNIT, "0").is_ok() && matches(UNIT, &u64::MAX.to_string()).is_ok());
        for bad in ["", "-1", "1e3", "0x10", &"1".repeat(21)] {
            assert!(matches(UNIT, bad).is_err(), "{bad}");
        }
        for bad in ["", ".hidden", "a/b", "a b", "..", "ä", &"n".repeat(101)] {
            assert!(matches(PLAIN_NAME, bad).is_err(), "{bad}");
        }
        assert!(matches(PLAIN_NAME, "night_2026-01-05.v2").is_ok());
    }
}
