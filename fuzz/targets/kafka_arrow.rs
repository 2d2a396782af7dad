//! Any payload of a topic whose messages are Arrow streams: rows, or a reason, and numbers unless they are bad.
#![no_main]

use lehr_domain::EventMs;
use lehr_fuzz::kafka::{Config, Decoder, Record};
use lehr_tags::Quality;
use std::sync::LazyLock;

const CONFIG: &str = r#"
    name = "plant"
    bootstrap = ["127.0.0.1:9092"]
    tag = [
        { topic = "tags", format = "arrow", value = "/value", time = "/timestamp", quality = "/quality", to = { sensor = "x" } },
        { topic = "tags", format = "arrow", key = "k", value = "/revision", time = "/timestamp", time_unit = "ns", to = { sensor = "y" } },
    ]
    rows = [{ topic = "rows", format = "arrow" }]
"#;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let config: Config = toml::from_str(CONFIG).expect("a good source");
    Decoder::new(&config)
});

libfuzzer_sys::fuzz_target!(|payload: &[u8]| {
    for topic in ["tags", "rows"] {
        let at = Some(EventMs(1_800_000_000_000));
        let decoded = DECODER.decode(&Record { topic, key: Some(b"k"), payload: Some(payload), at });
        let rows = decoded.rows.len().max(decoded.samples.len() / 2);
        assert!(rows <= 100_000 && rows <= payload.len() * 8, "more rows of {topic} than bytes can hold");
        for sample in decoded.samples.iter().chain(decoded.rows.iter().map(|(_, sample)| sample)) {
            assert!(sample.value.is_finite() || sample.quality == Quality::Bad, "{sample:?}");
        }
    }
});
