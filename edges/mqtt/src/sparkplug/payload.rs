//! Payloads: protocol buffers whose fields and numbers the specification gives, and values by their data types.

use lehr_tags::Quality;
use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

/// Metrics of one payload. An empty metric is two bytes on the wire and a hundred times that in memory: without a bound a
/// payload of a megabyte would fill a hundred.
pub const METRICS_MOST: usize = 20_000;

#[derive(Clone, PartialEq, Message)]
pub struct Payload {
    /// When it was sent, ms since 1970.
    #[prost(uint64, optional, tag = "1")]
    pub timestamp: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
    /// 0 to 255, then 0 again.
    #[prost(uint64, optional, tag = "3")]
    pub seq: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    pub alias: Option<u64>,
    /// When it was measured, ms since 1970.
    #[prost(uint64, optional, tag = "3")]
    pub timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "4")]
    pub datatype: Option<u32>,
    #[prost(bool, optional, tag = "5")]
    pub is_historical: Option<bool>,
    #[prost(bool, optional, tag = "6")]
    pub is_transient: Option<bool>,
    #[prost(bool, optional, tag = "7")]
    pub is_null: Option<bool>,
    #[prost(message, optional, tag = "9")]
    pub properties: Option<PropertySet>,
    #[prost(oneof = "MetricValue", tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19")]
    pub value: Option<MetricValue>,
}

/// Data sets, templates and extensions are told apart and not looked into.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum MetricValue {
    #[prost(uint32, tag = "10")]
    Int(u32),
    #[prost(uint64, tag = "11")]
    Long(u64),
    #[prost(float, tag = "12")]
    Float(f32),
    #[prost(double, tag = "13")]
    Double(f64),
    #[prost(bool, tag = "14")]
    Boolean(bool),
    #[prost(string, tag = "15")]
    Text(String),
    #[prost(bytes, tag = "16")]
    Bytes(Vec<u8>),
    #[prost(bytes, tag = "17")]
    DataSet(Vec<u8>),
    #[prost(bytes, tag = "18")]
    Template(Vec<u8>),
    #[prost(bytes, tag = "19")]
    Extension(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
pub struct PropertySet {
    #[prost(string, repeated, tag = "1")]
    pub keys: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub values: Vec<PropertyValue>,
}

/// Only whole numbers and text are looked at: quality and unit.
#[derive(Clone, PartialEq, Message)]
pub struct PropertyValue {
    #[prost(uint32, optional, tag = "1")]
    pub kind: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    pub int: Option<u32>,
    #[prost(string, optional, tag = "8")]
    pub text: Option<String>,
}

/// Types of metrics, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    Int8 = 1,
    Int16 = 2,
    Int32 = 3,
    Int64 = 4,
    UInt8 = 5,
    UInt16 = 6,
    UInt32 = 7,
    UInt64 = 8,
    Float = 9,
    Double = 10,
    Boolean = 11,
    String = 12,
    DateTime = 13,
}

impl DataType {
    pub fn of(number: u32) -> Option<DataType> {
        use DataType::*;
        [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float, Double, Boolean, String, DateTime]
            .into_iter()
            .find(|kind| *kind as u32 == number)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error("the payload is no Sparkplug B: {0}")]
    Malformed(String),
    #[error("the payload has more than {METRICS_MOST} metrics; send them in several messages")]
    TooMany,
}

impl Payload {
    /// # Errors
    /// What is no payload, or has more metrics than are read.
    pub fn read(bytes: &[u8]) -> Result<Payload, PayloadError> {
        let malformed = |error: prost::DecodeError| PayloadError::Malformed(error.to_string());
        let mut rest = bytes;
        let mut metrics = 0;
        while rest.has_remaining() {
            let (number, wire) = decode_key(&mut rest).map_err(malformed)?;
            metrics += usize::from(number == 2 && wire == WireType::LengthDelimited);
            skip_field(wire, number, &mut rest, DecodeContext::default()).map_err(malformed)?;
        }
        if metrics > METRICS_MOST {
            return Err(PayloadError::TooMany);
        }
        Payload::decode(bytes).map_err(malformed)
    }

    pub fn write(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// The payload's sequence number, if it is one.
    pub fn sequence(&self) -> Option<u8> {
        self.seq.and_then(|seq| u8::try_from(seq).ok())
    }

    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name.as_deref() == Some(name))
    }
}

impl Metric {
    /// Without a value.
    pub fn named(name: &str, datatype: DataType) -> Metric {
        Metric { name: Some(name.to_owned()), datatype: Some(datatype as u32), ..Metric::default() }
    }

    /// The value as a number; truth values are 0 and 1. `datatype` is what the birth said, where the message says none.
    /// `None` for what is no number: text, bytes, data sets, templates.
    pub fn number(&self, datatype: Option<u32>) -> Option<f64> {
        let kind = self.datatype.or(datatype).and_then(DataType::of);
        // Negative numbers travel as their two's complement, in 32 or 64 bits; some send eight or sixteen bits alone.
        Some(match (self.value.as_ref()?, kind) {
            (MetricValue::Int(bits), Some(DataType::Int8)) => f64::from(*bits as i8),
            (MetricValue::Int(bits), Some(DataType::Int16)) => f64::from(*bits as i16),
            (MetricValue::Int(bits), Some(DataType::Int32)) => f64::from(*bits as i32),
            (MetricValue::Long(bits), Some(DataType::Int64)) => *bits as i64 as f64,
            (MetricValue::Int(number), _) => f64::from(*number),
            (MetricValue::Long(number), _) => *number as f64,
            (MetricValue::Float(number), _) => f64::from(*number),
            (MetricValue::Double(number), _) => *number,
            (MetricValue::Boolean(truth), _) => f64::from(u8::from(*truth)),
            _ => return None,
        })
    }

    /// What the property of that name is.
    pub fn property(&self, name: &str) -> Option<&PropertyValue> {
        let set = self.properties.as_ref()?;
        let place = set.keys.iter().position(|key| key == name)?;
        set.values.get(place)
    }

    /// Good where nothing is said.
    pub fn quality(&self) -> Quality {
        match self.property("Quality") {
            None => Quality::Good,
            Some(value) => Quality::of_sparkplug(value.int.map_or(-1, |code| code as i32)),
        }
    }

    pub fn has_no_value(&self) -> bool {
        self.is_null.unwrap_or(false) || self.value.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_by_their_types() {
        let metric = |value| Metric { value: Some(value), ..Metric::default() };
        for (value, kind, expected) in [
            (MetricValue::Int((-5i32) as u32), DataType::Int32, Some(-5.0)),
            (MetricValue::Int((-5i8) as u8 as u32), DataType::Int8, Some(-5.0)),
            (MetricValue::Int((-5i32) as u32), DataType::Int8, Some(-5.0)),
            (MetricValue::Int(65_531), DataType::Int16, Some(-5.0)),
            (MetricValue::Int(4_000_000_000), DataType::UInt32, Some(4e9)),
            (MetricValue::Long((-5i64) as u64), DataType::Int64, Some(-5.0)),
            (MetricValue::Long(5_000_000_000), DataType::UInt64, Some(5e9)),
            (MetricValue::Float(1.5), DataType::Float, Some(1.5)),
            (MetricValue::Boolean(true), DataType::Boolean, Some(1.0)),
            (MetricValue::Text("7".into()), DataType::String, None),
            (MetricValue::Template(vec![1]), DataType::Double, None),
        ] {
            assert_eq!(metric(value.clone()).number(Some(kind as u32)), expected, "{value:?} {kind:?}");
        }
    }

    #[test]
    fn a_payload_that_would_fill_the_memory_is_refused() {
        let bytes = [0x12, 0x00].repeat(METRICS_MOST + 1);
        assert_eq!(Payload::read(&bytes), Err(PayloadError::TooMany));
        assert_eq!(Payload::read(&bytes[2..]).unwrap().metrics.len(), METRICS_MOST);
    }

    pub fn metric() -> impl Strategy<Value = Metric> {
        let value = prop_oneof![
            any::<u32>().prop_map(MetricValue::Int),
            any::<u64>().prop_map(MetricValue::Long),
            any::<f64>().prop_filter("equal to itself", |n| !n.is_nan()).prop_map(MetricValue::Double),
            any::<bool>().prop_map(MetricValue::Boolean),
            ".{0,8}".prop_map(MetricValue::Text),
            any::<Vec<u8>>().prop_map(MetricValue::DataSet),
        ];
        let flags = (any::<Option<bool>>(), any::<Option<bool>>(), any::<Option<bool>>());
        let numbers = (any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<u32>>());
        (prop::option::of(".{0,8}"), numbers, flags, prop::option::of(value)).prop_map(
            |(name, numbers, flags, value)| {
                let (alias, timestamp, datatype) = numbers;
                let (is_historical, is_transient, is_null) = flags;
                Metric {
                    name,
                    alias,
                    timestamp,
                    datatype,
                    is_historical,
                    is_transient,
                    is_null,
                    properties: None,
                    value,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(metrics in prop::collection::vec(metric(), 0..8), timestamp in any::<Option<u64>>(), seq in any::<Option<u64>>()) {
            let payload = Payload { timestamp, metrics, seq };
            prop_assert_eq!(Payload::read(&payload.write()).unwrap(), payload);
        }

        #[test]
        fn hostile_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Payload::read(&bytes);
        }

        #[test]
        fn damaged_payloads_are_read_or_refused(metrics in prop::collection::vec(metric(), 1..8), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
            let mut bytes = Payload { timestamp: Some(1), metrics, seq: Some(1) }.write();
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let _ = Payload::read(&bytes);
            let _ = Payload::read(&bytes[..cut.index(bytes.len())]);
        }
    }
}
