//! What others write is read, row by row; what is broken is refused, whatever it is.

use super::super::decode::{Decoded, Decoder, Record};
use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Int8Type, Int32Type, UInt16Type, UInt64Type};
use arrow::ipc::writer::{DictionaryHandling, IpcWriteOptions, StreamWriter};
use lehr_domain::EventMs;
use lehr_tags::Quality;
use proptest::prelude::*;
use std::sync::Arc;

const CONFIG: &str = r#"
    name = "plant"
    bootstrap = ["127.0.0.1:9092"]
    [[rows]]
    topic = "rows"
    format = "arrow"
    [[tag]]
    topic = "furnace"
    format = "arrow"
    value = "/temp"
    time = "/ts"
    time_unit = "s"
    quality = "/q"
    to = { sensor = "x" }
    [[tag]]
    topic = "furnace"
    key = "b"
    format = "arrow"
    value = "/pressure"
    to = { sensor = "y" }
"#;

const AT: EventMs = EventMs(1_769_839_000_000);

fn said(topic: &str, key: &str, payload: &[u8]) -> Decoded {
    let decoder = Decoder::new(&toml::from_str(CONFIG).unwrap());
    decoder.decode(&Record { topic, key: Some(key.as_bytes()), payload: Some(payload), at: Some(AT) })
}

fn stream_with(options: IpcWriteOptions, batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    stream_with(IpcWriteOptions::default(), &[RecordBatch::try_from_iter(columns).unwrap()])
}

fn array<A: arrow::array::Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

/// A sensor, its value, its own time, and its quality.
type Row = (String, f64, Option<EventMs>, Quality);

fn rows(decoded: &Decoded) -> Vec<Row> {
    decoded
        .rows
        .iter()
        .map(|(sensor, sample)| (sensor.clone(), sample.value, sample.times.source, sample.quality))
        .collect()
}

fn reasons(decoded: &Decoded) -> Vec<&str> {
    decoded.refused.iter().map(|refused| refused.why.as_str()).collect()
}

/// The six rows that tests/arrow/make.py writes, of which two cannot be taken.
#[test]
fn what_pyarrow_and_polars_write_is_read_among_columns_of_every_layout() {
    let at = |ms| Some(EventMs(EventMs::parse("2026-01-31T06:00:00Z").unwrap().0 + ms));
    for (name, payload) in [
        ("pyarrow", include_bytes!("../../../tests/arrow/pyarrow.arrows").as_slice()),
        ("pyarrow, as before 2019", include_bytes!("../../../tests/arrow/pyarrow_legacy.arrows")),
        ("polars", include_bytes!("../../../tests/arrow/polars.arrows")),
    ] {
        let decoded = said("rows", "k", payload);
        let found = rows(&decoded);
        assert_eq!(found.len(), 4, "{name}: {decoded:?}");
        assert_eq!(found[0], ("s1".into(), 1520.5, at(250), Quality::Good), "{name}");
        assert_eq!(found[1], ("a sensor with a long name".into(), -4.0, at(1000), Quality::Bad), "{name}");
        assert_eq!(found[2], ("s3".into(), 7.0, None, Quality::Good), "{name}");
        assert!(found[3].1.is_nan() && found[3].2 == at(2000) && found[3].3 == Quality::Bad, "{name}: {found:?}");
        let reasons = reasons(&decoded);
        assert_eq!(reasons.len(), 2, "{name}: {reasons:?}");
        assert!(reasons[0].ends_with("/sensor_id is null; it must be a sensor's name"), "{name}: {reasons:?}");
        assert!(reasons[1].contains("s5: /value is \"NaN\"; it must be a number"), "{name}: {reasons:?}");
        let input = &decoded.refused[0].input;
        assert!(input.starts_with('{') && input.contains("\"quality\":\"good\""), "{name}: {input}");
    }
}

#[test]
fn what_is_no_plain_stream_is_named_with_the_fix() {
    let zstd = include_bytes!("../../../tests/arrow/pyarrow_zstd.arrows").as_slice();
    let file = include_bytes!("../../../tests/arrow/pyarrow_file.arrow").as_slice();
    let good =
        stream(vec![("sensor_id", array(StringArray::from(vec!["s"]))), ("value", array(Int8Array::from(vec![1])))]);
    let twice = [good.as_slice(), good.as_slice()].concat();
    let listed = stream(vec![
        ("sensor_id", array(StringArray::from(vec!["s"]))),
        ("value", array(arrow::array::BinaryArray::from(vec![b"1".as_slice()]))),
    ]);
    for (payload, part) in [
        (zstd, "its buffers are compressed; write them as they are, and let Kafka compress"),
        (file, "it is an Arrow file; write a stream"),
        (b"".as_slice(), "it has no schema"),
        (br#"{"sensor_id":"s","value":1}"#, "it is cut off, or no Arrow IPC stream"),
        (&good[..good.len() - 20], "it is cut off"),
        (&listed, "column value is Binary; it must hold numbers, truth values, text or timestamps"),
    ] {
        let decoded = said("rows", "k", payload);
        assert_eq!((decoded.rows.len(), decoded.refused.len()), (0, 1), "{part}: {decoded:?}");
        assert!(decoded.refused[0].why.contains(part), "{part}: {:?}", decoded.refused);
    }
    let decoded = said("rows", "k", &twice);
    assert_eq!((decoded.rows.len(), decoded.refused.len()), (1, 1), "what was before is taken: {decoded:?}");
    assert!(decoded.refused[0].why.contains("something follows the end"), "{:?}", decoded.refused);
}

#[test]
fn every_way_to_write_a_reading_says_the_same() {
    const MS: i64 = 1_769_839_200_250;
    let sensors: Vec<ArrayRef> = vec![
        array(StringArray::from(vec!["s1", "s2"])),
        array(LargeStringArray::from(vec!["s1", "s2"])),
        array(StringViewArray::from(vec!["s1", "s2"])),
        array(DictionaryArray::<Int8Type>::from_iter(["s1", "s2"])),
        array(DictionaryArray::<Int32Type>::from_iter(["s1", "s2"])),
        array(DictionaryArray::<UInt16Type>::from_iter(["s1", "s2"])),
        array(DictionaryArray::<UInt64Type>::from_iter(["s1", "s2"])),
    ];
    let berlin = "Europe/Berlin";
    let times: Vec<ArrayRef> = vec![
        array(TimestampMillisecondArray::from(vec![MS, MS + 1])),
        array(TimestampMicrosecondArray::from(vec![MS * 1000 + 7, (MS + 1) * 1000]).with_timezone("UTC")),
        array(
            TimestampNanosecondArray::from(vec![MS * 1_000_000, (MS + 1) * 1_000_000 + 999_999]).with_timezone(berlin),
        ),
        array(Int64Array::from(vec![MS, MS + 1])),
        array(UInt64Array::from(vec![MS as u64, MS as u64 + 1])),
        array(StringArray::from(vec!["2026-01-31T06:00:00.250Z", "2026-01-31T07:00:00.251+01:00"])),
    ];
    let values: Vec<ArrayRef> = vec![
        array(Float64Array::from(vec![1.0, 0.0])),
        array(Float32Array::from(vec![1.0, 0.0])),
        array(Int8Array::from(vec![1, 0])),
        array(Int16Array::from(vec![1, 0])),
        array(Int32Array::from(vec![1, 0])),
        array(Int64Array::from(vec![1, 0])),
        array(UInt8Array::from(vec![1, 0])),
        array(UInt16Array::from(vec![1, 0])),
        array(UInt32Array::from(vec![1, 0])),
        array(UInt64Array::from(vec![1, 0])),
        array(BooleanArray::from(vec![true, false])),
        array(StringArray::from(vec!["1", "0"])),
    ];
    let qualities: Vec<ArrayRef> = vec![
        array(StringArray::from(vec!["good", "Uncertain"])),
        array(UInt8Array::from(vec![192, 80])),
        array(DictionaryArray::<Int8Type>::from_iter(["ok", "stale"])),
    ];
    let expected: Vec<Row> = vec![
        ("s1".into(), 1.0, Some(EventMs(MS)), Quality::Good),
        ("s2".into(), 0.0, Some(EventMs(MS + 1)), Quality::Uncertain),
    ];
    for sensor in &sensors {
        for time in &times {
            for value in &values {
                for quality in &qualities {
                    let named = [("quality", quality), ("value", value), ("timestamp", time), ("sensor_id", sensor)];
                    let decoded = said("rows", "k", &stream(named.map(|(name, array)| (name, array.clone())).into()));
                    let types = named.map(|(_, array)| array.data_type().clone());
                    assert_eq!((rows(&decoded), decoded.refused.len()), (expected.clone(), 0), "{types:?}");
                }
            }
        }
    }
    let seconds = array(TimestampSecondArray::from(vec![MS / 1000]));
    let one = vec![
        ("sensor_id", array(StringArray::from(vec!["s1"]))),
        ("timestamp", seconds),
        ("value", array(Float64Array::from(vec![1.0]))),
    ];
    assert_eq!(said("rows", "k", &stream(one)).rows[0].1.times.source, Some(EventMs(MS / 1000 * 1000)));
}

#[test]
fn a_bad_row_takes_no_other_along() {
    let many = stream(vec![
        ("sensor_id", array(StringArray::from(vec![Some("s1"), Some("s2"), None, Some("s4"), Some("s5"), Some("s6")]))),
        ("value", array(Float64Array::from(vec![Some(1.0), None, Some(3.0), Some(f64::INFINITY), None, Some(6.0)]))),
        ("timestamp", array(StringArray::from(vec![Some("soon"), None, None, None, None, None]))),
        ("quality", array(StringArray::from(vec![None, None, None, None, Some("bad"), Some("??")]))),
    ]);
    let decoded = said("rows", "k", &many);
    let kept: Vec<(&str, Quality)> = decoded.rows.iter().map(|(name, row)| (name.as_str(), row.quality)).collect();
    assert_eq!(kept, [("s5", Quality::Bad), ("s6", Quality::Uncertain)]);
    for (reason, part) in reasons(&decoded).iter().zip([
        "s1: /timestamp is \"soon\"; it must be RFC 3339",
        "s2: /value is null; it must be a number",
        "/sensor_id is null",
        "s4: /value is \"inf\"",
        "s6: /quality is \"??\"; it must be good",
    ]) {
        assert!(reason.contains(part), "{reason} has no {part}");
    }
    assert_eq!(decoded.refused.len(), 5);
}

#[test]
fn columns_of_tags_are_found_by_their_pointers_and_missing_ones_are_refused_once() {
    let furnace = vec![
        ("pressure", array(Float64Array::from(vec![3.0, 4.0]))),
        ("temp", array(Float32Array::from(vec![1520.5, 1521.5]))),
        ("q", array(StringArray::from(vec!["good", "uncertain"]))),
        ("ts", array(Int64Array::from(vec![1_769_839_200, 1_769_839_201]))),
    ];
    let decoded = said("furnace", "b", &stream(furnace.clone()));
    let told: Vec<(usize, f64, Quality, Option<i64>)> = decoded
        .samples
        .iter()
        .map(|sample| (sample.tag, sample.value, sample.quality, sample.times.source.map(|at| at.0 / 1000)))
        .collect();
    assert_eq!(
        told,
        [
            (0, 1520.5, Quality::Good, Some(1_769_839_200)),
            (1, 3.0, Quality::Good, None),
            (0, 1521.5, Quality::Uncertain, Some(1_769_839_201)),
            (1, 4.0, Quality::Good, None),
        ]
    );
    assert_eq!(decoded.samples[1].times.server, Some(AT), "the record's time is left");
    assert_eq!(said("furnace", "a", &stream(furnace.clone())).samples.len(), 2, "the key is another");
    let without = furnace.into_iter().filter(|(name, _)| *name != "ts").collect();
    let decoded = said("furnace", "b", &stream(without));
    assert_eq!((decoded.samples.len(), reasons(&decoded)), (2, vec!["topic furnace: there is no column /ts"]));
}

#[test]
fn rows_beyond_the_most_are_refused_and_those_before_are_taken() {
    let batch = |rows: usize| {
        let sensors = vec!["s"; rows];
        let (sensors, values) = (array(StringArray::from(sensors)), array(Int8Array::from(vec![1; rows])));
        RecordBatch::try_from_iter([("sensor_id", sensors), ("value", values)]).unwrap()
    };
    let decoded =
        said("rows", "k", &stream_with(IpcWriteOptions::default(), &[batch(60_000), batch(40_000), batch(1)]));
    assert_eq!((decoded.rows.len(), decoded.refused.len()), (100_000, 1));
    assert!(decoded.refused[0].why.contains("it has 100001 rows, and 100000 are read of a message"));
    // Rows that take no bytes are none.
    let nothing = RecordBatch::try_from_iter([
        ("sensor_id", array(arrow::array::NullArray::new(90_000))),
        ("value", array(arrow::array::NullArray::new(90_000))),
    ]);
    let decoded = said("rows", "k", &stream_with(IpcWriteOptions::default(), &[nothing.unwrap()]));
    assert_eq!(reasons(&decoded), ["topic rows: the payload cannot be read: it has 90000 rows in 0 bytes"]);
}

#[test]
fn dictionaries_grow_and_are_replaced_between_record_batches() {
    let batch = |names: [&str; 3]| {
        let names = array(DictionaryArray::<Int8Type>::from_iter(names));
        let values = array(Int8Array::from(vec![1, 2, 3]));
        RecordBatch::try_from_iter([("sensor_id", names), ("value", values)]).unwrap()
    };
    for handling in [DictionaryHandling::Resend, DictionaryHandling::Delta] {
        let options = IpcWriteOptions::default().with_dictionary_handling(handling);
        // The second begins with the dictionary of the first, so that it may be sent as what is new.
        let payload = stream_with(options, &[batch(["a", "b", "b"]), batch(["a", "b", "c"]), batch(["x", "y", "x"])]);
        let decoded = said("rows", "k", &payload);
        let names: Vec<&str> = decoded.rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "b", "a", "b", "c", "x", "y", "x"], "{handling:?}");
    }
}

fn sound(decoded: &Decoded) -> Result<(), TestCaseError> {
    let all = decoded.samples.iter().chain(decoded.rows.iter().map(|(_, sample)| sample));
    for sample in all {
        prop_assert!(sample.value.is_finite() || sample.quality == Quality::Bad, "{sample:?}");
    }
    prop_assert!(decoded.rows.len() <= 100_000);
    Ok(())
}

const WRITTEN: [&[u8]; 3] = [
    include_bytes!("../../../tests/arrow/pyarrow.arrows"),
    include_bytes!("../../../tests/arrow/pyarrow_legacy.arrows"),
    include_bytes!("../../../tests/arrow/polars.arrows"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let decoded = said("rows", "k", &payload);
        prop_assert!(decoded.rows.len() + decoded.refused.len() >= 1);
        sound(&decoded)?;
    }

    /// Streams that others wrote, with some of their bytes set to others, among them those that make numbers large or
    /// negative, and perhaps cut off.
    #[test]
    fn streams_that_were_damaged_are_read_or_refused(
        which in 0..WRITTEN.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0xff), Just(0x80), Just(0)]), 1..6),
        kept in prop_oneof![4 => Just(1.0), 1 => 0.0..1.0_f64],
    ) {
        let mut payload = WRITTEN[which].to_vec();
        for (place, byte) in damage {
            let place = place.index(payload.len());
            payload[place] = byte;
        }
        payload.truncate((payload.len() as f64 * kept) as usize);
        let decoded = said("rows", "k", &payload);
        // One that is cut off between two of its messages is a stream too, as nothing has to mark the end.
        prop_assert!(kept < 1.0 || decoded.rows.len() + decoded.refused.len() >= 1);
        sound(&decoded)?;
        sound(&said("furnace", "b", &payload))?;
    }
}
