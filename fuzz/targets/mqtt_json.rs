//! Any payload: every tag of its topic gives a sample or a complaint, and every value is a number unless it is bad.
#![no_main]

use lehr_fuzz::JSON_TAGS;
use lehr_mqtt::fuzzing::decode;
use lehr_tags::Quality;

libfuzzer_sys::fuzz_target!(|payload: &[u8]| {
    for (topic, tags) in [("plant/a", 5), ("plant/b", 2), ("plant/b/c", 1), ("elsewhere", 0)] {
        let (samples, refused) = decode(&JSON_TAGS, topic, payload);
        if serde_json::from_slice::<serde_json::Value>(payload).is_ok() {
            assert!(samples.len() + refused.len() >= tags, "a tag of {topic} is lost");
        } else {
            assert_eq!((samples.len(), refused.len()), (0, tags.min(1)));
        }
        for sample in samples {
            assert!(sample.value.is_finite() || sample.quality == Quality::Bad, "{sample:?}");
            assert!(sample.tag < JSON_TAGS.len());
        }
    }
});
