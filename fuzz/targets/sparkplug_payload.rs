//! Any bytes: a payload, or a reason why not; and what is read is written so that it reads the same.
#![no_main]

use lehr_mqtt::sparkplug::Payload;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(payload) = Payload::read(bytes) else { return };
    let written = payload.write();
    let again = Payload::read(&written).expect("what was written can be read");
    // Compared as bytes: a float may be no number, and equals nothing then.
    assert_eq!(again.write(), written);
    let _ = payload.sequence();
    for metric in &payload.metrics {
        for datatype in (0..40).map(Some).chain([None]) {
            let _ = metric.number(datatype);
        }
        let _ = (metric.quality(), metric.has_no_value());
    }
});
