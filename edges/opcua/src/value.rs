//! Values of OPC UA as numbers, with quality and time.

use lehr_domain::EventMs;
use lehr_tags::{Quality, Times};
use opcua::types::{DataValue, DateTime, Variant};

/// Variants within variants that are looked through. Part 6 allows an array of them, and no more.
const NESTED_MOST: usize = 4;
/// Bits 10 and 11 of a status code: 01 says that the bits below are those of a data value, 00 that they are 0. There are
/// servers that set the bits and leave the type.
const INFO_RESERVED: u32 = 0b10 << 10;
const OVERFLOW: u32 = 1 << 7;
/// Bad_WaitingForInitialData, without the bits that say more of it.
const WAITING: u32 = 0x8032_0000;

/// What is told of a variable at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Told {
    /// NaN where a bad quality comes without a number.
    pub value: f64,
    pub quality: Quality,
    pub times: Times,
    /// The server had to throw values away because its queue was full.
    pub overflow: bool,
}

/// Of an array, `element` says which. The error says what is there instead of a number.
pub(crate) fn told(data: &DataValue, element: Option<u32>) -> Result<Told, String> {
    let code = data.status.map_or(0, |status| status.bits());
    let quality = Quality::of_opcua(code);
    let times =
        Times { source: data.source_timestamp.and_then(millis), server: data.server_timestamp.and_then(millis) };
    let value = match data.value.as_ref().ok_or("no value").and_then(|value| number(value, element, NESTED_MOST)) {
        Ok(value) => value,
        Err(_) if quality == Quality::Bad => f64::NAN,
        Err(what) => return Err(format!("it is {what}, not a number")),
    };
    Ok(Told { value, quality, times, overflow: overflows(code) })
}

/// Whether the server has not had a value yet: of that there is no measurement, not even a bad one.
pub(crate) fn waits(data: &DataValue) -> bool {
    data.status.is_some_and(|status| status.bits() & 0xFFFF_0000 == WAITING)
}

fn overflows(code: u32) -> bool {
    code & INFO_RESERVED == 0 && code & OVERFLOW != 0
}

fn number(value: &Variant, element: Option<u32>, deep: usize) -> Result<f64, &'static str> {
    if let (Some(element), Variant::Array(array)) = (element, value) {
        let value = array.values.get(element as usize).ok_or("an array that is shorter than element")?;
        return number(value, None, deep);
    }
    if element.is_some() && !matches!(value, Variant::Variant(_) | Variant::DataValue(_)) {
        return Err("a single value; leave element out");
    }
    Ok(match value {
        Variant::Boolean(value) => f64::from(u8::from(*value)),
        Variant::SByte(value) => f64::from(*value),
        Variant::Byte(value) => f64::from(*value),
        Variant::Int16(value) => f64::from(*value),
        Variant::UInt16(value) => f64::from(*value),
        Variant::Int32(value) => f64::from(*value),
        Variant::UInt32(value) => f64::from(*value),
        // Beyond 2^53 the nearest: no measurement has so many digits.
        Variant::Int64(value) => *value as f64,
        Variant::UInt64(value) => *value as f64,
        Variant::Float(value) => f64::from(*value),
        Variant::Double(value) => *value,
        Variant::Variant(inner) if deep > 0 => return number(inner, element, deep - 1),
        Variant::DataValue(inner) if deep > 0 => {
            return inner.value.as_ref().ok_or("no value").and_then(|inner| number(inner, element, deep - 1));
        }
        Variant::Variant(_) | Variant::DataValue(_) => return Err("nested too deep"),
        Variant::Empty => return Err("no value"),
        Variant::Array(_) => return Err("an array; say which with element"),
        Variant::String(_) => return Err("a text"),
        Variant::DateTime(_) => return Err("a time"),
        Variant::ExtensionObject(_) => return Err("a structure"),
        _ => return Err("of another type"),
    })
}

/// `None` for the null time: the server does not know.
fn millis(time: DateTime) -> Option<EventMs> {
    if time.is_null() { None } else { Some(EventMs(time.as_chrono().timestamp_millis())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opcua::types::{BinaryDecodable, ContextOwned, StatusCode};
    use proptest::prelude::*;

    fn data(value: impl Into<Variant>) -> DataValue {
        DataValue { value: Some(value.into()), ..DataValue::default() }
    }

    fn value_of(data: &DataValue, element: Option<u32>) -> Result<f64, String> {
        told(data, element).map(|told| told.value)
    }

    #[test]
    fn numbers_of_all_types_are_numbers() {
        let all = [
            data(true),
            data(-5_i8),
            data(250_u8),
            data(-5_i16),
            data(65_000_u16),
            data(-5_i32),
            data(4_000_000_000_u32),
            data(-5_i64),
            data(1_u64 << 53),
            data(1.5_f32),
            data(1.25_f64),
            data(Variant::Variant(Box::new(Variant::Double(7.0)))),
        ];
        let values: Vec<f64> = all.iter().map(|data| value_of(data, None).unwrap()).collect();
        assert_eq!(values, [1.0, -5.0, 250.0, -5.0, 65e3, -5.0, 4e9, -5.0, 9_007_199_254_740_992.0, 1.5, 1.25, 7.0]);
    }

    #[test]
    fn elements_of_arrays_are_taken_by_index() {
        let zones = data(vec![1.0_f64, 2.0, 3.0]);
        assert_eq!(value_of(&zones, Some(2)), Ok(3.0));
        assert_eq!(value_of(&zones, Some(3)).unwrap_err(), "it is an array that is shorter than element, not a number");
        assert_eq!(value_of(&zones, None).unwrap_err(), "it is an array; say which with element, not a number");
        assert_eq!(value_of(&data(1.0), Some(0)).unwrap_err(), "it is a single value; leave element out, not a number");
    }

    #[test]
    fn quality_and_times_are_told() {
        let at = DateTime::ymd_hms(2026, 1, 2, 3, 4, 5);
        let of = |code: u32| DataValue {
            status: Some(StatusCode::from(code)),
            source_timestamp: Some(at),
            server_timestamp: Some(DateTime::null()),
            ..data(1.0)
        };
        // Good with the overflow bit, Uncertain_LastUsableValue, and the bit with a type that is reserved.
        for (code, quality, overflow) in
            [(0x0480, Quality::Good, true), (0x4090_0000, Quality::Uncertain, false), (0x0880, Quality::Good, false)]
        {
            let found = told(&of(code), None).unwrap();
            assert_eq!((found.quality, found.overflow), (quality, overflow), "{code:x}");
            assert_eq!(found.times.source, Some(EventMs::parse("2026-01-02T03:04:05Z").unwrap()));
            assert_eq!(found.times.server, None);
        }
        let bad = DataValue { value: None, ..of(0x808A_0000) };
        let found = told(&bad, None).unwrap();
        assert!(found.value.is_nan() && found.quality == Quality::Bad);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), element in any::<Option<u32>>()) {
            let context = ContextOwned::default();
            if let Ok(data) = DataValue::decode(&mut bytes.as_slice(), &context.context()) {
                let _ = told(&data, element);
            }
            if let Ok(value) = Variant::decode(&mut bytes.as_slice(), &context.context()) {
                let _ = told(&DataValue { value: Some(value), ..DataValue::default() }, element);
            }
        }
    }
}
