//! Any payload of a topic with tags and of one with rows: a sample or a reason for each, and numbers unless they are bad.
#![no_main]

use lehr_domain::EventMs;
use lehr_fuzz::kafka::{Config, Decoder, Record};
use lehr_tags::Quality;
use std::sync::LazyLock;

const CONFIG: &str = r#"
    name = "plant"
    bootstrap = ["127.0.0.1:9092"]
    tag = [
        { topic = "tags", value = "/temp", time = "/ts", quality = "/q", to = { sensor = "x" } },
        { topic = "tags", value = "/temp", time = "/ts", time_unit = "ns", quality = "/q", quality_codes = "opc_ua", to = { sensor = "y" } },
        { topic = "tags", key = "k", to = { sensor = "z" } },
    ]
    rows = [{ topic = "rows" }, { topic = "other", sensor = "/a/b", value = "/v/0", time = "", quality = "/q" }]
"#;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let config: Config = toml::from_str(CONFIG).expect("a good source");
    Decoder::new(&config)
});

libfuzzer_sys::fuzz_target!(|payload: &[u8]| {
    let json = serde_json::from_slice::<serde_json::Value>(payload).ok();
    let rows = json.as_ref().map_or(1, |json| json.as_array().map_or(1, Vec::len));
    for (topic, key, least) in [("tags", "k", 3), ("tags", "l", 2), ("rows", "k", rows), ("other", "k", rows)] {
        let at = Some(EventMs(1_800_000_000_000));
        let decoded = DECODER.decode(&Record { topic, key: Some(key.as_bytes()), payload: Some(payload), at });
        let said = decoded.samples.len() + decoded.rows.len() + decoded.refused.len();
        assert!(said >= if json.is_some() { least } else { 1 }, "something of {topic} is lost");
        for sample in decoded.samples.iter().chain(decoded.rows.iter().map(|(_, sample)| sample)) {
            assert!(sample.value.is_finite() || sample.quality == Quality::Bad, "{sample:?}");
        }
    }
});
