//! Fields of JSON messages, found by pointers (RFC 6901). Pure.
//!
//! Errors name the field and what it must be, for whoever looks after the publisher.

use crate::quality::Quality;
use lehr_domain::EventMs;
use serde::Deserialize;
use serde_json::Value;

/// Of a time that is a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    S,
    #[default]
    Ms,
    Us,
    Ns,
}

/// Numbers for quality. The words good, uncertain, bad, and true and false, are always understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityCodes {
    /// 192 and above good, 64 and above uncertain, less bad.
    #[default]
    OpcDa,
    OpcUa,
    /// 192 good, 500 stale, 0 bad.
    Sparkplug,
}

/// Characters of a field that an error shows.
const SHOWN: usize = 60;

/// A field that has to be there.
pub fn field<'m>(message: &'m Value, at: &str) -> Result<&'m Value, String> {
    message.pointer(at).ok_or_else(|| format!("there is no {at}"))
}

/// A field that may be left out, or be null.
pub fn optional<'m>(message: &'m Value, at: &str) -> Option<&'m Value> {
    message.pointer(at).filter(|found| !found.is_null())
}

/// The beginning of a field, as an error shows it.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN).chain("…".chars()).collect() }
}

/// A number, a truth value, or text that is a number.
pub fn number(found: &Value, at: &str) -> Result<f64, String> {
    let number = match found {
        Value::Number(number) => number.as_f64(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| {
        let place = if at.is_empty() { "the payload" } else { at };
        format!("{place} is {}; it must be a number or a truth value", shown(found))
    })
}

/// RFC 3339, or a number since 1970.
pub fn time(found: &Value, at: &str, unit: TimeUnit) -> Result<EventMs, String> {
    let must = || format!("{at} is {}; it must be RFC 3339, as 2026-01-31T06:00:00Z, or a number", shown(found));
    let number = match found {
        Value::String(text) => return EventMs::parse(text).map_err(|_| must()),
        Value::Number(number) => number,
        _ => return Err(must()),
    };
    let (multiply, divide) = match unit {
        TimeUnit::S => (1000.0, 1),
        TimeUnit::Ms => (1.0, 1),
        TimeUnit::Us => (1.0, 1000),
        TimeUnit::Ns => (1.0, 1_000_000),
    };
    // Whole numbers stay whole: nanoseconds since 1970 are more than a double can hold.
    match number.as_i64() {
        Some(whole) if multiply == 1.0 => Ok(EventMs(whole.div_euclid(divide))),
        _ => {
            let ms = number.as_f64().ok_or_else(must)? * multiply / divide as f64;
            if ms.abs() > 9e15 { Err(must()) } else { Ok(EventMs(ms.floor() as i64)) }
        }
    }
}

/// A word, a truth value or a code.
pub fn quality(found: &Value, at: &str, codes: QualityCodes) -> Result<Quality, String> {
    let quality = match found {
        Value::Bool(true) => Some(Quality::Good),
        Value::Bool(false) => Some(Quality::Bad),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "good" | "ok" => Some(Quality::Good),
            "uncertain" | "stale" => Some(Quality::Uncertain),
            "bad" => Some(Quality::Bad),
            _ => None,
        },
        Value::Number(number) => number.as_u64().and_then(|code| u32::try_from(code).ok()).map(|code| match codes {
            QualityCodes::OpcDa if code >= 192 => Quality::Good,
            QualityCodes::OpcDa if code >= 64 => Quality::Uncertain,
            QualityCodes::OpcDa => Quality::Bad,
            QualityCodes::OpcUa => Quality::of_opcua(code),
            QualityCodes::Sparkplug => Quality::of_sparkplug(i32::try_from(code).unwrap_or(-1)),
        }),
        _ => None,
    };
    quality.ok_or_else(|| format!("{at} is {}; it must be good, uncertain, bad, a truth value or a code", shown(found)))
}

/// What is said of a value's quality (nothing: it is good), and what is wrong with that: such a value is taken all the
/// same, but not as one that is known to be good.
pub fn trust(said: Result<Option<(&Value, &str)>, String>, codes: QualityCodes) -> (Quality, Option<String>) {
    let read = said.and_then(|said| said.map(|(found, at)| quality(found, at, codes)).transpose());
    match read {
        Ok(quality) => (quality.unwrap_or(Quality::Good), None),
        Err(why) => (Quality::Uncertain, Some(why)),
    }
}

/// The value, which may be none where it is bad.
pub fn measured(found: Result<&Value, String>, at: &str, quality: Quality) -> Result<f64, String> {
    match found.and_then(|found| number(found, at)) {
        Err(_) if quality == Quality::Bad => Ok(f64::NAN),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_without_a_quality_that_can_be_read_is_not_known_to_be_good() {
        let message = json!({ "v": "7.5", "q": "??", "none": null });
        let said = |at| Ok(optional(&message, at).map(|found| (found, at)));
        assert_eq!(trust(said("/none"), QualityCodes::OpcDa), (Quality::Good, None));
        let (quality, complaint) = trust(said("/q"), QualityCodes::OpcDa);
        assert_eq!(quality, Quality::Uncertain);
        assert!(complaint.is_some_and(|why| why.starts_with("/q is \"??\"; it must be good")));
        assert_eq!(measured(field(&message, "/v"), "/v", quality), Ok(7.5));
        assert_eq!(measured(field(&message, "/x"), "/x", quality), Err("there is no /x".into()));
        assert!(measured(field(&message, "/none"), "/none", Quality::Bad).is_ok_and(f64::is_nan));
    }

    #[test]
    fn times_and_codes_are_read_in_their_units() {
        let at = |found: Value, unit| time(&found, "/t", unit);
        assert_eq!(at(json!(1_769_839_200_123_456_789_i64), TimeUnit::Ns), Ok(EventMs(1_769_839_200_123)));
        assert_eq!(at(json!(1_769_839_200.25), TimeUnit::S), Ok(EventMs(1_769_839_200_250)));
        assert_eq!(at(json!("2026-01-31T06:00:00.250Z"), TimeUnit::S), Ok(EventMs(1_769_839_200_250)));
        assert!(at(json!(1e300), TimeUnit::Ms).is_err() && at(json!([]), TimeUnit::Ms).is_err());
        let code = |code: u64, codes| quality(&json!(code), "/q", codes).unwrap();
        let three = [Quality::Good, Quality::Uncertain, Quality::Bad];
        assert_eq!([192, 80, 0].map(|q| code(q, QualityCodes::OpcDa)), three);
        assert_eq!([0, 0x4000_0000, 0x8000_0000].map(|q| code(q, QualityCodes::OpcUa)), three);
        assert_eq!([192, 500, 0].map(|q| code(q, QualityCodes::Sparkplug)), three);
    }
}
