//! Any bytes as a model's file: what it says of itself within its limits, or a reason. What was read is read again from
//! a file that says it, and what is no metadata changes nothing.
#![no_main]

use lehr_fuzz::registry::described::Description;
use serde_json::{Map, Value};

/// Bytes of the metrics, and characters of every other text, as they are promised.
const METRICS_MOST: usize = 256 << 10;
const TEXT_MOST: usize = 200;
/// A reason quotes a part of what it is about.
const REASON_MOST: usize = 400;

/// A field of a message that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

fn file(said: &Description) -> Vec<u8> {
    let (model, version) = (said.model.to_string(), said.version.to_string());
    let entries = [
        ("lehr.model", &model),
        ("lehr.version", &version),
        ("lehr.trained", &said.trained),
        ("lehr.data", &said.data),
        ("lehr.schema", &said.schema),
        ("lehr.metrics", &said.metrics),
    ];
    let entry =
        |(key, value): (&str, &String)| field(14, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    entries.into_iter().flat_map(entry).collect()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match Description::read(bytes) {
        Ok(said) => {
            for text in [&said.trained, &said.data, &said.schema] {
                assert!(text.chars().count() <= TEXT_MOST);
            }
            assert!(said.metrics.len() <= METRICS_MOST);
            serde_json::from_str::<Map<String, Value>>(&said.metrics).expect("metrics are an object");
            assert_eq!(Description::read(&file(&said)).as_ref(), Ok(&said));
            // A graph before it, and a field that nobody knows behind.
            let more = [&field(7, b"nodes")[..], bytes, &[15 << 3, 1]].concat();
            assert_eq!(Description::read(&more), Ok(said));
        }
        Err(why) => assert!((1..REASON_MOST).contains(&why.to_string().chars().count()), "{why}"),
    }
});
